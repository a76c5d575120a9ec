"""Run the benchmark: ``make bench``, or ``make bench ARGS=--quick`` for two minutes.

The answers of all sides are compared first. The result is a JSON file, of which `python -m benchmarks.report` makes
tables and plots. What is not installed is left out, with a line that says why and how to get it.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")
django.setup()

from benchmarks import in_process, instructions, machine, output, over_http  # noqa: E402
from benchmarks.http_servers import require_load_generator, servers  # noqa: E402
from benchmarks.processes import workers  # noqa: E402
from benchmarks.services import services  # noqa: E402
from benchmarks.sides import MODULES, NotHere, postgraphile  # noqa: E402
from benchmarks.workloads import BY_NAME, Workload  # noqa: E402
from example_project.bookshop.models import Book  # noqa: E402

SERVERS = ("granian", "gunicorn")
COUNTED = ("limit", "const", "known", "locmem")
# of a quick run over HTTP
FEW = ("row", "tree-small", "mutation")


def main() -> None:
    """Measure, print and write the result."""
    options = _options()
    names = [name for name in MODULES if name in options.sides]
    chosen = [BY_NAME[name] for name in options.workloads]
    left_out: dict[str, str] = {}
    with services(left_out), _same_books_afterwards():
        result: dict[str, Any] = machine.head("benchmarks")
        in_process_names = [name for name in names if name not in postgraphile.PACKAGES]
        result["in_process"] = _in_process(chosen, in_process_names, left_out, 0.2 if options.quick else 1.5)
        result["instructions"] = {} if options.quick else _instructions(chosen, left_out)
        result["http"] = _http(chosen, names, left_out, quick=options.quick)
    result["left_out"] = left_out
    output.print_notes(left_out)
    output.write(result, options.output)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few rounds, and over HTTP few workloads and one server")
    parser.add_argument("--workloads", nargs="+", choices=list(BY_NAME), default=list(BY_NAME), metavar="NAME")
    parser.add_argument("--sides", nargs="+", choices=list(MODULES), default=list(MODULES), metavar="NAME")
    parser.add_argument("--output", type=Path, default=output.FOLDER / "bench.json", help="where the result is written")
    options = parser.parse_args()
    # everything is compared with one of these
    options.sides = {*options.sides, "limit", "const"}
    return options


def _in_process(
    chosen: list[Workload], names: list[str], left_out: dict[str, str], seconds: float
) -> dict[str, dict[str, Any]]:
    found = {}
    with workers(names, left_out) as started:
        for workload in chosen:
            found[workload.name] = in_process.measure(workload, _able(workload, started), seconds)
            output.print_in_process(workload, found[workload.name])
    return found


def _able(workload: Workload, sides: dict[str, Any]) -> dict[str, Any]:
    """Return the sides that can do it: a constant answer writes nothing."""
    return {name: side for name, side in sides.items() if not (workload.writes and name == "const")}


def _instructions(chosen: list[Workload], left_out: dict[str, str]) -> dict[str, dict[str, int]]:
    try:
        return instructions.measure([workload for workload in chosen if not workload.writes], COUNTED)
    except NotHere as error:
        left_out["instructions"] = str(error)
        return {}


def _http(chosen: list[Workload], names: list[str], left_out: dict[str, str], *, quick: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    try:
        require_load_generator()
    except NotHere as error:
        left_out["requests over HTTP"] = str(error)
        return found
    if quick:
        chosen = [workload for workload in chosen if workload.name in FEW]
    # clearing plans before each request is not something that a server does
    names = [name for name in names if name != "cold"]
    for kind in SERVERS[:1] if quick else SERVERS:
        if found:
            # its own servers are no others behind the second one
            names = [name for name in names if name not in postgraphile.PACKAGES]
        with servers(kind, names, left_out) as started:
            measured = {}
            for workload in chosen:
                able = _able(workload, started)
                measured[workload.name] = over_http.measure(workload, able, rounds=1 if quick else 3, seconds=1)
                output.print_http(kind, workload, measured[workload.name])
            memory = {name: server.memory() for name, server in started.items()}
        found[kind] = {"workloads": measured, "memory": memory}
    return found


@contextmanager
def _same_books_afterwards() -> Iterator[None]:
    """Give the books back their titles, and the table the space of its old rows."""
    from django.db import connection

    keys = [each["id"] for each in (BY_NAME["mutation"].variables, *BY_NAME["mutation"].variants)]
    before = list(Book.objects.filter(pk__in=keys))
    try:
        yield
    finally:
        Book.objects.bulk_update(before, ["title"])
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE bookshop_book")


if __name__ == "__main__":
    main()
