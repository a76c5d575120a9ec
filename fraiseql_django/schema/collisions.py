"""Names that several types would have, and root fields: all of them, each with what has it and where it is declared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLUnionType,
    get_named_type,
    specified_scalar_types,
)

from ..declare.names import BUILT_IN, ROOTS
from ..declare.registry import TypeDeclaration
from .definition import FieldDef, Shape, TypeDef
from .object_types import ObjectDef

# The names of GraphQL's own types (specification, 3.3.1 and 3.5)
OWN = ROOTS | frozenset(specified_scalar_types)
REMEDY = "give one of them another name with name=…"
_KINDS = {
    GraphQLObjectType: "an object",
    GraphQLInputObjectType: "an input",
    GraphQLInterfaceType: "an interface",
    GraphQLEnumType: "an enum",
    GraphQLScalarType: "a scalar",
    GraphQLUnionType: "a union",
}


def described_as(declaration: TypeDeclaration) -> str:
    """Name a declared type in errors: what it is over, its class and its module."""
    return f"{declaration.label} ({declaration.location})"


def colliding_types(
    declarations: Sequence[TypeDeclaration],
    objects: Iterable[ObjectDef],
    unions: Iterable[str],
    used: frozenset[str],
) -> Iterator[str]:
    """Yield a sentence for each name that several types have; ``used`` are the names of built-in types in use."""
    owners: dict[str, list[str]] = defaultdict(list)
    for declaration in declarations:
        if declaration.name in OWN:
            yield f"{declaration.label}: {_own_name(declaration.name)}"
        owners[declaration.name].append(described_as(declaration))
    for definition in objects:
        if definition.name in OWN:
            yield _own_name(definition.name)
        owners[definition.name].append(
            "the result of a mutation"
            if definition.cls is None
            else f"the class {definition.cls.__qualname__} in {definition.cls.__module__}"
        )
    for name in unions:
        owners[name].append("the result of a mutation")
    for name in used - OWN:
        owners[name].append("a built-in type, of a field's value")
    # of types of one name, the inputs are not refused once more
    for declaration in {declaration.name: declaration for declaration in declarations}.values():
        for suffix, what in (("Where", "filter"), ("OrderBy", "order"), ("ListFilter", "filter of lists")):
            owners[declaration.name + suffix].append(f"the {what} of {described_as(declaration)}")
    for name, found in owners.items():
        if len(found) > 1:
            yield f"{_many(found)} types are called {name!r}: {_and(found)}; {REMEDY}"


def _own_name(name: str) -> str:
    return f"a type cannot be called {name!r}, the name of a type of GraphQL's own; give it another name with name=…"


def colliding_roots(types: Sequence[TypeDeclaration], described: Mapping[str, TypeDef]) -> Iterator[str]:
    """Yield a sentence for each root field that several types would have."""
    owners: dict[str, list[TypeDeclaration]] = defaultdict(list)
    for declaration in types:
        definition = described.get(declaration.name)
        roots = declaration.root_names
        single, plural = roots.get("single"), roots.get("plural")
        if definition is not None and definition.single is None:
            # a source without a key
            single = None
        if single is not None and single == plural:
            yield f"{declaration.name}: single and plural are both {single!r}; name one of them"
        for root in dict.fromkeys((single, plural)):
            if root is not None:
                owners[root].append(declaration)
    for root, found in owners.items():
        # types of one name are refused for that
        if len({declaration.name for declaration in found}) > 1:
            names = [f"{declaration.name} over {described_as(declaration)}" for declaration in found]
            yield (
                f"{_many(names)} types have a root field {root!r}: {_and(names)}; name one with single=… or plural=…, "
                f"or leave it out with queries=[…]"
            )


def built_in_names(shapes: Iterable[Shape]) -> frozenset[str]:
    """Return the names of the built-in types that fields of these types have."""
    return (
        frozenset(name for shape in shapes for field in shape.fields.values() for name in _names_of(field)) & BUILT_IN
    )


def _names_of(field: FieldDef) -> Iterator[str]:
    scalar, value = getattr(field, "scalar", None), getattr(field, "value", None)
    if scalar is not None:
        yield scalar.name
    if value is not None:
        yield value.name
        for part in value.parts.values():
            yield part.graphql.name


def same_names(types: Iterable[GraphQLNamedType]) -> Iterator[str]:
    """Yield a sentence for each name that several of the types of a finished schema have."""
    by_name: dict[str, dict[int, GraphQLNamedType]] = defaultdict(dict)
    for found in _reachable(types):
        by_name[found.name][id(found)] = found
    for name, several in by_name.items():
        if len(several) > 1:
            owners = [_owner(found) for found in several.values()]
            yield f"{_many(owners)} types are called {name!r}: {_and(owners)}; {REMEDY}"


def _reachable(types: Iterable[GraphQLNamedType]) -> Iterator[GraphQLNamedType]:
    seen: set[int] = set()
    waiting: list[Any] = list(types)
    while waiting:
        found = waiting.pop()
        if id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        for field in getattr(found, "fields", {}).values():
            waiting.append(get_named_type(field.type))
            waiting += [get_named_type(argument.type) for argument in getattr(field, "args", {}).values()]
        if isinstance(found, GraphQLUnionType):
            waiting += found.types


def _owner(found: GraphQLNamedType) -> str:
    definition = found.extensions.get("fraiseql")
    if isinstance(definition, TypeDef):
        return definition.model._meta.label if definition.source is None else definition.source.table
    if isinstance(definition, ObjectDef) and definition.cls is not None:
        return f"the class {definition.cls.__qualname__} in {definition.cls.__module__}"
    kind = next(kind for cls, kind in _KINDS.items() if isinstance(found, cls))
    return f"{kind} ({found.description})" if found.description else kind


def _many(found: Sequence[str]) -> str:
    return "two" if len(found) == 2 else "several"


def _and(found: Sequence[str]) -> str:
    *others, last = found
    return f"{', '.join(others)} and {last}"
