"""The series: each measures its points, and returns what a plot and a table show."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.growth.models import fill_events
from benchmarks.http_servers import Server, require_load_generator
from benchmarks.workloads import BY_NAME

Series = dict[str, Any]
SIDES = {"limit": "SQL by hand", "known": "known plan", "cold": "cold"}


def sizes(quick: bool) -> dict[str, Series]:
    """Answers from 1 kB to 100 MB: time, and memory of a worker relative to the answer's size."""
    counts = [10**power for power in range(4 if quick else 6)]
    measured, taken = [], []
    for count in counts:
        query = f"{{ rows(limit: {count}, orderBy: {{id: ASC}}) {{ id text }} }}"
        sql = f"""
            SELECT '[' || array_to_string(ARRAY(
                SELECT '{{"id":"' || id || '","text":' || to_json(text)::text || '}}'
                FROM growth_row ORDER BY id LIMIT {count}), ',') || ']'"""
        operation = {"root": "rows", "query": query, "sql": sql}
        measured.append(_child(do="times", seconds=_seconds(quick), **operation))
        taken.append({side: _child(do="memory", side=side, **operation) for side in ("limit", "known")})
    points = [one["bytes"] for one in measured]
    in_megabytes = {
        f"memory, {SIDES[side]}": [one[side]["memory"] / 1e6 for one in taken] for side in ("limit", "known")
    }
    bound = {"twice the answer": [2 * point / 1e6 for point in points]}
    return {
        "sizes": _series("bytes of the answer", "milliseconds", points, _lines(measured), logarithmic=True),
        "memory": _series("bytes of the answer", "MB", points, in_megabytes | bound, logarithmic=True),
    }


def depth(quick: bool) -> dict[str, Series]:
    """Lists within lists, 1 to 12 levels, 20 rows at each."""
    points = [1, 4, 8, 12] if quick else list(range(1, 13))
    measured = [
        _child(do="times", root="nodes", query=_chain(levels), sql=_chain_sql(levels), seconds=_seconds(quick))
        for levels in points
    ]
    return {"depth": _series("levels of lists", "milliseconds", points, _lines(measured))}


def _chain(levels: int) -> str:
    inner = "name"
    for _ in range(levels - 1):
        inner = f"name children(orderBy: {{id: ASC}}) {{ {inner} }}"
    return f"{{ nodes(where: {{level: {{eq: 0}}}}, orderBy: {{id: ASC}}) {{ {inner} }} }}"


def _chain_sql(levels: int) -> str:
    def of(level: int) -> str:
        below = f""" || ',"children":' || {of(level + 1)}""" if level + 1 < levels else ""
        condition = f"n{level}.parent_id = n{level - 1}.id" if level else "n0.level = 0"
        return f"""'[' || array_to_string(ARRAY(
            SELECT '{{"name":' || to_json(n{level}.name)::text{below} || '}}'
            FROM growth_node n{level} WHERE {condition} ORDER BY n{level}.id), ',') || ']'"""

    return f"SELECT {of(0)}"


def breadth(quick: bool) -> dict[str, Series]:
    """Fields of one object, 1 to 200, of 100 rows."""
    points = [1, 50, 200] if quick else [1, 10, 25, 50, 75, 100, 125, 150, 175, 200]
    measured = []
    for fields in points:
        query = f"{{ wides(orderBy: {{id: ASC}}) {{ {' '.join(f'c{n}' for n in range(fields))} }} }}"
        columns = " || ',".join(f'"c{n}":\' || c{n}' for n in range(fields))
        sql = f"""SELECT '[' || array_to_string(ARRAY(
            SELECT '{{{columns} || '}}' FROM growth_wide ORDER BY id), ',') || ']'"""
        measured.append(_child(do="times", root="wides", query=query, sql=sql, seconds=_seconds(quick)))
    return {"breadth": _series("fields of an object, 100 rows", "milliseconds", points, _lines(measured))}


def schemas(quick: bool) -> dict[str, Series]:
    """Models in a schema, 1 to 300: the start of a worker, its first operation and its memory."""
    points = [1, 100, 300] if quick else [1, 25, 50, 100, 150, 200, 250, 300]
    measured = [_child(do="start", count=count) for count in points]
    lines = {
        "building the schema": [one["schema_ms"] for one in measured],
        "first operation": [one["first_ms"] for one in measured],
        "importing Django and the project": [one["setup_ms"] for one in measured],
    }
    memory = {
        "of the schema and its models": [one["schema_mb"] for one in measured],
        "of the worker": [one["worker_mb"] for one in measured],
    }
    return {
        "start": _series("models in the schema", "milliseconds", points, lines),
        "models": _series("models in the schema", "MB of memory", points, memory),
    }


def clients(quick: bool) -> dict[str, Series]:
    """Connections at once, 1 to 64, to one worker of granian: a row by key."""
    points = [1, 8, 64] if quick else [1, 2, 4, 8, 16, 32, 64]
    lines = _requests([(1, count) for count in points], quick)
    return {"clients": _series("clients at once, one worker", "requests a second", points, lines)}


def workers(quick: bool) -> dict[str, Series]:
    """Workers of granian, 1 to 4, with 16 connections: a row by key."""
    points = [1, 2] if quick else [1, 2, 3, 4]
    lines = _requests([(count, 16) for count in points], quick)
    return {"workers": _series("workers, 16 clients", "requests a second", points, lines)}


def _requests(loads: Sequence[tuple[int, int]], quick: bool) -> dict[str, list[float]]:
    require_load_generator()
    workload = BY_NAME["row"]
    titles = {"limit": "SQL by hand", "known": "known plan", "locmem": "kept in LocMemCache"}
    lines: dict[str, list[float]] = {title: [] for title in titles.values()}
    for count, connections in loads:
        for side, title in titles.items():
            server = Server("granian", side, workers=count)
            try:
                # every worker makes its plan and fills its cache
                server.load(workload, seconds=1, clients=connections)
                measured = server.load(workload, seconds=1 if quick else 3, clients=connections)
            finally:
                server.stop()
            lines[title].append(measured["requests"] / measured["seconds"])
    return lines


def rows(quick: bool) -> dict[str, Series]:
    """Rows in a table, 10^3 to 10^7: a row by key, a filtered page, a count."""
    points = [10**power for power in range(3, 6 if quick else 8)]
    lines: dict[str, list[float]] = {}
    for count in points:
        fill_events(count)
        for name, operation in _event_operations(count).items():
            measured = _child(do="times", seconds=_seconds(quick), **operation)
            for side in ("limit", "known"):
                lines.setdefault(f"{name}, {SIDES[side]}", []).append(measured[side])
    return {"rows": _series("rows in the table", "milliseconds", points, lines, logarithmic=True)}


def _event_operations(count: int) -> dict[str, dict[str, str]]:
    key = count // 2
    event = """'{"id":"' || id || '","label":' || to_json(label)::text || '}'"""
    page = f"""SELECT '[' || array_to_string(ARRAY(
        SELECT {event} FROM growth_event WHERE kind = 7 ORDER BY id LIMIT 20), ',') || ']'"""
    return {
        "row by key": {
            "root": "event",
            "query": f'{{ event(id: "{key}") {{ id label }} }}',
            "sql": f"SELECT {event} FROM growth_event WHERE id = {key}",
        },
        "page of 20, filtered": {
            "root": "events",
            "query": "{ events(where: {kind: {eq: 7}}, orderBy: {id: ASC}, limit: 20) { id label } }",
            "sql": page,
        },
        "count": {
            "root": "eventsCount",
            "query": "{ eventsCount(where: {kind: {lt: 500}}) }",
            "sql": "SELECT count(*)::text FROM growth_event WHERE kind < 500",
        },
    }


ALL: dict[str, Callable[[bool], dict[str, Series]]] = {
    "sizes": sizes,
    "depth": depth,
    "breadth": breadth,
    "schemas": schemas,
    "clients": clients,
    "workers": workers,
    "rows": rows,
}


def _seconds(quick: bool) -> float:
    return 0.3 if quick else 2.0


def _child(**wanted: Any) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.growth.child", json.dumps(wanted)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _lines(measured: Sequence[dict[str, Any]]) -> dict[str, list[float]]:
    return {title: [one[side] for one in measured] for side, title in SIDES.items()}


def _series(x: str, y: str, points: list[int], lines: dict[str, list[float]], *, logarithmic: bool = False) -> Series:
    return {"x": x, "y": y, "points": points, "lines": lines, "logarithmic": logarithmic}
