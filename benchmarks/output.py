"""What a run prints while it measures, and the file that it writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.sides import TITLES
from benchmarks.workloads import WORKLOADS, Workload

FOLDER = Path(__file__).resolve().parent.parent / ".local" / "bench"


def print_in_process(workload: Workload, found: dict[str, dict[str, Any]]) -> None:
    """Print what was measured of one workload without HTTP."""
    heads = f"{'median':>11} {'p95':>11} {'ratio':>8} {'of':>6} {'statements':>11} {'bytes':>9} {'peak kB':>9}"
    print(f"\n{workload.title:36} {heads}")
    for name, one in found.items():
        times = f"{one['median_ms']:8.3f} ms {one['p95_ms']:8.3f} ms {one['ratio']:8.2f} {one['base']:>6}"
        sizes = f"{one['statements']:11} {one['bytes']:9,} {one['peak_bytes'] / 1000:9,.0f}"
        print(f"  {TITLES[name].replace('`', ''):34} {times} {sizes}", flush=True)


def print_http(kind: str, workload: Workload, found: dict[str, dict[str, Any]]) -> None:
    """Print what was measured of one workload over HTTP."""
    print(f"\n{workload.title + ', ' + kind:46} {'requests/s':>11} {'p95':>11} {'ratio':>7}")
    for name, one in found.items():
        ratio = "" if one["ratio"] is None else f"{one['ratio']:7.2f}"
        print(
            f"  {TITLES[name].replace('`', ''):44} {one['rps']:11,.0f} {one['p95_ms']:8.2f} ms {ratio}",
            flush=True,
        )


def print_series(name: str, series: dict[str, Any]) -> None:
    """Print the points of a series."""
    print(f"\n{name}: {series['y']} by {series['x']}")
    print(" " * 36 + "".join(f"{point:>13,}" for point in series["points"]))
    for title, values in series["lines"].items():
        print(f"  {title:34}" + "".join(f"{value:13,.3f}" for value in values), flush=True)


def print_notes(left_out: dict[str, str]) -> None:
    """Print what was left out, and why."""
    for what, why in left_out.items():
        print(f"left out: {what}: {why}")


def write(result: dict[str, Any], path: Path) -> None:
    """Write the result as JSON, with numbers of four digits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    titles = {"sides": TITLES, "workloads": {workload.name: workload.title for workload in WORKLOADS}}
    result = {**result, "titles": titles}
    path.write_text(json.dumps(_rounded(result), indent=1, ensure_ascii=False) + "\n")
    print(f"\nwritten: {path}")


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value
