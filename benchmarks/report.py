"""The JSON of a run → the tables and plots of docs/performance.md, and a table of docs/comparison.md.

    python -m benchmarks.report            of the results that are committed, docs/performance/*.json
    python -m benchmarks.report --take     takes the results of the last runs from .local/bench first

A table stands between ``<!-- name -->`` and ``<!-- /name -->``; the text around it is written by hand.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "performance.md"
COMPARISON = ROOT / "docs" / "comparison.md"
DATA = ROOT / "docs" / "performance"
LAST = ROOT / ".local" / "bench"
RESULTS = ("bench.json", "growth.json")

Result = dict[str, Any]


def main() -> None:
    """Write the tables into the pages, and the plots beside them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__.splitlines()[0])
    parser.add_argument("--take", action="store_true", help="take the results of the last runs first")
    parser.add_argument("--no-plots", action="store_true", help="leave the plots, which need matplotlib")
    options = parser.parse_args()
    if options.take:
        DATA.mkdir(exist_ok=True)
        for name in RESULTS:
            if (LAST / name).exists():
                shutil.copy(LAST / name, DATA / name)
    for path in (PAGE, COMPARISON):
        path.write_text(page(path.read_text(encoding="utf-8"), results()), encoding="utf-8")
    if not options.no_plots:
        from benchmarks import plots

        plots.draw(drawn(results()), DATA)


def results() -> dict[str, Result]:
    """Return the committed results by the name of their file."""
    return {name: json.loads((DATA / name).read_text(encoding="utf-8")) for name in RESULTS}


def page(text: str, found: dict[str, Result]) -> str:
    """Return the page with its tables made anew from the results; a marker without a table is an error."""

    def filled(match: re.Match[str]) -> str:
        name = match["name"]
        return f"<!-- {name} -->\n{TABLES[name](found)}\n<!-- /{name} -->"

    return re.sub(r"<!-- (?P<name>[\w-]+) -->\n.*?<!-- /(?P=name) -->", filled, text, flags=re.DOTALL)


# --- plots ---


def drawn(found: dict[str, Result]) -> dict[str, dict[str, Any]]:
    """Return what each plot shows, by the name of its file."""
    bench, series = found["bench.json"], found["growth.json"]["series"]
    in_process = {
        workload: {side: one["median_ms"] for side, one in sides.items()}
        for workload, sides in bench["in_process"].items()
    }
    plots = {"times.svg": _bars(bench, in_process, "milliseconds of an operation (logarithmic; less is better)")}
    for kind, measured in bench["http"].items():
        rps = {
            workload: {side: one["rps"] for side, one in sides.items()}
            for workload, sides in measured["workloads"].items()
        }
        label = f"requests a second behind {kind} (logarithmic; more is better)"
        plots[f"requests-{kind}.svg"] = _bars(bench, rps, label)
    return {**plots, **{f"growth-{name}.svg": one for name, one in series.items()}}


def _bars(bench: Result, values: dict[str, dict[str, float]], label: str) -> dict[str, Any]:
    sides = {side: title.replace("`", "") for side, title in bench["titles"]["sides"].items()}
    return {"label": label, "sides": sides, "workloads": bench["titles"]["workloads"], "bars": values}


def fingerprint(plot: dict[str, Any]) -> str:
    """Return a digest of what a plot shows; its file has it, so that a test can tell whether they agree."""
    return hashlib.sha256(json.dumps(plot, sort_keys=True).encode()).hexdigest()


# --- tables ---


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def titles(found: Result) -> dict[str, str]:
    """Return the titles of the workloads of a result by name, with the bytes of their answers."""
    return found["titles"]["workloads"]


def _by_side(found: Result, measured: dict[str, dict[str, Any]], cell: Callable[[Any], str]) -> str:
    """Return a table with a row for each side and a column for each workload."""
    sides = {side: None for of_workload in measured.values() for side in of_workload}
    names = found["titles"]["sides"]
    rows = [
        [names[side], *(cell(of_workload[side]) if side in of_workload else "–" for of_workload in measured.values())]
        for side in sides
    ]
    return table(["", *(titles(found)[name] for name in measured)], rows)


def _milliseconds(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def _ratio(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:,.0f}"


def _with_ratio(one: dict[str, Any]) -> str:
    shown = f"{_milliseconds(one['median_ms'])}"
    return shown if one["ratio"] == 1 else f"{shown} ({_ratio(one['ratio'])})"


def _requests_with_ratio(one: dict[str, Any]) -> str:
    shown = f"{one['rps']:,.0f}"
    return shown if one["ratio"] in (None, 1) else f"{shown} ({_ratio(one['ratio'])})"


def times(found: dict[str, Result]) -> str:
    """Return medians in milliseconds, with ratios."""
    bench = found["bench.json"]
    return _by_side(bench, bench["in_process"], _with_ratio)


def comparison(found: dict[str, Result]) -> str:
    """Return medians in milliseconds of a few operations and sides."""
    bench = found["bench.json"]
    workloads = ("row", "tree-large", "filtered-large", "mutation")
    names = bench["titles"]["sides"]
    rows = [
        [names[side], *(_milliseconds(bench["in_process"][name][side]["median_ms"]) for name in workloads)]
        for side in ("limit", "known", "redis", "strawberry", "graphene")
    ]
    return table(["", *(titles(bench)[name] for name in workloads)], rows)


def tails(found: dict[str, Result]) -> str:
    """Return 95th percentiles in milliseconds."""
    bench = found["bench.json"]
    return _by_side(bench, bench["in_process"], lambda one: _milliseconds(one["p95_ms"]))


def work(found: dict[str, Result]) -> str:
    """Return statements and peak memory of an operation."""
    bench = found["bench.json"]
    return _by_side(bench, bench["in_process"], lambda one: f"{one['statements']}; {one['peak_bytes'] / 1000:,.0f} kB")


def sizes(found: dict[str, Result]) -> str:
    """Return bytes of the answers."""
    bench = found["bench.json"]
    return _by_side(bench, bench["in_process"], lambda one: f"{one['bytes']:,}")


def instructions(found: dict[str, Result]) -> str:
    """Return instructions of an operation, in thousands."""
    bench = found["bench.json"]
    if not bench["instructions"]:
        return "Not counted in this run."
    counted = {name: sides for name, sides in bench["instructions"].items() if sides}
    return _by_side(bench, counted, lambda count: f"{count / 1000:,.0f}")


def requests(kind: str) -> Callable[[dict[str, Result]], str]:
    """Return a table maker: requests a second behind one server, with the plot of them."""

    def made(found: dict[str, Result]) -> str:
        bench = found["bench.json"]
        if kind not in bench["http"]:
            return "Not measured in this run."
        shown = _by_side(bench, bench["http"][kind]["workloads"], _requests_with_ratio)
        return f"{shown}\n\n![Requests a second behind {kind}](performance/requests-{kind}.svg)"

    return made


def latencies(found: dict[str, Result]) -> str:
    """Return 95th percentiles in milliseconds, behind granian."""
    bench = found["bench.json"]
    if "granian" not in bench["http"]:
        return "Not measured in this run."
    return _by_side(bench, bench["http"]["granian"]["workloads"], lambda one: _milliseconds(one["p95_ms"]))


def memory(found: dict[str, Result]) -> str:
    """Return the peak memory of a worker behind each server."""
    bench = found["bench.json"]
    if not bench["http"]:
        return "Not measured in this run."
    kinds = list(bench["http"])
    sides = {side: None for kind in kinds for side in bench["http"][kind]["memory"]}

    def shown(kind: str, side: str) -> str:
        # PostGraphile is its own server, and measured once
        found = bench["http"][kind]["memory"].get(side)
        return "–" if found is None else f"{found / 1e6:,.0f} MB"

    rows = [[bench["titles"]["sides"][side], *(shown(kind, side) for kind in kinds)] for side in sides]
    return table(["", *kinds], rows)


def setup(found: dict[str, Result]) -> str:
    """Return what the runs were measured on."""
    rows = []
    for name, result in found.items():
        machine = result["machine"]
        rows += [
            [f"{name}: command", f"`{result['command']}`, {result['date']}, commit {result['commit']}"],
            ["machine", f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB, {machine['kernel']}"],
            ["PostgreSQL", ", ".join(f"{key} {value}" for key, value in result["postgresql"].items())],
            ["versions", ", ".join(f"{key} {value}" for key, value in result["versions"].items())],
            ["left out", "; ".join(f"{key}: {value}" for key, value in result["left_out"].items()) or "nothing"],
        ]
    lines = [["", ""], ["---", "---"], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def growth(name: str) -> Callable[[dict[str, Result]], str]:
    """Return a table maker: one way in which cost grows."""

    def made(found: dict[str, Result]) -> str:
        series = found["growth.json"]["series"]
        if name not in series:
            return "Not measured in this run."
        one = series[name]
        head = [one["x"], *(f"{line}" for line in one["lines"])]
        rows = [
            [f"{x:,}", *("–" if line[place] is None else _number(line[place]) for line in one["lines"].values())]
            for place, x in enumerate(one["points"])
        ]
        return table(head, rows)

    return made


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.3g}"


GROWTH = ("sizes", "memory", "depth", "breadth", "models", "start", "clients", "workers", "rows")
TABLES: dict[str, Callable[[dict[str, Result]], str]] = {
    "times": times,
    "comparison": comparison,
    "tails": tails,
    "work": work,
    "sizes": sizes,
    "instructions": instructions,
    "requests-granian": requests("granian"),
    "requests-gunicorn": requests("gunicorn"),
    "latencies": latencies,
    "memory": memory,
    "setup": setup,
    **{f"growth-{name}": growth(name) for name in GROWTH},
}

if __name__ == "__main__":
    main()
