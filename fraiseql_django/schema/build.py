"""Descriptions → graphql-core schema, whose types and fields carry their descriptions in ``extensions``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from functools import partial
from typing import Any

from django.conf import settings as django_settings
from django.utils import translation
from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_object_type,
    specified_directives,
    specified_scalar_types,
    validate_schema,
)

from .._django import concrete_model
from ..conf.settings import Settings
from ..declare.names import RESERVED
from ..declare.registry import MutationDeclaration, Registry
from ..declare.rules import RowRule
from ..declare.scalars import scalars_of
from ..errors import DeclarationError
from .abstract_types import hidden_children
from .annotations import PYTHON_SCALARS
from .arguments import Arguments, MutationDef, describe_mutation
from .cache_control import applied_policy
from .collisions import colliding_types, same_names
from .conventions import Conventions
from .definition import AbstractShape, FieldDef, Related, RootRows, Shape, TypeDef, UnionCount, UnionRows, ValueObject
from .describe import Described, describe_types, without_unusable_keys
from .directives import APPLIED, Directives
from .django_fields import ColumnDescriber, mapped_scalars
from .enums import Enums
from .filter_inputs import Inputs
from .global_ids import NODE, node_interface, node_roots, node_types, types_by_model, with_global_ids
from .kinds import PLAIN, Form, derived_shapes, kind_of, problems_of_forms, with_list_forms
from .object_types import ObjectDef, Output, Outputs
from .operators import BUILT_IN, OperatorTable
from .operators.own import check_types, own_operators
from .queries import describe_query
from .scalars.declared import declared_scalars
from .scalars.graphql import UPLOAD
from .source_types import Shapes

# The form that a plain list has beside it, unless ``COUNTS`` says otherwise
COUNT = "count"
# Names the definition in the extensions of a GraphQL field or type
DEFINITION = "fraiseql"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Schema:
    """A built schema beside the descriptions that it was built from: of rows, of objects of classes, of mutations.

    ``query`` and ``mutation`` are the root types: their fields are of kinds, as those of all types. ``row_rules`` are
    those of the types over each model, with the types' names; ``conventions`` are the settings that it was built with.
    ``unions`` has the names of the types of every abstract type, ``operators`` are those of its values. ``left_out``
    has the models that ``types`` should have declared, but whose keys clients cannot write.
    """

    graphql: GraphQLSchema
    types: Mapping[str, TypeDef]
    shapes: Mapping[str, Shape]
    objects: Mapping[str, ObjectDef]
    unions: Mapping[str, tuple[str, ...]]
    mutations: Mapping[str, MutationDef]
    query: Shape
    mutation: Shape
    row_rules: Mapping[Any, Sequence[tuple[str, RowRule]]]
    conventions: Conventions
    operators: OperatorTable
    left_out: Mapping[str, str] = dataclass_field(default_factory=dict)


class SchemaBuilder:
    """Builds one schema from the descriptions of its types and mutations; it is the OutputTypes of their kinds."""

    def __init__(
        self, found: Described, outputs: Outputs, queries: Mapping[str, FieldDef], mutations: Mapping[str, MutationDef],
        conventions: Conventions, operators: OperatorTable,
    ) -> None:  # fmt: skip
        self.conventions = conventions
        self.types = {
            name: with_list_forms(definition, partial(_forms, found.types, conventions), conventions)
            for name, definition in found.types.items()
        }
        self.outputs = outputs
        self.mutations = mutations
        self.query = with_list_forms(
            Shape(name="Query", description=None, fields={**self._roots(found.shapes), **queries}),
            partial(_root_forms, found.types, conventions),
            conventions,
        )
        self.mutation = Shape(name="Mutation", description=None, fields=mutations)
        declared = {**self.types, **found.shapes}
        derived = derived_shapes(declared, self.query, conventions, taken={*outputs.objects, *outputs.unions})
        self.shapes = {**found.shapes, **derived}
        self.operators = operators
        self.interfaces = {NODE: node_interface()} if conventions.settings.node else {}
        self.inputs = Inputs({**self.types, **self.shapes}, operators)
        self.values: dict[str, GraphQLObjectType] = {}
        abstract = [shape for shape in self.shapes.values() if shape.branches]
        self.objects: dict[str, Any] = {
            definition.name: self._object(definition) for definition in (*self.types.values(), *abstract)
        }
        self.objects |= {name: self._object(described) for name, described in outputs.objects.items()}
        # those that nothing leads to are in the schema all the same, if they are declared
        self.declared = list(self.objects.values())
        self.objects |= {name: self._object(shape) for name, shape in derived.items()}
        self.unions = {
            name: GraphQLUnionType(name, [self.objects[member] for member in members])
            for name, members in outputs.unions.items()
        }

    def build(self, directives: Directives) -> Schema:
        """Return the schema; raise DeclarationError for what GraphQL's own rules refuse, and for wrong directives."""
        if not self.query.fields:
            raise DeclarationError("the schema has nothing to query: declare a type with @fraiseql.type")
        query = self._object(self.query)
        mutation = self._object(self.mutation) if self.mutations else None
        types = self.declared
        roots = [query] if mutation is None else [query, mutation]
        if problems := list(same_names([*roots, *types, *specified_scalar_types.values()])):
            raise DeclarationError("\n".join(problems))
        schema = GraphQLSchema(query=query, mutation=mutation, types=types)
        if own := directives.of(schema):
            schema = GraphQLSchema(
                query=query, mutation=mutation, types=types, directives=[*specified_directives, *own]
            )
        if problems := [*(error.message for error in validate_schema(schema)), *_uploads_in_outputs(schema)]:
            raise DeclarationError("\n".join(problems))
        return Schema(
            graphql=schema,
            types=self.types,
            shapes=self.shapes,
            objects=self.outputs.objects,
            unions={**self.outputs.unions, **self._possible_types()},
            mutations=self.mutations,
            query=self.query,
            mutation=self.mutation,
            row_rules=_row_rules(self.types),
            conventions=self.conventions,
            operators=self.operators,
        )

    def _roots(self, shapes: Mapping[str, Shape]) -> dict[str, FieldDef]:
        """Return the fields of Query, before lists have their forms."""
        fields = root_fields(self.types, node=self.conventions.settings.node)
        for shape in shapes.values():
            plural = shape.plural if isinstance(shape, AbstractShape) else None
            if plural is None:
                continue
            if plural in fields:
                raise DeclarationError(
                    f"{shape.name} and another type have a root field {plural!r}; give one another name with plural=…"
                )
            found = UnionRows(name=plural, description=f"A list of {shape.name}.", target=shape.name)
            fields[plural] = found
            if self.conventions.settings.counts:
                described = f"How many {shape.name} rows there are; with `where`, how many match."
                count = UnionCount(name=f"{plural}Count", description=described, of_list=found)
                fields.setdefault(count.name, count)
        return fields

    def _possible_types(self) -> dict[str, tuple[str, ...]]:
        """Return the names of the types of each abstract type; among those of Node are interfaces."""
        found = {
            definition.name: tuple(branch.target for branch in definition.branches)
            for definition in (*self.types.values(), *self.shapes.values())
            if definition.branches
        }
        return found | dict.fromkeys(self.interfaces, tuple(node_types(self.types)))

    def object(self, name: str) -> Any:
        """Return the object type, interface or union of this name."""
        return self.objects[name]

    def value(self, value: ValueObject) -> GraphQLObjectType:
        """Return the object type of a column with parts; each is made once."""
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

    def interface(self, name: str) -> GraphQLInterfaceType:
        """Return the interface of this name."""
        return self.interfaces[name]

    def output(self, output: Output) -> GraphQLOutputType:
        """Return the type of what a Python function returns."""
        graphql: Any
        if output.item is not None:
            graphql = GraphQLList(self.output(output.item))
        elif output.leaf is not None:
            graphql = output.leaf
        else:
            graphql = self.unions[output.union] if output.union else self.objects[output.types[0]]
        return graphql if output.nullable else GraphQLNonNull(graphql)

    def _object(self, definition: Any) -> Any:
        """Return the type of a description: an object type, an interface or a union."""
        described = {
            "description": definition.description,
            "extensions": {DEFINITION: definition, APPLIED: (*definition.directives, *applied_policy(definition))},
        }
        branches = getattr(definition, "branches", ())
        if branches and definition.is_union:
            return GraphQLUnionType(
                definition.name, lambda: [self.objects[branch.target] for branch in branches], **described
            )

        def fields() -> dict[str, GraphQLField]:
            return {name: self._field(field) for name, field in definition.fields.items()}

        def interfaces() -> list[GraphQLInterfaceType]:
            found = [self.objects[name] for name in getattr(definition, "implements", ())]
            return [*found, self.interfaces[NODE]] if getattr(definition, "is_node", False) else found

        made = GraphQLInterfaceType if branches else GraphQLObjectType
        return made(definition.name, fields, interfaces, **described)

    def _field(self, field: Any) -> GraphQLField:
        kind = kind_of(field)
        return GraphQLField(
            kind.output(field, self),
            args=kind.arguments(field, self),
            description=field.description,
            deprecation_reason=field.deprecation,
            extensions={DEFINITION: field, APPLIED: (*field.directives, *applied_policy(field))},
        )


def root_fields(types: Mapping[str, TypeDef], *, node: bool = False) -> dict[str, FieldDef]:
    """Return the fields of Query that the types' declarations name, and with ``node`` those that find any row.

    Raises DeclarationError where one has the name of another.
    """
    fields: dict[str, FieldDef] = {}
    for definition in types.values():
        rules, policies, name = definition.root_rules, definition.root_policies, definition.name
        if definition.single is not None:
            fields[definition.single] = RootRows(
                name=definition.single,
                description=f"The {name} with this key, or null.",
                permission=rules.get("single"),
                cache=policies.get("single"),
                target=name,
                many=False,
                nullable=True,
            )
        if definition.plural is not None:
            fields[definition.plural] = RootRows(
                name=definition.plural,
                description=f"A list of {name}.",
                permission=rules.get("plural"),
                cache=policies.get("plural"),
                target=name,
                many=True,
                nullable=False,
            )
    if node:
        roots = node_roots()
        if taken := [name for name in roots if name in fields]:
            raise DeclarationError(
                f"{' and '.join(taken)} are the names of root fields and of Relay's; give the types others with "
                f"single=… and plural=…, or turn NODE off"
            )
        fields |= roots
    return fields


def _forms(types: Mapping[str, TypeDef], conventions: Conventions, field: Related) -> dict[str, Form]:
    """Return the forms of a list in a type: those that the type of its rows names, with what the list has."""
    return dict.fromkeys(_with_count(types[field.target].lists, conventions), (field.permission, field.cache))


def _root_forms(types: Mapping[str, TypeDef], conventions: Conventions, field: Related) -> dict[str, Form]:
    """Return the forms of the lists of a type at the root, with permissions and policies; a count has the list's."""
    definition = types[field.target]
    forms = _with_count([form for form in definition.queries if form != "single"], conventions)
    named = {form: PLAIN if form == COUNT else form for form in forms}
    rules, policies = definition.root_rules, definition.root_policies
    return {form: (rules.get(name), policies.get(name)) for form, name in named.items()}


def _with_count(forms: Sequence[str], conventions: Conventions) -> list[str]:
    return [*forms, COUNT] if PLAIN in forms and conventions.settings.counts else list(forms)


def _row_rules(types: Mapping[str, TypeDef]) -> Mapping[Any, Sequence[tuple[str, RowRule]]]:
    found: dict[Any, list[tuple[str, RowRule]]] = {}
    for definition in types.values():
        rules = [definition.rows, hidden_children(definition, types)]
        of_model = [(definition.name, rule) for rule in rules if rule is not None]
        if of_model:
            found.setdefault(concrete_model(definition.model), []).extend(of_model)
    return found


def _uploads_in_outputs(schema: GraphQLSchema) -> Iterator[str]:
    for type_ in schema.type_map.values():
        if not is_object_type(type_):
            continue
        for name, field in type_.fields.items():
            if get_named_type(field.type) is UPLOAD:
                yield f"{type_.name}.{name} is an Upload, which only an argument or the field of an input can be"


def _describe_queries(
    registry: Registry, types: Mapping[str, TypeDef], arguments: Arguments, shapes: Shapes, problems: list[str]
) -> dict[str, FieldDef]:
    found: dict[str, FieldDef] = {}
    owners = {
        name: f"the root field of {getattr(field, 'target', 'Node')}" for name, field in root_fields(types).items()
    }
    for declaration in registry.queries:
        try:
            definition = describe_query(declaration, arguments, shapes)
        except DeclarationError as error:
            problems.append(str(error))
            continue
        name = definition.name
        if name in owners:
            problems.append(
                f"two root fields are called {name!r}: {owners[name]} and {declaration.location}; give one of them "
                f"another name with name=…"
            )
        found[name] = definition
        owners[name] = declaration.location
    return found


def _describe_mutations(registry: Registry, arguments: Arguments, problems: list[str]) -> dict[str, MutationDef]:
    found: dict[str, MutationDef] = {}
    owners: dict[str, MutationDeclaration] = {}
    for declaration in registry.mutations:
        try:
            definition = replace(describe_mutation(declaration, arguments), directives=declaration.directives)
        except DeclarationError as error:
            problems.append(str(error))
            continue
        if definition.name in found:
            locations = f"{owners[definition.name].location} and {declaration.location}"
            problems.append(
                f"two mutations are called {definition.name!r}: {locations}; give one of them another name with name=…"
            )
        found[definition.name] = definition
        owners[definition.name] = declaration
    return found


def build_schema(registry: Registry, settings: Settings) -> Schema:
    """Build the schema of all declarations with these settings.

    Texts are in the language of LANGUAGE_CODE, whatever language is active: it is one schema for all. Raises
    DeclarationError with every problem of every module, type and mutation, a line each, and ConfigurationError for
    ``SCALARS`` that name no field classes.
    """
    with translation.override(django_settings.LANGUAGE_CODE):
        return _build(registry, settings)


def _build(registry: Registry, settings: Settings) -> Schema:
    problems = list(registry.problems)
    try:
        declared = declared_scalars(scalars_of(registry), PYTHON_SCALARS)
    except DeclarationError as error:
        raise DeclarationError("\n".join([*problems, str(error)])) from None
    conventions = Conventions(
        settings=settings, scalars=mapped_scalars(settings.scalars, declared), python_scalars=declared.python
    )
    by_model = types_by_model(registry.types) if settings.node else {}
    columns = ColumnDescriber(conventions, Enums(registry.taken() | RESERVED), by_model)
    registry, left_out = without_unusable_keys(registry, columns)
    outputs = Outputs(registry, columns)
    shapes = Shapes(outputs)
    # fields of types have arguments, and mutations arguments that are of types
    arguments = Arguments(registry, outputs, {})
    described, of_types = describe_types(registry, arguments, shapes)
    problems += of_types
    if settings.node:
        found, of_ids = with_global_ids(described.types, columns)
        described = replace(described, types=found)
        problems += of_ids
    arguments.types = described.types
    queries = _describe_queries(registry, described.types, arguments, shapes, problems)
    # those of objects that functions return, too
    described = replace(described, shapes={**shapes.found, **described.shapes})
    mutations = _describe_mutations(registry, arguments, problems)
    problems += arguments.problems()
    built_in = OperatorTable(BUILT_IN, settings.extensions)
    own = own_operators(registry, built_in, problems)
    problems += colliding_types(registry.types, outputs.objects.values(), outputs.unions, described.built_in)
    problems += [line for definition in described.types.values() for line in problems_of_forms(definition)]
    if problems:
        # a module that builds the schema while it is imported has reported the same ones before
        lines = dict.fromkeys(line for item in problems for line in item.splitlines())
        # what is wrong with a type's field is found again by the mutations over the type, without its label
        told = {line.partition(": ")[2] for line in lines}
        raise DeclarationError("\n".join(line for line in lines if line not in told))
    operators = OperatorTable([*BUILT_IN, *own], settings.extensions)
    builder = SchemaBuilder(described, outputs, queries, mutations, conventions, operators)
    built = builder.build(Directives(arguments))
    check_types(registry, built.graphql)
    return replace(built, left_out=left_out)
