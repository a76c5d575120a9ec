"""An object in JSON, or a list of objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Q
from graphql import FieldNode, GraphQLList, GraphQLNonNull, GraphQLOutputType

from ..planner.expressions import SQL, Piece, condition
from ..planner.json_values import absent_of, json_kind
from ..planner.kinds import ColumnUsage, ReferenceKind, TreeBuilder, TreeCompiler
from ..planner.locations import ONCE, Item, Location, Row, depth_of, evaluated_once
from ..planner.source_values import is_costly, json_of
from ..planner.tree import Condition, Constant, Member, Quantified, RowSet
from ..schema.definition import Nested, Shape
from ..schema.kinds import OutputTypes, register


class NestedKind(ReferenceKind[Nested]):
    """Objects in JSON."""

    def output(self, field: Nested, types: OutputTypes) -> GraphQLOutputType:
        graphql = types.object(field.target)
        if field.many:
            graphql = GraphQLList(graphql if field.nullable_items else GraphQLNonNull(graphql))
        return graphql if field.nullable else GraphQLNonNull(graphql)

    def member(self, build: TreeBuilder, owner: Any, field: Nested, nodes: Sequence[FieldNode]) -> Member | Constant:
        target = build.type(field.target)
        if not build.rules.may_read(target):
            return Constant(self.masked(field), field.cost)
        repeats = (build.limits.assumed_rows,) if field.many else ()
        selections = (build.selection(target, nodes),)
        return Member(owner=owner, field=field, repeats=repeats, selections=selections)

    def write(self, compiler: TreeCompiler, member: Member, here: Location) -> list[Piece]:
        field, owner = member.field, member.owner
        json = here.value(lambda local: json_of(owner, field.key, local))
        if isinstance(here, Row) and not here.once and is_costly(owner, field.key, compiler.alias):
            once = SQL(ONCE)
            return [evaluated_once(json, objects_text(compiler, member, field, once, here.within(lambda _: once)))]
        return [objects_text(compiler, member, field, json, self.inner(compiler, owner, field, here))]

    def rows(self, build: TreeBuilder, owner: Shape, field: Nested) -> RowSet | None:
        return None

    def inner(self, compiler: TreeCompiler, owner: Shape, field: Nested, location: Location) -> Location:
        return location.within(lambda local: json_of(owner, field.key, local))

    def present(self, compiler: TreeCompiler, owner: Shape, field: Nested, location: Location) -> Q:
        return _is_object(location.value(lambda local: json_of(owner, field.key, local)))

    def quantified(self, compiler: TreeCompiler, quantified: Quantified, location: Location) -> Q:
        owner, key = quantified.owner, quantified.field.key  # type: ignore[attr-defined]
        item = Item(depth_of(location))
        found = _of_item(compiler, quantified.condition, item)
        if quantified.failing:
            found = condition("({0}) IS NOT TRUE", found)
        elements = location.value(lambda local: json_of(owner, key, local))
        # what is no list has no elements
        source = item.elements("CASE jsonb_typeof({1}) WHEN 'array' THEN {1} END")
        negation = "" if quantified.exists else "NOT "
        return condition(f"{negation}EXISTS (SELECT FROM {source} WHERE {{0}})", found, elements)

    def note_columns(self, usage: ColumnUsage, owner: Any, field: Nested) -> None:
        usage.of_source(owner, field.key)


def objects_text(compiler: TreeCompiler, member: Member, field: Nested, json: Any, inside: Location) -> SQL:
    """Write an object or a list; ``json`` is what is stored, ``inside`` the location in it."""
    (selection,) = member.selections
    where = f"{member.owner.name}.{field.name}"
    absent = absent_of(compiler, where, nullable=field.nullable)
    bad = compiler.mark(f"{where} is no {'list' if field.many else 'object'}")
    if not field.many:
        return SQL(json_kind("object", "{1}", absent, bad), json, compiler.object(selection, inside))
    item = Item(depth_of(inside))
    no_item = absent_of(compiler, f"an item of {where}", nullable=field.nullable_items)
    bad_item = compiler.mark(f"an item of {where} is no object")
    one = json_kind("object", "{1}", no_item, bad_item).replace("{0}", f"{item.alias}.value")
    items = (
        f"'[' || array_to_string(ARRAY(SELECT {one} FROM {item.elements('{0}')} ORDER BY {item.alias}.place), ',') "
        "|| ']'"
    )
    return SQL(json_kind("array", items, absent, bad), json, compiler.object(selection, item.location))


def _of_item(compiler: TreeCompiler, given: Condition | None, item: Item) -> Q:
    """Return a condition on an item of a list; it holds for no item that is null or no object."""
    if given is None:
        return _is_object(item.location.json())
    found: Q = compiler.condition(given, item.location)
    return found if given.strict else _is_object(item.location.json()) & found


def _is_object(json: Any) -> Q:
    return condition("(jsonb_typeof({0}) = 'object') IS TRUE", json)


register(Nested, NestedKind())
