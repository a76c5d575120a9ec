"""The plots of docs/performance.md, as SVG, made from the results alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot
from matplotlib.ticker import FuncFormatter, NullFormatter

from benchmarks import report

# texts stay texts, and the same data gives the same file
matplotlib.rcParams |= {
    "svg.fonttype": "none",
    "svg.hashsalt": "benchmarks",
    "font.size": 9,
    "font.family": "sans-serif",
}
WIDTH = 9.0


def draw(plots: dict[str, dict[str, Any]], folder: Path) -> None:
    """Draw what ``report.drawn`` has, into files of these names."""
    for name, plot in plots.items():
        if "bars" in plot:
            _bars(plot, folder / name)
        else:
            _lines(plot, folder / name)


def _bars(plot: dict[str, Any], path: Path) -> None:
    """Draw a group of bars for each workload, a bar for each side."""
    values = plot["bars"]
    sides = list(dict.fromkeys(side for of_workload in values.values() for side in of_workload))
    colours = dict(zip(plot["sides"], pyplot.get_cmap("tab10").colors, strict=False))
    figure, axes = pyplot.subplots(figsize=(WIDTH, 0.9 + 0.16 * (len(sides) + 1) * len(values)))
    thickness = 1 / (len(sides) + 1)
    for place, side in enumerate(sides):
        have = [(row, of_workload[side]) for row, of_workload in enumerate(values.values()) if side in of_workload]
        rows = [row + place * thickness for row, _ in have]
        axes.barh(rows, [value for _, value in have], thickness * 0.9, label=plot["sides"][side], color=colours[side])
    axes.set_xscale("log")
    _plain(axes.xaxis)
    axes.set_xlabel(plot["label"])
    axes.set_yticks([row + 0.5 - thickness for row in range(len(values))])
    axes.set_yticklabels([plot["workloads"][name] for name in values])
    axes.invert_yaxis()
    axes.margins(y=0.01)
    axes.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    _save(figure, path, plot)


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
    _save(figure, path, series)


def _plain(axis: Any) -> None:
    """Write the numbers of a logarithmic axis as they are, and only powers of ten."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}" if value < 1e5 else f"{value:,.0f}"))
    axis.set_minor_formatter(NullFormatter())


def _save(figure: Any, path: Path, plot: dict[str, Any]) -> None:
    figure.set_layout_engine("constrained")
    figure.savefig(path, metadata={"Date": None, "Description": report.fingerprint(plot)})
    pyplot.close(figure)
