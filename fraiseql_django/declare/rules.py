"""Rules: who may see a type or a field, who may run a mutation, and which rows of a type a viewer sees.

A permission is a function of the viewer that returns whether they may. A row rule returns a condition of the ORM on
the type's model; True stands for every row, False for none.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value

from ..coroutines import is_coroutine_function
from ..errors import DeclarationError
from ..viewer import asking
from .reporting import report
from .translations import in_language


class AnyViewer(Protocol):
    """The argument of a rule: a viewer, or while an operation is planned a stand-in for all viewers alike."""

    @property
    def id(self) -> Any:
        """The user's key, to compare with; SQL's null where nobody is signed in."""
        ...

    @property
    def is_authenticated(self) -> bool:
        """Whether the user is signed in."""
        ...

    @property
    def is_staff(self) -> bool:
        """Whether the user may use Django's admin."""
        ...

    @property
    def is_superuser(self) -> bool:
        """Whether the user has every permission."""
        ...

    def has_perm(self, permission: str) -> bool:
        """Whether the user has a permission of Django's, like "shop.view_order"."""
        ...

    def has_role(self, role: str) -> bool:
        """Whether the user is in a group of Django's with this name."""
        ...

    async def ahas_perm(self, permission: str) -> bool:
        """What ``has_perm`` returns, in a coroutine."""
        ...

    async def ahas_role(self, role: str) -> bool:
        """What ``has_role`` returns, in a coroutine."""
        ...

    def value(self, name: str, type_: type = str) -> Any:
        """The value that the context, the request or its user has under a name, to compare with."""
        ...


Permission: TypeAlias = Callable[[AnyViewer], bool]
AsyncPermission: TypeAlias = Callable[[AnyViewer], Awaitable[bool]]
RowRule: TypeAlias = Callable[[AnyViewer], "Q | bool"]
# What declarations take as ``permission``: a rule, the name of a permission of Django's, a function of the viewer
Permitted: TypeAlias = "Rule | str | Permission | AsyncPermission | None"


@runtime_checkable
class ChecksModel(Protocol):
    """A row rule that fits some models only."""

    def check_model(self, model: type[models.Model], name: str) -> None:
        """Raise DeclarationError where ``name``, a type or a mutation over a model, cannot have this rule."""
        ...


def check_rows(rows: Any, model: type[models.Model], name: str) -> None:
    """Raise DeclarationError where ``rows`` is no row rule, or does not fit a model; ``name`` is for the error."""
    if rows is not None and not callable(rows):
        raise DeclarationError(f"{name}: rows is {rows!r}, must be a function of the viewer")
    if is_coroutine_function(rows):
        raise DeclarationError(
            f"{name}: rows is a coroutine function, but a row rule becomes a part of the statement, which waits for "
            "nothing; await in a middleware, and compare with viewer.value(…)"
        )
    if isinstance(rows, ChecksModel):
        rows.check_model(model, name)


class ModelCondition(ABC):
    """A part of a Q that depends on the model of the query it stands in; its own Q selects each row once."""

    conditional = True

    @abstractmethod
    def on(self, model: type[models.Model]) -> Q:
        """Return the condition on the rows of a model."""

    def resolve_expression(self, query: Any, *args: Any, **options: Any) -> Any:
        """Resolve the condition as an expression in a query (Django documentation, "Query Expressions")."""
        return self.on(query.model).resolve_expression(query, *args, **options)


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """A permission, and its name in errors and in the log.

    ``of_viewer`` says that it asks nothing but the viewer; others are asked again at every execution. ``waits`` is the
    coroutine function that ``allows`` runs to its end.
    """

    name: str
    allows: Permission
    of_viewer: bool = False
    waits: AsyncPermission | None = None


def _is_authenticated(viewer: AnyViewer) -> bool:
    return viewer.is_authenticated


requires_auth: Rule = Rule("requires_auth", _is_authenticated, of_viewer=True)
"""Allows viewers who are signed in."""


def requires_permission(*permissions: str) -> Rule:
    """Allow viewers who have all of these permissions of Django's, like "shop.view_order"."""
    wrong = [name for name in permissions if not isinstance(name, str) or name.count(".") != 1]
    if wrong or not permissions:
        report(DeclarationError(f"requires_permission takes names like 'shop.view_order', not {wrong or 'nothing'}"))
    return Rule(
        f"requires_permission({', '.join(map(repr, permissions))})",
        lambda viewer: all(viewer.has_perm(name) for name in permissions),
        of_viewer=True,
    )


def requires_role(*roles: str) -> Rule:
    """Allow viewers who are in one of these groups of Django's."""
    if not roles or not all(isinstance(role, str) and role for role in roles):
        report(DeclarationError(f"requires_role takes names of groups, not {roles!r}"))
    return Rule(
        f"requires_role({', '.join(map(repr, roles))})",
        lambda viewer: any(viewer.has_role(role) for role in roles),
        of_viewer=True,
    )


class _Comparing:
    """A viewer whose missing values are SQL's null: for None, the ORM's IS NULL would select rows of nobody."""

    def __init__(self, viewer: AnyViewer) -> None:
        self._viewer = viewer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._viewer, name)

    @property
    def id(self) -> Any:
        return _or_null(self._viewer.id)

    def value(self, name: str, type_: type = str) -> Any:
        return _or_null(self._viewer.value(name, type_))


def _or_null(value: Any) -> Any:
    return Value(None) if value is None else value


def condition(rows: RowRule, viewer: AnyViewer, name: str) -> Q | bool:
    """Return the condition on the rows of the type ``name`` that a viewer sees.

    Raises DeclarationError for a rule that returns anything else than a condition, True or False.
    """
    comparing: Any = _Comparing(viewer)
    found = rows(comparing)
    if not isinstance(found, (Q, bool)):
        raise DeclarationError(f"the row rule of {name} returned {found!r}, must be a Q, True or False")
    return found


def restrict(queryset: QuerySet[Any], condition: Q | bool) -> QuerySet[Any]:
    """Restrict a query to the rows that fulfil a rule's condition, each of them once."""
    if isinstance(condition, bool):
        return queryset if condition else queryset.none()
    return queryset.filter(once(queryset.model, condition))


def once(model: type[models.Model], condition: Q) -> Q:
    """Return a condition that selects the same rows, each of them once."""
    condition = in_language(model, condition)
    if not _may_multiply(model, condition):
        return condition
    # a join with a list of rows would repeat the row
    return Q(Exists(QuerySet(model).filter(condition, pk=OuterRef("pk"))))


def _may_multiply(model: type[models.Model], condition: Q) -> bool:
    """Whether a condition's joins may repeat a row: those of lists, and those of expressions, which are not known."""
    for child in condition.children:
        if isinstance(child, Q):
            if _may_multiply(model, child):
                return True
        elif isinstance(child, tuple):
            if _leads_to_many(model, child[0]) or _is_computed(child[1]):
                return True
        elif not isinstance(child, (Exists, ModelCondition)):
            return True
    return False


def _is_computed(value: Any) -> bool:
    """Whether a condition compares with an expression of columns, which may be those of a list."""
    return isinstance(value, F) or bool(getattr(value, "get_source_expressions", list)())


def _leads_to_many(model: type[models.Model], lookup: str) -> bool:
    here: Any = model
    for part in lookup.split("__"):
        if part == "pk" or here is None:
            return False
        try:
            field = here._meta.get_field(part)
        except FieldDoesNotExist:
            # a lookup, or a column behind a key
            return False
        if field.many_to_many or field.one_to_many:
            return True
        here = field.related_model if field.is_relation else None
    return False


def as_rule(permission: Any, where: str) -> Rule | None:
    """Return what a declaration's ``permission`` means: a Rule, a permission's name or a function of the viewer."""
    if permission is None or isinstance(permission, Rule):
        return permission
    if isinstance(permission, str):
        return requires_permission(permission)
    if callable(permission):
        waits = permission if is_coroutine_function(permission) else None
        return Rule(getattr(permission, "__name__", "a function"), asking(permission), waits=waits)
    raise DeclarationError(
        f"{where}: permission is {permission!r}, must be a rule, a name like 'shop.view_order', or a function of "
        "the viewer"
    )
