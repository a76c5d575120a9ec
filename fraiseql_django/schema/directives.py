"""Directives of a team's own: which parts of a schema have them, and their definitions.

A part's directives are in its ``extensions``, under ``APPLIED``, as instances of their classes. Here they are checked,
and turned into AST nodes that ``sdl`` prints.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator
from typing import Any

from graphql import (
    ArgumentNode,
    DirectiveLocation,
    DirectiveNode,
    GraphQLArgument,
    GraphQLDirective,
    GraphQLError,
    GraphQLSchema,
    NameNode,
    ast_from_value,
    is_enum_type,
    is_input_object_type,
    is_interface_type,
    is_object_type,
    is_scalar_type,
    print_ast,
)

from ..declare.directives import DirectiveDeclaration
from ..declare.members import module_of
from ..declare.names import check_name
from ..errors import DeclarationError
from .arguments import Arguments
from .cache_control import SCOPE, CacheControl, definition_of

# The extension of a type, a field, an argument or a value that has its directives
APPLIED = "directives"


def parts(type_: Any) -> Iterator[tuple[str, str, Any]]:
    """Yield a type's parts that may have directives: the location, what it is called in errors, the part."""
    name = type_.name
    if is_object_type(type_) or is_interface_type(type_):
        yield "OBJECT" if is_object_type(type_) else "INTERFACE", name, type_
        for field_name, field in type_.fields.items():
            yield "FIELD_DEFINITION", f"{name}.{field_name}", field
            for argument_name, argument in field.args.items():
                yield "ARGUMENT_DEFINITION", f"{name}.{field_name}({argument_name}:)", argument
    elif is_input_object_type(type_):
        yield "INPUT_OBJECT", name, type_
        for field_name, field in type_.fields.items():
            yield "INPUT_FIELD_DEFINITION", f"{name}.{field_name}", field
    elif is_enum_type(type_):
        yield "ENUM", name, type_
        for value_name, value in type_.values.items():
            yield "ENUM_VALUE", f"{name}.{value_name}", value
    elif is_scalar_type(type_):
        yield "SCALAR", name, type_


def applied(part: Any) -> tuple[Any, ...]:
    """Return the directives of a part of a schema."""
    found: tuple[Any, ...] = part.extensions.get(APPLIED, ())
    return found


class Directives:
    """Makes the definitions of directives for one schema, each once."""

    def __init__(self, arguments: Arguments) -> None:
        self.arguments = arguments
        self._found: dict[type, GraphQLDirective] = {}
        kept = arguments.conventions.settings.cache
        self._on_queries = kept.client_control
        if kept.max_age:
            # there is something to shorten, whatever is declared
            self._definition(CacheControl.__fraiseql_directive__)

    def of(self, schema: GraphQLSchema) -> list[GraphQLDirective]:
        """Return the definitions of all directives that a schema's parts have.

        Raises DeclarationError for every one that cannot stand where it does, or whose arguments do not fit.
        """
        problems: list[str] = []
        for type_ in schema.type_map.values():
            for location, where, part in parts(type_):
                problems += self._problems(location, where, applied(part))
        names: dict[str, type] = {}
        for cls, made in self._found.items():
            if names.setdefault(made.name, cls) is not cls:
                both = " and ".join(f"{item.__qualname__} in {item.__module__}" for item in (names[made.name], cls))
                problems.append(f"two directives are called {made.name!r}: {both}; give one of them name=…")
        if CacheControl in self._found and SCOPE in schema.type_map:
            problems.append(
                f"a type is called {SCOPE!r}, the name of an enum that @cacheControl has; give it another one with "
                f"name=…"
            )
        if problems:
            raise DeclarationError("\n".join(dict.fromkeys(problems)))
        return sorted(self._found.values(), key=lambda item: item.name)

    def _problems(self, location: str, where: str, instances: tuple[Any, ...]) -> Iterator[str]:
        seen: set[type] = set()
        for instance in instances:
            declared: DirectiveDeclaration | None = getattr(instance, "__fraiseql_directive__", None)
            if declared is None or isinstance(instance, type):
                yield (
                    f"{where}: directives has {instance!r}, must be instances of classes that are declared with "
                    f"@fraiseql.directive"
                )
                continue
            if location not in declared.locations:
                allowed = ", ".join(declared.locations)
                yield f"{where} cannot have @{declared.name}, since it is {location}; locations are: {allowed}"
            if declared.cls in seen and not declared.repeatable:
                yield f"{where} has @{declared.name} twice; declare it with repeatable=True"
            seen.add(declared.cls)
            try:
                node(instance, self._definition(declared))
            except DeclarationError as error:
                yield str(error)
            except (GraphQLError, TypeError, ValueError) as error:
                yield f"{where}: @{declared.name}: {getattr(error, 'message', error)}"

    def _definition(self, declared: DirectiveDeclaration) -> GraphQLDirective:
        if declared.cls is CacheControl:
            self._found.setdefault(CacheControl, definition_of(on_queries=self._on_queries))
        if declared.cls not in self._found:
            made = {}
            for item in dataclasses.fields(declared.cls):
                where = f"directive {declared.name!r}, argument {item.name!r}"
                annotation = self.arguments.read(item.type, module_of(declared.cls, item.name))
                graphql, _ = self.arguments.of(annotation, where)
                if is_input_object_type(getattr(graphql, "of_type", graphql)):
                    raise DeclarationError(f"{where} is an object; give the directive an argument for each value")
                made[check_name(self.arguments.conventions.name(item.name), where)] = _argument(item, graphql)
            self._found[declared.cls] = GraphQLDirective(
                declared.name,
                [DirectiveLocation[location] for location in declared.locations],
                args=made,
                is_repeatable=declared.repeatable,
                description=declared.description,
            )
        return self._found[declared.cls]


def _argument(item: dataclasses.Field[Any], graphql: Any) -> GraphQLArgument:
    if item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING:
        return GraphQLArgument(graphql, out_name=item.name)
    # what has a default may be left out
    nullable = getattr(graphql, "of_type", graphql) if str(graphql).endswith("!") else graphql
    return GraphQLArgument(nullable, out_name=item.name)


def node(instance: Any, definition: GraphQLDirective) -> DirectiveNode:
    """Return a directive as it is written; raises GraphQLError where a value is none of its argument's type."""
    arguments = []
    for name, argument in definition.args.items():
        value = _plain(getattr(instance, str(argument.out_name)))
        # null is what stands for a value that is not given
        if value is not None or str(argument.type).endswith("!"):
            written: Any = ast_from_value(value, argument.type)
            arguments.append(ArgumentNode(name=NameNode(value=name), value=written))
    return DirectiveNode(name=NameNode(value=definition.name), arguments=tuple(arguments))


def written(part: Any, schema: GraphQLSchema) -> str:
    """Return the directives of a part of a schema as they stand behind it, with a space before each."""
    found: dict[str, Any] = {definition.name: definition for definition in schema.directives}
    names = [(instance, instance.__fraiseql_directive__.name) for instance in applied(part)]
    return "".join(f" {print_ast(node(instance, found[name]))}" for instance, name in names)


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.value if isinstance(value, enum.Enum) else value
