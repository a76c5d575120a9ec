"""All declarations of types → their descriptions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from graphql import specified_scalar_types

from ..declare.registry import Registry
from ..errors import DeclarationError
from ..invalidation.names import register
from .definition import Key, Shape, TypeDef
from .model_types import TypeDescriber
from .object_types import Outputs
from .protection import protected, with_missing_rows
from .relations import Targets, resolve_links
from .source_types import Shapes, SourceDescriber

# The names of GraphQL's own scalars (specification, 3.5)
RESERVED = frozenset(specified_scalar_types)


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """The types by name, and the shapes of the objects in JSON that they lead to."""

    types: Mapping[str, TypeDef]
    shapes: Mapping[str, Shape]


def describe_types(registry: Registry, outputs: Outputs) -> Described:
    """Describe every declared type, and register the tables that their sources read.

    Raises DeclarationError that lists all problems of all types, a line each.
    """
    targets, shapes = Targets(registry), Shapes(outputs)
    found: dict[str, TypeDef] = {}
    key_of: dict[str, Callable[[str, str], Key]] = {}
    problems: list[str] = []
    for declaration in registry.types:
        if declaration.name in RESERVED:
            problems.append(
                f"a type cannot be called {declaration.name!r}, the name of a type of GraphQL's own; give it another "
                f"name with name=…"
            )
            continue
        if declaration.name in found:
            problems.append(f"two types are called {declaration.name!r}; give one of them another name with name=…")
        source = declaration.source
        describer = (
            TypeDescriber(declaration, targets, outputs.columns)
            if source is None
            else SourceDescriber(declaration, source, targets, shapes)
        )
        try:
            found[declaration.name] = protected(describer.describe(), declaration, outputs.conventions)
            key_of[declaration.name] = describer.key_of
            if source is not None:
                register(source.sql, source.reads)
        except DeclarationError as error:
            problems.append(str(error))
    problems += _clashing_roots(found)
    try:
        found = resolve_links(found, key_of)
    except DeclarationError as error:
        problems.append(str(error))
    if problems:
        raise DeclarationError("\n".join(problems))
    return Described(types=with_missing_rows(found, shapes.found), shapes=shapes.found)


def _clashing_roots(types: Mapping[str, TypeDef]) -> Iterator[str]:
    owners: dict[str, str] = {}
    for definition in types.values():
        for root in (definition.single, definition.plural):
            if root is not None and owners.setdefault(root, definition.name) != definition.name:
                yield (
                    f"{owners[root]} and {definition.name} both have a root field {root!r}; "
                    f"name one with single=… or plural=…, or leave it out with queries=[…]"
                )
        if definition.single is not None and definition.single == definition.plural:
            yield f"{definition.name}: single and plural are both {definition.single!r}; name one of them"
