"""
What a ``where`` means, evaluated on Python objects: written from docs/reference/operators.md, not from the planner.

A ``Reader`` says what stands in an object: a row that the ORM has read, or an object of JSON. Nothing else here knows
where objects come from. A condition is true, false or unknown (None).
"""

import ipaddress
import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from django.db import connection
from django.db.models.fields.files import FieldFile
from django.utils import timezone
from graphql import GraphQLEnumType
from psycopg.types.range import Range

from fraiseql_django.kinds.counts import Count
from fraiseql_django.schema.aggregates import Aggregate
from fraiseql_django.schema.definition import Column, Embedded, Reference, Shape

Truth = bool | None


class Reader(Protocol):
    """How to read objects."""

    def type(self, name: str) -> Shape:
        """Return the description of a type."""
        ...

    def value(self, found: Any, field: Any) -> Any:
        """Return the value of a field as it is stored."""
        ...

    def one(self, found: Any, field: Reference) -> Any:
        """Return the object that a to-one field leads to; None where it is missing."""
        ...

    def many(self, found: Any, field: Reference) -> list[Any]:
        """Return the objects of a list; None for an item that is no object."""
        ...

    def aggregates(self, found: Any, field: Any, given: Mapping[str, Any]) -> Truth:
        """Evaluate a condition on a count or on aggregates of a list."""
        ...


class Meaning:
    """The meaning of conditions on what a reader reads."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    def matches(self, definition: Shape, found: Any, where: Mapping[str, Any]) -> Truth:
        """Evaluate a ``where`` on an object: all of its keys must hold."""
        return all_of(self.key(definition, found, name, value) for name, value in where.items())

    def key(self, definition: Shape, found: Any, name: str, value: Any) -> Truth:
        """Evaluate one key of a ``where``."""
        if name == "AND":
            return all_of(self.matches(definition, found, item) for item in value)
        if name == "OR":
            return any_of(self.matches(definition, found, item) for item in value)
        if name == "NOT":
            return negated(self.matches(definition, found, value))
        if name == "HAS":
            return all_of(self.has(definition, found, *wanted) for wanted in value.items())
        if name == "COMPARE":
            return all_of(self.compared(definition, found, *comparison) for comparison in value.items())
        field: Any = definition.fields.get(name) or definition.conditions[name]
        if isinstance(field, (Aggregate, Count)):
            return self.reader.aggregates(found, field, value)
        if not isinstance(field, Reference):
            return self.filter(definition, found, field, value)
        target = getattr(field, "shape", None) or self.reader.type(field.target)
        if not field.many:
            there = self.reader.one(found, field)
            # no object, no match
            return False if there is None else self.matches(target, there, value)
        items = self.reader.many(found, field)
        return all_of(self.quantified(target, items, *condition) for condition in value.items())

    def filter(self, definition: Shape, found: Any, field: Any, given: Mapping[str, Any]) -> Truth:
        """Evaluate the filter of a field of an object."""
        stored = seen(self.reader.value(found, field), field)
        return conditions(stored, preparation(field, definition), given)

    def has(self, definition: Shape, found: Any, name: str, wanted: bool) -> bool:
        """Evaluate whether a relation leads anywhere."""
        field: Any = definition.fields[name]
        there = self.reader.many(found, field) if field.many else [self.reader.one(found, field)]
        # what is no object is none
        return any(item is not None for item in there) is wanted

    def compared(self, definition: Shape, found: Any, name: str, comparison: Mapping[str, str]) -> Truth:
        """Compare a field with others of the same object."""
        others = [(operator, self.own(definition, found, other)) for operator, other in comparison.items()]
        return all_of(
            None if value is None else self.filter(definition, found, definition.fields[name], {operator: value})
            for operator, value in others
        )

    def own(self, definition: Shape, found: Any, name: str) -> Any:
        """Return the value of a field, as clients see it."""
        field: Any = definition.fields[name]
        return seen(self.reader.value(found, field), field)

    def quantified(self, target: Shape, items: list[Any], quantifier: str, where: Mapping[str, Any]) -> bool:
        """Evaluate some, every or none: which items the condition is true of."""
        found = [item is not None and self.matches(target, item, where) is True for item in items]
        return {"some": any(found), "every": all(found), "none": not any(found)}[quantifier]


def seen(value: Any, field: Any) -> Any:
    """Return a stored value as clients see it: what the field's type does not have is null."""
    scalar = getattr(field, "scalar", None)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if scalar is not None and isinstance(scalar.graphql, GraphQLEnumType) and not isinstance(value, list):
        return value if value in [choice.value for choice in scalar.graphql.values.values()] else None
    return value


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


# --- values ---------------------------------------------------------------------------------


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
    step: Any = 1 if isinstance(some, int) else timedelta(1) if type(some) is date else None
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


Prepare = Callable[[Any], Any]


def conditions(value: Any, prepare: Prepare, given: Mapping[str, Any]) -> Truth:
    """Evaluate the filter of a value."""
    return all_of(condition(value, prepare, *each) for each in given.items())


def condition(value: Any, prepare: Prepare, name: str, given: Any) -> Truth:
    """Evaluate one key of a filter."""
    if name == "not":
        return negated(conditions(value, prepare, given))
    if name in ("any", "all"):
        if value is None:
            return None
        found = [conditions(item, lambda item: prepare([item])[0], given) is True for item in value]
        return any(found) if name == "any" else all(found)
    if name in TRANSFORMS:
        return conditions(None if value is None else TRANSFORMS[name](value), lambda made: made, given)
    return operator(value, prepare, name, given)


def operator(value: Any, prepare: Prepare, name: str, given: Any) -> Truth:
    """Evaluate one operator on a value."""
    if given is None:
        return (value is None) is (name == "eq")
    if name == "isnull":
        return (value is None) is given
    left = None if value is None else prepare(value)
    if name in ("in", "nin"):
        found = None if left is None and given else any(left == prepare(item) for item in given)
        return found if name == "in" else negated(found)
    if left is None:
        return None
    if name in ARRAY_OPERATORS and isinstance(left, (list, tuple)):
        return bool(ARRAY_OPERATORS[name](left, prepare(given)))
    if name in TEXT_OPERATORS:
        return bool(TEXT_OPERATORS[name](left, given))
    if name == "between":
        least, greatest = given
        return all_of([operator(value, prepare, "gte", least), operator(value, prepare, "lte", greatest)])
    right = prepare(given)
    if isinstance(left, str) and isinstance(right, str) and name not in ("eq", "neq"):
        ranks = text_ranks({left, right})
        left, right = ranks[left], ranks[right]
    return bool(COMPARISONS[name](left, right))


def preparation(field: Any, definition: Any) -> Callable[[Any], Any]:
    """Return what makes a value one that compares as PostgreSQL compares it."""
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


def _column(field: Column, definition: Any) -> Any:
    return next(found for found in definition.model._meta.concrete_fields if found.attname == field.column)


def _ip(value: Any) -> Any:
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


def _local(value: Any) -> Any:
    return timezone.localtime(value) if isinstance(value, datetime) and timezone.is_aware(value) else value


TRANSFORMS: Mapping[str, Callable[[Any], Any]] = {
    "length": len,
    "year": lambda value: _local(value).year,
    "quarter": lambda value: (_local(value).month + 2) // 3,
    "month": lambda value: _local(value).month,
    "day": lambda value: _local(value).day,
    "dayOfYear": lambda value: _local(value).timetuple().tm_yday,
    "isoYear": lambda value: _local(value).isocalendar()[0],
    "week": lambda value: _local(value).isocalendar()[1],
    "weekday": lambda value: _local(value).isoweekday(),
    "hour": lambda value: _local(value).hour,
    "minute": lambda value: _local(value).minute,
    "second": lambda value: _local(value).second,
    "date": lambda value: _local(value).date(),
    "time": lambda value: _local(value).time(),
    "seconds": lambda value: value.total_seconds(),
}
# what is null equals nothing in an array
ARRAY_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "contains": lambda items, given: all(item is not None and item in items for item in given),
    "containedBy": lambda items, given: all(item is not None and item in given for item in items),
    "overlaps": lambda items, given: any(item is not None and item in items for item in given),
}
TEXT_OPERATORS: Mapping[str, Callable[[str, str], Any]] = {
    "iexact": lambda text, given: _upper(given) == _upper(text),
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


def meant(field: Any) -> set[str]:
    """Return the keys of a field's filter whose meaning is known here."""
    name = field.filter.name if isinstance(field, Embedded) else field.scalar.name
    dimensions = getattr(field, "dimensions", 0)
    found = {"eq", "neq", "in", "nin", "isnull", "not"}
    if dimensions:
        return found | ({"contains", "containedBy", "overlaps", "length", "any", "all"} if dimensions == 1 else set())
    found |= {*COMPARISONS, "between"}
    parts = {"Date": TRANSFORMS.keys() - {"hour", "minute", "second", "date", "time"}, "DateTime": TRANSFORMS.keys()}
    if name in ("String", "File"):
        found |= {*TEXT_OPERATORS, "length"}
    elif name in parts:
        found |= parts[name] - {"length", "seconds"}
    elif name in ("Time", "Duration"):
        found |= {"hour", "minute", "second"} if name == "Time" else {"seconds"}
    return found
