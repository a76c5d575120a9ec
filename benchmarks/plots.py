"""The plots of docs/performance.md, as SVG, made from the results alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot
from matplotlib.ticker import FuncFormatter, NullFormatter

# texts stay texts, and the same data gives the same file
matplotlib.rcParams |= {
    "svg.fonttype": "none",
    "svg.hashsalt": "benchmarks",
    "font.size": 9,
    "font.family": "sans-serif",
}
WIDTH = 9.0
Result = dict[str, Any]


def draw(found: dict[str, Result], folder: Path) -> None:
    """Draw everything that the results have."""
    bench, growth = found["bench.json"], found["growth.json"]
    in_process = {
        workload: {side: one["median_ms"] for side, one in sides.items()}
        for workload, sides in bench["in_process"].items()
    }
    _bars(bench, in_process, "milliseconds of an operation (logarithmic; less is better)", folder / "times.svg")
    for kind, measured in bench["http"].items():
        rps = {
            workload: {side: one["rps"] for side, one in sides.items()}
            for workload, sides in measured["workloads"].items()
        }
        label = f"requests a second behind {kind} (logarithmic; more is better)"
        _bars(bench, rps, label, folder / f"requests-{kind}.svg")
    for name, series in growth["series"].items():
        _lines(series, folder / f"growth-{name}.svg")


def _bars(bench: Result, values: dict[str, dict[str, float]], label: str, path: Path) -> None:
    """Draw a group of bars for each workload, a bar for each side."""
    sides = list(dict.fromkeys(side for of_workload in values.values() for side in of_workload))
    colours = dict(zip(bench["titles"]["sides"], pyplot.get_cmap("tab10").colors, strict=False))
    figure, axes = pyplot.subplots(figsize=(WIDTH, 0.9 + 0.16 * (len(sides) + 1) * len(values)))
    thickness = 1 / (len(sides) + 1)
    for place, side in enumerate(sides):
        have = [(row, of_workload[side]) for row, of_workload in enumerate(values.values()) if side in of_workload]
        title = bench["titles"]["sides"][side].replace("`", "")
        rows = [row + place * thickness for row, _ in have]
        axes.barh(rows, [value for _, value in have], thickness * 0.9, label=title, color=colours[side])
    axes.set_xscale("log")
    _plain(axes.xaxis)
    axes.set_xlabel(label)
    axes.set_yticks([row + 0.5 - thickness for row in range(len(values))])
    axes.set_yticklabels([bench["titles"]["workloads"][name] for name in values])
    axes.invert_yaxis()
    axes.margins(y=0.01)
    axes.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    _save(figure, path)


def _lines(series: dict[str, Any], path: Path) -> None:
    """Draw a line for each side over what grows."""
    figure, axes = pyplot.subplots(figsize=(WIDTH * 0.75, 3.6))
    for title, values in series["lines"].items():
        have = [(x, y) for x, y in zip(series["points"], values, strict=True) if y is not None]
        axes.plot([x for x, _ in have], [y for _, y in have], marker="o", markersize=3, label=title)
    if series["logarithmic"]:
        axes.set_xscale("log")
        axes.set_yscale("log")
        _plain(axes.xaxis)
        _plain(axes.yaxis)
    else:
        axes.set_ylim(bottom=0)
    axes.set_xlabel(series["x"])
    axes.set_ylabel(series["y"])
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    _save(figure, path)


def _plain(axis: Any) -> None:
    """Write the numbers of a logarithmic axis as they are, and only powers of ten."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}" if value < 1e5 else f"{value:,.0f}"))
    axis.set_minor_formatter(NullFormatter())


def _save(figure: Any, path: Path) -> None:
    figure.set_layout_engine("constrained")
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
