"""``create``, ``update``, ``delete``, ``upsert`` and ``nested``: declarations of mutations from models.

They are checked against the model when the schema is built (``mutations.models``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from ..errors import DeclarationError
from .registry import MutationDeclaration, Registry, TypeDeclaration, check_cost, default_registry
from .reporting import report
from .rules import RowRule

Kind = Literal["create", "update", "delete", "upsert"]
WAYS = ("connect", "create", "disconnect", "set")


@dataclass(frozen=True, slots=True, kw_only=True)
class NestedWrite:
    """``nested(…)``: a relation, the ways in which clients may write through it, and the fields of new objects."""

    name: str
    ways: frozenset[str]
    create: FieldNames


FieldNames: TypeAlias = Sequence[str | NestedWrite]


def nested(
    name: str,
    *,
    connect: bool = False,
    create: FieldNames = (),
    disconnect: bool = False,
    set: bool = False,
) -> NestedWrite:
    """Let clients write through a relation, in the named ways.

    ``connect`` refers to objects that exist. ``create`` creates objects from these fields, in which ``nested`` may
    stand again. ``disconnect`` removes objects from the relation. ``set`` replaces all of them.

    Raises DeclarationError where no way is named, or ``create`` is no list.
    """
    if isinstance(create, str) or not all(isinstance(item, (str, NestedWrite)) for item in create):
        report(DeclarationError(f"nested({name!r}): create is {create!r}, must be a list of names or nested(…)"))
        create = ()
    allowed = {"connect": connect, "create": bool(create), "disconnect": disconnect, "set": set}
    ways = frozenset(way for way in WAYS if allowed[way])
    if not ways:
        report(DeclarationError(f"nested({name!r}) allows nothing: give it connect, create, disconnect or set"))
    return NestedWrite(name=name, ways=ways, create=tuple(create))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelMutation(MutationDeclaration):
    """``create``, ``update``, ``delete`` or ``upsert`` over a declared type, and its arguments."""

    kind: Kind
    over: Any
    registry: Registry
    fields: Any = None
    form: Any = None
    unique: Any = None
    version: str | None = None
    rows: Any = None
    bulk: bool = False

    @property
    def where(self) -> str:
        """The declaration's name in errors."""
        return f"{self.kind}({getattr(self.over, '__name__', repr(self.over))})"

    @property
    def location(self) -> str:
        """The declaration's name, and the module of the type."""
        return f"{self.where} in {getattr(self.over, '__module__', 'an unknown module')}"

    @property
    def type_declaration(self) -> TypeDeclaration:
        """The declaration of the type; DeclarationError where ``over`` is no type over a model."""
        declared = self.registry.declaration_of(self.over)
        if declared is None or declared.source is not None or declared not in self.registry.types:
            raise DeclarationError(f"{self.where} takes a type declared with @fraiseql.type over a model")
        if declared.interface:
            raise DeclarationError(f"{self.where} takes a type; {declared.name} is an interface")
        if declared.when is not None:
            raise DeclarationError(
                f"{self.where} takes a type that has all rows of its model, which {declared.name} has not (when=…); "
                f"write a mutation in Python"
            )
        return declared


def create(
    type_: type,
    *,
    fields: FieldNames | None = None,
    form: Any = None,
    bulk: bool = False,
    name: str | None = None,
    description: str | None = None,
    deprecation: str | None = None,
    permission: Any = None,
    cost: float = 1,
    directives: Iterable[Any] = (),
    registry: Registry = default_registry,
) -> ModelMutation:
    """Declare a mutation that creates an object of a type, or several (``bulk``).

    Clients may write the named ``fields``, of which some may be ``nested(…)``; or those of a ModelForm, which
    then cleans and saves. ``permission`` says who may run it, as for a type; ``cost`` is what it counts for in
    ``LIMITS.COMPLEXITY``. What is wrong with the declaration is reported when the schema is built.
    """
    return _declare(
        ModelMutation(
            kind="create",
            over=type_,
            fields=fields,
            form=form,
            bulk=bulk,
            name=name,
            description=description,
            deprecation=deprecation,
            permission=permission,
            cost=check_cost(cost),
            directives=tuple(directives),
            registry=registry,
        )
    )


def update(
    type_: type,
    *,
    fields: FieldNames | None = None,
    form: Any = None,
    version: str | None = None,
    bulk: bool = False,
    name: str | None = None,
    description: str | None = None,
    deprecation: str | None = None,
    permission: Any = None,
    rows: RowRule | None = None,
    cost: float = 1,
    directives: Iterable[Any] = (),
    registry: Registry = default_registry,
) -> ModelMutation:
    """Declare a mutation that changes an object of a type, or several (``bulk``).

    ``version`` is a field that tells whether the object is still as the client read it: a whole number, which
    each update increments, or a DateTimeField with ``auto_now``. ``rows`` is a row rule, as that of a type: of the
    rows that the viewer sees, those may be changed that fulfil it.
    """
    return _declare(
        ModelMutation(
            kind="update",
            over=type_,
            fields=fields,
            form=form,
            version=version,
            rows=rows,
            bulk=bulk,
            name=name,
            description=description,
            deprecation=deprecation,
            permission=permission,
            cost=check_cost(cost),
            directives=tuple(directives),
            registry=registry,
        )
    )


def delete(
    type_: type,
    *,
    version: str | None = None,
    bulk: bool = False,
    name: str | None = None,
    description: str | None = None,
    deprecation: str | None = None,
    permission: Any = None,
    rows: RowRule | None = None,
    cost: float = 1,
    directives: Iterable[Any] = (),
    registry: Registry = default_registry,
) -> ModelMutation:
    """Declare a mutation that deletes an object of a type, or several (``bulk``), and answers it as it was.

    ``version`` and ``rows`` are those of ``update``.
    """
    return _declare(
        ModelMutation(
            kind="delete",
            over=type_,
            version=version,
            rows=rows,
            bulk=bulk,
            name=name,
            description=description,
            deprecation=deprecation,
            permission=permission,
            cost=check_cost(cost),
            directives=tuple(directives),
            registry=registry,
        )
    )


def upsert(
    type_: type,
    *,
    fields: FieldNames,
    unique: Sequence[str] | str,
    bulk: bool = False,
    name: str | None = None,
    description: str | None = None,
    deprecation: str | None = None,
    permission: Any = None,
    rows: RowRule | None = None,
    cost: float = 1,
    directives: Iterable[Any] = (),
    registry: Registry = default_registry,
) -> ModelMutation:
    """Declare a mutation that changes the object with the same ``unique`` values, or creates it.

    ``unique`` are fields that are unique together, or the name of a UniqueConstraint over fields. ``rows`` is that of
    ``update``; objects that are created need not fulfil it.
    """
    return _declare(
        ModelMutation(
            kind="upsert",
            over=type_,
            fields=fields,
            unique=unique,
            rows=rows,
            bulk=bulk,
            name=name,
            description=description,
            deprecation=deprecation,
            permission=permission,
            cost=check_cost(cost),
            directives=tuple(directives),
            registry=registry,
        )
    )


def _declare(mutation: ModelMutation) -> ModelMutation:
    mutation.registry.mutations.append(mutation)
    return mutation
