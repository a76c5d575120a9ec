"""The walk over the selection: what was asked for, as one ORM expression that writes its JSON.

To-one relations are joins, lists are correlated subqueries, so an object of any depth is one expression
over one query.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery
from graphql import FieldNode, GraphQLObjectType, SelectionSetNode

from ..conf import LimitSettings
from ..limits import Tally
from ..schema.build import Schema
from ..schema.definition import Column, Computed, Embedded, Part, Relation, TypeDef
from ..schema.scalars import Scalar
from .computed import computed_value
from .fields import Collector
from .filters import Filters
from .json import NULL, Concat, JSONList, Piece, Template, json_object
from .ordering import Ordering, key_columns, ordered
from .pages import Pages
from .values import Variables, arguments, located

Live = Callable[[Any], Any]
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
    live: list[Live] = field(default_factory=list)
    filters: Filters = field(init=False)
    ordering: Ordering = field(init=False)
    pages: Pages = field(init=False)

    def __post_init__(self) -> None:
        tally = Tally("conditions", self.limits.conditions, "CONDITIONS")
        self.filters = Filters(self.schema.types, tally)
        self.ordering = Ordering(self.schema.types, tally)
        self.pages = Pages(self.limits)

    def rows(self, definition: TypeDef, queryset: QuerySet[Any], nodes: Sequence[FieldNode]) -> QuerySet[Any]:
        """Make a query select one column: the JSON text of each row, as the fields' selection sets ask."""
        value = self._object(definition, self.collector.sub_sets(nodes), "")
        selected: QuerySet[Any] = queryset.annotate(fraiseql_json=value).values_list("fraiseql_json")
        return selected

    def list_rows(
        self, definition: TypeDef, queryset: QuerySet[Any], nodes: Sequence[FieldNode], arguments_: dict[str, Any]
    ) -> JSONList:
        """Make a list of rows with these arguments."""
        if given := arguments_.get("where"):
            condition = self.filters.where(definition, given)
            if condition is not None:
                queryset = queryset.filter(condition)
        terms = self.ordering.order_by(definition, arguments_.get("orderBy") or ())
        limit, offset = self.pages.page(arguments_)
        return JSONList(self.rows(definition, ordered(queryset, terms, self.alias), nodes), limit, offset)

    # --- objects ---

    def _object(self, definition: TypeDef, sets: Iterable[SelectionSetNode | None], prefix: str) -> Concat:
        """Write an object of rows that are reached through the to-one path ``prefix``.

        Where the row may be missing the caller asks first, so columns that are never null are not null here.
        """
        members: list[tuple[str, list[Piece]]] = []
        graphql = self.schema.graphql.get_type(definition.name)
        assert isinstance(graphql, GraphQLObjectType)
        for key, nodes in self.collector.collect(definition.name, sets).items():
            name = nodes[0].name.value
            if name == "__typename":
                members.append((key, [f'"{definition.name}"']))
            else:
                members.append((key, self._field(definition, graphql, definition.fields[name], nodes, prefix)))
        return json_object(members)

    def _field(
        self, definition: TypeDef, graphql: GraphQLObjectType, described: Any, nodes: list[FieldNode], prefix: str
    ) -> list[Piece]:
        if isinstance(described, Column):
            return leaf(described.scalar, F(prefix + described.column), described.dimensions, described.nullable)
        if isinstance(described, Computed):
            value = computed_value(definition, described, prefix)
            return leaf(described.scalar, value, described.dimensions, True)
        if isinstance(described, Embedded):
            return [self._embedded(described, nodes, prefix)]
        assert isinstance(described, Relation)
        if described.many:
            return [self._list(described, graphql, nodes, prefix)]
        return [self._to_one(described, nodes, prefix)]

    def _to_one(self, relation: Relation, nodes: list[FieldNode], prefix: str) -> Piece:
        target = self.schema.types[relation.target]
        if not relation.enforced:
            # a join would lose the row whose key leads nowhere
            found = target.model._base_manager.filter(**{relation.inverse: OuterRef(prefix + relation.key)}).order_by()
            return Template(f"coalesce({{0}}, '{NULL}')", Subquery(self.rows(target, found, nodes)))
        path = f"{prefix}{relation.path}__"
        value = self._object(target, self.collector.sub_sets(nodes), path)
        if not relation.nullable:
            return value
        key = F(path + key_columns(target.model)[0])
        return Template(f"CASE WHEN {{0}} IS NULL THEN '{NULL}' ELSE {{1}} END", key, value)

    def _list(self, relation: Relation, graphql: GraphQLObjectType, nodes: list[FieldNode], prefix: str) -> JSONList:
        target = self.schema.types[relation.target]
        related = target.model._default_manager.filter(**{relation.inverse: OuterRef(prefix + relation.key)})
        with located(nodes[0]):
            given = arguments(nodes[0], graphql.fields[nodes[0].name.value], self.variables)
            return self.list_rows(target, related, nodes, given)

    # --- values with parts ---

    def _embedded(self, described: Embedded, nodes: list[FieldNode], prefix: str) -> Piece:
        members: list[tuple[str, list[Piece]]] = []
        for key, part_nodes in self.collector.collect(described.value.name, self.collector.sub_sets(nodes)).items():
            name = part_nodes[0].name.value
            if name == "__typename":
                members.append((key, [f'"{described.value.name}"']))
            else:
                members.append((key, [self._part(described, described.parts[name], prefix)]))
        column = F(prefix + described.column)
        template = f"CASE WHEN {described.value.absent} THEN '{NULL}' ELSE {{1}} END"
        return Template(template, column, json_object(members))

    def _part(self, described: Embedded, part: Part, prefix: str) -> Piece:
        json = f"coalesce({part.json}, '{NULL}')" if part.nullable else part.json
        if part.live is not None:
            json = LIVE_MARK.replace("{index}", str(len(self.live))).replace("{json}", json)
            self.live.append(part.live)
        return Template(json, F(prefix + (part.column or described.column)))


def leaf(scalar: Scalar, value: Any, dimensions: int, nullable: bool) -> list[Piece]:
    """Write a leaf value, or the array of them, as JSON text."""
    if dimensions:
        json = scalar.json_array
        if json is not None:
            return [Template(f"coalesce({json}, '{NULL}')" if nullable else json, value)]
        json = _one_by_one(scalar)
        return [Template(f"CASE WHEN {{0}} IS NULL THEN '{NULL}' ELSE {json} END" if nullable else json, value)]
    if scalar.keeps_null:
        return [Template(scalar.json, value)]
    if nullable:
        return [Template(f"coalesce({scalar.json}, '{NULL}')", value)]
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
