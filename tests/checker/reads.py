"""Reads of every kind, and which registers their answers show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any, NamedTuple

from .registers import SHELVES, Layout, Register, Shown, counter_of, registers, shelf_of


class Read(NamedTuple):
    """A GraphQL operation, and what its answer shows."""

    name: str
    text: str
    variables: dict[str, Any]
    registers: tuple[Register, ...]
    shown: Callable[[Any], Iterator[Shown]]


def _row(kind: str, row: dict[str, Any]) -> Shown:
    return Shown(registers(kind, [row["id"]]), int(row["value"]))


def _rows(kind: str, rows: list[dict[str, Any]], all_: tuple[Register, ...]) -> Iterator[Shown]:
    """Yield what a list shows, also of those that are not in it."""
    values = {int(row["id"]): int(row["value"]) for row in rows}
    for register in all_:
        yield Shown((register,), values.get(register.id))


def _list(field: str, kind: str) -> Callable[[Layout, Random], Read]:
    def make(layout: Layout, random: Random) -> Read:
        all_ = layout.of_kind(kind)
        return Read(
            f"list of {field}", f"{{ {field} {{ id value }} }}", {}, all_, lambda d: _rows(kind, d[field], all_)
        )

    return make


def _by_key(field: str, kind: str) -> Callable[[Layout, Random], Read]:
    def make(layout: Layout, random: Random) -> Read:
        register = random.choice(layout.of_kind(kind))
        text = f"query($id: ID!) {{ {field}(id: $id) {{ id value }} }}"

        def shown(data: Any) -> Iterator[Shown]:
            row = data[field]
            yield Shown((register,), int(row["value"]) if row else None)

        return Read(f"{field} by key", text, {"id": register.id}, (register,), shown)

    return make


def _filtered(layout: Layout, random: Random) -> Read:
    chosen = tuple(random.sample(layout.of_kind("counter"), 2))
    text = "query($ids: [ID!]!) { counters(where: {id: {in: $ids}}, orderBy: {value: DESC}) { id value } }"
    ids = sorted(register.id for register in chosen)
    return Read("filtered list", text, {"ids": ids}, chosen, lambda d: _rows("counter", d["counters"], chosen))


def _relations(layout: Layout, random: Random) -> Read:
    links, items = layout.of_kind("link"), layout.of_kind("item")
    text = "{ counters { id value labels { id } items { id value } } }"

    def shown(data: Any) -> Iterator[Shown]:
        rows = {int(row["id"]): row for row in data["counters"]}
        yield from (_row("counter", row) for row in data["counters"])
        for register in links:
            labels = rows[counter_of(register)]["labels"]
            yield Shown((register,), int(labels[0]["id"]) if len(labels) == 1 else labels)
        for register in items:
            yield from _rows("item", rows[counter_of(register)]["items"], (register,))

    return Read("lists within a list", text, {}, (*layout.of_kind("counter"), *links, *items), shown)


def _to_one(layout: Layout, random: Random) -> Read:
    items, counters = layout.of_kind("item"), layout.of_kind("counter")

    def shown(data: Any) -> Iterator[Shown]:
        yield from _rows("item", data["items"], items)
        yield from (_row("counter", row["counter"]) for row in data["items"])

    return Read("objects within a list", "{ items { id value counter { id value } } }", {}, (*items, *counters), shown)


def _cascade(layout: Layout, random: Random) -> Read:
    all_ = layout.of_kind("child")

    def shown(data: Any) -> Iterator[Shown]:
        return _rows("child", [row for parent in data["parents"] for row in parent["children"]], all_)

    return Read("children of parents", "{ parents { id children { id value } } }", {}, all_, shown)


def _counts(layout: Layout, random: Random) -> Read:
    items, children = layout.of_kind("item"), layout.of_kind("child")

    def shown(data: Any) -> Iterator[Shown]:
        yield Shown(items, data["itemsCount"], "present")
        yield Shown(children, data["childrenCount"], "present")

    return Read("counts", "{ itemsCount childrenCount }", {}, (*items, *children), shown)


def _aggregate(layout: Layout, random: Random) -> Read:
    all_ = layout.of_kind("counter")

    def shown(data: Any) -> Iterator[Shown]:
        found = data["countersAggregate"]
        yield Shown(all_, int(float(found["sum"]["value"])), "sum")
        yield Shown(all_, int(found["max"]["value"]), "max")

    return Read("aggregate", "{ countersAggregate { sum { value } max { value } } }", {}, all_, shown)


def _connection(layout: Layout, random: Random) -> Read:
    all_ = layout.of_kind("counter")
    text = "query($n: Int!) { countersConnection(first: $n) { nodes { id value } totalCount } }"
    number = random.randint(1, len(all_))

    def shown(data: Any) -> Iterator[Shown]:
        assert data["countersConnection"]["totalCount"] == len(all_)
        return (_row("counter", row) for row in data["countersConnection"]["nodes"])

    return Read("connection", text, {"n": number}, all_, shown)


def _totals(layout: Layout, random: Random) -> Read:
    all_ = layout.of_kind("counter")
    shelves = {shelf: tuple(one for one in all_ if shelf_of(one.id) == shelf) for shelf in range(SHELVES)}

    def shown(data: Any) -> Iterator[Shown]:
        return (Shown(shelves[int(row["shelf"])], int(row["total"]), "sum") for row in data["totals"])

    return Read("view that sums", "{ totals { shelf total } }", {}, all_, shown)


def _several(layout: Layout, random: Random) -> Read:
    copies, parts = layout.of_kind("copy"), layout.of_kind("part")

    def shown(data: Any) -> Iterator[Shown]:
        yield from _rows("copy", data["copies"], copies)
        yield from _rows("part", data["parts"], parts)

    return Read("several root fields", "{ copies { id value } parts { id value } }", {}, (*copies, *parts), shown)


MAKERS: tuple[Callable[[Layout, Random], Read], ...] = (
    *(_by_key(field, kind) for field, kind in (("counter", "counter"), ("item", "item"), ("seen", "counter"))),
    *(_by_key(kind, kind) for kind in ("copy", "part", "child")),
    *(_list(field, kind) for field, kind in (("counters", "counter"), ("views", "counter"), ("copies", "copy"))),
    *(_list(field, kind) for field, kind in (("scratches", "scratch"), ("snapshots", "snapshot"), ("parts", "part"))),
    *(_filtered, _relations, _to_one, _cascade, _counts, _aggregate, _connection, _totals, _several),
)


def any_read(layout: Layout, random: Random) -> Read:
    """Return one of all reads, by chance."""
    return random.choice(MAKERS)(layout, random)
