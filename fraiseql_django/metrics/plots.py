"""Figures by minute as SVG, without a script: lines over time, broken where nothing happened.

Colours are classes (``fraiseql-line-1`` …), which the style sheet of the page maps to the admin's own variables, so
that light and dark themes both are readable.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from .counters import Minute

WIDTH, HEIGHT = 480, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 12, 26
# A line of fewer points than these shows each with a dot
_DOTS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a plot: its name, and its value in each minute; None where there is none."""

    name: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A plot with its title, the names of its lines in the order of their colours, and the SVG."""

    title: str
    names: Sequence[str]
    svg: SafeString


def plots_of(minutes: Sequence[Minute]) -> list[Plot]:
    """Return the plots of hit rate, latency, and statements; none without minutes."""
    if not minutes:
        return []
    numbers = [minute.number for minute in minutes]

    def values(value: Callable[[Minute], float | None]) -> list[float | None]:
        return [value(minute) for minute in minutes]

    hit_rate = [Line(name="hit rate", values=values(_hit_rate))]
    latency = [
        Line(name="median", values=values(lambda minute: _ms(minute.quantile(0.5)))),
        Line(name="95 %", values=values(lambda minute: _ms(minute.quantile(0.95)))),
    ]
    load = [
        Line(name="operations", values=values(lambda minute: minute.operations)),
        Line(name="statements", values=values(lambda minute: minute.statements)),
    ]
    return [
        _plot("Hit rate", numbers, hit_rate, Linear(100.0, "%")),
        _plot("Latency", numbers, latency, Logarithmic(latency)),
        _plot("Operations and statements per minute", numbers, load, Linear(_highest(load), "")),
    ]


class Linear:
    """A scale from 0 to a round number that is not less than the highest value."""

    def __init__(self, highest: float, unit: str) -> None:
        step = _round_up(max(highest, 1.0) / 4)
        self.top = 100.0 if unit == "%" else step * math.ceil(max(highest, 1.0) / step)
        step = 25.0 if unit == "%" else step
        self.ticks = [(step * number, f"{_short(step * number)}{unit and ' ' + unit}") for number in range(9)]
        self.ticks = [tick for tick in self.ticks if tick[0] <= self.top]

    def place(self, value: float) -> float:
        """Return the height of a value between 0 and 1."""
        return min(1.0, value / self.top)


class Logarithmic:
    """A scale of powers of ten of milliseconds around the values, since hits and statements differ by far."""

    def __init__(self, lines: Sequence[Line]) -> None:
        values = [value for line in lines for value in line.values if value]
        self.low = math.floor(math.log10(min(values, default=0.1)))
        self.high = max(self.low + 1, math.ceil(math.log10(max(values, default=1.0))))
        powers = range(self.low, self.high + 1)
        self.ticks = [(10.0**power, _duration(10.0**power)) for power in powers]

    def place(self, value: float) -> float:
        """Return the height of a value between 0 and 1."""
        if value <= 0:
            return 0.0
        return max(0.0, min(1.0, (math.log10(value) - self.low) / (self.high - self.low)))


def _plot(title: str, numbers: Sequence[int], lines: Sequence[Line], scale: Linear | Logarithmic) -> Plot:
    first, last = numbers[0], max(numbers[-1], numbers[0] + 1)

    def x(number: int) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * (number - first) / (last - first)

    def y(value: float) -> float:
        return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * scale.place(value)

    grid = format_html_join(
        "",
        '<line class="fraiseql-grid" x1="{}" x2="{}" y1="{}" y2="{}"/><text x="{}" y="{}" text-anchor="end">{}</text>',
        (
            (_LEFT, WIDTH - _RIGHT, f"{y(value):.1f}", f"{y(value):.1f}", _LEFT - 6, f"{y(value) + 4:.1f}", label)
            for value, label in scale.ticks
        ),
    )
    times = format_html_join(
        "",
        '<text x="{}" y="{}" text-anchor="{}">{}</text>',
        ((f"{x(number):.1f}", HEIGHT - 8, anchor, _clock(number)) for number, anchor in _times(first, last)),
    )
    drawn = format_html_join("", "{}", ((_line(place, line, numbers, x, y),) for place, line in enumerate(lines, 1)))
    svg = format_html(
        '<svg class="fraiseql-plot" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}</svg>',
        WIDTH,
        HEIGHT,
        f"{title}, {_clock(first)} to {_clock(last)}",
        grid,
        times,
        drawn,
    )
    return Plot(title=title, names=[line.name for line in lines], svg=svg)


def _line(
    place: int, line: Line, numbers: Sequence[int], x: Callable[[int], float], y: Callable[[float], float]
) -> SafeString:
    """Return a line, with a gap where minutes or values are missing."""
    parts: list[str] = []
    before: int | None = None
    points = [(number, value) for number, value in zip(numbers, line.values, strict=True) if value is not None]
    for number, value in points:
        command = "L" if before is not None and number - before <= 1 else "M"
        parts.append(f"{command}{x(number):.1f} {y(value):.1f}")
        before = number
    alone = _alone([number for number, _ in points])
    dots = format_html_join(
        "",
        '<circle class="fraiseql-dot-{}" cx="{}" cy="{}" r="3"><title>{}</title></circle>',
        (
            (place, f"{x(number):.1f}", f"{y(value):.1f}", f"{_clock(number)} {line.name}: {_short(value)}")
            for number, value in points
            if len(points) < _DOTS or number in alone
        ),
    )
    path = format_html('<path class="fraiseql-line-{}" d="{}"/>', place, " ".join(parts)) if parts else mark_safe("")
    return format_html("{}{}", path, dots)


def _alone(numbers: Sequence[int]) -> set[int]:
    """Return the minutes that no line leads to or from."""
    known = set(numbers)
    return {number for number in numbers if number - 1 not in known and number + 1 not in known}


def _times(first: int, last: int) -> list[tuple[int, str]]:
    return (
        [(first, "start"), ((first + last) // 2, "middle"), (last, "end")]
        if last - first >= 10
        else [
            (first, "start"),
            (last, "end"),
        ]
    )


def _clock(number: int) -> str:
    moment = dt.datetime.fromtimestamp(number * 60, dt.UTC)
    return timezone.localtime(moment).strftime("%H:%M")


def _hit_rate(minute: Minute) -> float | None:
    looked_up = minute.hits + minute.misses
    return 100 * minute.hits / looked_up if looked_up else None


def _highest(lines: Sequence[Line]) -> float:
    return max((value for line in lines for value in line.values if value is not None), default=1.0)


def _round_up(value: float) -> float:
    """Return the next of 1, 2, 5, 10, 20, 50 …"""
    power = 10.0 ** math.floor(math.log10(value)) if value > 0 else 1.0
    return max(1.0, next(power * factor for factor in (1, 2, 5, 10) if power * factor >= value))


def _short(value: float) -> str:
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:g} {unit}" if value % size == 0 else f"{value / size:.1f} {unit}"
    return f"{value:.0f}" if value == int(value) or value >= 100 else f"{value:.2f}"


def _duration(milliseconds: float) -> str:
    if milliseconds >= 1000:
        return f"{milliseconds / 1000:g} s"
    return f"{milliseconds:g} ms" if milliseconds >= 1 else f"{milliseconds * 1000:g} µs"


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000
