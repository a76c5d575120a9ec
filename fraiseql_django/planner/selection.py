"""The walk over the selection: what was asked for, as one ORM expression that writes its JSON.

To-one relations are joins, lists are correlated subqueries, so an object of any depth is one expression
over one query.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet, Subquery
from graphql import FieldNode, GraphQLObjectType, SelectionSetNode

from ..conf.settings import LimitSettings
from ..schema.build import Schema
from ..schema.definition import (
    AnyField,
    Column,
    Computed,
    Embedded,
    Extracted,
    Nested,
    Part,
    Related,
    Relation,
    Shape,
    TypeDef,
)
from ..schema.scalars.postgres import Scalar
from .arguments import Variables, arguments, located
from .fields import Collector
from .filters import Filters
from .json_text import NULL, Concat, JSONList, Piece, Template, json_object
from .locations import ROW, Inside, Item, Row, depth_of
from .operands import Values, computed_value
from .ordering import Ordering, key_columns, ordered
from .pages import Pages
from .rules import Rules
from .source_values import json_of, written

Live = Callable[[Any], Any]
NULL_TEXT = f"'{NULL}'"
# Around what Python finishes: JSON text never holds these characters unescaped (RFC 8259, 7)
LIVE_MARK = "chr(1) || '{index}' || chr(2) || {json} || chr(1)"


@dataclass(slots=True)
class Selection:
    """Plans the selections of one operation.

    ``live`` gathers the functions that finish parts of the answer in Python, by the number in their mark.
    """

    schema: Schema
    collector: Collector
    variables: Variables
    limits: LimitSettings
    alias: str
    rules: Rules
    live: list[Live] = field(default_factory=list)
    values: Values = field(init=False)
    filters: Filters = field(init=False)
    ordering: Ordering = field(init=False)
    pages: Pages = field(init=False)

    def __post_init__(self) -> None:
        self.values = Values({**self.schema.types, **self.schema.shapes}, self.alias, self.rules)
        self.filters = Filters(self.values)
        self.ordering = Ordering(self.values)
        self.pages = Pages(self.limits)

    def rows(self, definition: TypeDef, queryset: QuerySet[Any], nodes: Sequence[FieldNode]) -> QuerySet[Any]:
        """Make a query select one column: the JSON text of each row, as the fields' selection sets ask."""
        value = self._object(definition, self.collector.sub_sets(nodes), ROW)
        selected: QuerySet[Any] = queryset.annotate(fraiseql_json=value).values_list("fraiseql_json")
        return selected

    def list_rows(
        self, definition: TypeDef, queryset: QuerySet[Any], nodes: Sequence[FieldNode], arguments_: dict[str, Any]
    ) -> JSONList:
        """Make a list of rows with these arguments."""
        if given := arguments_.get("where"):
            condition = self.filters.of_rows(definition, given)
            if condition is not None:
                queryset = queryset.filter(condition)
        terms = self.ordering.order_by(definition, arguments_.get("orderBy") or ())
        limit, offset = self.pages.page(arguments_)
        queryset = ordered(queryset, terms, self.alias, self.ordering.ends(definition))
        return JSONList(self.rows(definition, queryset, nodes), limit, offset)

    # --- objects ---

    def _object(self, definition: Shape, sets: Iterable[SelectionSetNode | None], here: Row | Inside) -> Concat:
        """Write the object that a row is, or one in JSON.

        Where it may be missing the caller asks first, so columns that are never null are not null here.
        """
        members: list[tuple[str, list[Piece]]] = []
        graphql = self.schema.graphql.get_type(definition.name)
        assert isinstance(graphql, GraphQLObjectType)
        for key, nodes in self.collector.collect(definition.name, sets).items():
            name = nodes[0].name.value
            if name == "__typename":
                members.append((key, [f'"{definition.name}"']))
            else:
                members.append((key, self._seen(definition, graphql, definition.fields[name], nodes, here)))
        return json_object(members)

    def _seen(
        self,
        definition: Shape,
        graphql: GraphQLObjectType,
        described: AnyField,
        nodes: list[FieldNode],
        here: Row | Inside,
    ) -> list[Piece]:
        """Write a field as the viewer may see it."""
        with located(nodes[0]):
            if not self.rules.may_see(definition, described):
                return ["[]" if getattr(described, "many", False) else NULL]
            if isinstance(described, (Related, Nested)) and not self.rules.may_read(
                self.values.types[described.target]
            ):
                return ["[]" if described.many else NULL]
        return self._field(definition, graphql, described, nodes, here)

    def _field(
        self,
        definition: Shape,
        graphql: GraphQLObjectType,
        described: AnyField,
        nodes: list[FieldNode],
        here: Row | Inside,
    ) -> list[Piece]:
        if isinstance(described, Extracted):
            return self._extracted(definition, described, here)
        if isinstance(described, Nested):
            return [self._nested(definition, described, nodes, here)]
        if isinstance(described, Related) and described.many:
            return [self._list(definition, described, graphql, nodes, here)]
        if isinstance(described, Related) and not (
            isinstance(described, Relation) and described.enforced and self.values.joins(described)
        ):
            return [self._found(definition, described, nodes, here)]
        # what is left a row of a model has
        assert isinstance(here, Row)
        if isinstance(described, Column):
            value = here.column(described.column)
            return leaf(described.scalar, value, described.dimensions, NULL_TEXT if described.nullable else None)
        if isinstance(described, Computed):
            assert isinstance(definition, TypeDef)
            value = computed_value(definition, described, here.prefix)
            return leaf(described.scalar, value, described.dimensions, NULL_TEXT)
        if isinstance(described, Embedded):
            return [self._embedded(described, nodes, here)]
        assert isinstance(described, Relation)
        return [self._joined(described, nodes, here)]

    # --- other rows ---

    def _joined(self, relation: Relation, nodes: list[FieldNode], here: Row) -> Piece:
        target = self.values.target(relation)
        there = here.join(relation.path)
        value = self._object(target, self.collector.sub_sets(nodes), there)
        if not relation.nullable:
            return value
        key = there.column(key_columns(target.model)[0])
        return Template(f"CASE WHEN {{0}} IS NULL THEN '{NULL}' ELSE {{1}} END", key, value)

    def _found(self, definition: Shape, related: Related, nodes: list[FieldNode], here: Row | Inside) -> Piece:
        """Write the row with the key, by a subquery: a join would lose the row whose key leads nowhere."""
        found = self.values.rows(related, definition, here.outer()).order_by()
        absent = NULL_TEXT if related.nullable or isinstance(related, Relation) else _broken(definition, related)
        return Template(f"coalesce({{0}}, {absent})", Subquery(self.rows(self.values.target(related), found, nodes)))

    def _list(
        self,
        definition: Shape,
        related: Related,
        graphql: GraphQLObjectType,
        nodes: list[FieldNode],
        here: Row | Inside,
    ) -> JSONList:
        found = self.values.rows(related, definition, here.outer())
        with located(nodes[0]):
            given = arguments(nodes[0], graphql.fields[nodes[0].name.value], self.variables)
            return self.list_rows(self.values.target(related), found, nodes, given)

    # --- values of sources ---

    def _extracted(self, definition: Shape, described: Extracted, here: Row | Inside) -> list[Piece]:
        broken = _broken(definition, described)
        items = broken if described.dimensions and not described.nullable_items else None
        value = written(definition, described, here, self.alias, items)
        return leaf(described.scalar, value, described.dimensions, NULL_TEXT if described.nullable else broken)

    def _nested(self, definition: Shape, described: Nested, nodes: list[FieldNode], here: Row | Inside) -> Piece:
        target, sets = self.values.types[described.target], self.collector.sub_sets(nodes)
        broken = _broken(definition, described)
        absent, no_item = (NULL_TEXT if may else broken for may in (described.nullable, described.nullable_items))
        json = json_of(definition, described.key, here)
        if not described.many:
            inside = here.within(lambda around: json_of(definition, described.key, around))
            template = f"CASE jsonb_typeof({{0}}) WHEN 'object' THEN {{1}} ELSE {absent} END"
            return Template(template, json, self._object(target, sets, inside))
        item = Item(depth_of(here))
        template = (
            f"CASE jsonb_typeof({{0}}) WHEN 'array' THEN '[' || array_to_string(ARRAY("
            f"SELECT CASE jsonb_typeof({item.alias}.value) WHEN 'object' THEN {{1}} ELSE {no_item} END "
            f"FROM {item.elements('{0}')} ORDER BY {item.alias}.place), ',') || ']' ELSE {absent} END"
        )
        return Template(template, json, self._object(target, sets, item.place))

    # --- values with parts ---

    def _embedded(self, described: Embedded, nodes: list[FieldNode], here: Row) -> Piece:
        members: list[tuple[str, list[Piece]]] = []
        for key, part_nodes in self.collector.collect(described.value.name, self.collector.sub_sets(nodes)).items():
            name = part_nodes[0].name.value
            if name == "__typename":
                members.append((key, [f'"{described.value.name}"']))
            else:
                members.append((key, [self._part(described, described.parts[name], here)]))
        column = here.column(described.column)
        template = f"CASE WHEN {described.value.absent} THEN '{NULL}' ELSE {{1}} END"
        return Template(template, column, json_object(members))

    def _part(self, described: Embedded, part: Part, here: Row) -> Piece:
        json = f"coalesce({part.json}, '{NULL}')" if part.nullable else part.json
        if part.live is not None:
            json = LIVE_MARK.replace("{index}", str(len(self.live))).replace("{json}", json)
            self.live.append(part.live)
        return Template(json, here.column(part.column or described.column))


def _broken(definition: Shape, field: Extracted | Nested | Related) -> str:
    """Return SQL that fails when it is evaluated, as null stands where the annotation has promised that none does.

    GraphQL has no null there (specification, 6.4.4), and concatenated with it the row would vanish. PostgreSQL has
    no function that raises an error; this one does for want of such a setting, and the log then says its name.
    """
    return f"current_setting('{definition.name}.{field.name} is null')"


def leaf(scalar: Scalar, value: Any, dimensions: int, absent: str | None) -> list[Piece]:
    """Write a leaf value, or the array of them, as JSON text; ``absent`` is SQL for null, None where none can be."""
    if dimensions:
        json = scalar.json_array
        if json is not None:
            return [Template(json if absent is None else f"coalesce({json}, {absent})", value)]
        json = _one_by_one(scalar)
        return [Template(json if absent is None else f"CASE WHEN {{0}} IS NULL THEN {absent} ELSE {json} END", value)]
    if scalar.keeps_null:
        by_itself = absent is None or absent == NULL_TEXT
        json = scalar.json if by_itself else f"CASE WHEN {{0}} IS NULL THEN {absent} ELSE {scalar.json} END"
        return [Template(json, value)]
    if absent is not None:
        return [Template(f"coalesce({scalar.json}, {absent})", value)]
    if scalar.json == QUOTED:
        # the quotes become part of the constants around it
        return ['"', Template("{0}::text", value), '"']
    return [Template(scalar.json, value)]


QUOTED = "'\"' || {0}::text || '\"'"


def _one_by_one(scalar: Scalar) -> str:
    item = scalar.json.replace("{0}", "item")
    return (
        f"'[' || array_to_string(ARRAY(SELECT coalesce({item}, '{NULL}') "
        "FROM unnest({0}) WITH ORDINALITY AS items(item, place) ORDER BY place), ',') || ']'"
    )
