"""The fields that a mutation from a model writes: columns, and relations with the ways in which they may change.

Fields ── columns ────> WrittenColumn     a column, with the type of its input
          relations ──> WrittenRelation   a relation; ``written`` are the Fields of the objects behind it, by way
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from django.db import models
from django.db.models import NOT_PROVIDED
from django.db.models.fields.reverse_related import ForeignObjectRel
from graphql import GraphQLInputType, GraphQLList, GraphQLNonNull

from ..._django import key_fields
from ...declare.model_mutations import WAYS, ChangedField, FieldNames, NestedWrite
from ...declare.rules import RowRule, check_rows
from ...errors import DeclarationError, InvalidInput
from ...schema.definition import Column, Embedded
from ...schema.django_fields import ColumnDescriber, concrete
from ...schema.global_ids import parser
from ...schema.relations import AnyModelField
from ...schema.scalars.encoding import encode_nested_array
from ...schema.scalars.graphql import UPLOAD
from .changes import Change, changes_of
from .unique import check_version, unique_together


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WrittenColumn:
    """A column that clients write.

    ``name`` is its name in Python, ``key`` in GraphQL. ``prepare`` turns a coerced value of the type ``graphql`` into
    what the model takes, and raises InvalidInput for a value that PostgreSQL cannot store. Where there are
    ``changes``, its input is an object with one of these instead. ``required`` says that the input must have it,
    ``needed`` that a new object must.
    """

    name: str
    key: str
    field: models.Field[Any, Any]
    graphql: GraphQLInputType
    required: bool
    needed: bool
    nullable: bool
    prepare: Callable[[Any], Any]
    changes: Mapping[str, Change] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KeyPart:
    """A column of a primary key, and the argument ``name`` for it.

    ``parse`` turns a coerced value of the type ``graphql`` into the stored value, None where no key has that value.
    """

    name: str
    column: str
    graphql: GraphQLInputType
    parse: Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WrittenRelation:
    """A relation that clients write.

    ``ways`` are the fields of its input object; None: its input is a key, or a list of keys. ``written`` are the fields
    of objects that are written, by way. ``foreign`` is the foreign key of ``model`` that refers to this object, None
    where the key is a column of this object, or of a table between. ``target`` is the primary key of ``model``, and
    ``parts`` are those of its parts that tell the objects of the relation apart. ``unique`` are the fields by which
    ``upsert`` and ``replace`` find their objects, instead of by the key; ``version`` is that of ``update``.
    ``rows`` says which of the visible objects may be changed, their foreign keys included, or deleted. ``where`` names
    the declaration in errors.
    """

    name: str
    key: str
    relation: AnyModelField
    model: type[models.Model]
    target: KeyPart
    many: bool
    required: bool
    nullable: bool
    needed: bool
    foreign: models.ForeignKey[Any, Any] | None
    ways: frozenset[str] | None
    written: Mapping[str, Fields]
    parts: tuple[KeyPart, ...]
    unique: tuple[str, ...] = ()
    version: str | None = None
    version_type: Any = None
    rows: RowRule | None = None
    where: str = ""

    @property
    def has_one_key(self) -> bool:
        """Whether the key of an object behind it is one column."""
        return len(key_fields(self.model)) == 1

    @property
    def forward(self) -> bool:
        """Whether the foreign key is a column of this object."""
        return not self.many and self.foreign is None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fields:
    """What clients may write of one object, by the names of the model's fields."""

    model: type[models.Model]
    columns: Mapping[str, WrittenColumn]
    relations: Mapping[str, WrittenRelation]

    @property
    def keys(self) -> dict[str, str]:
        """The GraphQL names in the input, by the names of the model's fields."""
        named: Mapping[str, WrittenColumn | WrittenRelation] = {**self.columns, **self.relations}
        return {name: item.key for name, item in named.items()}

    @property
    def needed(self) -> list[str]:
        """The names of the fields without which no object can be created."""
        named: Mapping[str, WrittenColumn | WrittenRelation] = {**self.columns, **self.relations}
        return [name for name, item in named.items() if item.needed]


# the ways that find an object by its key, or by unique fields
_FINDING = frozenset({"upsert", "replace"})
# the ways that change or delete objects, wherever the foreign key is
_CHANGING = frozenset({"update", "upsert", "replace", "delete"})


class FieldsDescriber:
    """Describes the fields that a mutation writes; ``where`` names the mutation in errors.

    ``creates`` and ``updates`` say what the mutation does: an upsert does both, and finds its row by ``unique``.
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

    def describe(self, model: type[models.Model], names: FieldNames, path: str = "", back: str | None = None) -> Fields:
        """Describe the named fields; ``back`` is the relation to the object in whose input these fields stand.

        Raises DeclarationError that lists every problem, a line each.
        """
        columns: dict[str, WrittenColumn] = {}
        relations: dict[str, WrittenRelation] = {}
        problems: list[str] = []
        for item in names:
            name = item if isinstance(item, str) else item.name
            try:
                if name in columns or name in relations:
                    raise DeclarationError(f"{self.where}: {path}{name} is named twice")
                if name == back:
                    raise DeclarationError(
                        f"{self.where}: {path}{name} leads back to the outer object and is set automatically; "
                        f"leave it out"
                    )
                described = self._field(model, item, f"{path}{name}")
            except DeclarationError as error:
                problems.append(str(error))
                continue
            if isinstance(described, WrittenColumn):
                columns[name] = described
            else:
                relations[name] = described
        if problems:
            raise DeclarationError("\n".join(problems))
        return Fields(model=model, columns=columns, relations=relations)

    def _field(
        self, model: type[models.Model], item: str | NestedWrite | ChangedField, path: str
    ) -> WrittenColumn | WrittenRelation:
        name = item if isinstance(item, str) else item.name
        field: Any = next((field for known, field in _everything(model) if known == name), None)
        if field is None:
            known = ", ".join(sorted(name for name, field in _everything(model) if _why_not(field) is None))
            raise DeclarationError(f"{self.where}: {model.__name__} has no field {path!r}; it has: {known}")
        why_not = _why_not(field) or self._why_not_key(model, field)
        if why_not is not None:
            raise DeclarationError(f"{self.where}: {path} {why_not}")
        if field.is_relation:
            if isinstance(item, ChangedField):
                raise DeclarationError(f"{self.where}: {path} is a relation, which changes() is not for; use nested()")
            return self._relation(model, field, item, path)
        if isinstance(item, NestedWrite):
            raise DeclarationError(f"{self.where}: {path} is no relation, so nothing can be nested in it")
        return self._column(model, field, item.ways if isinstance(item, ChangedField) else None, path)

    def _why_not_key(self, model: type[models.Model], field: Any) -> str | None:
        if field in key_fields(model) and self.updates and field.name not in self.unique:
            return "is part of the primary key, which does not change"
        return None

    def key(self, model: type[models.Model], path: str = "") -> tuple[KeyPart, ...]:
        """Describe a model's primary key, column by column."""
        parts = []
        alone = len(key_fields(model)) == 1
        for field in key_fields(model):
            name = "id" if alone else field.attname
            described = self.columns.describe(field, name, model.__name__)
            if not isinstance(described, Column) or described.dimensions:
                raise DeclarationError(f"{self.where}: {path}: the key {field.name} cannot be an argument")
            parse = _key_parser(concrete(field), described.scalar.encode)
            names = self.columns.global_names(model, field)
            parts.append(
                KeyPart(
                    name=name,
                    column=field.attname,
                    graphql=described.scalar.graphql,
                    parse=parser(parse, names) if names else parse,
                )
            )
        return tuple(parts)

    def key_by(self, model: type[models.Model], names: Sequence[str]) -> tuple[KeyPart, ...]:
        """Describe fields that are unique together, as arguments by which a row is found."""
        parts: list[KeyPart] = []
        for name in names:
            field: Any = model._meta.get_field(name)
            described = self.columns.describe(field, name, model.__name__)
            if not isinstance(described, Column) or described.dimensions:
                raise DeclarationError(f"{self.where}: by: {name} cannot be an argument")
            parse = _key_parser(concrete(field), described.scalar.encode)
            part = KeyPart(name=field.attname, column=field.attname, graphql=described.scalar.graphql, parse=parse)
            parts.append(part)
        return tuple(parts)

    # --- columns ---

    def _column(
        self, model: type[models.Model], field: models.Field[Any, Any], ways: Collection[str] | None, path: str
    ) -> WrittenColumn:
        key = self.name_of(field.name)
        described = self.columns.describe(field, key, model.__name__)
        graphql, prepare = _input_of(described, field)
        # Django stores "" for no file
        nullable = field.null or (isinstance(field, models.FileField) and field.blank)
        changes = None if ways is None else self._changes(field, changes_of(field, graphql, prepare), ways, path)
        return WrittenColumn(
            name=field.name, key=key, field=field, graphql=graphql, prepare=prepare, changes=changes,
            required=self.creates and _is_needed(field), needed=_is_needed(field), nullable=nullable,
        )  # fmt: skip

    def _changes(
        self, field: models.Field[Any, Any], known: Mapping[str, Change], ways: Collection[str], path: str
    ) -> dict[str, Change]:
        if not self.updates:
            raise DeclarationError(f"{self.where}: {path} of a new object has no value to change; name it plainly")
        unknown = [way for way in ways if way not in known]
        if unknown or field.is_relation:
            raise DeclarationError(
                f"{self.where}: changes({path!r}) has {', '.join(unknown)}, which a {type(field).__name__} has not; "
                f"it has: {', '.join(known) or 'none'}"
            )
        return {name: change for name, change in known.items() if name in ways}

    # --- relations ---

    def _relation(self, model: type[models.Model], field: Any, item: str | NestedWrite, path: str) -> WrittenRelation:
        name = item if isinstance(item, str) else item.name
        many = bool(field.one_to_many or field.many_to_many)
        forward = not isinstance(field, ForeignObjectRel) and not many
        foreign: Any = field.remote_field if isinstance(field, ForeignObjectRel) and not field.many_to_many else None
        target: Any = field.related_model
        if isinstance(item, NestedWrite):
            ways, nested = item.ways, item
        else:
            ways = frozenset({"connect"} | ({"set"} if self.updates else set()) if many else {"connect"})
            nested = NestedWrite(name=name, ways=ways, fields={})
        key = self.key(target, path)
        check_rows(nested.rows, target, f"{self.where}: {path}")
        if nested.rows is not None and foreign is None and ways.isdisjoint(_CHANGING):
            raise DeclarationError(
                f"{self.where}: {path}: no object of this relation is changed, but its keys elsewhere; leave rows out"
            )
        self._check_ways(field, ways, foreign, path, plain=isinstance(item, str))
        self._check_finding(field, nested, foreign, path)
        if not self.updates and not (ways := ways & _ways_of_new(nested)):
            raise DeclarationError(f"{self.where}: {path} allows nothing: a new object has no objects to disconnect")
        return WrittenRelation(
            name=name,
            key=self.name_of(name),
            relation=field,
            model=target,
            target=key[0],
            many=many,
            required=forward and self.creates and _is_needed(field),
            needed=forward and _is_needed(field),
            nullable=bool(field.null) if forward else foreign is None or foreign.null,
            foreign=foreign,
            ways=ways if isinstance(item, NestedWrite) else None,
            written={
                way: self._written(way, nested, target, f"{path}.", foreign.name if foreign else None)
                for way in WAYS
                if way in ways and way in nested.fields
            },
            parts=tuple(part for part in key if foreign is None or part.column != foreign.attname),
            unique=nested.unique,
            version=nested.version,
            rows=nested.rows,
            where=f"{self.where}: {path}",
            version_type=None if nested.version is None else self._version_type(target, nested.version),
        )

    def _version_type(self, model: type[models.Model], version: str) -> GraphQLInputType:
        field: Any = model._meta.get_field(version)
        column = self.columns.describe(field, version, model.__name__)
        assert isinstance(column, Column)
        return column.scalar.graphql

    def _written(self, way: str, nested: NestedWrite, model: type[models.Model], path: str, back: str | None) -> Fields:
        """Describe the fields of objects that are written in one way."""
        names, unique = nested.fields[way], nested.unique if way in _FINDING else ()
        finds = way in _FINDING
        describer = FieldsDescriber(
            self.where, self.columns, creates=way == "create" or bool(unique), updates=way != "create", unique=unique
        )
        described = describer.describe(model, names, path, back)
        for name in unique:
            relation = described.relations.get(name)
            plain = relation is not None and relation.ways is None and relation.forward
            column = described.columns.get(name)
            if not plain and (column is None or column.changes is not None):
                raise DeclarationError(f"{self.where}: {path}{name} is in unique; name it plainly in {way} as well")
        if finds and not unique and "id" in described.keys.values():
            raise DeclarationError(f"{self.where}: {path}id finds the object; leave it out of {way}")
        if way == "update" and nested.version is not None:
            check_version(f"{self.where}: {path[:-1]}", model, nested.version, names)
        return described

    def _check_finding(
        self, field: Any, nested: NestedWrite, foreign: models.ForeignKey[Any, Any] | None, path: str
    ) -> None:
        """Raise DeclarationError for ways that need objects which the relation does not find."""
        where, many = f"{self.where}: {path}", field.one_to_many or field.many_to_many
        forward = not many and foreign is None
        if "replace" in nested.ways and not field.one_to_many:
            raise DeclarationError(f"{where}: replace is for lists of objects whose foreign key leads here")
        if "delete" in nested.ways and forward:
            raise DeclarationError(f"{where} leads to an object that others may refer to; delete is for those that "
                                   f"refer to this one")  # fmt: skip
        if nested.unique and not many:
            raise DeclarationError(f"{where} leads to one object, which need not be found; leave unique out")
        if nested.unique:
            together = {frozenset(names) for names, condition in unique_together(field.related_model).values()
                        if condition is None}  # fmt: skip
            own = frozenset(nested.unique)
            if own not in together and (foreign is None or own | {foreign.name} not in together):
                raise DeclarationError(
                    f"{where}: unique is {list(nested.unique)!r}, must be fields that are unique together"
                    + (f", or are with {foreign.name}" if foreign is not None else "")
                )
        several = len(key_fields(field.related_model)) > 1
        finding = sorted(nested.ways & _FINDING)
        if many and several and finding and not nested.unique:
            raise DeclarationError(
                f"{where}: {field.related_model.__name__} has a key of several columns, so {finding[0]} needs unique"
            )

    def _check_ways(
        self, field: Any, ways: frozenset[str], foreign: models.ForeignKey[Any, Any] | None, path: str, *, plain: bool
    ) -> None:
        where = f"{self.where}: {path}"
        target: Any = field.related_model
        if len(key_fields(target)) > 1 and ways & {"connect", "disconnect", "set"}:
            raise DeclarationError(
                f"{where}: {target.__name__} has a key of several columns, so it can be created here, not connected"
            )
        many = field.one_to_many or field.many_to_many
        if "set" in ways and not many:
            raise DeclarationError(f"{where} leads to one object, which connect sets; set is for lists")
        if field.many_to_many:
            through: Any = field.remote_field.through if isinstance(field, models.ManyToManyField) else field.through
            needed = ", ".join(_needed(through))
            if needed:
                raise DeclarationError(
                    f"{where} goes through {through.__name__}, which needs more: {needed}; "
                    f"write the mutation over {through.__name__}"
                )
            return
        key = foreign or field
        letting_go = ways & {"set", "disconnect"}
        if letting_go and not key.null:
            way = "naming it in an update" if plain else min(letting_go)
            raise DeclarationError(
                f"{where}: {way} would leave {key.model.__name__}.{key.name} null, which it must not be"
            )


def _ways_of_new(nested: NestedWrite) -> frozenset[str]:
    """Return the ways that a new object has: nothing is in its relations yet."""
    return frozenset({"connect", "create"} | ({"upsert"} if nested.unique else set()))


def _is_needed(field: models.Field[Any, Any]) -> bool:
    """Whether no object can be created without a value for the field."""
    has_default = field.has_default() or field.db_default is not NOT_PROVIDED
    return not (has_default or field.null or field.blank)


def _everything(model: type[models.Model]) -> Iterator[tuple[str, AnyModelField]]:
    """Yield a model's fields and reverse relations, by their names in Python."""
    for field in model._meta.get_fields(include_hidden=False):
        if isinstance(field, ForeignObjectRel):
            accessor = field.get_accessor_name()
            if accessor and not getattr(field, "parent_link", False):
                yield accessor, field
        else:
            yield field.name, field


def _why_not(field: Any) -> str | None:
    """Return why no mutation can write a field; None where one can."""
    if isinstance(field, models.GeneratedField):
        return "is computed by PostgreSQL, so it cannot be written"
    if isinstance(field, models.CompositePrimaryKey):
        return "is the primary key; name its columns"
    if field.is_relation and not isinstance(field.related_model, type):
        return "is generic: it leads to no one model; leave it out"
    relation = field.remote_field if isinstance(field, ForeignObjectRel) else field
    if field.is_relation and not isinstance(relation, (models.ForeignKey, models.ManyToManyField)):
        return f"is a {type(field).__name__}, which cannot be written; leave it out"
    if isinstance(field, models.AutoField) or getattr(field.remote_field, "parent_link", False):
        return "is the primary key, which PostgreSQL generates"
    if not isinstance(field, ForeignObjectRel) and not field.editable:
        return "is not editable, so it cannot be written"
    return None


def _needed(through: Any) -> list[str]:
    """List the columns of a table between that need a value, beside the two keys."""
    keys = [field for field in through._meta.fields if isinstance(field, models.ForeignKey)]
    return [
        field.name
        for field in through._meta.fields
        if not (
            field.primary_key or field.null or field.blank or field.generated or field.has_default()
            or field.db_default is not NOT_PROVIDED or field in keys[:2]
        )
    ]  # fmt: skip


def _input_of(described: Any, field: models.Field[Any, Any]) -> tuple[GraphQLInputType, Callable[[Any], Any]]:
    """Return the type of a column's input, and what prepares its values."""
    if isinstance(described, Column):
        scalar, dimensions = described.scalar, described.dimensions
        graphql: Any = scalar.graphql
        for level in range(dimensions):
            nullable = level == 0 and described.nullable_items
            graphql = GraphQLList(graphql if nullable else GraphQLNonNull(graphql))

        def checked(value: Any) -> Any:
            if described.conversion is not None and described.conversion.names is not None:
                # as a form gives several choices
                return [str(item) for item in value]
            if dimensions:
                encode_nested_array(value, scalar.encode, dimensions)
            else:
                scalar.encode(value)
            return _as_stored(value)

        return graphql, checked
    assert isinstance(described, Embedded)
    if isinstance(concrete(field), models.FileField):
        return UPLOAD, lambda value: value
    return described.filter.graphql, _range(field, described.filter.encode)


def _as_stored(value: Any) -> Any:
    """Return a value as Django's fields take it: an IP address is a text, in an array as well."""
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
            # refuses what PostgreSQL would refuse: half of a surrogate pair, a number of more than 64 bits
            encode(value)
            return field.get_prep_value(field.to_python(value))
        except InvalidInput:
            return None

    return parsed
