"""
The other way to the answer: graphql-core's own executor over Django objects, a query for every step.

Nothing of the planner is used here. Conditions are evaluated in Python with SQL's three truth values (None is
unknown), lists are sorted and cut in Python; what clients read is made from Python values. Answers have to
agree to the letter, the order of their keys included.
"""

import datetime as dt
import json
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import connection, models
from django.db.models.fields.files import FieldFile
from django.utils import timezone
from graphql import DocumentNode, ExecutionResult, GraphQLResolveInfo, execute, parse
from psycopg.types.range import Range

from fraiseql_django.engine import GraphQLEngine
from fraiseql_django.kinds.counts import Count
from fraiseql_django.schema.build import DEFINITION, Schema
from fraiseql_django.schema.definition import Column, Computed, Embedded, FieldDef, Relation, RootRows, TypeDef

Truth = bool | None


@lru_cache(maxsize=100)
def _parsed(query: str) -> DocumentNode:
    return parse(query)


# --- resolvers --------------------------------------------------------------------------------


class Naive:
    """Resolvers over one schema."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        # rows by their statement, where nothing is written between operations; None: read them each time
        self.kept: dict[str, list[Any]] | None = None

    def execute(
        self, query: str, variables: Mapping[str, Any] | None = None, operation_name: str | None = None
    ) -> ExecutionResult:
        """Execute an operation with graphql-core."""
        result = execute(
            self.schema.graphql,
            _parsed(query),
            variable_values=dict(variables or {}),
            operation_name=operation_name,
            field_resolver=self.resolve,
        )
        assert isinstance(result, ExecutionResult)
        return result

    def resolve(self, source: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
        """Resolve any field; what it is stands in the schema's extensions."""
        described = info.parent_type.fields[info.field_name].extensions.get(DEFINITION)
        if isinstance(described, Count):
            listed = self.root if isinstance(described.of, RootRows) else partial(self.related, source)
            return len(listed(described.of, arguments))
        if isinstance(described, RootRows):
            return self.root(described, arguments)
        if isinstance(described, Relation):
            return self.related(source, described, arguments) if described.many else related_one(source, described)
        if described is None:
            return part(source, info.field_name)
        return shown(stored(source, described))

    def related(self, source: Any, relation: Any, arguments: Mapping[str, Any]) -> list[Any]:
        """Resolve a list of related rows."""
        return self.rows(self.schema.types[relation.target], related_list(source, relation), arguments)

    def root(self, root: Any, arguments: Mapping[str, Any]) -> Any:
        """Resolve a root field: all rows of a model, or the one with this key."""
        definition = self.schema.types[root.target]
        rows = definition.model._default_manager.all()
        if root.many:
            return self.rows(definition, rows, arguments)
        return rows.filter(**{definition.key[name].column: value for name, value in arguments.items()}).first()

    def rows(self, definition: TypeDef, rows: models.QuerySet[Any], arguments: Mapping[str, Any]) -> list[Any]:
        """Filter, sort and cut a list."""
        order = arguments.get("orderBy") or []
        key = [field.attname for field in definition.model._meta.pk_fields]
        own = rows.query.order_by or rows.model._meta.ordering
        if order and not rows.query.standard_ordering:
            rows = rows.reverse()
        found = self.read(rows.order_by(*(() if order else own), *key))
        if arguments.get("where"):
            found = [row for row in found if self.matches(definition, row, arguments["where"])]
        for term in reversed(order):
            found = self.sorted(definition, found, term)
        offset, limit = arguments.get("offset") or 0, arguments.get("limit")
        return found[offset:] if limit is None else found[offset : offset + limit]

    def read(self, rows: models.QuerySet[Any]) -> list[Any]:
        """Return the rows of a list."""
        if self.kept is None:
            return list(rows)
        statement = str(rows.query)
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
        field = definition.fields[name]
        if isinstance(field, Relation):
            related = related_one(row, field)
            return related and self.sort_value(self.schema.types[field.target], related, inner)
        value = stored(row, field)
        return None if value is None else _preparation(field, definition)(value)

    def direction(self, term: Mapping[str, Any]) -> str:
        """Return the direction at the end of a term's path."""
        (inner,) = term.values()
        return inner if isinstance(inner, str) else self.direction(inner)

    # --- conditions ---

    def matches(self, definition: TypeDef, row: Any, where: Mapping[str, Any]) -> Truth:
        """Evaluate a ``where`` on a row; None as the row is what is missing behind a relation."""
        return all_of(self.member(definition, row, name, value) for name, value in where.items())

    def member(self, definition: TypeDef, row: Any, name: str, value: Any) -> Truth:
        """Evaluate one key of a ``where``."""
        if name == "AND":
            return all_of(self.matches(definition, row, item) for item in value)
        if name == "OR":
            return any_of(self.matches(definition, row, item) for item in value)
        if name == "NOT":
            return negated(self.matches(definition, row, value))
        field = definition.fields[name]
        if not isinstance(field, Relation):
            there = None if row is None else stored(row, field)
            return all_of(operator(there, field, definition, *condition) for condition in value.items())
        target = self.schema.types[field.target]
        if not field.many:
            return self.matches(target, None if row is None else related_one(row, field), value)
        rows = [] if row is None else list(related_list(row, field))
        return all_of(self.quantified(target, rows, *condition) for condition in value.items())

    def quantified(self, target: TypeDef, rows: list[Any], quantifier: str, where: Mapping[str, Any]) -> bool:
        """Evaluate some, every or none."""
        found = [self.matches(target, row, where) for row in rows]
        if quantifier == "every":
            return all(truth is True for truth in found)
        return any(truth is True for truth in found) is (quantifier == "some")


# --- truth ------------------------------------------------------------------------------------


def all_of(truths: Iterable[Truth]) -> Truth:
    """AND, as SQL has it."""
    found = list(truths)
    return False if False in found else None if None in found else True


def any_of(truths: Iterable[Truth]) -> Truth:
    """OR, as SQL has it."""
    found = list(truths)
    return True if True in found else None if None in found else False


def negated(truth: Truth) -> Truth:
    """NOT, as SQL has it."""
    return None if truth is None else not truth


# --- values -----------------------------------------------------------------------------------


def accessor(row: models.Model, relation: Relation) -> str:
    """Return the attribute of a relation, which the ORM's query name need not be."""
    field = row._meta.get_field(relation.path)
    return field.get_accessor_name() if field.auto_created and not field.concrete else field.name  # type: ignore[union-attr,return-value]


def related_one(row: models.Model, relation: Relation) -> Any:
    """Follow a to-one relation."""
    try:
        found = getattr(row, accessor(row, relation))
    except ObjectDoesNotExist:
        return None
    model: Any = row._meta.get_field(relation.path).related_model
    # the way from a parent to its child gives Django's cached row, which may be a grandchild that came up that way
    return found if found is None or type(found) is model else model._base_manager.get(pk=found.pk)


def related_list(row: models.Model, relation: Relation) -> models.QuerySet[Any]:
    """Follow a to-many relation."""
    rows: models.QuerySet[Any] = getattr(row, accessor(row, relation)).all()
    return rows


def stored(row: models.Model, field: FieldDef) -> Any:
    """Return the Python value of a field of a row."""
    if isinstance(field, Computed):
        rows = type(row)._base_manager.filter(pk=row.pk).annotate(naive_value=field.expression)
        return rows.values_list("naive_value", flat=True).get()
    assert isinstance(field, (Column, Embedded))
    value = getattr(row, field.column)
    if isinstance(value, FieldFile):
        return value or None
    return bytes(value) if isinstance(value, memoryview) else value


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


def comparable(value: Any) -> Any:
    """Make of a value one that compares as PostgreSQL compares it."""
    if isinstance(value, list):
        return tuple(map(comparable, value))
    if isinstance(value, Range):
        return span(value)
    if isinstance(value, FieldFile):
        return value.name or None
    if isinstance(value, memoryview):
        return bytes(value)
    return value


def span(value: Range[Any] | Mapping[str, Any]) -> Any:
    """Write a range in the one form that PostgreSQL gives it: whole numbers and days without the upper bound."""
    if isinstance(value, Range):
        lower, upper, bounds = value.lower, value.upper, value.bounds if not value.isempty else ""
    else:
        lower, upper, bounds = value.get("lower"), value.get("upper"), value.get("bounds") or "[)"
    if bounds == "":
        return "empty"
    start, end = bounds
    some = upper if lower is None else lower
    step: Any = 1 if isinstance(some, int) else dt.timedelta(1) if type(some) is dt.date else None
    if step and start == "(" and lower is not None:
        lower, start = lower + step, "["
    if step and end == "]" and upper is not None:
        upper, end = upper + step, ")"
    if lower is not None and upper is not None and (lower > upper or (lower == upper and (start, end) != ("[", "]"))):
        return "empty"
    return (lower, upper, start if lower is not None else "(", end if upper is not None else ")")


def json_value(value: Any) -> Any:
    """Make JSON comparable: true is not 1, the order of keys means nothing."""
    if isinstance(value, dict):
        return ("object", frozenset((key, json_value(item)) for key, item in value.items()))
    if isinstance(value, list):
        return ("array", tuple(map(json_value, value)))
    return ("boolean" if isinstance(value, bool) else "number" if isinstance(value, (int, float)) else "other", value)


def text_ranks(texts: Iterable[str]) -> dict[str, int]:
    """Ask the database for the places of texts in its order, which another server may have another of."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT t, dense_rank() OVER (ORDER BY t) FROM unnest(%s::text[]) AS t", [list(texts)])
        return dict(cursor.fetchall())


# --- operators --------------------------------------------------------------------------------


def operator(value: Any, field: Any, definition: TypeDef, name: str, given: Any) -> Truth:
    """Evaluate one operator on a value."""
    if given is None:
        return (value is None) is (name == "eq")
    if name == "isnull":
        return (value is None) is given
    prepare = _preparation(field, definition)
    left = None if value is None else prepare(value)
    if name in ("in", "nin"):
        found = None if left is None and given else any(left == prepare(item) for item in given)
        return found if name == "in" else negated(found)
    if left is None:
        return None
    if name in TEXT_OPERATORS:
        return bool(TEXT_OPERATORS[name](left, given))
    right = prepare(given)
    if isinstance(left, str) and isinstance(right, str) and name not in ("eq", "neq"):
        ranks = text_ranks({left, right})
        left, right = ranks[left], ranks[right]
    return bool(COMPARISONS[name](left, right))


def _preparation(field: Any, definition: TypeDef) -> Callable[[Any], Any]:
    if isinstance(field, Embedded):
        return lambda value: span(value) if isinstance(value, (Range, dict)) else comparable(value)
    if field.scalar.name == "ID":
        return _column(field, definition).to_python
    if field.scalar.name == "JSON":
        return lambda value: tuple(map(json_value, value)) if field.dimensions else json_value(value)
    if field.scalar.name == "IPAddress":
        return lambda value: tuple(map(str, value)) if field.dimensions else _ip(value)
    if isinstance(field, Column) and field.scalar.name == "String":
        return lambda value: value if field.dimensions else _column(field, definition).get_prep_value(value)
    return comparable


def _column(field: Column, definition: TypeDef) -> Any:
    return next(found for found in definition.model._meta.concrete_fields if found.attname == field.column)


def _ip(value: Any) -> Any:
    import ipaddress

    address = ipaddress.ip_address(str(value))
    return (address.version, int(address))


def _upper(text: str) -> str:
    # one character for one, as PostgreSQL's own collations have it
    return "".join(upper if len(upper := character.upper()) == 1 else character for character in text)


def _like(text: str, pattern: str) -> bool:
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    meaning = {"%": ".*", "_": "."}
    regex = "".join(meaning.get(one) or re.escape(one[-1]) for one in parts)
    return re.fullmatch(regex, text, re.DOTALL) is not None


TEXT_OPERATORS: Mapping[str, Callable[[str, str], Any]] = {
    "contains": lambda text, given: given in text,
    "icontains": lambda text, given: _upper(given) in _upper(text),
    "startswith": lambda text, given: text.startswith(given),
    "istartswith": lambda text, given: _upper(text).startswith(_upper(given)),
    "endswith": lambda text, given: text.endswith(given),
    "iendswith": lambda text, given: _upper(text).endswith(_upper(given)),
    "like": _like,
    "ilike": lambda text, given: _like(text.lower(), given.lower()),
    "matches": lambda text, given: re.search(given, text),
    "imatches": lambda text, given: re.search(given, text, re.IGNORECASE),
}
COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "eq": lambda left, right: left == right,
    "neq": lambda left, right: left != right,
    "gt": lambda left, right: left > right,
    "gte": lambda left, right: left >= right,
    "lt": lambda left, right: left < right,
    "lte": lambda left, right: left <= right,
}

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
    expected = (naive or Naive(engine.schema)).execute(query, variables, operation_name)
    assert not expected.errors, expected.errors
    assert response.data is not None
    actual, other = json.loads(response.data), expected.data
    assert actual == other, (query, variables)
    # once more to the letter: the order of keys counts, and true is not 1
    assert members(response.data) == members(json.dumps(other)), (query, variables)
    return actual
