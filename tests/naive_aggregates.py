"""The other way to aggregates and groups: Python counts, groups and sorts rows that the ORM has read.

Only the last step of arithmetic, what a sum or a deviation of given numbers is, and the order of texts are asked of
PostgreSQL: how many digits it writes is its own affair.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.utils import timezone
from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSkipDirective,
    InlineFragmentNode,
)
from graphql.execution.values import get_argument_values, get_directive_values

from fraiseql_django.kinds.counts import Count
from fraiseql_django.schema.aggregates import (
    Aggregated,
    AggregatedOne,
    DatePartKey,
    GroupKey,
    KeyOne,
    Keys,
    Total,
    Values,
    aggregate_name,
)
from fraiseql_django.schema.build import DEFINITION
from tests.meaning import Truth, all_of, any_of, conditions, negated, preparation, seen, text_ranks

SIMPLE = ("sum", "avg", "stddev", "stddev_pop", "variance", "variance_pop", "bool_and", "bool_or")
SQL_NAMES = {"stddev": "stddev_samp", "variance": "var_samp", "variance_pop": "var_pop"}


@dataclass
class Gathered:
    """Rows that are aggregated, or what a to-one field leads to from each of them."""

    rows: list[Any]


@dataclass
class Grouped(Gathered):
    """The rows of one group."""

    keys: list[Any]


@dataclass
class Key:
    """A row whose keys are shown: those of all rows of its group are the same."""

    row: Any


# --- values ------------------------------------------------------------------------------------


def aggregate(naive: Any, field: Aggregated, rows: list[Any], given: Mapping[str, Any]) -> Any:
    """Return what a function makes of the values of a field."""
    owner, name = naive.type(field.owner), field.function.name
    values = [(row, naive.value(row, field.of)) for row in rows if row is not None]
    there = [(row, value) for row, value in values if value is not None]
    found = [value for _, value in there]
    if name in SIMPLE:
        return arithmetic(name, field.of.scalar.cast, found)
    if name == "count_distinct":
        return len({repr(preparation(field.of, owner)(value)) for value in found})
    ranked = [(rank, value) for rank, value in zip(ranks(found, field.of, owner), found, strict=True)]
    if name in ("min", "max"):
        return {"min": min, "max": max}[name](ranked, key=lambda pair: pair[0])[1] if ranked else None
    listed = [row for row, _ in there]
    order = [(rank, row) for (rank, _), row in zip(ranked, listed, strict=True)]
    order.sort(key=lambda pair: pair[0])
    listed = [row for _, row in order]
    for term in reversed(given.get("orderBy") or []):
        listed = naive.sorted(owner, listed, term)
    made = [naive.value(row, field.of) for row in listed]
    if given.get("distinct"):
        made = list({repr(preparation(field.of, owner)(value)): value for value in reversed(made)}.values())[::-1]
    made = made[: given["limit"]] if given.get("limit") is not None else made
    if field.dimensions:
        return made
    separator = given.get("separator")
    return (", " if separator is None else separator).join(map(str, made)) if found else None


def arithmetic(name: str, cast: str, values: list[Any]) -> Any:
    """Ask PostgreSQL for the sum, the average … of values."""
    result = "double precision" if cast == "bigint" and name not in ("sum", "bool_and", "bool_or") else None
    sql = f"{SQL_NAMES.get(name, name)}(v)" + (f"::{result}" if result else "")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {sql} FROM unnest(%s::{cast}[]) AS v", [values])
        (found,) = cursor.fetchone()
    return found


def ranks(values: Sequence[Any], field: Any, owner: Any) -> list[Any]:
    """Return what values are sorted by."""
    prepared = [preparation(field, owner)(value) for value in values]
    if prepared and all(isinstance(value, str) for value in prepared):
        known = text_ranks(set(prepared))
        return [known[value] for value in prepared]
    return prepared


# --- conditions --------------------------------------------------------------------------------


def condition(naive: Any, found: Any, field: Any, given: Mapping[str, Any]) -> Truth:
    """Evaluate a condition on a count or on aggregates of a list."""
    rows = naive.many(found, field.of)
    if isinstance(field, Count):
        return conditions(len(rows), preparation(Total(name="count"), None), given)
    others = dict(given)
    where = others.pop("where", None)
    target = naive.type(field.of.target)
    if where is not None:
        rows = [row for row in rows if naive.meaning.matches(target, row, where) is True]
    return holds(naive, naive.schema.shapes[aggregate_name(target.name)], rows, others)


def holds(naive: Any, shape: Any, rows: list[Any], given: Mapping[str, Any]) -> Truth:
    """Evaluate a condition on aggregates of rows."""
    return all_of(_key(naive, shape, rows, name, value) for name, value in given.items())


def _key(naive: Any, shape: Any, rows: list[Any], name: str, value: Any) -> Truth:
    if name == "AND":
        return all_of(holds(naive, shape, rows, item) for item in value)
    if name == "OR":
        return any_of(holds(naive, shape, rows, item) for item in value)
    if name == "NOT":
        return negated(holds(naive, shape, rows, value))
    field = shape.fields[name]
    if isinstance(field, Values):
        return holds(naive, naive.schema.shapes[field.target], rows, value)
    if isinstance(field, AggregatedOne):
        there = [row and naive.one(row, field.of) for row in rows]
        return holds(naive, naive.schema.shapes[field.target], there, value)
    if isinstance(field, Total):
        return conditions(len(rows), preparation(field, None), value)
    found = aggregate(naive, field, rows, {})
    like = field.of if field.function.keeps else field
    return conditions(seen(found, like), preparation(like, naive.type(field.owner)), value)


# --- orders ------------------------------------------------------------------------------------


def sort_value(naive: Any, found: Any, field: Any, term: Any) -> Any:
    """Return what a row is sorted by that is sorted by a count or by an aggregate of a list."""
    rows = naive.many(found, field.of)
    if isinstance(field, Count):
        return len(rows)
    return _of_rows(naive, naive.schema.shapes[aggregate_name(field.of.target)], rows, term)


def _of_rows(naive: Any, shape: Any, rows: list[Any], term: Mapping[str, Any]) -> Any:
    ((name, inner),) = term.items()
    field = shape.fields[name]
    if isinstance(field, Total):
        return len(rows)
    if isinstance(field, Values):
        return _of_rows(naive, naive.schema.shapes[field.target], rows, inner)
    if isinstance(field, AggregatedOne):
        there = [row and naive.one(row, field.of) for row in rows]
        return _of_rows(naive, naive.schema.shapes[field.target], there, inner)
    value = aggregate(naive, field, rows, {})
    if value is None or not field.function.keeps:
        return value
    return preparation(field.of, naive.type(field.owner))(value)


# --- resolvers ---------------------------------------------------------------------------------


def resolve(naive: Any, source: Any, described: Any, given: Mapping[str, Any]) -> Any:
    """Resolve a field of an aggregate or of a group."""
    if isinstance(described, Total):
        return len(source.rows)
    if isinstance(described, Values):
        return source
    if isinstance(described, AggregatedOne):
        return Gathered([row and naive.one(row, described.of) for row in source.rows])
    if isinstance(described, Aggregated):
        return aggregate(naive, described, source.rows, given)
    if isinstance(described, Keys):
        return Key(source.rows[0])
    if isinstance(described, KeyOne):
        there = naive.one(source.row, described.of)
        return None if there is None else Key(there)
    assert isinstance(described, GroupKey)
    return key_value(naive, source.row, described, given)


def key_value(naive: Any, row: Any, field: GroupKey, given: Mapping[str, Any]) -> Any:
    """Return the value of a key of a row."""
    value = None if row is None else naive.value(row, field.of)
    if value is None:
        return None
    if isinstance(value, dt.datetime):
        zone = given.get("timeZone")
        value = value.astimezone(timezone.get_current_timezone() if zone is None else ZoneInfo(zone))
    if given.get("path") is not None:
        return at_path(value, given["path"])
    if isinstance(field, DatePartKey):
        return part_of(value, given["part"])
    if given.get("truncate"):
        return truncated(value, given["truncate"])
    if given.get("width") is not None:
        origin = given.get("origin") or 0
        return bucket(value, given["width"], origin)
    return value


def at_path(value: Any, path: Sequence[str]) -> Any:
    """Return what keys and indexes lead to in JSON."""
    for key in path:
        try:
            value = value[int(key)] if isinstance(value, list) else value[key]
        except (IndexError, KeyError, TypeError, ValueError):
            return None
    return value


def bucket(value: Any, width: Any, origin: Any) -> Any:
    """Return where the range of a number begins."""
    if isinstance(value, float):
        return (value - origin) // width * width + origin
    rest = (value - origin) % width
    # the sign of a Decimal's rest is that of the number
    return value - (rest + width if rest < 0 else rest)


def truncated(value: Any, unit: str) -> Any:
    """Cut a date or a moment off."""
    moment = isinstance(value, dt.datetime)
    day = value.date() if moment else value
    start = {
        "year": lambda: day.replace(month=1, day=1),
        "quarter": lambda: day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1),
        "month": lambda: day.replace(day=1),
        "week": lambda: day - dt.timedelta(day.weekday()),
        "day": lambda: day,
    }
    if unit in start:
        begun = start[unit]()
        return dt.datetime.combine(begun, dt.time(), value.tzinfo) if moment else begun
    zeros = {"hour": ("minute", "second"), "minute": ("second",), "second": ()}[unit]
    return value.replace(microsecond=0, **dict.fromkeys(zeros, 0))


def part_of(value: Any, part: str) -> int:
    """Return a part of a date or a moment."""
    year, week, weekday = value.isocalendar()
    own = {
        "quarter": (value.month + 2) // 3, "week": week, "isoyear": year, "isodow": weekday,
        "doy": value.timetuple().tm_yday,
    }  # fmt: skip
    return own[part] if part in own else int(getattr(value, part))


# --- groups ------------------------------------------------------------------------------------


def groups(naive: Any, definition: Any, rows: list[Any], given: Mapping[str, Any], info: GraphQLResolveInfo) -> Any:
    """Resolve a list of groups."""
    group = info.schema.get_type(f"{definition.name}Group")
    assert isinstance(group, GraphQLObjectType)
    keys = list(_keys(info, group, info.field_nodes, ()))
    found: dict[Any, Grouped] = {}
    for row in rows:
        values = [_at(naive, row, path, field, arguments) for path, field, arguments in keys]
        equal = [preparation_of(naive, field)(value) for value, (_, field, _) in zip(values, keys, strict=True)]
        found.setdefault(repr(equal), Grouped([], values)).rows.append(row)
    listed = list(found.values())
    shape = naive.schema.shapes[aggregate_name(definition.name)]
    if given.get("having"):
        listed = [one for one in listed if holds(naive, shape, one.rows, given["having"]) is True]
    terms: list[tuple[Callable[[Grouped], Any], str]] = []
    for term in given.get("orderBy") or []:
        terms += _terms(naive, shape, keys, term)
    terms += [(lambda one, index=index: one.keys[index], "ASC") for index in range(len(keys))]  # type: ignore[misc]
    for make, direction in reversed(terms):
        listed = _sorted(listed, make, direction)
    offset, limit = given.get("offset") or 0, given.get("limit")
    return listed[offset:] if limit is None else listed[offset : offset + limit]


def preparation_of(naive: Any, field: Any) -> Callable[[Any], Any]:
    """Return what makes the value of a key one that is equal where PostgreSQL's are."""
    if isinstance(field, KeyOne):
        return lambda value: value
    own = preparation(field.of, naive.type(field.owner))
    return lambda value: value if value is None or isinstance(field, DatePartKey) else own(value)


def _at(naive: Any, row: Any, path: tuple[Any, ...], field: Any, given: Mapping[str, Any]) -> Any:
    for step in path:
        row = row and naive.one(row, step.of)
    if isinstance(field, KeyOne):
        return None if row is None else True
    return key_value(naive, row, field, given)


def _keys(info: Any, type_: Any, nodes: Sequence[Any], path: tuple[Any, ...]) -> Iterator[Any]:
    """Yield the keys that are selected, each with the to-one fields that lead to it and its arguments."""
    for same in _collected(info, type_, nodes).values():
        name = same[0].name.value
        if name == "__typename":
            continue
        graphql = type_.fields[name]
        described = graphql.extensions[DEFINITION]
        inner = getattr(graphql.type, "of_type", graphql.type)
        if isinstance(described, Keys):
            yield from _keys(info, inner, same, path)
        elif isinstance(described, KeyOne):
            # that there is one is a key as well
            yield (*path, described), described, {}
            yield from _keys(info, inner, same, (*path, described))
        elif isinstance(described, GroupKey):
            yield path, described, get_argument_values(graphql, same[0], info.variable_values)


def _collected(info: Any, type_: Any, nodes: Sequence[Any]) -> dict[str, list[FieldNode]]:
    found: dict[str, list[FieldNode]] = {}

    def walk(selections: Any) -> None:
        for node in selections:
            if _is_left_out(info, node):
                continue
            if isinstance(node, FieldNode):
                found.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                walk(node.selection_set.selections)
            elif isinstance(node, FragmentSpreadNode):
                walk(info.fragments[node.name.value].selection_set.selections)

    for node in nodes:
        walk(node.selection_set.selections)
    return found


def _is_left_out(info: Any, node: Any) -> bool:
    skip = get_directive_values(GraphQLSkipDirective, node, info.variable_values)
    include = get_directive_values(GraphQLIncludeDirective, node, info.variable_values)
    return bool((skip and skip["if"]) or (include and not include["if"]))


def _terms(naive: Any, shape: Any, keys: Sequence[Any], term: Mapping[str, Any]) -> Iterator[Any]:
    ((name, inner),) = term.items()
    direction = naive.direction(term)
    if name != "key":
        yield (lambda one: _of_rows(naive, shape, one.rows, term)), direction
        return
    names = []
    while not isinstance(inner, str):
        ((name, inner),) = inner.items()
        names.append(name)
    for index, (path, field, _) in enumerate(keys):
        if not isinstance(field, KeyOne) and [*(step.name for step in path), field.name] == names:
            yield (lambda one, index=index: one.keys[index]), direction


def _sorted(listed: list[Any], make: Callable[[Any], Any], direction: str) -> list[Any]:
    values = [make(one) for one in listed]
    there = {value for value in values if value is not None}
    rank = text_ranks(there) if there and all(isinstance(value, str) for value in there) else {v: v for v in there}
    first = direction.endswith("FIRST") or direction == "DESC"
    nulls = [one for one, value in zip(listed, values, strict=True) if value is None]
    pairs = [(rank[value], one) for one, value in zip(listed, values, strict=True) if value is not None]
    pairs.sort(key=lambda pair: pair[0], reverse=direction.startswith("DESC"))
    others = [one for _, one in pairs]
    return nulls + others if first else others + nulls
