"""What a mutation from a type writes: columns, and relations with the ways in which they may change.

Fields ── values ──> Value     a column, with what it takes from a client
          links  ──> Link      a relation; ``create`` are the Fields of the objects that it may make
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Optional

from django.db import models
from django.db.models import NOT_PROVIDED
from django.db.models.fields.reverse_related import ForeignObjectRel

from ...declare.mutations import input_
from ...declare.names import pascal_case
from ...declare.registry import ID, UNSET
from ...errors import DeclarationError, InvalidInput
from ...schema.definition import Column, Embedded
from ...schema.django_fields import ColumnDescriber, concrete
from ...schema.relations import AnyModelField
from ...schema.scalars.encoding import encode_nested_array
from ...schema.scalars.graphql import UPLOAD

WAYS = ("connect", "create", "disconnect", "set")


@dataclass(frozen=True, slots=True, kw_only=True)
class Nested:
    """What ``nested(...)`` was given."""

    name: str
    ways: frozenset[str]
    create: tuple[str | Nested, ...]


def nested(
    name: str,
    *,
    connect: bool = False,
    create: Sequence[str | Nested] = (),
    disconnect: bool = False,
    set: bool = False,
) -> Nested:
    """Let clients write through a relation, in the ways that are named.

    ``connect`` refers to objects that exist, ``create`` makes them, from these fields, which may be nested in
    turn; ``disconnect`` lets go of some, ``set`` says which ones there are, and lets go of all others.

    Raises DeclarationError where no way is named, or ``create`` is no list.
    """
    if isinstance(create, str) or not all(isinstance(item, (str, Nested)) for item in create):
        raise DeclarationError(f"nested({name!r}): create is {create!r}, must be a list of names or nested(…)")
    given = {"connect": connect, "create": bool(create), "disconnect": disconnect, "set": set}
    ways = frozenset(way for way in WAYS if given[way])
    if not ways:
        raise DeclarationError(f"nested({name!r}) allows nothing: give it connect, create, disconnect or set")
    return Nested(name=name, ways=ways, create=tuple(create))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Value:
    """A column that clients give.

    ``name`` is Python's, ``key`` GraphQL's; ``prepare`` turns what GraphQL coerced into what the model takes, and
    raises InvalidInput for what PostgreSQL cannot hold.
    """

    name: str
    key: str
    field: models.Field[Any, Any]
    annotation: Any
    required: bool
    nullable: bool
    prepare: Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KeyPart:
    """A column of a key, and the argument that clients give it by.

    ``parse`` turns what they give into the stored value, None for what no key can be.
    """

    name: str
    column: str
    annotation: Any
    parse: Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Link:
    """A relation that clients write.

    ``ways`` are those of an input object; None: the relation is named plainly, and takes keys. ``foreign`` is the
    key that leads from ``model`` to here, None where it is here, or in a table between. ``target`` is the key of
    ``model``.
    """

    name: str
    key: str
    relation: AnyModelField
    model: type[models.Model]
    target: KeyPart
    many: bool
    required: bool
    nullable: bool
    foreign: models.ForeignKey[Any, Any] | None
    ways: frozenset[str] | None
    create: Fields | None

    @property
    def forward(self) -> bool:
        """Whether the key that holds the relation is a column here."""
        return not self.many and self.foreign is None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fields:
    """What may be written of one object."""

    model: type[models.Model]
    values: Mapping[str, Value]
    links: Mapping[str, Link]

    @property
    def keys(self) -> dict[str, str]:
        """The names in the input by those of the model's fields."""
        named: Mapping[str, Value | Link] = {**self.values, **self.links}
        return {name: item.key for name, item in named.items()}


Members = Mapping[str, tuple[Any, bool]]
_NONE: Members = {}


def make_input(name: str, members: Members, description: str) -> type:
    """Make an input type; each member has an annotation, and whether clients must give it.

    What they need not give is UNSET where they do not, and may be null, which the mutation judges. An input that
    two mutations have in common is one type.
    """
    return _make(name, tuple(members.items()), description)


@lru_cache(maxsize=4096)
def _make(name: str, members: tuple[tuple[str, tuple[Any, bool]], ...], description: str) -> type:
    required = {key: annotation for key, (annotation, needed) in members if needed}
    # None is told from absent; typing's spelling takes what is no class
    optional = {key: Optional[annotation] for key, (annotation, needed) in members if not needed}  # noqa: UP045
    namespace = {"__annotations__": {**required, **optional}, "__doc__": description, **dict.fromkeys(optional, UNSET)}
    return input_(type(name, (), namespace))


def fields_input(
    name: str, fields: Fields, description: str, *, before: Members = _NONE, required: frozenset[str] = frozenset()
) -> type:
    """Make the input type of an object's fields; ``before`` stand first, ``required`` must be given in any case."""
    stem = name.removesuffix("Input")
    members: dict[str, tuple[Any, bool]] = dict(before)
    for value in fields.values.values():
        members[value.name] = (value.annotation, value.required or value.name in required)
    for link in fields.links.values():
        members[link.name] = (_link_input(stem, link), link.required or link.name in required)
    if len(set(fields.keys.values())) < len(fields.keys):
        raise DeclarationError(f"{name} has two fields of one name in GraphQL; leave one out")
    return make_input(name, members, description)


def _link_input(stem: str, link: Link) -> Any:
    if link.ways is None:
        return list[ID] if link.many else ID
    name = f"{stem}{pascal_case(link.name)}"
    made: Any = None
    if link.create is not None:
        made = fields_input(f"{name}CreateInput", link.create, f"A new {link.model._meta.verbose_name}.")
    members: dict[str, tuple[Any, bool]] = {}
    if "connect" in link.ways:
        members["connect"] = (list[ID] if link.many else ID, False)
    if made is not None:
        members["create"] = (list[made] if link.many else made, False)
    if "disconnect" in link.ways:
        members["disconnect"] = (list[ID] if link.many else bool, False)
    if "set" in link.ways:
        members["set"] = (list[ID], False)
    said = "What becomes of the list." if link.many else f"Exactly one of: {', '.join(members)}."
    return make_input(f"{name}Input", members, said)


def given(values: Any) -> dict[str, Any]:
    """Return what a client wrote of an input, by Python name."""
    found = {item.name: getattr(values, item.name) for item in dataclasses.fields(values)}
    return {name: value for name, value in found.items() if value is not UNSET}


class FieldsDescriber:
    """Describes what a mutation writes; ``where`` names the mutation in errors.

    ``creates`` and ``updates`` say what the mutation does: an upsert does both, and ``unique`` tell its row.
    """

    def __init__(
        self,
        where: str,
        columns: ColumnDescriber,
        *,
        creates: bool,
        updates: bool,
        unique: Collection[str] = (),
    ) -> None:
        self.where = where
        self.columns = columns
        self.name_of = columns.conventions.name
        self.creates = creates
        self.updates = updates
        self.unique = unique

    def describe(
        self, model: type[models.Model], names: Sequence[str | Nested], path: str = "", back: str | None = None
    ) -> Fields:
        """Describe the named fields; ``back`` is the relation that leads to the object that holds this one.

        Raises DeclarationError that lists every problem, a line each.
        """
        values: dict[str, Value] = {}
        links: dict[str, Link] = {}
        problems: list[str] = []
        for item in names:
            name = item.name if isinstance(item, Nested) else item
            try:
                if name in values or name in links:
                    raise DeclarationError(f"{self.where}: {path}{name} is named twice")
                if name == back:
                    raise DeclarationError(f"{self.where}: {path}{name} leads back; it is set by itself, leave it out")
                described = self._field(model, item, f"{path}{name}")
            except DeclarationError as error:
                problems.append(str(error))
                continue
            if isinstance(described, Value):
                values[name] = described
            else:
                links[name] = described
        if problems:
            raise DeclarationError("\n".join(problems))
        return Fields(model=model, values=values, links=links)

    def _field(self, model: type[models.Model], item: str | Nested, path: str) -> Value | Link:
        name = item.name if isinstance(item, Nested) else item
        found: Any = next((found for known, found in _everything(model) if known == name), None)
        if found is None:
            known = ", ".join(sorted(name for name, found in _everything(model) if _why_not(found) is None))
            raise DeclarationError(f"{self.where}: {model.__name__} has no field {path!r}; it has: {known}")
        why_not = _why_not(found) or self._why_not_key(model, found)
        if why_not is not None:
            raise DeclarationError(f"{self.where}: {path} {why_not}")
        if found.is_relation:
            return self._link(model, found, item, path)
        if isinstance(item, Nested):
            raise DeclarationError(f"{self.where}: {path} is no relation, so nothing can be nested in it")
        return self._value(model, found)

    def _why_not_key(self, model: type[models.Model], found: Any) -> str | None:
        if found in model._meta.pk_fields and self.updates and found.name not in self.unique:
            return "is part of the primary key, which does not change"
        return None

    def key(self, model: type[models.Model], path: str = "") -> tuple[KeyPart, ...]:
        """Describe a model's primary key, a part for each column."""
        found = []
        alone = len(model._meta.pk_fields) == 1
        for field in model._meta.pk_fields:
            name = "id" if alone else field.attname
            described = self.columns.describe(field, name, model.__name__)
            if not isinstance(described, Column) or described.dimensions:
                raise DeclarationError(f"{self.where}: {path}: the key {field.name} cannot be an argument")
            found.append(
                KeyPart(
                    name=name,
                    column=field.attname,
                    annotation=described.scalar.graphql,
                    parse=_key_parser(concrete(field), described.scalar.encode),
                )
            )
        return tuple(found)

    # --- columns ---

    def _value(self, model: type[models.Model], field: models.Field[Any, Any]) -> Value:
        key = self.name_of(field.name)
        described = self.columns.describe(field, key, model.__name__)
        annotation, prepare = _taken(described, field)
        # Django stores "" for no file
        nullable = field.null or (isinstance(field, models.FileField) and field.blank)
        return Value(
            name=field.name, key=key, field=field, annotation=annotation, prepare=prepare,
            required=self._required(field), nullable=nullable,
        )  # fmt: skip

    def _required(self, field: models.Field[Any, Any]) -> bool:
        has_default = field.has_default() or field.db_default is not NOT_PROVIDED
        return self.creates and not (has_default or field.null or field.blank)

    # --- relations ---

    def _link(self, model: type[models.Model], found: Any, item: str | Nested, path: str) -> Link:
        name = item.name if isinstance(item, Nested) else item
        many = bool(found.one_to_many or found.many_to_many)
        forward = not isinstance(found, ForeignObjectRel) and not many
        foreign: Any = found.remote_field if isinstance(found, ForeignObjectRel) and not found.many_to_many else None
        target: Any = found.related_model
        if isinstance(item, Nested):
            ways = item.ways
        else:
            ways = frozenset({"connect"} | ({"set"} if self.updates else set()) if many else {"connect"})
        self._check_ways(found, ways, foreign, path, plain=isinstance(item, str))
        if not self.updates and not (ways := ways & {"connect", "create"}):
            raise DeclarationError(f"{self.where}: {path} allows nothing: a new object has nothing to let go of")
        create = None
        if isinstance(item, Nested) and item.create:
            inner = FieldsDescriber(self.where, self.columns, creates=True, updates=False)
            create = inner.describe(target, item.create, f"{path}.", foreign.name if foreign else None)
        return Link(
            name=name,
            key=self.name_of(name),
            relation=found,
            model=target,
            target=self.key(target, path)[0],
            many=many,
            required=forward and self._required(found),
            nullable=bool(found.null) if forward else foreign is None or foreign.null,
            foreign=foreign,
            ways=ways if isinstance(item, Nested) else None,
            create=create,
        )

    def _check_ways(
        self, found: Any, ways: frozenset[str], foreign: models.ForeignKey[Any, Any] | None, path: str, *, plain: bool
    ) -> None:
        where = f"{self.where}: {path}"
        target: Any = found.related_model
        if len(target._meta.pk_fields) > 1 and ways != {"create"}:
            raise DeclarationError(
                f"{where}: {target.__name__} has a key of several columns, so it can be created here, not connected"
            )
        many = found.one_to_many or found.many_to_many
        if "set" in ways and not many:
            raise DeclarationError(f"{where} leads to one object, which connect says; set is for lists")
        if found.many_to_many:
            through: Any = found.remote_field.through if isinstance(found, models.ManyToManyField) else found.through
            needed = ", ".join(_needed(through))
            if needed:
                raise DeclarationError(
                    f"{where} goes through {through.__name__}, which needs more: {needed}; "
                    f"write the mutation over {through.__name__}"
                )
            return
        key = foreign or found
        letting_go = ways & {"set", "disconnect"}
        if letting_go and not key.null:
            way = "naming it in an update" if plain else min(letting_go)
            raise DeclarationError(
                f"{where}: {way} would leave {key.model.__name__}.{key.name} null, which it must not be"
            )


def _everything(model: type[models.Model]) -> Iterator[tuple[str, AnyModelField]]:
    """Yield what a model has by the name that Python knows it by."""
    for found in model._meta.get_fields(include_hidden=False):
        if isinstance(found, ForeignObjectRel):
            accessor = found.get_accessor_name()
            if accessor and not getattr(found, "parent_link", False):
                yield accessor, found
        else:
            yield found.name, found


def _why_not(found: Any) -> str | None:
    """Say why a field cannot be written by anyone."""
    if isinstance(found, models.GeneratedField):
        return "is computed by PostgreSQL, so it cannot be written"
    if isinstance(found, models.CompositePrimaryKey):
        return "is the primary key; name its columns"
    if found.is_relation and not isinstance(found.related_model, type):
        return "is generic: it leads to no one model; leave it out"
    relation = found.remote_field if isinstance(found, ForeignObjectRel) else found
    if found.is_relation and not isinstance(relation, (models.ForeignKey, models.ManyToManyField)):
        return f"is a {type(found).__name__}, which cannot be written; leave it out"
    if isinstance(found, models.AutoField) or getattr(found.remote_field, "parent_link", False):
        return "is the primary key, which PostgreSQL gives"
    if not isinstance(found, ForeignObjectRel) and not found.editable:
        return "is not editable, so it cannot be written"
    return None


def _needed(through: Any) -> list[str]:
    """List what rows of a table between need beside the two keys."""
    keys = [field for field in through._meta.fields if isinstance(field, models.ForeignKey)]
    return [
        field.name
        for field in through._meta.fields
        if not (
            field.primary_key or field.null or field.blank or field.generated or field.has_default()
            or field.db_default is not NOT_PROVIDED or field in keys[:2]
        )
    ]  # fmt: skip


def _taken(described: Any, field: models.Field[Any, Any]) -> tuple[Any, Callable[[Any], Any]]:
    """Return the annotation of a column's input, and what prepares its values."""
    if isinstance(described, Column):
        scalar, dimensions = described.scalar, described.dimensions
        annotation: Any = scalar.graphql
        for level in range(dimensions):
            nullable = level == 0 and described.nullable_items
            annotation = list[Optional[annotation]] if nullable else list[annotation]  # noqa: UP045

        def checked(value: Any) -> Any:
            if dimensions:
                encode_nested_array(value, scalar.encode, dimensions)
            else:
                scalar.encode(value)
            return _as_stored(value)

        return annotation, checked
    assert isinstance(described, Embedded)
    if isinstance(concrete(field), models.FileField):
        return UPLOAD, lambda value: value
    return described.filter.graphql, _range(field, described.filter.encode)


def _as_stored(value: Any) -> Any:
    """Return a value as Django's fields have it: an address is text, in an array as well."""
    if isinstance(value, list):
        return [_as_stored(item) for item in value]
    return str(value) if isinstance(value, (IPv4Address, IPv6Address)) else value


def _range(field: Any, encode: Callable[[Any], str]) -> Callable[[Any], Any]:
    def prepared(value: Any) -> Any:
        encode(value)
        try:
            return field.range_type(value.get("lower"), value.get("upper"), value.get("bounds") or "[)")
        except ValueError as error:
            raise InvalidInput(str(error)) from error

    return prepared


def _key_parser(field: models.Field[Any, Any], encode: Callable[[Any], str]) -> Callable[[Any], Any]:
    def parsed(value: Any) -> Any:
        try:
            # refuses what PostgreSQL would, too: half a surrogate, a number of more than 64 bits
            encode(value)
            return field.get_prep_value(field.to_python(value))
        except InvalidInput:
            return None

    return parsed
