"""Descriptions → graphql-core schema, whose types and fields carry their descriptions in ``extensions``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_object_type,
    validate_schema,
)

from ..conf.settings import Settings
from ..declare.registry import Registry
from ..declare.rules import RowRule, Rule
from ..errors import DeclarationError
from .arguments import Arguments, MutationDef, describe_mutation
from .conventions import Conventions
from .definition import AnyField, Embedded, Nested, Related, Shape, TypeDef, ValueObject
from .describe import Described, describe_types
from .django_fields import ColumnDescriber, mapped_scalars
from .enums import Enums
from .filter_inputs import Inputs
from .object_types import ObjectDef, Output, Outputs
from .scalars.graphql import UPLOAD

# What the planner finds in the extensions of a field or type
DEFINITION = "fraiseql"


@dataclass(frozen=True, slots=True)
class Root:
    """What a root field of Query reads: one row by its key, or a list; ``permission`` is the field's own."""

    target: str
    many: bool
    permission: Rule | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Schema:
    """A built schema beside the descriptions that it was built from: of rows, of objects of classes, of mutations.

    ``row_rules`` are those of the types over each model, with the types' names; ``conventions`` are the settings that
    it was built with.
    """

    graphql: GraphQLSchema
    types: Mapping[str, TypeDef]
    shapes: Mapping[str, Shape]
    objects: Mapping[str, ObjectDef]
    unions: Mapping[str, tuple[str, ...]]
    mutations: Mapping[str, MutationDef]
    row_rules: Mapping[Any, Sequence[tuple[str, RowRule]]]
    conventions: Conventions = dataclass_field(default_factory=Conventions)


class Builder:
    """Builds one schema from the descriptions of its types and mutations."""

    def __init__(self, found: Described, outputs: Outputs, mutations: Mapping[str, MutationDef]) -> None:
        self.types = found.types
        self.shapes = found.shapes
        self.outputs = outputs
        self.mutations = mutations
        self.inputs = Inputs({**self.types, **self.shapes})
        self.values: dict[str, GraphQLObjectType] = {}
        self.objects: dict[str, GraphQLObjectType] = {
            name: self._object(definition) for name, definition in self.types.items()
        }
        for name, described in outputs.objects.items():
            if name in self.objects:
                raise DeclarationError(f"two types are called {name!r}; give one of them another name with name=…")
            self.objects[name] = self._class(described)
        self.unions = {
            name: GraphQLUnionType(name, [self.objects[member] for member in members])
            for name, members in outputs.unions.items()
        }

    def build(self) -> Schema:
        """Return the schema; raise DeclarationError for what GraphQL's own rules refuse."""
        roots = self._roots()
        if not roots:
            raise DeclarationError("the schema has nothing to query: declare a type with @fraiseql.type")
        try:
            schema = GraphQLSchema(
                query=GraphQLObjectType("Query", roots),
                mutation=GraphQLObjectType("Mutation", self._mutations()) if self.mutations else None,
                types=list(self.objects.values()),
            )
        except TypeError as error:
            # graphql-core's word for two types of one name
            raise DeclarationError(f"{error} Give one of them another name with name=….") from error
        if errors := validate_schema(schema):
            raise DeclarationError("\n".join(error.message for error in errors))
        if problems := list(_uploads_in_outputs(schema)):
            raise DeclarationError("\n".join(problems))
        return Schema(
            graphql=schema,
            types=self.types,
            shapes=self.shapes,
            objects=self.outputs.objects,
            unions=self.outputs.unions,
            mutations=self.mutations,
            row_rules=_row_rules(self.types),
        )

    def _object(self, definition: TypeDef) -> GraphQLObjectType:
        return GraphQLObjectType(
            definition.name,
            lambda: {name: self._field(field) for name, field in definition.fields.items()},
            description=definition.description,
            extensions={DEFINITION: definition},
        )

    def _class(self, definition: ObjectDef) -> GraphQLObjectType:
        return GraphQLObjectType(
            definition.name,
            lambda: {
                field.name: GraphQLField(
                    self._output(field.output),
                    description=field.description,
                    deprecation_reason=field.deprecation,
                    extensions={DEFINITION: field},
                )
                for field in definition.fields.values()
            },
            description=definition.description,
        )

    def _output(self, output: Output) -> GraphQLOutputType:
        graphql: Any
        if output.item is not None:
            graphql = GraphQLList(self._output(output.item))
        elif output.leaf is not None:
            graphql = output.leaf
        else:
            graphql = self.unions[output.union] if output.union else self.objects[output.types[0]]
        return graphql if output.nullable else GraphQLNonNull(graphql)

    def _field(self, field: AnyField) -> GraphQLField:
        arguments = self._list_arguments(field.target) if isinstance(field, Related) and field.many else None
        return GraphQLField(
            self._type(field),
            args=arguments,
            description=field.description,
            deprecation_reason=field.deprecation,
            extensions={DEFINITION: field},
        )

    def _type(self, field: AnyField) -> GraphQLOutputType:
        graphql: Any
        if isinstance(field, Related):
            graphql = self.objects[field.target]
            if field.many:
                return GraphQLNonNull(GraphQLList(GraphQLNonNull(graphql)))
        elif isinstance(field, Nested):
            graphql = self.objects[field.target]
            if field.many:
                graphql = GraphQLList(graphql if field.nullable_items else GraphQLNonNull(graphql))
        elif isinstance(field, Embedded):
            graphql = self._value(field.value)
        else:
            graphql = field.scalar.graphql
            for level in range(field.dimensions):
                nullable = field.nullable_items if level == 0 else False
                graphql = GraphQLList(graphql if nullable else GraphQLNonNull(graphql))
        return graphql if field.nullable else GraphQLNonNull(graphql)

    def _value(self, value: ValueObject) -> GraphQLObjectType:
        if value.name not in self.values:
            self.values[value.name] = GraphQLObjectType(
                value.name,
                {
                    name: GraphQLField(
                        part.graphql if part.nullable else GraphQLNonNull(part.graphql), description=part.description
                    )
                    for name, part in value.parts.items()
                },
                description=value.description,
            )
        return self.values[value.name]

    def _list_arguments(self, target: str) -> dict[str, GraphQLArgument]:
        arguments = {"where": GraphQLArgument(self.inputs.where[target], description="Which rows; all by default.")}
        if target in self.inputs.order_by:
            arguments["orderBy"] = GraphQLArgument(
                GraphQLList(GraphQLNonNull(self.inputs.order_by[target])),
                description="What to sort by, most important first; the key always decides last.",
            )
        arguments["limit"] = GraphQLArgument(GraphQLInt, description="How many rows at most.")
        arguments["offset"] = GraphQLArgument(GraphQLInt, description="How many rows to pass over first.")
        return arguments

    def _roots(self) -> dict[str, GraphQLField]:
        roots: dict[str, GraphQLField] = {}
        for definition in self.types.values():
            graphql = self.objects[definition.name]
            if definition.single is not None:
                roots[definition.single] = GraphQLField(
                    graphql,
                    args={
                        name: GraphQLArgument(GraphQLNonNull(column.scalar.graphql))
                        for name, column in definition.key.items()
                    },
                    description=f"The {definition.name} with this key, or null.",
                    extensions={
                        DEFINITION: Root(definition.name, many=False, permission=definition.root_rules.get("single"))
                    },
                )
            if definition.plural is not None:
                roots[definition.plural] = GraphQLField(
                    GraphQLNonNull(GraphQLList(GraphQLNonNull(graphql))),
                    args=self._list_arguments(definition.name),
                    description=f"A list of {definition.name}.",
                    extensions={
                        DEFINITION: Root(definition.name, many=True, permission=definition.root_rules.get("plural"))
                    },
                )
        return roots

    def _mutations(self) -> dict[str, GraphQLField]:
        return {
            name: GraphQLField(
                self._output(definition.output),
                args=dict(definition.arguments),
                description=definition.description,
                deprecation_reason=definition.deprecation,
                extensions={DEFINITION: definition},
            )
            for name, definition in self.mutations.items()
        }


def _row_rules(types: Mapping[str, TypeDef]) -> Mapping[Any, Sequence[tuple[str, RowRule]]]:
    found: dict[Any, list[tuple[str, RowRule]]] = {}
    for definition in types.values():
        if definition.rows is not None:
            found.setdefault(definition.model._meta.concrete_model, []).append((definition.name, definition.rows))
    return found


def _uploads_in_outputs(schema: GraphQLSchema) -> Iterator[str]:
    for type_ in schema.type_map.values():
        if not is_object_type(type_):
            continue
        for name, field in type_.fields.items():
            if get_named_type(field.type) is UPLOAD:
                yield f"{type_.name}.{name} is an Upload, which only an argument or the field of an input can be"


def _describe_mutations(registry: Registry, outputs: Outputs, problems: list[str]) -> dict[str, MutationDef]:
    arguments = Arguments(registry, outputs)
    found: dict[str, MutationDef] = {}
    for declaration in registry.mutations:
        try:
            definition = describe_mutation(declaration, arguments)
        except DeclarationError as error:
            problems.append(str(error))
            continue
        if definition.name in found:
            problems.append(f"two mutations are called {definition.name!r}; give one of them another name with name=…")
        found[definition.name] = definition
    return found


def build_schema(registry: Registry, settings: Settings) -> Schema:
    """Build the schema of all declarations with these settings.

    Raises DeclarationError with every problem of every module, type and mutation, a line each, and ConfigurationError
    for ``SCALARS`` that name no field classes.
    """
    conventions = Conventions(
        camel_case=settings.camel_case,
        database=settings.database,
        default_permission=settings.default_permission,
        scalars=mapped_scalars(settings.scalars),
    )
    problems = list(registry.problems)
    outputs = Outputs(registry, ColumnDescriber(conventions, Enums()))
    described = Described(types={}, shapes={})
    try:
        described = describe_types(registry, outputs)
    except DeclarationError as error:
        problems.append(str(error))
    mutations = _describe_mutations(registry, outputs, problems)
    if problems:
        # a module that builds the schema while it is imported has reported the same ones before
        raise DeclarationError("\n".join(dict.fromkeys(line for item in problems for line in item.splitlines())))
    return replace(Builder(described, outputs, mutations).build(), conventions=conventions)
