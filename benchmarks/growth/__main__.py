"""Measure how cost grows: ``make bench-growth``, or with ``ARGS=--quick`` fewer and smaller points."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.growth.settings")
django.setup()

from benchmarks import machine, output  # noqa: E402
from benchmarks.growth import models, series  # noqa: E402
from benchmarks.services import services  # noqa: E402
from benchmarks.sides import NotHere  # noqa: E402


def main() -> None:
    """Measure, print and write the result."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer and smaller points")
    parser.add_argument("--only", nargs="+", choices=list(series.ALL), default=list(series.ALL), metavar="SERIES")
    parser.add_argument(
        "--output", type=Path, default=output.FOLDER / "growth.json", help="where the result is written"
    )
    options = parser.parse_args()
    left_out: dict[str, str] = {}
    with services(left_out), models.tables():
        result: dict[str, Any] = machine.head("benchmarks.growth")
        result["series"] = {}
        for name in options.only:
            try:
                measured = series.ALL[name](options.quick)
            except NotHere as error:
                left_out[name] = str(error)
                continue
            for one, found in measured.items():
                output.print_series(one, found)
            result["series"] |= measured
    result["left_out"] = left_out
    output.print_notes(left_out)
    output.write(result, options.output)


if __name__ == "__main__":
    main()
