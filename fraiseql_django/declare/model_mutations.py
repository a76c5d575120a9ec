"""``create``, ``update``, ``delete``, ``upsert``, ``nested`` and ``changes``: declarations of mutations from models.

They are checked against the model when the schema is built (``mutations.models``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from ..errors import DeclarationError
from .names import is_list
from .registry import MutationDeclaration, Registry, TypeDeclaration, check_cost, default_registry
from .reporting import report
from .rules import Permitted, RowRule

Kind = Literal["create", "update", "delete", "upsert"]
WAYS = ("connect", "create", "update", "upsert", "replace", "disconnect", "delete", "set")
CHANGES = ("set", "inc", "mul", "append", "prepend", "remove", "merge", "remove_keys", "now")
# the rows that a mutation with ``where`` writes at most, unless its declaration says otherwise
MAX_ROWS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class NestedWrite:
    """``nested(…)``: a relation, and the ways in which clients may write through it.

    ``fields`` are those of objects that are written, by way. ``unique`` are the fields by which ``upsert`` and
    ``replace`` find their objects, ``version`` is the field that tells whether one has changed, and ``rows`` is a row
    rule of the objects that may be changed or deleted.
    """

    name: str
    ways: frozenset[str]
    fields: Mapping[str, FieldNames]
    unique: tuple[str, ...] = ()
    version: str | None = None
    rows: RowRule | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedField:
    """``changes(…)``: a column, and the ways in which clients may change its value."""

    name: str
    ways: tuple[str, ...]


FieldNames: TypeAlias = Sequence[str | NestedWrite | ChangedField]


def nested(
    name: str,
    *,
    connect: bool = False,
    create: FieldNames = (),
    update: FieldNames = (),
    upsert: FieldNames = (),
    replace: FieldNames = (),
    disconnect: bool = False,
    delete: bool = False,
    set: bool = False,
    unique: Sequence[str] | str = (),
    version: str | None = None,
    rows: RowRule | None = None,
) -> NestedWrite:
    """Let clients write through a relation, in the named ways.

    ``connect`` refers to objects that exist. ``create`` creates objects from these fields, in which ``nested`` may
    stand again. ``update`` changes these fields of objects in the relation. ``upsert`` changes an object whose key is
    given, or that has the same ``unique`` values, and creates others. ``replace`` does so as well, and deletes those
    objects of the relation that are not in the input. ``disconnect`` removes objects from the relation, ``delete``
    deletes them. ``set`` lets the relation consist of objects that exist. ``version`` is that of ``update``, for the
    objects that are updated. ``rows`` is a row rule: of the objects that the viewer sees, those may be changed or
    deleted that fulfil it; those whose foreign key refers to the outer object are changed by ``connect``,
    ``disconnect`` and ``set`` as well.

    Raises DeclarationError where no way is named, or fields are no list.
    """
    fields: dict[str, FieldNames] = {}
    for way, names in {"create": create, "update": update, "upsert": upsert, "replace": replace}.items():
        if not is_list(names, str, NestedWrite, ChangedField):
            report(DeclarationError(f"nested({name!r}): {way} is {names!r}, must be a list of names or nested(…)"))
        elif names:
            fields[way] = tuple(names)
    allowed = {"connect": connect, "disconnect": disconnect, "delete": delete, "set": set}
    ways = frozenset(way for way in WAYS if way in fields or allowed.get(way))
    if not ways:
        report(DeclarationError(f"nested({name!r}) allows nothing: give it {', '.join(WAYS[:-1])} or {WAYS[-1]}"))
    if not (isinstance(unique, str) or is_list(unique, str)):
        report(DeclarationError(f"nested({name!r}): unique is {unique!r}, must be a list of names"))
        unique = ()
    by = (unique,) if isinstance(unique, str) else tuple(unique)
    if by and not ways & {"upsert", "replace"}:
        report(DeclarationError(f"nested({name!r}): unique is for upsert and replace; leave it out"))
    if version is not None and "update" not in ways:
        report(DeclarationError(f"nested({name!r}): version is for update; leave it out"))
    if rows is not None and ways == {"create"}:
        report(DeclarationError(f"nested({name!r}): rows is for objects that exist, not for create; leave it out"))
    return NestedWrite(name=name, ways=ways, fields=fields, unique=by, version=version, rows=rows)


def changes(
    name: str,
    *,
    set: bool = False,
    inc: bool = False,
    mul: bool = False,
    append: bool = False,
    prepend: bool = False,
    remove: bool = False,
    merge: bool = False,
    remove_keys: bool = False,
    now: bool = False,
) -> ChangedField:
    """Let clients change a column starting from the value that it has, in the named ways: ``{stock: {inc: -1}}``.

    ``set`` sets it, as naming the column plainly does. ``inc`` adds to a number or a duration and ``mul`` multiplies a
    number; ``append`` and ``prepend`` are for texts and arrays, ``remove`` for arrays; ``merge`` and ``remove_keys``
    are for JSON objects; ``now`` sets a moment to that of the change.

    Raises DeclarationError where no way is named.
    """
    given = (set, inc, mul, append, prepend, remove, merge, remove_keys, now)
    ways = tuple(way for way, allowed in zip(CHANGES, given, strict=True) if allowed)
    if not ways:
        report(DeclarationError(f"changes({name!r}) allows nothing: give it one of {', '.join(CHANGES)}"))
    return ChangedField(name=name, ways=ways)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelMutation(MutationDeclaration):
    """``create``, ``update``, ``delete`` or ``upsert`` over a declared type, and its arguments.

    ``filters`` is the declaration's ``where``: the fields that rows are chosen by, True for all. They are rows of the
    type ``source`` where there is one.
    """

    kind: Kind
    over: Any
    registry: Registry
    fields: Any = None
    form: Any = None
    unique: Any = None
    version: str | None = None
    rows: Any = None
    bulk: bool = False
    by: Any = None
    filters: Any = False
    max_rows: int = MAX_ROWS
    allow_all: bool = False
    save: bool = True
    source: Any = None
    copied: Any = ()

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
        return self._declaration(self.over, f"{self.where} takes")

    @property
    def source_declaration(self) -> TypeDeclaration:
        """The declaration of the type whose rows are chosen; DeclarationError where it is no type over a model."""
        if self.source is None:
            return self.type_declaration
        return self._declaration(self.source, f"{self.where}: source is {self.source!r}, must be")

    def _declaration(self, cls: Any, takes: str) -> TypeDeclaration:
        declared = self.registry.declaration_of(cls)
        if declared is None or declared.source is not None or declared not in self.registry.types:
            raise DeclarationError(f"{takes} a type declared with @fraiseql.type over a model")
        if declared.interface:
            raise DeclarationError(f"{takes} a type; {declared.name} is an interface")
        if declared.when is not None:
            raise DeclarationError(
                f"{takes} a type that has all rows of its model, which {declared.name} has not (when=…); "
                f"write a mutation in Python"
            )
        return declared


def create(
    type_: type,
    *,
    fields: FieldNames | None = None,
    form: Any = None,
    bulk: bool = False,
    source: type | None = None,
    copied: Mapping[str, str] | Sequence[str] = (),
    where: Sequence[str] | bool = True,
    max_rows: int = MAX_ROWS,
    allow_all: bool = False,
    name: str | None = None,
    description: str | None = None,
    deprecation: str | None = None,
    permission: Permitted = None,
    cost: float = 1,
    directives: Iterable[Any] = (),
    registry: Registry = default_registry,
) -> ModelMutation:
    """Declare a mutation that creates an object of a type, or several (``bulk``).

    Clients may write the named ``fields``, of which some may be ``nested(…)``; or those of a ModelForm, which
    then cleans and saves. ``permission`` says who may run it, as for a type; ``cost`` is what it counts for in
    ``LIMITS.COMPLEXITY``.

    With ``source``, an object is created from each row of that type that matches a condition: ``copied`` are the fields
    that take their values from the row, by the names of its fields, or "self" for the row itself. ``where``,
    ``max_rows`` and ``allow_all`` are those of ``update``.

    What is wrong with the declaration is reported when the schema is built.
    """
    return _declare(
        ModelMutation(
            kind="create",
            over=type_,
            fields=fields,
            form=form,
            bulk=bulk,
            source=source,
            copied=copied,
            filters=where if source is not None else False,
            max_rows=max_rows,
            allow_all=allow_all,
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
    by: Sequence[str] | str | None = None,
    where: Sequence[str] | bool = False,
    max_rows: int = MAX_ROWS,
    allow_all: bool = False,
    save: bool = True,
    name: str | None = None,
    description: str | None = None,
    deprecation: str | None = None,
    permission: Permitted = None,
    rows: RowRule | None = None,
    cost: float = 1,
    directives: Iterable[Any] = (),
    registry: Registry = default_registry,
) -> ModelMutation:
    """Declare a mutation that changes an object of a type, or several (``bulk``).

    ``version`` is a field that tells whether the object is still as the client read it: a whole number, which
    each update increments, or a DateTimeField with ``auto_now``. ``rows`` is a row rule, as that of a type: of the
    rows that the viewer sees, those may be changed that fulfil it.

    The object is found by its primary key, or ``by`` fields that are unique together, or the name of a
    UniqueConstraint. With ``where``, all objects are changed that match a condition on these fields (True: on all
    fields of the type), ``max_rows`` at most; a condition that chooses all needs ``allow_all``. Without ``save`` they
    are changed by one statement, without the model's ``clean()`` and ``save()`` and without signals.
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
            by=by,
            filters=where,
            max_rows=max_rows,
            allow_all=allow_all,
            save=save,
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
    by: Sequence[str] | str | None = None,
    where: Sequence[str] | bool = False,
    max_rows: int = MAX_ROWS,
    allow_all: bool = False,
    name: str | None = None,
    description: str | None = None,
    deprecation: str | None = None,
    permission: Permitted = None,
    rows: RowRule | None = None,
    cost: float = 1,
    directives: Iterable[Any] = (),
    registry: Registry = default_registry,
) -> ModelMutation:
    """Declare a mutation that deletes an object of a type, or several (``bulk``), and answers it as it was.

    ``version``, ``rows``, ``by``, ``where``, ``max_rows`` and ``allow_all`` are those of ``update``.
    """
    return _declare(
        ModelMutation(
            kind="delete",
            over=type_,
            version=version,
            rows=rows,
            bulk=bulk,
            by=by,
            filters=where,
            max_rows=max_rows,
            allow_all=allow_all,
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
    permission: Permitted = None,
    rows: RowRule | None = None,
    cost: float = 1,
    directives: Iterable[Any] = (),
    registry: Registry = default_registry,
) -> ModelMutation:
    """Declare a mutation that changes the object with the same ``unique`` values, or creates it.

    ``unique`` are fields that are unique together, or the name of a UniqueConstraint over fields: where that has a
    condition, only objects that fulfil it are changed. ``rows`` is that of ``update``; objects that are created need
    not fulfil it.
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
