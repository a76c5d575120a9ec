"""Aggregates → SQL: the rows in an innermost query, what functions make of them around it, and JSON around that.

    SELECT '{"count":' || fraiseql_groups.v0 || …             what is written, compared or sorted by
    FROM (
        SELECT count(*) AS v0, avg(fraiseql_rows.fraiseql_a0) AS v1    values: one for each group
        FROM (
            SELECT price AS fraiseql_a0 FROM book WHERE …              operands: one for each row, by the ORM
        ) AS fraiseql_rows
        GROUP BY …
    ) AS fraiseql_groups

The innermost query has each row once, whatever its operands read, so that two aggregates never inflate each other. It
is made from a ``RowSet``, so that what the viewer cannot see is not among its rows.

``Gathered`` is the location of what is aggregated: kinds of fields ask it for the names of operands and values. It
notes what it is asked for, and the query is made of that at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import Q
from django.db.models.sql import Query

from .expressions import SQL, Name, Param, Rows, condition
from .kinds import TreeCompiler
from .locations import ROW, Location
from .ordering import key_columns
from .tree import OnAggregate, RowSet, Step

ROWS, GROUPS = "fraiseql_rows", "fraiseql_groups"


class OperandRows(Rows):
    """The rows of a query in a FROM clause; ``empty`` is a query without rows, of columns of the same types."""

    template = "(%(subquery)s)"

    def __init__(self, queryset: Any, names: Sequence[tuple[str, str]]) -> None:
        super().__init__(queryset)
        nulls = ", ".join(f"NULL::{cast} AS {name}" for name, cast in names)
        self.empty = f"(SELECT {nulls or 'NULL'} WHERE FALSE)"


@dataclass(slots=True, eq=False)
class Aggregation:
    """What is asked of the rows of one query: operands, keys and values, by their names in SQL."""

    operands: dict[str, tuple[Any, str]] = field(default_factory=dict)
    values: list[SQL] = field(default_factory=list)
    # whether rows are in groups, and the operands that they are grouped by, by the members that select them
    grouped: bool = False
    keys: dict[tuple[int, ...], str] = field(default_factory=dict)
    _operand_of: dict[Any, str] = field(default_factory=dict)
    _value_of: dict[str, int] = field(default_factory=dict)

    def operand(self, value: Any, cast: str, key: Any = None) -> str:
        """Return the name of a column of the rows; ``key`` tells operands that are the same, None: it is new."""
        if key is not None and key in self._operand_of:
            return self._operand_of[key]
        name = f"fraiseql_a{len(self.operands)}"
        self.operands[name] = value, cast
        if key is not None:
            self._operand_of[key] = name
        return name

    def value(self, sql: SQL) -> Name:
        """Return the column that has the value of an aggregate expression."""
        text = sql.sql_template
        place = self._value_of.get(text, len(self.values))
        if place == len(self.values):
            self.values.append(sql)
            if not sql.names:
                self._value_of[text] = place
        return Name(f"{GROUPS}.v{place}")

    def key(self, value: Any, cast: str, chain: tuple[int, ...]) -> Name:
        """Return the column that has a value that rows are grouped by."""
        name = self.operand(value, cast)
        self.keys[chain] = name
        return self.column(name)

    def column(self, name: str) -> Name:
        """Return the column of a key by its operand."""
        return Name(f"{GROUPS}.{name}")

    def source(self, compiler: TreeCompiler, rows: RowSet, location: Location) -> SQL:
        """Return SQL for the FROM clause of what is made of the values: one row for each group."""
        keys = list(self.keys.values())
        columns = [f"{ROWS}.{name}" for name in keys]
        values = [f"{{v{index}}} AS v{index}" for index in range(len(self.values))]
        # without keys all rows are one group, if there are any
        one = " HAVING count(*) > 0" if self.grouped else ""
        grouped = f" GROUP BY {', '.join(columns)}" if keys else one
        selected = ", ".join([*columns, *values]) or "1"
        return SQL(
            f"(SELECT {selected} FROM {{rows}} AS {ROWS}{grouped}) AS {GROUPS}",
            rows=self._rows(compiler, rows, location),
            **{f"v{index}": value for index, value in enumerate(self.values)},
        )

    def _rows(self, compiler: TreeCompiler, rows: RowSet, location: Location) -> OperandRows:
        if not self.operands:
            queryset = compiler.existing(rows, location)
            return OperandRows(queryset.values(*key_columns(queryset.model)), ())
        queryset = compiler.queryset(rows, location)
        # equal operands of two rows would be one row
        keys = key_columns(queryset.model) if queryset.query.distinct else ()
        values = {name: value for name, (value, _) in self.operands.items()}
        queryset = queryset.annotate(**values)
        casts = [(name, cast) for name, (_, cast) in self.operands.items()]
        return OperandRows(queryset.values(*keys, *values), casts)


@dataclass(frozen=True, slots=True)
class Gathered:
    """The location of what is aggregated: rows, or what to-one fields lead to from each of them (``inner``).

    ``chain`` are the members on the way to a key.
    """

    aggregation: Aggregation
    inner: Location = ROW
    chain: tuple[int, ...] = ()

    def behind(self, compiler: TreeCompiler, step: Step) -> Gathered:
        """Return the location behind a to-one field."""
        return replace(self, inner=compiler.follow(step, self.inner))

    def within(self, member: Any) -> Gathered:
        """Return the location with one more member on the way."""
        return replace(self, chain=(*self.chain, id(member)))


def holds(compiler: TreeCompiler, given: OnAggregate, location: Location) -> Q:
    """Compile a condition on aggregates of the rows of a list."""
    aggregation = Aggregation()
    gathered: Any = Gathered(aggregation)
    found = compiler.condition(given.condition, gathered)
    source = aggregation.source(compiler, given.rows, location.outer())
    return condition("EXISTS (SELECT FROM {0} WHERE {1})", source, found)


def one_value(compiler: TreeCompiler, rows: RowSet, value: Any, location: Location) -> SQL:
    """Return a subquery with one aggregate of rows; ``value`` makes its expression for a location."""
    aggregation = Aggregation()
    found = value(Gathered(aggregation))
    return SQL("(SELECT {0} FROM {1})", found, aggregation.source(compiler, rows, location.outer()))


def one_object(compiler: TreeCompiler, rows: RowSet, write: Any, location: Location) -> SQL | None:
    """Return a subquery with a text that ``write`` makes of aggregates; None where it is made of none."""
    aggregation = Aggregation()
    text = write(Gathered(aggregation))
    if not aggregation.values:
        return None
    return SQL("(SELECT {0} FROM {1})", text, aggregation.source(compiler, rows, location.outer()))


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTerm:
    """One term of an order of groups: SQL for a column, and the words behind it."""

    column: Any
    direction: str


def groups(
    text: Any,
    source: Any,
    *,
    having: Q | None,
    order: Sequence[GroupTerm],
    page: tuple[Param | None, Param | None],
    lost: str,
) -> SQL:
    """Return the items of the JSON array of groups, each a text, as one text."""
    parts: list[str] = ["SELECT {text} FROM {source}"]
    named: dict[str, Any] = {"text": text, "source": source}
    if having is not None:
        parts.append("WHERE {having}")
        # it refers to nothing but names, and at the root of a statement Django resolves nothing
        named["having"] = having.resolve_expression(Query(None))
    if order:
        terms = [f"{{o{index}}}{term.direction}" for index, term in enumerate(order)]
        parts.append(f"ORDER BY {', '.join(terms)}")
        named |= {f"o{index}": term.column for index, term in enumerate(order)}
    for word, name, value in zip(("LIMIT", "OFFSET"), ("limit", "offset"), page, strict=True):
        if value is not None:
            parts.append(f"{word} {{{name}}}")
            named[name] = value
    return SQL(f"array_to_string(ARRAY({' '.join(parts)}), ',', {lost})", **named)
