"""Global ids: with the setting ``NODE``, every ID of a row says of which type the row is.

    VHlwZTprZXk=     base64 of "Type:key", for a key of several columns of 'Type:["1","2"]'

What clients see of a row's key, and of a foreign key that leads to a row of a declared type, is such an id; so is what
they send in its place: in ``where``, as arguments, in the inputs of mutations from models. An id of another type is
refused. Types over sources have the ids of their views, as they are.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from django.db import models
from graphql import GraphQLField, GraphQLID, GraphQLInterfaceType, GraphQLNonNull

from .._django import concrete_model
from ..declare.registry import TypeDeclaration
from ..errors import DeclarationError, InvalidInput
from .definition import Column, FieldDef, TypeDef
from .django_fields import ColumnDescriber, own_keys
from .scalars.encoding import template_literal
from .scalars.postgres import Scalar

NODE = "Node"
_SHOWN = 60

# --- the ids themselves ---


def to_global_id(type_name: str, key: Any) -> str:
    """Return the global id of a row: of the name of its type, and its key, for several columns a list of their values.

    >>> to_global_id("Book", 5)
    'Qm9vazo1'
    """
    text = str(key)
    if isinstance(key, (list, tuple)):
        text = json.dumps([str(part) for part in key], ensure_ascii=False, separators=(",", ":"))
    return b64encode(f"{type_name}:{text}".encode()).decode()


def from_global_id(given: str) -> tuple[str, str]:
    """Return the name of the type and the text of the key of a global id; raise InvalidInput where it is none.

    >>> from_global_id("Qm9vazo1")
    ('Book', '5')
    """
    try:
        raw = b64decode(given, validate=True)
        name, colon, key = raw.decode().partition(":")
    except (Error, ValueError):
        raise _no_id(given) from None
    # base64 has several texts for some bytes
    if not colon or b64encode(raw).decode() != given:
        raise _no_id(given)
    return name, key


def _no_id(given: str) -> InvalidInput:
    shown = given if len(given) <= _SHOWN else f"{given[:_SHOWN]}…"
    return InvalidInput(f"{json.dumps(shown, ensure_ascii=False)} is no id that a row of this schema has")


def key_text(given: str, names: Collection[str]) -> str:
    """Return the text of the key in a global id; raise InvalidInput where it is an id of none of these types."""
    name, key = from_global_id(given)
    if name not in names:
        raise InvalidInput(f"{json.dumps(given)} is an id of {name}, must be one of {' or '.join(names)}")
    return key


def written(of: str, text: str) -> str:
    """Return SQL for the JSON text of a global id; PostgreSQL breaks base64 into lines."""
    raw = f"convert_to({template_literal(f'{of}:')} || {text}, 'UTF8')"
    return f"'\"' || translate(encode({raw}, 'base64'), chr(10), '') || '\"'"


# --- the fields that have them ---


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalColumn(Column):
    """A key, or a foreign key, that clients see as the global id of a row of the type ``of``.

    Ids of the types ``names``, which are over the same model, mean the same row.
    """

    of: str
    names: tuple[str, ...]

    def shown(self, value: Any) -> Any:
        """Return what clients see of a stored value."""
        return None if value is None else to_global_id(self.of, value)

    def read(self, scalar: Any) -> Any:
        """Return the type of stored values that clients see and write as global ids."""
        encode, names = scalar.encode, self.names
        json = written(self.of, "{0}::text")
        return replace(scalar, json=json, json_array=None, encode=lambda given: encode(key_text(given, names)))


@dataclass(frozen=True, slots=True, kw_only=True)
class CompositeId(FieldDef):
    """The global id of a row of the type ``of`` that has a key of several columns."""

    of: str
    parts: tuple[Column, ...]
    nullable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRoot(FieldDef):
    """The field of Query that finds a row, or several, by global id."""

    many: bool
    nullable: bool


def node_roots() -> dict[str, NodeRoot]:
    """Return the fields of Query that find rows by their global ids."""
    one, several = (
        "The row with this id; null where there is none.",
        "The rows with these ids; null where there is none.",
    )
    return {
        "node": NodeRoot(name="node", description=one, many=False, nullable=True),
        "nodes": NodeRoot(name="nodes", description=several, many=True, nullable=False),
    }


def types_by_model(declarations: Collection[TypeDeclaration]) -> Mapping[type[models.Model], tuple[str, ...]]:
    """Return the names of the types over each model, the primary one first.

    Where one of them is an interface, those of the types that have its rows as well follow: their ids are what clients
    see of its rows.
    """
    found: dict[type[models.Model], list[str]] = {}
    known = [item for item in declarations if item.source is None and not item.invalid]
    for declaration in sorted(known, key=lambda item: not item.primary):
        found.setdefault(concrete_model(declaration.model), []).append(declaration.name)
    for interface in (item for item in known if item.interface):
        base = concrete_model(interface.model)
        found[base] += [item.name for item in known if _has_key_of(concrete_model(item.model), base)]
    return {model: tuple(dict.fromkeys(names)) for model, names in found.items()}


def _has_key_of(model: Any, base: Any) -> bool:
    """Whether the rows of a model have the keys of those of a model that it inherits."""
    while model is not base:
        link = model._meta.pk.remote_field
        if link is None or not getattr(link, "parent_link", False):
            return False
        model = concrete_model(link.model)
    return True


def parser(parse: Callable[[Any], Any], names: tuple[str, ...]) -> Callable[[Any], Any]:
    """Return what parses a key that a mutation is given as the global id of a type of these names."""
    return lambda given: parse(key_text(str(given), names))


def with_global_ids(types: Mapping[str, TypeDef], columns: ColumnDescriber) -> tuple[dict[str, TypeDef], list[str]]:
    """Return the types with global ids, and what is wrong with those that cannot have them."""
    found: dict[str, TypeDef] = {}
    problems: list[str] = []
    for name, definition in types.items():
        try:
            found[name] = definition if definition.source is not None else _with_ids(definition, columns)
        except DeclarationError as error:
            problems.append(str(error))
    return found, problems


def _with_ids(definition: TypeDef, columns: ColumnDescriber) -> TypeDef:
    def made(field: Any) -> Any:
        return _global(definition, field, columns) if isinstance(field, Column) else field

    members = {name: made(field) for name, field in definition.fields.items()}
    keys = {name: made(field) for name, field in definition.key.items()}
    unique = tuple({name: made(field) for name, field in key.items()} for key in definition.unique)
    given = members.get("id")
    own: FieldDef
    if len(keys) == 1:
        (own,) = keys.values()
        if not isinstance(own, GlobalColumn):
            # Python makes the values of its class
            return replace(definition, fields=members, unique=unique)
        own = replace(own, name="id")
    else:
        described = "Tells the row from all others."
        own = CompositeId(name="id", description=described, of=definition.name, parts=_parts(keys))
    if given is None:
        members = {"id": own, **members}
    elif not (isinstance(given, GlobalColumn) and isinstance(own, GlobalColumn) and given.of == own.of):
        raise DeclarationError(
            f"{definition.name}.id is not the key of its rows, which Node has under that name; give it another name "
            f"with fraiseql.field(name=…), or turn NODE off"
        )
    return replace(definition, fields=members, unique=unique, key_arguments=keys, is_node=True)


def _parts(keys: Mapping[str, Any]) -> tuple[Column, ...]:
    # what stands in the id is stored
    return tuple(plain(part) for part in keys.values())


def plain(field: Any) -> Column:
    """Return the column of a global id, as it is."""
    if not isinstance(field, GlobalColumn):
        assert isinstance(field, Column)
        return field
    return Column(**{item.name: getattr(field, item.name) for item in fields(Column)})


def _global(definition: TypeDef, field: Column, columns: ColumnDescriber) -> Column:
    """Return a column as clients see it: with global ids where it is a key of a declared type's rows."""
    if field.dimensions or field.conversion is not None or field.translation is not None:
        return field
    stored: Any = definition.model._meta.get_field(field.column)
    names = columns.global_names(definition.model, stored)
    if not names:
        return field
    own = stored in own_keys(definition.model)
    values = {item.name: getattr(field, item.name) for item in fields(Column)}
    of = definition.name if own else names[0]
    return GlobalColumn(**values, of=of, names=tuple(dict.fromkeys((of, *names))))


def node_interface() -> GraphQLInterfaceType:
    """Return Relay's interface."""
    field = GraphQLField(GraphQLNonNull(GraphQLID), description="Tells the row from all others of the schema.")
    return GraphQLInterfaceType(NODE, {"id": field}, description="A row with a global id.")


def node_types(types: Mapping[str, TypeDef]) -> Iterator[str]:
    """Yield the names of the types that are Nodes."""
    return (name for name, definition in types.items() if definition.is_node)


def encoded_key(definition: TypeDef, key: str) -> str:
    """Return the text of a key in a global id as PostgreSQL reads it, for several columns a JSON list of texts.

    Raises InvalidInput where no row of the type can have it.
    """
    parts = [plain(part) for part in definition.key.values()]
    scalars: list[Scalar] = [part.scalar for part in parts]
    if len(parts) == 1:
        return scalars[0].encode(key)
    try:
        values = json.loads(key)
    except ValueError:
        values = None
    if not (isinstance(values, list) and len(values) == len(parts) and all(isinstance(v, str) for v in values)):
        raise InvalidInput(f"{json.dumps(key[:_SHOWN])} is no key of {definition.name}")
    return json.dumps([scalar.encode(_value(scalar, value)) for scalar, value in zip(scalars, values, strict=True)])


def _value(scalar: Scalar, text: str) -> Any:
    """Return the value of a leaf type that is written as a text in an id."""
    try:
        parse: Callable[[Any], Any] = scalar.graphql.parse_value
        return parse(int(text) if scalar.name == "Int" else text)
    except Exception:
        raise InvalidInput(f"{json.dumps(text[:_SHOWN])} is no {scalar.name}") from None
