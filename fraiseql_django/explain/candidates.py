"""PostgreSQL's plan → indexes that might help, each as a line for the model's Meta and as SQL.

Looked for are scans that read many rows and keep few, sorts of many rows of which a LIMIT takes the first, and scans in
the order of an index that skip many rows to find these. For
``reviews(where: {stars: {eq: 5}}, orderBy: [{createdAt: DESC}], limit: 10)``

    Limit  (rows=10)
      ->  Sort  (Sort Key: created_at DESC, id)
            ->  Seq Scan on bookshop_review  (Filter: stars = 5)

gives ``("stars", "created_at" DESC, "id")``: columns that must equal something first, then those of the order, or one
that lies in a range. What helps one statement costs each write of its table, and PostgreSQL may know better: these are
hints, until they are tried (see ``trials``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from django.db import connections, models

from ..invalidation.names import models_by_table
from ..sql.script import quoted
from .conditions import CONTAINS, EQUAL, PREFIX, RANGE, Condition, SortKey, conditions, joined_columns, sort_key
from .plans import Node, nodes

# A scan of fewer rows is fast without an index
MANY_ROWS = 1_000
# An index is of use where a scan keeps few of the rows that it reads (PostgreSQL's documentation gives no number)
FEW = 0.25
# Rows of the other side of a join, as a part of those of the scan, where a look-up for each of them may be better
FEW_JOINED = 0.05
# Schema, name, and whether it has partitions
Table: TypeAlias = tuple[str, str, bool]
# Nodes that keep the order of the rows below them, as far as a LIMIT above a sort is concerned
_PASSING = frozenset(
    {"Append", "Gather", "Gather Merge", "Result", "Nested Loop", "Subquery Scan", "Memoize", "ProjectSet"}
)
_JOINS = ("Hash Cond", "Merge Cond")
_INDEXES = """
SELECT own.relname, ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place)
             LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
             WHERE k.place <= i.indnkeyatts ORDER BY k.place),
       i.indoption::int2[]
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_class own ON own.oid = i.indexrelid
WHERE n.nspname = %s AND c.relname = %s AND i.indisvalid AND i.indpred IS NULL
"""
# Of a partition, the table that its indexes are declared for
_TABLE = """
SELECT c.reltuples, of.nspname, root.relname, c.relispartition
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_class root ON root.oid = CASE WHEN c.relispartition THEN pg_partition_root(c.oid)::oid ELSE c.oid END
     JOIN pg_namespace of ON of.oid = root.relnamespace
WHERE n.nspname = %s AND c.relname = %s
"""


@dataclass(frozen=True, slots=True)
class Key:
    """A column of an index: its order, or the operator class and the function that a pattern needs."""

    column: str
    descending: bool = False
    nulls_first: bool = False
    opclass: str = ""
    upper: bool = False

    @property
    def sql(self) -> str:
        """The column as CREATE INDEX has it."""
        name = quoted((self.column,))
        text = f"(upper({name}))" if self.upper else name
        text += f" {self.opclass}" if self.opclass else ""
        text += " DESC" if self.descending else ""
        if self.nulls_first != self.descending:
            text += " NULLS FIRST" if self.nulls_first else " NULLS LAST"
        return text


@dataclass(frozen=True, slots=True)
class Candidate:
    """An index that might help, and the ``reason``: what the plan does without it.

    PostgreSQL cannot make one of a ``partitioned`` table concurrently.
    """

    schema: str
    table: str
    keys: tuple[Key, ...]
    method: str
    reason: str = field(compare=False)
    partitioned: bool = False

    @property
    def create(self) -> str:
        """The statement that makes it, without locking writers out where PostgreSQL can do that."""
        concurrently = "" if self.partitioned else " CONCURRENTLY"
        return f"CREATE INDEX{concurrently} {quoted((self.name,))} ON {self.definition}"

    @property
    def definition(self) -> str:
        """The part of CREATE INDEX after ON."""
        method = "" if self.method == "btree" else f" USING {self.method}"
        return f"{quoted((self.schema, self.table))}{method} ({', '.join(key.sql for key in self.keys)})"

    @property
    def name(self) -> str:
        """The name that Django gives an index without one, as far as it knows the model."""
        index = self._index()
        if index is not None and self.model is not None and index.fields:
            index.set_name_with_model(self.model)
            return index.name
        columns = "_".join(key.column for key in self.keys)
        return f"{self.table}_{columns}"[: models.Index.max_name_length - 4].rstrip("_") + "_idx"

    @property
    def model(self) -> type[models.Model] | None:
        """The model whose migrations have the table; None if there is none."""
        return next(
            (
                model
                for model in models_by_table().get(self.table, ())
                if model._meta.managed and not model._meta.proxy and not model._meta.auto_created
            ),
            None,
        )

    @property
    def django(self) -> str | None:
        """The line for ``Meta.indexes`` of the model; None if no model has the columns."""
        fields = self._fields()
        if fields is None:
            return None
        name = f'name="{self.name}"'
        if self.method == "gin":
            wrapped = [f'Upper("{field}")' if key.upper else f'"{field}"' for field, key in fields]
            classes = [f'OpClass({text}, name="{key.opclass}")' for text, (_, key) in zip(wrapped, fields, strict=True)]
            return f"GinIndex({', '.join(classes)}, {name})"
        if _is_plain(self.keys):
            names = ", ".join(f'"{"-" if key.descending else ""}{field}"' for field, key in fields)
            return f"models.Index(fields=[{names}], {name})"
        return f"models.Index({', '.join(_expression(field, key) for field, key in fields)}, {name})"

    def _fields(self) -> list[tuple[str, Key]] | None:
        if self.model is None:
            return None
        by_column = {field.column: field.name for field in self.model._meta.local_concrete_fields}
        if any(key.column not in by_column for key in self.keys):
            return None
        return [(by_column[key.column], key) for key in self.keys]

    def _index(self) -> models.Index | None:
        fields = self._fields()
        if fields is None or not _is_plain(self.keys):
            return None
        return models.Index(fields=[f"{'-' if key.descending else ''}{field}" for field, key in fields])


def _is_plain(keys: Iterable[Key]) -> bool:
    """Whether names of fields say all of an index."""
    return all(not key.opclass and not key.upper and key.nulls_first == key.descending for key in keys)


def _expression(field: str, key: Key) -> str:
    text = f'Upper("{field}")' if key.upper else f'F("{field}")'
    if key.opclass:
        text = f'OpClass({text}, name="{key.opclass}")'
    if key.nulls_first != key.descending:
        nulls = "nulls_first=True" if key.nulls_first else "nulls_last=True"
        return f"{text}.{'desc' if key.descending else 'asc'}({nulls})"
    return f"{text}.desc()" if key.descending else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """The candidates of a plan, and what it does that no candidate is derived for, in words."""

    candidates: tuple[Candidate, ...]
    others: tuple[str, ...]


def hints(root: Node, alias: str) -> Hints:
    """Return the indexes that might help a statement with this plan on the database ``alias``."""
    finder = _Finder(alias)
    for node, above in nodes(root):
        if "Relation Name" in node:
            finder.scan(node, above)
    found = dict.fromkeys(finder.candidates)
    # what another one begins with is of no more use
    longest = [one for one in found if not any(_begins(other, one) for other in found if other is not one)]
    return Hints(candidates=tuple(longest), others=tuple(dict.fromkeys(finder.others)))


def _begins(longer: Candidate, shorter: Candidate) -> bool:
    same = (longer.schema, longer.table, longer.method) == (shorter.schema, shorter.table, shorter.method)
    return same and longer.keys != shorter.keys and longer.keys[: len(shorter.keys)] == shorter.keys


class _Finder:
    """Goes through the scans of a plan."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self.candidates: list[Candidate] = []
        self.others: list[str] = []

    def scan(self, node: Node, above: Sequence[Node]) -> None:
        """Add the candidates of the scan of a table."""
        known, schema, name, partitioned = self._table(node)
        table = schema, name, partitioned
        self._ordered(node, above, table, known)
        read = _rows_read(node, known)
        if read < MANY_ROWS:
            return
        kept = _rows(node) * _processes(node, above)
        texts = [node[name] for name in ("Index Cond", "Recheck Cond", "Filter") if name in node]
        parts = [conditions(text, node["Alias"]) for text in texts]
        asked = list(dict.fromkeys(condition for found, _ in parts for condition in found))
        keeps_few = bool(texts) and kept <= FEW * read
        order = _limited_order(node, above, kept)
        does = f"{_title(node)} reads {read:,.0f} rows"
        does += f" and keeps {kept:,.0f}" if texts else ""
        does += f", which are sorted for the first {order[1]:,.0f}" if order is not None else ""
        before = len(self.candidates)
        if order is not None:
            self._add(table, [*_equal(asked), *map(_sorted_by, order[0])], does)
        if keeps_few:
            self._add(table, [*_equal(asked), *_first_range(asked)], does)
            for condition in asked:
                self._pattern(table, condition, does)
        if not texts and order is None:
            self._join(node, above, table, read)
        if keeps_few and len(self.candidates) == before:
            for text in (text for _, unknown in parts for text in unknown):
                self.others.append(f"{does}; no index is derived for: {text}")

    def _table(self, node: Node) -> tuple[float, str, str, bool]:
        """Return the rows of the table that is scanned, as PostgreSQL knows them, and the table to index.

        That is its schema, its name, and whether it has partitions.
        """
        name = node.get("Schema", "public"), node["Relation Name"]
        with connections[self.alias].cursor() as cursor:
            cursor.execute(_TABLE, name)
            row: tuple[float, str, str, bool] | None = cursor.fetchone()
        # a temporary table of a function, for instance, may be gone
        return row or (0, *name, False)

    def _ordered(self, node: Node, above: Sequence[Node], table: Table, known: float) -> None:
        """Add the index for a scan in the order of another one that skips many rows to find the first for a LIMIT."""
        if "Index Name" not in node or "Filter" not in node or "Index Cond" in node:
            return
        ancestors = _of_same_query(node, above)
        limit = next((parent for parent in ancestors if parent["Node Type"] == "Limit"), None)
        equal = _equal(conditions(node["Filter"], node["Alias"])[0])
        if limit is None or not equal:
            return
        below = ancestors[: ancestors.index(limit)]
        if any(parent["Node Type"] not in (*_PASSING, "Incremental Sort") for parent in below):
            return
        sort = next((parent for parent in below if parent["Node Type"] == "Incremental Sort"), None)
        order = self._index_order(node, table) if sort is None else _order_of(sort, node)
        first = _rows(limit)
        # without ANALYZE: as many as it takes to find the first, if those that are kept lie anywhere
        read = _rows_read(node, known) or known * min(1.0, first / max(_rows(node), 1.0))
        if order and read >= MANY_ROWS and first <= FEW * read:
            does = f"{_title(node)} reads {read:,.0f} rows in the order of {node['Index Name']} to find {first:,.0f}"
            self._add(table, [*equal, *map(_sorted_by, order)], does)

    def _index_order(self, node: Node, table: Table) -> list[SortKey]:
        """Return the order in which a scan reads its index; nothing if that is not one of columns."""
        backwards = node.get("Scan Direction") == "Backward"
        columns, options = self._indexes(table).get(node["Index Name"], ((), ()))
        found = []
        for column, option in zip(columns, options, strict=False):
            if column is None:
                return []
            # the bits of an option are DESC and NULLS FIRST (PostgreSQL documentation, pg_index)
            found.append(SortKey(node["Alias"], column, bool(option & 1) != backwards, bool(option & 2) != backwards))
        return found

    def _pattern(self, table: Table, condition: Condition, does: str) -> None:
        if condition.kind == PREFIX:
            key = Key(condition.column, opclass="text_pattern_ops", upper=condition.upper)
            self._add(table, [key], does)
        elif condition.kind == CONTAINS:
            key = Key(condition.column, opclass="gin_trgm_ops", upper=condition.upper)
            self._add(table, [key], does, method="gin")

    def _join(self, node: Node, above: Sequence[Node], table: Table, read: float) -> None:
        """Add the index by which the rows of a table could be looked up that are all read for a join with few."""
        join = next((parent for parent in above if parent["Node Type"] not in ("Hash", "Sort", "Gather")), None)
        text = None if join is None else next((join[name] for name in _JOINS if name in join), None)
        if join is None or text is None or _rows(join) > FEW_JOINED * read:
            return
        for left, right in joined_columns(text):
            column = left if left[0] == node["Alias"] else right
            if column[0] == node["Alias"]:
                does = f"{_title(node)} reads {read:,.0f} rows for a join that leaves {_rows(join):,.0f}"
                self._add(table, [Key(column[1])], does)

    def _add(self, table: Table, keys: Iterable[Key], does: str, *, method: str = "btree") -> None:
        unique = {key.column: key for key in reversed(list(keys))}
        chosen = tuple(reversed(unique.values()))
        if chosen and not (method == "btree" and self._has_index(table, chosen)):
            schema, name, partitioned = table
            self.candidates.append(Candidate(schema, name, chosen, method, does, partitioned))

    def _has_index(self, table: Table, keys: Sequence[Key]) -> bool:
        """Whether an index begins with these columns: PostgreSQL has chosen not to use it."""
        if not _is_plain(keys):
            return False
        wanted = [(key.column, key.descending) for key in keys]
        backwards = [(column, not descending) for column, descending in wanted]
        for columns, options in self._indexes(table).values():
            # the first bit of an option is DESC (PostgreSQL documentation, pg_index)
            begins = [(column, bool(option & 1)) for column, option in zip(columns, options, strict=False)]
            if begins[: len(wanted)] in (wanted, backwards):
                return True
        return False

    def _indexes(self, table: Table) -> Mapping[str, tuple[Sequence[str | None], Sequence[int]]]:
        """Return the columns of a table's indexes, None for expressions, and their options, by name."""
        with connections[self.alias].cursor() as cursor:
            cursor.execute(_INDEXES, table[:2])
            return {name: (columns, options) for name, columns, options in cursor.fetchall()}


def _equal(asked: Iterable[Condition]) -> list[Key]:
    return [Key(condition.column) for condition in asked if condition.kind == EQUAL]


def _first_range(asked: Iterable[Condition]) -> list[Key]:
    return [Key(condition.column) for condition in asked if condition.kind == RANGE][:1]


def _sorted_by(key: SortKey) -> Key:
    return Key(key.column, key.descending, key.nulls_first)


def _limited_order(node: Node, above: Sequence[Node], kept: float) -> tuple[list[SortKey], float] | None:
    """Return the order in which a LIMIT takes the first of a scan's rows, and their number; None if there is none."""
    ancestors = _of_same_query(node, above)
    sort = next((parent for parent in ancestors if parent["Node Type"] == "Sort"), None)
    if sort is None:
        return None
    limit = next((parent for parent in ancestors if parent["Node Type"] == "Limit"), None)
    below = ancestors[: ancestors.index(sort)]
    if limit is None or any(parent["Node Type"] not in _PASSING for parent in below):
        return None
    order, first = _order_of(sort, node), _rows(limit)
    return (order, first) if order and first < FEW * kept else None


def _order_of(sort: Node, node: Node) -> list[SortKey]:
    """Return the keys of a sort; nothing if one is not a column of the scan."""
    keys = [sort_key(text) for text in sort["Sort Key"]]
    found = [key for key in keys if key is not None and key.alias == node["Alias"]]
    return found if len(found) == len(keys) else []


def _of_same_query(node: Node, above: Sequence[Node]) -> list[Node]:
    """Return the nodes above one that belong to the same query, the nearest first."""
    found = []
    for parent in above:
        if node.get("Parent Relationship") in ("InitPlan", "SubPlan"):
            break
        found.append(parent)
        node = parent
    return found


def _rows_read(node: Node, known: float) -> float:
    """Return how many rows a scan reads of a table with so many; 0 where that is not known."""
    if "Actual Loops" in node:
        removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
        read: float = (node["Actual Rows"] + removed) * max(node["Actual Loops"], 1)
        return read
    # how many rows a condition has removed beside an index is not known before it was run
    return known if node["Node Type"] == "Seq Scan" else 0


def _rows(node: Node) -> float:
    """Return how many rows a node returns: in all executions, or by PostgreSQL's estimate in one."""
    if "Actual Loops" in node:
        # of each execution, also by workers
        rows: float = node["Actual Rows"] * max(node["Actual Loops"], 1)
        return rows
    return float(node["Plan Rows"])


def _processes(node: Node, above: Sequence[Node]) -> float:
    """Return by how many processes PostgreSQL has divided its estimate for a parallel scan (its costsize.c)."""
    if not node.get("Parallel Aware") or "Actual Loops" in node:
        return 1
    workers: int = next((parent["Workers Planned"] for parent in above if "Workers Planned" in parent), 0)
    return workers + max(0.0, 1 - 0.3 * workers)


def _title(node: Node) -> str:
    alias = "" if node["Alias"] == node["Relation Name"] else f" {node['Alias']}"
    return f"{node['Node Type']} on {node['Relation Name']}{alias}"
