"""
The other way to the answer: graphql-core's own executor over Django objects, a query for every step.

Nothing of the planner is used here. Conditions are evaluated in Python (``tests.meaning``), lists are sorted and cut in
Python; what clients read is made from Python values. Answers have to agree to the letter, the order of their keys
included.
"""

import datetime as dt
import json
import re
from collections.abc import Collection, Mapping
from copy import copy
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import EmptyResultSet, ObjectDoesNotExist, ValidationError
from django.db import connection, models
from django.db.models.fields.files import FieldFile
from django.utils import timezone
from graphql import DocumentNode, ExecutionResult, GraphQLResolveInfo, execute, parse
from psycopg.types.range import Range

from fraiseql_django.engine import GraphQLEngine
from fraiseql_django.kinds.connections import Connection, ConnectionPart
from fraiseql_django.kinds.counts import Count
from fraiseql_django.schema.aggregates import Aggregate, Groups
from fraiseql_django.schema.build import DEFINITION, Schema
from fraiseql_django.schema.definition import (
    Branch,
    Column,
    Computed,
    Embedded,
    GenericList,
    GenericOne,
    Relation,
    RootRows,
    Shape,
    TypeDef,
    TypeOf,
    UnionCount,
    UnionRows,
)
from fraiseql_django.schema.function_fields import PythonField
from fraiseql_django.schema.object_types import ObjectField
from fraiseql_django.schema.queries import OF_LISTS, FunctionDef, QueryDef
from fraiseql_django.schema.stand_ins import Making
from fraiseql_django.schema.trees import Links, TreeRows
from tests import naive_aggregates
from tests.meaning import Meaning, preparation, text_ranks


@lru_cache(maxsize=100)
def _parsed(query: str) -> DocumentNode:
    return parse(query)


# --- resolvers --------------------------------------------------------------------------------


class Naive:
    """Resolvers over one schema."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.meaning = Meaning(self)
        # rows by their statement, where nothing is written between operations; None: read them each time
        self.kept: dict[str, list[Any]] | None = None
        # the response keys that lead to lists whose rows are in no order, of the last operation
        self.unordered: set[tuple[str, ...]] = set()

    def execute(
        self, query: str, variables: Mapping[str, Any] | None = None, operation_name: str | None = None
    ) -> ExecutionResult:
        """Execute an operation with graphql-core."""
        self.unordered = set()
        result = execute(
            self.schema.graphql,
            _parsed(query),
            variable_values=dict(variables or {}),
            operation_name=operation_name,
            field_resolver=self.resolve,
            type_resolver=lambda value, info, abstract: value.naive_type,
        )
        assert isinstance(result, ExecutionResult)
        return result

    def resolve(self, source: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
        """Resolve any field; what it is stands in the schema's extensions."""
        described = info.parent_type.fields[info.field_name].extensions.get(DEFINITION)
        if isinstance(described, (QueryDef, FunctionDef)):
            return self.called(described, info.field_name, arguments)
        if isinstance(described, PythonField):
            return shown(in_python(source, described, arguments))
        if isinstance(described, Computed) and described.making is not None:
            return shown(stored(source, described.making, arguments))
        if isinstance(described, (Aggregate, Count, Groups)):
            listed = self.root if isinstance(described.of, RootRows) else partial(self.related, source)
            rows = listed(described.of, {name: value for name, value in arguments.items() if name == "where"})
            if isinstance(described, Count):
                return len(rows)
            if isinstance(described, Aggregate):
                return naive_aggregates.Gathered(rows)
            return naive_aggregates.groups(self, self.type(described.of.target), rows, arguments, info)
        if isinstance(source, (naive_aggregates.Gathered, naive_aggregates.Key)):
            return shown(naive_aggregates.resolve(self, source, described, arguments))
        if isinstance(described, UnionCount):
            return len(self.union(described.of_list, arguments))
        if isinstance(described, UnionRows):
            return self.union(described, arguments)
        if isinstance(described, GenericOne):
            return self.generic(source, described)
        if isinstance(described, (GenericList, TreeRows)):
            if getattr(described, "axis", "") != "ancestors" and self.is_unordered(described, arguments):
                self.unordered.add(tuple(key for key in info.path.as_list() if isinstance(key, str)))
            return self.related(source, described, arguments)
        if isinstance(described, Connection):
            listed = self.root if isinstance(described.of, RootRows) else partial(self.related, source)
            return self.connection(listed, described, arguments)
        if isinstance(described, ConnectionPart):
            return source[info.field_name]
        if isinstance(described, RootRows):
            return self.root(described, arguments)
        if isinstance(described, Relation):
            if not described.many:
                return self.one(source, described)
            if self.is_unordered(described, arguments):
                self.unordered.add(tuple(key for key in info.path.as_list() if isinstance(key, str)))
            return self.related(source, described, arguments)
        if isinstance(described, ObjectField):
            return shown(getattr(source, described.attribute))
        if described is None:
            return part(source, info.field_name)
        return shown(stored(source, described))

    def related(self, source: Any, relation: Any, arguments: Mapping[str, Any]) -> list[Any]:
        """Resolve a list of related rows."""
        if isinstance(relation, TreeRows):
            return self.in_tree(source, relation, arguments)
        return self.rows(self.schema.types[relation.target], related_list(source, relation), arguments)

    def in_tree(self, source: Any, relation: TreeRows, arguments: Mapping[str, Any]) -> list[Any]:
        """Resolve a list of the rows above or below a row, which a foreign key leads to."""
        assert isinstance(relation.layout, Links)
        keys = walked(source, relation.layout, up=relation.axis == "ancestors", depth=arguments.get("depth"))
        definition = self.schema.types[relation.target]
        rows = definition.model._default_manager.filter(pk__in=keys)
        if relation.axis != "ancestors" or arguments.get("orderBy"):
            return self.rows(definition, rows, arguments)
        found = sorted(
            self.rows(definition, rows, {"where": arguments.get("where")}), key=lambda row: -keys.index(row.pk)
        )
        offset, limit = arguments.get("offset") or 0, arguments.get("limit")
        return found[offset:] if limit is None else found[offset : offset + limit]

    def connection(self, listed: Any, field: Connection, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Cut a page out of a list; cursors are places in it, where neither ``after`` nor ``before`` is given."""
        found = listed(field.of, {name: value for name, value in arguments.items() if name in ("where", "orderBy")})
        first, last = arguments.get("first"), arguments.get("last")
        start, end = 0, len(found)
        if first is not None:
            end = min(first, end)
        if last is not None:
            start = max(end - last, 0)
        page = found[start:end]
        return {
            "totalCount": len(found),
            "nodes": page,
            "edges": [{"node": row} for row in page],
            "pageInfo": {
                "hasNextPage": end < len(found),
                "hasPreviousPage": start > 0,
            },
        }

    def is_unordered(self, relation: Any, arguments: Mapping[str, Any]) -> bool:
        """Whether neither client nor model sorts or cuts a list of related rows."""
        model = self.schema.types[relation.target].model
        own = model._default_manager.all().query.order_by or model._meta.ordering
        return not own and not arguments.get("orderBy") and arguments.keys().isdisjoint(("limit", "offset"))

    def root(self, root: Any, arguments: Mapping[str, Any]) -> Any:
        """Resolve a root field: all rows of a model, or the one with this key."""
        definition = self.schema.types[root.target]
        rows = definition.model._default_manager.all()
        if root.many:
            return self.rows(definition, rows, arguments)
        parts = {name: part for key in (definition.key, *definition.unique) for name, part in key.items()}
        keys = {parts[name].column: value for name, value in arguments.items() if value is not None}
        row = self.of_type(definition, rows).filter(**keys).first()
        return self.typed(definition, row)

    def union(self, root: Any, arguments: Mapping[str, Any]) -> list[Any]:
        """Resolve a list of the rows of several types."""
        shape, order = self.schema.shapes[root.target], arguments.get("orderBy") or []
        found: list[Any] = []
        for branch in shape.branches:
            definition = self.schema.types[branch.target]
            rows = definition.model._default_manager.all()
            key = [field.attname for field in definition.model._meta.pk_fields]
            own = self.read(self.of_type(definition, rows).order_by(*key))
            found += [named(row, definition.name) for row in own]
        if arguments.get("where"):
            types = {name: replace(self.schema.types[name], conditions=shape.conditions) for name in self.schema.types}
            found = [row for row in found if self.meaning.matches(types[row.naive_type], row, arguments["where"])]
        for term in reversed(order):
            found = self.sorted(shape, found, term)
        offset, limit = arguments.get("offset") or 0, arguments.get("limit")
        return found[offset:] if limit is None else found[offset : offset + limit]

    # --- abstract types ---

    def of_type(self, definition: TypeDef, rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """Leave of a model's rows those that are of a type."""
        return rows if definition.when is None else rows.filter(definition.when)

    def typed(self, definition: Shape, row: Any) -> Any:
        """Return a row of an interface as one of the first type that fits it; None where none does."""
        if row is None or not definition.branches:
            return row
        for branch in definition.branches:
            target = self.schema.types[branch.target]
            # the class that Python makes of the row, where the package does
            real = getattr(row, "get_real_instance_class", lambda: None)()
            if real is not None and target.model is not definition.model and not issubclass(real, target.model):
                continue
            found = self.of_type(target, models.QuerySet(target.model).filter(pk=row.pk)).first()
            if found is not None:
                return named(found, target.name)
        return None

    def generic(self, row: Any, field: GenericOne) -> Any:
        """Follow a generic foreign key."""
        (own,) = (
            known for known in row._meta.private_fields if getattr(known, "ct_field", "") + "_id" == field.content_type
        )
        fresh = type(row)._base_manager.get(pk=row.pk)
        content_type = ContentType.objects.filter(pk=getattr(fresh, field.content_type)).first()
        assert field.shape is not None
        for branch in field.shape.branches:
            target = self.schema.types[branch.target]
            same = own.get_content_type(model=target.model) == content_type
            if same and getattr(fresh, field.object_id) is not None:
                try:
                    rows = self.of_type(target, target.model._base_manager.filter(pk=getattr(fresh, field.object_id)))
                except (ValueError, ValidationError):
                    return None
                if (found := rows.first()) is not None:
                    return named(found, target.name)
        return None

    def called(self, described: Any, name: str, given: Mapping[str, Any]) -> Any:
        """Resolve a root field that a function answers."""
        of_list = {key: value for key, value in given.items() if key in OF_LISTS}
        own = {key: value for key, value in given.items() if key not in OF_LISTS}
        if isinstance(described, QueryDef):
            result = described.perform(None, {key: described.converts[key](value) for key, value in own.items()})
        else:
            result = self.of_database(described, own)
        if described.rows is None or not described.rows.many:
            return result
        definition = self.schema.types[described.rows.target]
        if isinstance(result, models.QuerySet):
            return self.rows(definition, result, of_list)
        return self.cut(definition, list(result), of_list)

    def of_database(self, described: FunctionDef, own: Mapping[str, Any]) -> Any:
        """Call a function of PostgreSQL for rows."""
        assert described.rows is not None
        model = self.schema.types[described.rows.target].model
        places = ", ".join(f"{name} => %s" for name in own)
        found = list(model._base_manager.raw(f"SELECT * FROM {described.function}({places})", list(own.values())))
        return found if described.rows.many else next(iter(found), None)

    def rows(self, definition: TypeDef, rows: models.QuerySet[Any], arguments: Mapping[str, Any]) -> list[Any]:
        """Filter, sort and cut a list."""
        order = arguments.get("orderBy") or []
        key = [field.attname for field in definition.model._meta.pk_fields]
        own = rows.query.order_by or rows.model._meta.ordering
        if order and not rows.query.standard_ordering:
            rows = rows.reverse()
        found = self.read(self.of_type(definition, rows).order_by(*(() if order else own), *key))
        if definition.branches:
            found = [typed for row in found if (typed := self.typed(definition, row)) is not None]
        return self.cut(definition, found, arguments)

    def cut(self, definition: TypeDef, found: list[Any], arguments: Mapping[str, Any]) -> list[Any]:
        """Filter, sort and cut rows that are read."""
        order = arguments.get("orderBy") or []
        if order:
            found = sorted(found, key=lambda row: [getattr(row, field.attname) for field in row._meta.pk_fields])
        if arguments.get("where"):
            found = [row for row in found if self.meaning.matches(definition, row, arguments["where"])]
        for term in reversed(order):
            found = self.sorted(definition, found, term)
        if names := arguments.get("distinctOn"):
            found = self.first_of_each(definition, found, names, order)
        offset, limit = arguments.get("offset") or 0, arguments.get("limit")
        return found[offset:] if limit is None else found[offset : offset + limit]

    def first_of_each(
        self, definition: TypeDef, rows: list[Any], names: list[str], order: list[Mapping[str, Any]]
    ) -> list[Any]:
        """Return the first row for each value of some fields, sorted by these first."""
        for name in reversed(dict.fromkeys(names)):
            rows = self.sorted(definition, rows, next((term for term in order if name in term), {name: "ASC"}))
        first: dict[Any, Any] = {}
        for row in rows:
            first.setdefault(tuple(self.sort_value(definition, row, {name: "ASC"}) for name in names), row)
        return list(first.values())

    def read(self, rows: models.QuerySet[Any]) -> list[Any]:
        """Return the rows of a list."""
        if self.kept is None:
            return list(rows)
        try:
            statement = str(rows.query)
        except EmptyResultSet:
            # of no keys
            return []
        if statement not in self.kept:
            self.kept[statement] = list(rows)
        return self.kept[statement]

    def sorted(self, definition: TypeDef, rows: list[Any], term: Mapping[str, Any]) -> list[Any]:
        """Sort by one term; what is equal stays in its order."""
        values = [self.sort_value(definition, row, term) for row in rows]
        direction = self.direction(term)
        present = {value for value in values if value is not None}
        rank = text_ranks(present) if all(isinstance(value, str) for value in present) else {v: v for v in present}
        nulls_first = direction.endswith("FIRST") or direction == "DESC"
        pairs = list(zip(values, rows, strict=True))
        nulls = [row for value, row in pairs if value is None]
        # reverse=True keeps the order of equals
        others = sorted(
            (pair for pair in pairs if pair[0] is not None),
            key=lambda pair: rank[pair[0]],
            reverse=direction.startswith("DESC"),
        )
        there = [row for _, row in others]
        return nulls + there if nulls_first else there + nulls

    def sort_value(self, definition: TypeDef, row: Any, term: Mapping[str, Any]) -> Any:
        """Return what a row is sorted by."""
        ((name, inner),) = term.items()
        own = self.schema.types.get(getattr(row, "naive_type", ""), definition)
        field = own.fields.get(name) or definition.fields[name]
        if isinstance(field, Relation):
            related = self.one(row, field)
            return related and self.sort_value(self.schema.types[field.target], related, inner)
        if isinstance(field, (Aggregate, Count)):
            return naive_aggregates.sort_value(self, row, field, inner)
        value = stored(row, field)
        return None if value is None else preparation(field, own)(value)

    def direction(self, term: Mapping[str, Any]) -> str:
        """Return the direction at the end of a term's path."""
        (inner,) = term.values()
        return inner if isinstance(inner, str) else self.direction(inner)

    # --- what conditions read ---

    def aggregates(self, found: Any, field: Any, given: Mapping[str, Any]) -> Any:
        """Evaluate a condition on a count or on aggregates of a list."""
        return naive_aggregates.condition(self, found, field, given)

    def type(self, name: str) -> Any:
        """Return the description of a type."""
        return self.schema.types.get(name) or self.schema.shapes[name]

    def value(self, found: Any, field: Any) -> Any:
        """Return the value of a field of a row."""
        return found.naive_type if isinstance(field, TypeOf) else stored(found, field)

    def one(self, found: Any, field: Any) -> Any:
        """Return the row that a to-one relation leads to, or the row itself where it is of a branch."""
        if isinstance(field, Branch):
            return found if found.naive_type == field.target else None
        if isinstance(field, GenericOne):
            return self.generic(found, field)
        target = self.schema.types[field.target]
        related = related_one(found, field)
        if related is not None and target.when is not None:
            return self.of_type(target, models.QuerySet(target.model).filter(pk=related.pk)).first()
        return self.typed(target, related)

    def many(self, found: Any, field: Any) -> list[Any]:
        """Return the rows that a to-many relation leads to."""
        target = self.schema.types[field.target]
        if isinstance(field, TreeRows):
            return self.in_tree(found, field, {})
        rows = self.of_type(target, related_list(found, field))
        return [typed for row in rows if (typed := self.typed(target, row)) is not None]


# --- values -----------------------------------------------------------------------------------


def accessor(row: models.Model, relation: Relation) -> str:
    """Return the attribute of a relation, which the ORM's query name need not be."""
    field = row._meta.get_field(relation.path)
    return field.get_accessor_name() if field.auto_created and not field.concrete else field.name  # type: ignore[union-attr,return-value]


def related_one(row: models.Model, relation: Relation) -> Any:
    """Follow a to-one relation."""
    # Django keeps the object that a one-to-one relation was followed from, be it that the base manager hides it
    row._state.fields_cache.pop(row._meta.get_field(relation.path).cache_name, None)  # type: ignore[union-attr]
    try:
        found = getattr(row, accessor(row, relation))
    except ObjectDoesNotExist:
        return None
    model: Any = row._meta.get_field(relation.path).related_model
    # the way from a parent to its child gives Django's cached row, which may be a grandchild that came up that way
    return found if found is None or type(found) is model else model._base_manager.get(pk=found.pk)


def walked(row: models.Model, layout: Links, *, up: bool, depth: int | None) -> list[Any]:
    """Return the keys of the rows above or below a row, those that are near first, each once."""
    rows = type(row)._base_manager.all()
    parents = dict(rows.values_list("pk", layout.parent))
    found: list[Any] = []
    level, levels = [row.pk], 0
    while level and (depth is None or levels < depth):
        above = [parents[key] for key in level if parents[key] is not None]
        level = above if up else [key for key, parent in parents.items() if parent in level]
        level = [key for key in level if key not in found and key != row.pk]
        found += level
        levels += 1
    return found


def named(row: Any, type_name: str) -> Any:
    """Note the type that a row is shown as: in a copy, since it may be shown as others as well."""
    found = copy(row)
    found.naive_type = type_name
    return found


def related_list(row: models.Model, relation: Any) -> models.QuerySet[Any]:
    """Follow a to-many relation."""
    if isinstance(relation, GenericList):
        for known in row._meta.private_fields:
            if getattr(known, "object_id_field_name", "") == relation.by.object_id.removesuffix("_id") + "_id":
                generic: models.QuerySet[Any] = getattr(row, known.name).all()
                return generic
    rows: models.QuerySet[Any] = getattr(row, accessor(row, relation)).all()
    return rows


def in_python(row: models.Model, field: PythonField, given: Mapping[str, Any]) -> Any:
    """Return what the function of a field returns for a row, or its property."""
    if field.resolver is None:
        found = getattr(row, field.attribute)
        return found() if callable(found) else found
    return field.resolver([row], **given)[0] if field.of_all else field.resolver(row, **given)


def stored(row: models.Model, field: Any, given: Mapping[str, Any] | None = None) -> Any:
    """Return the Python value of a field of a row; of a computed one with arguments, by Python name."""
    if isinstance(field, (Computed, Making)):
        value = field.expression if isinstance(field, Computed) else made(field, given or {})
        rows = type(row)._base_manager.filter(pk=row.pk).annotate(naive_value=value)
        return rows.values_list("naive_value", flat=True).get()
    assert isinstance(field, (Column, Embedded))
    value = getattr(row, field.column)
    if isinstance(value, FieldFile):
        return value or None
    return bytes(value) if isinstance(value, memoryview) else value


def made(making: Making, given: Mapping[str, Any]) -> Any:
    """Return the expression of a computed field for values of arguments."""
    fields = {argument.name: argument.output_field() for argument in making.arguments.values()}
    return making.call({name: models.Value(value, output_field=fields[name]) for name, value in given.items()})


def shown(value: Any) -> Any:
    """Make of a value what the GraphQL scalars write as PostgreSQL does."""
    if isinstance(value, list):
        return [shown(item) for item in value]
    if isinstance(value, memoryview):
        return bytes(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dt.datetime) and timezone.is_aware(value):
        value = value.astimezone(connection.timezone)
    if isinstance(value, (dt.datetime, dt.time)):
        return re.sub(r"(\.[0-9]*?)0+(?=$|[+-])", r"\1", value.isoformat())
    return value


def part(value: Any, name: str) -> Any:
    """Return a part of a file or a range."""
    if isinstance(value, Range):
        return {
            "lower": shown(value.lower),
            "upper": shown(value.upper),
            "lowerInclusive": value.lower_inc,
            "upperInclusive": value.upper_inc,
            "isEmpty": value.isempty,
        }[name]
    if name in ("width", "height"):
        column = getattr(value.field, f"{name}_field")
        return column and getattr(value.instance, column)
    try:
        return getattr(value, name)
    except OSError:
        return None


# --- comparing --------------------------------------------------------------------------------


def strict(value: Any) -> Any:
    """Make JSON comparable to the letter: the order of keys counts, true is not 1."""
    if isinstance(value, Pairs):
        return ("object", [(key, strict(item)) for key, item in value])
    if isinstance(value, list):
        return [strict(item) for item in value]
    return ("boolean", value) if isinstance(value, bool) else value


class Pairs(list[tuple[str, Any]]):
    """An object's members in their order."""


def members(text: str | bytes) -> Any:
    """Read JSON with every object as the list of its members."""
    return strict(json.loads(text, object_pairs_hook=Pairs))


def sorted_where_unordered(data: Any, unordered: Collection[tuple[str, ...]], path: tuple[str, ...] = ()) -> Any:
    """Sort the lists of an answer, as JSON, whose rows are in no order; the order of keys stays."""
    if isinstance(data, dict):
        return {key: sorted_where_unordered(value, unordered, (*path, key)) for key, value in data.items()}
    if not isinstance(data, list):
        return data
    items = [sorted_where_unordered(item, unordered, path) for item in data]
    return sorted(items, key=json.dumps) if path in unordered else items


def assert_same_answer(
    engine: GraphQLEngine,
    query: str,
    variables: Mapping[str, Any] | None = None,
    operation_name: str | None = None,
    naive: Naive | None = None,
) -> Any:
    """Execute an operation both ways and compare; return the answer."""
    response = engine.execute(query, variables, operation_name)
    # first: after an error of PostgreSQL's the other way could not read either
    assert not response.errors, response.errors
    naive = naive or Naive(engine.schema)
    expected = naive.execute(query, variables, operation_name)
    assert not expected.errors, expected.errors
    assert response.data is not None
    actual = json.loads(response.data)
    assert_same_data(actual, expected.data, naive, (query, variables))
    return actual


def assert_same_data(actual: Any, expected: Any, naive: Naive, shown: Any) -> None:
    """Compare the data of two answers; ``naive`` has executed the operation."""
    ours, other = (sorted_where_unordered(data, naive.unordered) for data in (actual, expected))
    assert ours == other, (ours, other, shown)
    # once more to the letter: the order of keys counts, and true is not 1
    assert members(json.dumps(ours)) == members(json.dumps(other)), shown
