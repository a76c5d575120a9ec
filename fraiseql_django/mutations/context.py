"""What a mutation runs with: ``Info`` for a project's own code, ``MutationContext`` for the package's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import GenericAlias
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from asgiref.sync import sync_to_async
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from .._django import concrete_model
from ..audit import OperationContext
from ..declare.rules import RowRule, condition, restrict
from ..errors import FraiseQLError
from ..execution.field_errors import FieldError
from ..schema.arguments import CallDef
from ..schema.conventions import Conventions
from ..schema.definition import TypeDef
from ..storage.base import Storage
from ..viewer import Viewer, read_user

M = TypeVar("M", bound=Model)
# By model, the row rules of the types over it, with the types' names
RowRules: TypeAlias = Mapping[Any, Sequence[tuple[str, RowRule]]]


class WrongResult(FraiseQLError):
    """A mutation returned something else than it declares."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The JSON text of a mutation's selection; ``failed`` says that its result is an error.

    ``errors`` are those of stored values that cannot stand in the text; with ``lost``, null stands for all of it.
    """

    text: bytes
    failed: bool = False
    errors: tuple[FieldError, ...] = ()
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """A result of the object type ``name``: its values, by the keys of its fields."""

    name: str
    values: Mapping[str, Any]


def _cannot_answer(result: Any) -> Answer:
    raise FraiseQLError("only an Info that an engine made can answer")


if TYPE_CHECKING:
    # a part of typing since Python 3.13; checkers know it without the package
    from typing_extensions import TypeVar as TypeVarWithDefault

    UserT = TypeVarWithDefault("UserT", default=Any)
    ContextT = TypeVarWithDefault("ContextT", default=Any)

    class _OfProject(Generic[UserT, ContextT]):
        """What has a project's user and context."""
else:
    UserT, ContextT = TypeVar("UserT"), TypeVar("ContextT")

    class _OfProject:
        __slots__ = ()
        __class_getitem__ = classmethod(GenericAlias)


@dataclass(frozen=True, slots=True, kw_only=True)
class Info(_OfProject[UserT, ContextT]):
    """What a mutation in Python knows of the operation that it is a part of.

    ``request`` is the HTTP request, None where the engine is used without one. ``context`` is the argument of
    ``engine.execute``. ``database`` is the alias in DATABASES that the answer is read from. For type checkers,
    ``Info[User]`` has a ``user`` of this type, ``Info[User, Context]`` also such a ``context``; ``Any`` without.
    """

    field_name: str
    response_key: str
    operation_name: str | None
    request: HttpRequest | None
    context: ContextT
    database: str = "default"
    _row_rules: RowRules = field(default_factory=dict, repr=False, compare=False)
    _answer: Callable[[Any], Answer] = field(default=_cannot_answer, repr=False, compare=False)

    @property
    def viewer(self) -> Viewer:
        """The user on whose behalf the operation runs, as rules see it."""
        return Viewer(self.request, self.context)

    @property
    def user(self) -> UserT:
        """The user of the request as Django's authentication set it, or None."""
        user: UserT = self.viewer.user
        return user

    async def auser(self) -> Any:
        """Return ``user``, in a coroutine, where reading it may take a statement; from then on ``user`` takes none."""
        viewer = self.viewer
        await sync_to_async(read_user)(viewer)
        return viewer.user

    def visible(self, model: type[M]) -> QuerySet[M]:
        """Return the rows of a model that the viewer sees: by its default manager and all types' row rules."""
        rules = self._row_rules.get(concrete_model(model), ())
        return passing(model, rules, self.viewer, self.database)

    def answer(self, result: Any) -> Any:
        """Read now what the client selected of a result, and return that: for rows that are about to be deleted.

        The mutation returns it in place of the result.
        """
        return self._answer(result)


# What tells a function who the viewer is, or what else the request has
_OF_VIEWER = frozenset({"request", "context", "viewer", "user", "auser", "visible"})


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedInfo(Info):
    """An Info that knows whether it was asked who the viewer is: what a query answers may then depend on that."""

    _asked: list[str] = field(default_factory=list, repr=False, compare=False)

    def __getattribute__(self, name: str) -> Any:
        """Note what tells of the viewer."""
        if name in _OF_VIEWER:
            object.__getattribute__(self, "_asked").append(name)
        return object.__getattribute__(self, name)

    @property
    def has_asked(self) -> bool:
        """Whether it was asked for anything that tells of the viewer."""
        return bool(self._asked)


def info_of(
    asked: OperationContext,
    field: CallDef,
    response_key: str,
    row_rules: RowRules,
    answer: Callable[[Any], Answer] = _cannot_answer,
) -> Info:
    """Return what the function that answers a root field of an operation is called with."""
    return Info(**_about(asked, field, response_key, row_rules), _answer=answer)


def watched_info_of(asked: OperationContext, field: CallDef, response_key: str, row_rules: RowRules) -> WatchedInfo:
    """Return the same of a query."""
    return WatchedInfo(**_about(asked, field, response_key, row_rules))


def _about(asked: OperationContext, field: CallDef, response_key: str, row_rules: RowRules) -> dict[str, Any]:
    return {
        "field_name": field.name,
        "response_key": response_key,
        "operation_name": asked.operation_name,
        "request": asked.viewer.request,
        "context": asked.viewer.context,
        "database": asked.alias,
        "_row_rules": row_rules,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class MutationContext:
    """What running one mutation takes.

    ``info``            what a project's own code is called with
    ``storage``         the database that the mutation writes to
    ``conventions``     the settings that the schema was built with
    ``row_rules``       the row rules of the types over each model
    ``types``           the declared types, by name
    ``answer``          reads what the client selected of a result
    ``may_introspect``  whether the viewer may see names of the schema in errors (``INTROSPECTION``)
    ``chosen``          reads the keys of the rows that a condition chooses, as JSON has their values
    ``may_hide``        whether policies of row security may hide rows of a model
    """

    info: Info
    storage: Storage
    conventions: Conventions
    row_rules: RowRules
    types: Mapping[str, TypeDef]
    answer: Callable[[Any], Answer]
    may_introspect: Callable[[], bool]
    chosen: Callable[[], Sequence[Sequence[Any]]] = tuple
    may_hide: Callable[[type[Model]], bool] = lambda model: False

    @property
    def viewer(self) -> Viewer:
        """The user on whose behalf the mutation runs, as rules see it."""
        return self.info.viewer

    @property
    def database(self) -> str:
        """The alias in DATABASES that the mutation writes to."""
        return self.info.database

    def rules(self, model: type[Model]) -> Sequence[tuple[str, RowRule]]:
        """Return the row rules of the types over a model, with the types' names."""
        return self.row_rules.get(concrete_model(model), ())

    def types_over(self, model: type[Model]) -> Sequence[TypeDef]:
        """Return the types over a model."""
        concrete = concrete_model(model)
        return [
            type_ for type_ in self.types.values() if type_.source is None and concrete_model(type_.model) is concrete
        ]

    def visible(self, model: type[M]) -> QuerySet[M]:
        """Return the rows of a model that the viewer sees: by its default manager and all types' row rules."""
        return self.passing(model, self.rules(model))

    def passing(self, model: type[M], rules: Sequence[tuple[str, RowRule]]) -> QuerySet[M]:
        """Return the rows of a model that its default manager shows and that fulfil these rules for the viewer."""
        return passing(model, rules, self.viewer, self.database)


def passing(model: type[M], rules: Sequence[tuple[str, RowRule]], viewer: Viewer, database: str) -> QuerySet[M]:
    """Return the rows of a model that its default manager shows and that fulfil rules for a viewer."""
    rows: QuerySet[M] = model._default_manager.using(database)
    for name, rule in rules:
        rows = restrict(rows, condition(rule, viewer, name))
    return rows
