"""Random operations that are valid: hypothesis draws them from a schema and from the values in the database."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    get_named_type,
)
from hypothesis import strategies as st

from fraiseql_django.kinds.connections import Connection
from fraiseql_django.kinds.counts import Count
from fraiseql_django.schema.aggregates import (
    Aggregate,
    Aggregated,
    AggregatedOne,
    DatePartKey,
    GroupKey,
    Groups,
    KeyOne,
    Values,
)
from fraiseql_django.schema.build import Schema
from fraiseql_django.schema.definition import (
    Computed,
    Embedded,
    FieldDef,
    Reference,
    Relation,
    Shape,
    TypeOf,
    UnionRows,
)
from fraiseql_django.schema.filter_inputs import DIRECTIONS, comparable, is_ordered
from fraiseql_django.schema.function_fields import PythonField
from fraiseql_django.schema.queries import OF_LISTS, FunctionDef, QueryDef
from tests.meaning import TRANSFORMS, meant
from tests.values import has_literal, literal

# What functions are given, by the type of the argument
ARGUMENTS: Mapping[str, list[Any]] = {
    "Int": [0, 3, 50], "BigInt": ["1", "7"], "Decimal": ["12.5", "40"], "String": ["a", "crime", "'"],
    "DateTime": ["2024-05-31T13:45:00Z"],
}  # fmt: skip
Pool = Mapping[tuple[str, str], list[Any]]
DEPTH = 3
OVER_ROWS = (Aggregate, Groups)
ORDERED = ("gt", "gte", "lt", "lte")
ZONES = ('"Europe/Berlin"', '"America/New_York"', '"Asia/Kathmandu"', "null")
# the leaf types whose values Python compares and sorts as PostgreSQL does
COMPARED = {"Int", "BigInt", "Decimal", "String", "Date", "DateTime", "Boolean", "UUID"}
KEYS = {"Int", "BigInt", "Decimal", "String", "Date", "DateTime", "Boolean", "UUID", "ID"}
SEARCHED = {"contains", "icontains", "startswith", "istartswith", "endswith", "iendswith"}


def is_called(field: Any) -> bool:
    """Whether a root field has rows that a function answers with."""
    return isinstance(field, (QueryDef, FunctionDef)) and field.rows is not None and field.rows.many


def is_exact(field: Aggregated) -> bool:
    """Whether an aggregate has one value, whatever the order of the rows, which Python finds as well."""
    listed = field.function.lists
    known = field.of.scalar.name in COMPARED if listed or field.function.keeps else field.of.scalar.name != "Float"
    return known and (not listed or field.of.scalar.name != "Boolean")


def within(names: tuple[str, ...], value: Any) -> dict[str, Any]:
    """Return input objects in one another, with a value in the innermost."""
    return {names[0]: within(names[1:], value) if names[1:] else value}


def is_sorted(field: Aggregated) -> bool:
    """Whether groups and rows are sorted by an aggregate."""
    return field.scalar.ordered or field.scalar.name == "Boolean"


class Drawn:
    """One operation, as it is drawn."""

    def __init__(self, schema: Schema, pool: Pool, draw: Callable[[Any], Any]) -> None:
        self.schema = schema
        self.pool = pool
        self.draw = draw
        self.variables: dict[str, Any] = {}
        self.declared: dict[str, str] = {}
        self.fragments: dict[str, tuple[str, str]] = {}
        # what each alias stands for, so that it always stands for the same: such fields merge
        self.aliases: dict[str, tuple[str, str]] = {}
        # whether fields of other types may have the same place in the answer
        self.apart = False

    # --- choices ---

    def chance(self, percent: int) -> bool:
        """Decide."""
        return bool(self.draw(st.integers(0, 99)) < percent)

    def number(self, least: int, most: int) -> int:
        """Draw a whole number."""
        return int(self.draw(st.integers(least, most)))

    def one_of(self, choices: Any) -> Any:
        """Draw one of these."""
        return self.draw(st.sampled_from(list(choices)))

    # --- the operation ---

    def operation(self) -> tuple[str, dict[str, Any]]:
        """Draw a whole operation with its variables."""
        selections = " ".join(self.root() for _ in range(self.number(1, 3)))
        if self.chance(10):
            selections += " __typename"
        declared = ", ".join(f"${name}: {type_}" for name, type_ in self.declared.items())
        parts = [f"query {f'({declared}) ' if declared else ''}{{ {selections} }}"]
        parts += [f"fragment {name} on {of} {body}" for name, (of, body) in self.fragments.items()]
        return "\n".join(parts), self.variables

    def root(self) -> str:
        """Draw a list of the query's own."""
        # the other way to the answer knows models only
        unions = [field for field in self.schema.query.fields.values() if isinstance(field, UnionRows)]
        if unions and self.chance(20):
            field = self.one_of(unions)
            return self.field("Query", field.name, self.arguments(field.target), field.target, 0)
        definition = self.one_of(known for known in self.schema.types.values() if known.plural and not known.source)
        called = [field for field in self.schema.query.fields.values() if is_called(field)]
        if called and self.chance(15):
            return self.called(self.one_of(called))
        if self.chance(10):
            return self.count("Query", self.schema.query.fields[f"{definition.plural}Count"])
        pages = self.schema.query.fields.get(f"{definition.plural}Connection")
        if isinstance(pages, Connection) and self.chance(30):
            return self.connection("Query", pages, 0)
        over = [form for form in ("Aggregate", "Groups") if f"{definition.plural}{form}" in self.schema.query.fields]
        if over and self.chance(10):
            return self.over_rows("Query", self.schema.query.fields[f"{definition.plural}{self.one_of(over)}"])
        return self.field("Query", definition.plural, self.arguments(definition.name), definition.name, 0)

    def called(self, field: Any) -> str:
        """Draw a root field of rows that a function answers."""
        given = [*self.own_arguments("Query", field.name), *self.list_arguments(field.rows.target)]
        return self.field("Query", field.name, f"({', '.join(given)})" if given else "", field.rows.target, 0)

    def own_arguments(self, type_name: str, name: str) -> list[str]:
        """Draw the arguments of a function: all that must be given, and some of the others."""
        type_: Any = self.schema.graphql.get_type(type_name)
        given = []
        for argument, declared in type_.fields[name].args.items():
            required = isinstance(declared.type, GraphQLNonNull)
            scalar = get_named_type(declared.type).name
            if argument not in OF_LISTS and (required or self.chance(50)):
                given.append(f"{argument}: {self.value(self.one_of(ARGUMENTS[scalar]), declared.type)}")
        return given

    def selection_set(self, type_name: str, depth: int) -> str:
        """Draw what is asked of a type; something always is."""
        items = [self.selection(type_name, depth) for _ in range(self.number(1, 4))]
        return f"{{ {' '.join(items)} }}"

    def selection(self, type_name: str, depth: int) -> str:
        """Draw a field, a fragment or ``__typename``."""
        possible = self.schema.unions.get(type_name, ())
        kind = self.number(0, 11)
        if possible and kind >= (5 if type_name in self.schema.types else 2):
            return self.branch(self.one_of(possible), depth)
        if kind == 0:
            return f"__typename{self.directive()}"
        if kind == 1:
            condition = f" on {type_name}" if self.chance(50) else ""
            return f"...{condition}{self.directive()} {self.selection_set(type_name, depth)}"
        if kind == 2 and not self.apart:
            return f"...{self.fragment(type_name, depth)}{self.directive()}"
        fields = self.known(type_name).fields
        others = (Reference, Count, Connection, *OVER_ROWS)
        leaves = [field for field in fields.values() if not isinstance(field, others)]
        field = self.one_of(fields.values() if depth < DEPTH else leaves or fields.values())
        if isinstance(field, Reference):
            given = self.arguments(field.target, nested=True) if field.many else ""
            return self.field(type_name, field.name, given, field.target, depth)
        if isinstance(field, Count):
            return self.count(type_name, field)
        if isinstance(field, Connection):
            return self.connection(type_name, field, depth)
        if isinstance(field, OVER_ROWS):
            return self.over_rows(type_name, field)
        if isinstance(field, Embedded):
            parts = [*field.parts, "__typename"]
            chosen = " ".join(self.one_of(parts) + self.directive() for _ in range(self.number(1, 3)))
            return f"{self.aliased(type_name, field.name)}{self.directive()} {{ {chosen} }}"
        if isinstance(field, (Computed, PythonField)) and (own := self.own_arguments(type_name, field.name)):
            arguments = f"({', '.join(own)})"
            return f"{self.alias(type_name, field.name + arguments)}: {field.name}{arguments}{self.directive()}"
        return self.aliased(type_name, field.name) + self.directive()

    def known(self, type_name: str) -> Shape:
        """Return the description of a type."""
        return self.schema.types.get(type_name) or self.schema.shapes[type_name]

    def branch(self, type_name: str, depth: int) -> str:
        """Draw a fragment on one of the types of an abstract type; its fields have names of their own."""
        around, self.apart = self.apart, True
        body = self.selection_set(type_name, depth)
        self.apart = around
        return f"... on {type_name}{self.directive()} {body}"

    def count(self, type_name: str, field: FieldDef) -> str:
        """Draw the count of a list; with arguments it has an alias that stands for just these."""
        assert isinstance(field, Count)
        given = self.filter(field.of.target)
        arguments = f"({', '.join(given)})" if given else ""
        prefix = f"{self.alias(type_name, field.name + arguments)}: " if given or self.apart else ""
        return f"{prefix}{field.name}{arguments}{self.directive()}"

    def connection(self, type_name: str, field: Connection, depth: int) -> str:
        """Draw a page of a list, without cursors, under an alias that stands for just its arguments."""
        target = field.of.target
        given = self.sorted_filter(target)
        if type_name != "Query" or self.chance(60):
            size = self.value(self.number(0, 3), self.schema.graphql.type_map["Int"])  # type: ignore[arg-type]
            given.append(f"{self.one_of(['first', 'last'])}: {size}")
        arguments = f"({', '.join(given)})" if given else ""
        prefix = f"{self.alias(type_name, field.name + arguments)}: " if arguments or self.apart else ""
        around, self.apart = self.apart, False
        parts = [self.part_of_connection(target, depth) for _ in range(self.number(1, 3))]
        self.apart = around
        return f"{prefix}{field.name}{arguments}{self.directive()} {{ {' '.join(parts)} }}"

    def part_of_connection(self, target: str, depth: int) -> str:
        """Draw a field of a connection."""
        kind = self.number(0, 4)
        if kind == 0:
            return f"{self.aliased(f'{target}Connection', 'totalCount')}{self.directive()}"
        if kind == 1:
            part = self.one_of(["hasNextPage", "hasPreviousPage", "__typename"])
            return f"{self.aliased(f'{target}Connection', 'pageInfo')}{self.directive()} {{ {part} }}"
        if kind == 2:
            return f"__typename{self.directive()}"
        rows = self.selection_set(target, depth + 1)
        if kind == 3:
            return f"{self.aliased(f'{target}Connection', 'nodes')}{self.directive()} {rows}"
        return f"edges{self.directive()} {{ __typename node{self.directive()} {rows} }}"

    # --- aggregates and groups ---

    def over_rows(self, type_name: str, field: Any) -> str:
        """Draw the aggregates or the groups of a list, under an alias that stands for just these arguments."""
        target = field.of.target
        given, selected = self.filter(target), [self.over(f"{target}Aggregate", 0) for _ in range(self.number(1, 3))]
        if isinstance(field, Groups):
            keys = [self.key(f"{target}GroupKey", 0) for _ in range(self.number(1, 2))]
            selected = [f"key {{ {' '.join(keys)} }}", *selected]
            given += self.of_groups(target)
        arguments = f"({', '.join(given)})" if given else ""
        # the keys decide which groups there are, so that no two fields merge
        alias = self.alias(type_name, f"{field.name}{arguments}{len(self.aliases) if given else ''} {selected}")
        return f"{alias}: {field.name}{arguments}{self.directive()} {{ {' '.join(selected)} }}"

    def of_groups(self, target: str) -> list[str]:
        """Draw the arguments of groups beside ``where``."""
        given = []
        where = self.schema.graphql.type_map[f"{target}AggregateWhere"]
        if self.chance(25):
            given.append(f"having: {self.value(self.on_aggregates(f'{target}Aggregate', 0), where)}")  # type: ignore[arg-type]
        if self.chance(30):
            order_by: Any = self.schema.graphql.type_map[f"{target}GroupOrderBy"]
            terms = [self.over_term(f"{target}Aggregate") for _ in range(self.number(1, 2))]
            given.append(f"orderBy: {self.value(terms, GraphQLList(GraphQLNonNull(order_by)))}")
        for name in ("limit", "offset"):
            if self.chance(25):
                value = self.one_of([0, 1, 2, 3, None])
                given.append(f"{name}: {self.value(value, self.schema.graphql.type_map['Int'])}")  # type: ignore[arg-type]
        return given

    def over(self, shape: str, depth: int) -> str:
        """Draw a field of an aggregate."""
        field = self.one_of(self.exact(shape, depth))
        if isinstance(field, (Values, AggregatedOne)):
            inner = [self.over(field.target, depth + 1) for _ in range(self.number(1, 2))]
            return f"{field.name}{self.directive()} {{ {' '.join(inner)} }}"
        if not isinstance(field, Aggregated) or not field.function.lists:
            return self.aliased(shape, field.name) + self.directive()
        given = []
        if self.chance(40):
            given.append(f"limit: {self.value(self.number(0, 3), self.schema.graphql.type_map['Int'])}")  # type: ignore[arg-type]
        if self.chance(30):
            given.append("distinct: true")
        elif self.chance(30):
            order_by: Any = self.schema.graphql.get_type(f"{field.owner}OrderBy")
            terms = [self.term(field.owner, 1)]
            given.append(f"orderBy: {self.value(terms, GraphQLList(GraphQLNonNull(order_by)))}")
        arguments = f"({', '.join(given)})" if given else ""
        return f"{self.alias(shape, field.name + arguments)}: {field.name}{arguments}{self.directive()}"

    def exact(self, shape: str, depth: int) -> list[Any]:
        """List the fields of an aggregate whose values do not depend on the order in which rows are added up."""
        fields = self.schema.shapes[shape].fields.values()
        deep = depth > 2
        return [
            field
            for field in fields
            if (isinstance(field, Values) or (isinstance(field, AggregatedOne) and isinstance(field.of, Relation)))
            and self.leads(field.target)
            and not (deep and isinstance(field, AggregatedOne))
        ] + [
            field
            for field in fields
            if not isinstance(field, (Values, AggregatedOne)) and (not isinstance(field, Aggregated) or is_exact(field))
        ]

    def leads(self, shape: str) -> bool:
        """Whether an aggregate itself has a field whose value is exact and can be compared."""
        fields = self.schema.shapes[shape].fields.values()
        return any(isinstance(field, Aggregated) and is_exact(field) for field in fields)

    def compared(self, shape: str, depth: int = 0) -> list[tuple[tuple[str, ...], Any]]:
        """List what conditions and orders may have of an aggregate: the names that lead to it, and the field."""
        found: list[tuple[tuple[str, ...], Any]] = []
        for field in self.exact(shape, depth):
            if isinstance(field, (Values, AggregatedOne)):
                if field.function.compared:
                    found += [((field.name, *names), leaf) for names, leaf in self.compared(field.target, depth + 1)]
            elif not isinstance(field, Aggregated) or (field.function.compared and field.scalar.name in COMPARED):
                found.append(((field.name,), field))
        return found

    def on_aggregates(self, shape: str, depth: int) -> dict[str, Any]:
        """Draw a condition on aggregates."""
        if depth == 0 and self.chance(25):
            combined = self.one_of(["AND", "OR", "NOT"])
            inner = self.on_aggregates(shape, 1)
            return {combined: inner if combined == "NOT" else [inner]}
        names, field = self.one_of(self.compared(shape))
        operator = self.one_of(["eq", "neq", "isnull", "in", *ORDERED])
        if operator not in self.schema.graphql.type_map[f"{field.scalar.name}Filter"].fields:  # type: ignore[union-attr]
            operator = "eq"
        values = [0, 1, 2, 5, 40]
        if isinstance(field, Aggregated) and field.function.keeps:
            values = self.pool.get((field.owner, field.of.name), [])
        elif field.scalar.name == "Boolean":
            values = [True, False]
        return within(names, {operator: self.operand(operator, values)}) if values else {}

    def over_term(self, shape: str) -> dict[str, Any]:
        """Draw what rows or groups are sorted by."""
        ordered = [
            names for names, field in self.compared(shape) if not isinstance(field, Aggregated) or is_sorted(field)
        ]
        return within(self.one_of(ordered), self.one_of(DIRECTIONS))

    def key(self, shape: str, depth: int) -> str:
        """Draw a field to group by, sometimes with arguments."""
        fields = self.schema.shapes[shape].fields.values()
        keys = [field for field in fields if isinstance(field, GroupKey) and field.of.scalar.name in KEYS]
        led = [field for field in fields if isinstance(field, KeyOne) and isinstance(field.of, Relation)]
        if led and (not keys or self.chance(30)) and depth < 4:
            field = self.one_of(led)
            inner = self.key(field.target, depth + 1)
            return f"{self.alias(shape, f'{field.name}{len(self.aliases)}')}: {field.name} {{ {inner} }}"
        if not keys:
            return "__typename"
        field = self.one_of(keys)
        arguments = self.of_key(field)
        return f"{self.alias(shape, f'{field.name}{arguments}')}: {field.name}{arguments}"

    def of_key(self, field: Any) -> str:
        """Draw the arguments of a key."""
        name = field.of.scalar.name
        zone = f", timeZone: {self.one_of(ZONES)}" if name == "DateTime" and self.chance(50) else ""
        units = ["YEAR", "QUARTER", "MONTH", "WEEK", "DAY"] + ["HOUR", "MINUTE", "SECOND"] * (name == "DateTime")
        if isinstance(field, DatePartKey):
            return f"(part: {self.one_of([*units, 'ISO_YEAR', 'WEEKDAY', 'DAY_OF_YEAR'])}{zone})"
        if name in ("Date", "DateTime") and self.chance(60):
            return f"(truncate: {self.one_of(units)}{zone})"
        if name in ("Int", "BigInt", "Decimal") and self.chance(60):
            origin = f", origin: {self.number(-2, 2)}" if self.chance(30) else ""
            return f"(width: {self.one_of([1, 3, 10])}{origin})"
        return ""

    def fragment(self, type_name: str, depth: int) -> str:
        """Draw a fragment that is there already, or a new one."""
        known = [name for name, (of, _) in self.fragments.items() if of == type_name]
        if known and self.chance(50):
            return str(self.one_of(known))
        # named when it is complete, so that no fragment spreads itself
        body = self.selection_set(type_name, depth)
        name = f"F{len(self.fragments)}"
        self.fragments[name] = (type_name, body)
        return name

    def aliased(self, type_name: str, name: str) -> str:
        """Write a leaf's name, sometimes under an alias."""
        if not self.apart and not self.chance(20):
            return name
        return f"{self.alias(type_name, name)}: {name}"

    def field(self, type_name: str, name: str, arguments: str, target: str, depth: int) -> str:
        """Draw a field with a selection; with arguments it has an alias that stands for just these."""
        prefix = f"{self.alias(type_name, name + arguments)}: " if arguments or self.apart or self.chance(10) else ""
        around, self.apart = self.apart, False
        body = self.selection_set(target, depth + 1)
        self.apart = around
        return f"{prefix}{name}{arguments}{self.directive()} {body}"

    def alias(self, type_name: str, meaning: str) -> str:
        """Return the alias that stands for this on this type."""
        found = next((alias for alias, known in self.aliases.items() if known == (type_name, meaning)), None)
        if found is None or self.chance(30):
            found = f"a{len(self.aliases)}"
            self.aliases[found] = (type_name, meaning)
        return found

    def directive(self) -> str:
        """Draw ``@include`` or ``@skip``, mostly neither."""
        if not self.chance(10):
            return ""
        condition = self.value(self.chance(50), GraphQLNonNull(GraphQLBoolean))
        return f" @{self.one_of(['include', 'skip'])}(if: {condition})"

    # --- arguments ---

    def arguments(self, target: str, nested: bool = False) -> str:
        """Draw a list's arguments; few nested lists are whole, which would make the naive way slow."""
        given = self.list_arguments(target, nested)
        return f"({', '.join(given)})" if given else ""

    def list_arguments(self, target: str, nested: bool = False) -> list[str]:
        """Draw a list's arguments, each by itself."""
        given = self.sorted_filter(target)
        distinct: Any = self.schema.graphql.type_map.get(f"{target}DistinctField")
        if distinct is not None and self.chance(20):
            names = [self.one_of(distinct.values) for _ in range(self.number(0, 2))]
            given.append(f"distinctOn: {self.value(names, GraphQLList(GraphQLNonNull(distinct)))}")
        for name in ("limit", "offset"):
            page = nested and name == "limit"
            if self.chance(97 if page else 25):
                value = self.one_of([0, 1, 2, 3] if page else [0, 1, 2, 3, None])
                given.append(f"{name}: {self.value(value, self.schema.graphql.type_map['Int'])}")  # type: ignore[arg-type]
        return given

    def sorted_filter(self, target: str) -> list[str]:
        """Draw the arguments of a list but those of its page."""
        given = self.filter(target)
        order_by = self.schema.graphql.get_type(f"{target}OrderBy")
        terms = None if order_by is None else self.order(target)
        if terms is not None:
            assert isinstance(order_by, GraphQLInputObjectType)
            given.append(f"orderBy: {self.value(terms, GraphQLList(GraphQLNonNull(order_by)))}")
        return given

    def order(self, target: str) -> list[Any] | None:
        """Draw the terms of a list's order; mostly there is no ``orderBy``."""
        return [self.term(target, 0) for _ in range(self.number(0, 2))] if self.chance(30) else None

    def filter(self, target: str) -> list[str]:
        """Draw a list's ``where``, mostly none."""
        if not self.chance(40):
            return []
        where = self.schema.graphql.get_type(f"{target}Where")
        assert isinstance(where, GraphQLInputObjectType)
        return [f"where: {self.value(self.where(target, 0), where)}"]

    def value(self, value: Any, type_: GraphQLInputType) -> str:
        """Write a value as a literal, as a variable, or as a variable's default."""
        if has_literal(value) and self.chance(50):
            return literal(value, type_)
        name = f"v{len(self.declared)}"
        self.declared[name] = str(type_)
        if has_literal(value) and value is not None and self.chance(20):
            self.declared[name] += f" = {literal(value, type_)}"
        else:
            self.variables[name] = value
        return f"${name}"

    def where(self, type_name: str, depth: int) -> dict[str, Any]:
        """Draw a ``where``."""
        found: dict[str, Any] = {}
        for _ in range(self.number(0 if self.chance(10) else 1, 2)):
            kind = self.number(0, 9) if depth < 3 else 9
            if kind < 2 and depth < 2:
                found[self.one_of(["AND", "OR"])] = [self.where(type_name, depth + 1) for _ in range(self.number(0, 3))]
            elif 2 <= kind < 4:
                found["NOT"] = self.where(type_name, depth + 1)
            elif kind == 4:
                found |= self.of_fields(type_name)
            else:
                known = {**self.known(type_name).fields, **self.known(type_name).conditions}.values()
                where: Any = self.schema.graphql.get_type(f"{type_name}Where")
                # Python counts slowly
                slow = OVER_ROWS if depth or self.chance(70) else (Groups,)
                fields = [f for f in known if f.name in where.fields and not isinstance(f, (Connection, *slow))]
                related = [field for field in fields if isinstance(field, Reference)]
                field = self.one_of(related if related and self.chance(40) else fields)
                found[field.name] = self.condition(type_name, field, depth)
        return found

    def of_fields(self, type_name: str) -> dict[str, Any]:
        """Draw whether relations lead anywhere, or comparisons of fields."""
        where: Any = self.schema.graphql.type_map[f"{type_name}Where"]
        key = self.one_of([key for key in ("HAS", "COMPARE") if key in where.fields] or [None])
        if key is None:
            return {}
        inner = where.fields[key].type
        known = (self.schema.types.get(type_name) or self.schema.shapes[type_name]).fields
        # the other way to the answer does not know every field
        names = [name for name in inner.fields if name in known]
        if not names:
            return {}
        name = self.one_of(names)
        if key == "HAS":
            return {key: {name: self.chance(50)}}
        comparison = inner.fields[name].type
        operator = self.one_of(comparison.fields)
        others = [other for other in comparison.fields[operator].type.values if other in known]
        return {key: {name: {operator: self.one_of(others)}}}

    def condition(self, type_name: str, field: FieldDef, depth: int) -> dict[str, Any]:
        """Draw the condition on a field."""
        if isinstance(field, Reference):
            # deeper conditions would make the naive way slow
            inner: dict[str, Any] = {} if depth > 2 or self.chance(15) else self.where(field.target, depth + 1)
            return {self.one_of(["some", "every", "none"]): inner} if field.many else inner
        if isinstance(field, Count):
            return {self.one_of(["eq", "neq", *ORDERED]): self.number(0, 3)}
        if isinstance(field, Aggregate):
            found = self.on_aggregates(f"{field.of.target}Aggregate", 0)
            return {**found, "where": self.where(field.of.target, depth + 2)} if self.chance(30) else found
        scalar = comparable(field)
        assert scalar is not None
        filter_ = self.schema.graphql.type_map[f"{scalar.name}{'Array' * getattr(field, 'dimensions', 0)}Filter"]
        return self.filter_of(filter_, sorted(meant(field)), self.values(type_name, field), 0)

    def filter_of(self, type_: Any, meant: list[str], values: list[Any], depth: int) -> dict[str, Any]:
        """Draw the filter of a value, out of what is meant and what the type has."""
        found: dict[str, Any] = {}
        for _ in range(1 if self.chance(80) else 2):
            name = self.one_of([name for name in meant if name in type_.fields and (depth < 2 or name != "not")])
            if name == "not":
                found[name] = self.filter_of(type_, meant, values, depth + 1)
            elif name in ("any", "all"):
                items = [item for value in values for item in value if item is not None]
                found[name] = self.filter_of(type_.fields[name].type, ["eq", "neq", "isnull", "not"], items, depth + 1)
            elif name in TRANSFORMS:
                found[name] = self.made(name, type_.fields[name].type)
            else:
                found[name] = self.operand(name, values)
        return found

    def made(self, name: str, type_: Any) -> dict[str, Any]:
        """Draw the filter of what a transform makes."""
        values = {"date": ["2024-05-31", "2000-01-01"], "time": ["13:45:00", "00:00:00"]}
        numbers = [0, 1, 2, 3, 5, 12, 30, 2000, 2024]
        return self.filter_of(type_, ["eq", "gt", "lte", "in", "isnull", "not"], values.get(name, numbers), 1)

    def values(self, type_name: str, field: FieldDef) -> list[Any]:
        """Return values to compare a field with; those of an abstract type are its types'."""
        if isinstance(field, TypeOf):
            return list(self.schema.unions[field.of])
        possible = [type_name, *self.schema.unions.get(type_name, ())]
        return next(self.pool[name, field.name] for name in possible if (name, field.name) in self.pool)

    def operand(self, operator: str, values: list[Any]) -> Any:
        """Draw what stands behind an operator."""
        if operator == "isnull":
            return self.chance(50)
        if operator == "between":
            return [self.one_of(values or [1]), self.one_of(values or [2])]
        if operator in ("in", "nin"):
            return [self.one_of(values) for _ in range(self.number(0, 3))] if values else []
        if operator in ("eq", "neq") and (not values or self.chance(20)):
            return None
        value = self.one_of(values) if values else self.one_of([1, 2])
        if operator in SEARCHED:
            start = self.number(0, 3)
            return str(value)[start : start + self.number(0, 3)]
        if operator in ("like", "ilike"):
            return f"%{str(value)[:2]}_%".replace("\\", "")
        if operator in ("matches", "imatches"):
            return "".join(filter(str.isalnum, str(value)))[:2]
        return value

    def term(self, type_name: str, depth: int) -> dict[str, Any]:
        """Draw one key to sort by."""
        order_by = self.schema.graphql.get_type(f"{type_name}OrderBy")
        assert isinstance(order_by, GraphQLInputObjectType)
        fields = self.known(type_name).fields
        names = [name for name in order_by.fields if name in fields]
        name = self.one_of([name for name in names if depth < 2 or is_ordered(fields[name])] or names)
        field = fields[name]
        if isinstance(field, Aggregate):
            return {name: self.over_term(f"{field.of.target}Aggregate")}
        return {name: self.term(field.target, depth + 1) if isinstance(field, Relation) else self.one_of(DIRECTIONS)}


def operations(schema: Schema, pool: Pool) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    """Return a strategy of operations with their variables."""

    @st.composite
    def drawn(draw: Any) -> tuple[str, dict[str, Any]]:
        query, variables = Drawn(schema, pool, draw).operation()
        return query, json.loads(json.dumps(variables))

    return drawn()


def filtered(schema: Schema, pool: Pool, roots: list[str]) -> st.SearchStrategy[tuple[str, str, dict[str, Any]]]:
    """Return a strategy of a type out of these, and an operation that lists the keys of its rows with a ``where``."""

    @st.composite
    def drawn(draw: Any) -> tuple[str, str, dict[str, Any]]:
        of = Drawn(schema, pool, draw)
        definition = schema.types[of.one_of(roots)]
        where = schema.graphql.get_type(f"{definition.name}Where")
        assert isinstance(where, GraphQLInputObjectType)
        given = of.value(of.where(definition.name, 0), where)
        declared = ", ".join(f"${name}: {type_}" for name, type_ in of.declared.items())
        keys = " ".join(definition.key)
        query = f"query {f'({declared}) ' if declared else ''}{{ {definition.plural}(where: {given}) {{ {keys} }} }}"
        return definition.name, query, json.loads(json.dumps(of.variables))

    return drawn()
