"""The report's plots, as inline SVG: drawn for a phone's width, so that text stays readable, and scaled up for others.

Colors and fonts are the page's: every shape has a class, and the page's style sheet says what it looks like.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

WIDTH = 360
"""Units of the drawing, which are CSS pixels on a narrow phone."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 14, 12, 40


@dataclass(frozen=True, slots=True)
class Point:
    """One way of labeling: its cost, None where it is free, and its quality with an interval, both 0 to 1."""

    name: str
    kind: str
    cost: float | None
    quality: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Step:
    """A share of records sent to the model, and the accuracy that it gives, with an interval; all 0 to 1."""

    share: float
    quality: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Bar:
    """One program: shares from 0 to 1; ``accuracy`` is None where it never votes."""

    name: str
    coverage: float
    accuracy: float | None
    interval: tuple[float, float] | None
    serves: bool


def quality_against_cost(points: Sequence[Point], unit: str) -> Markup:
    """Return accuracy over the cost of a million records, on a logarithmic axis with a place for what is free."""
    height = 250
    costs = [point.cost for point in points if point.cost]
    low = math.floor(math.log10(min(costs))) if costs else 0
    high = max(low + 1, math.ceil(math.log10(max(costs)))) if costs else 1
    bottom = max(0.0, math.floor(10 * min(point.interval[0] for point in points)) / 10)
    free = _LEFT + 20
    frame = _Frame(height, (free + 46, WIDTH - _RIGHT - 10), (low, high), (bottom, 1.0))
    parts = [frame.horizontal_grid(_steps(bottom, 1.0), lambda value: f"{value:.0%}")]
    ticks = [(free, "free")] + [(frame.x(power), _short(10.0**power)) for power in range(low, high + 1)]
    parts += [_text(x, height - 24, label, "tick middle") for x, label in ticks]
    parts.append(_text((_LEFT + WIDTH) / 2, height - 6, f"{unit} for a million records", "axis middle"))
    beside = -math.inf
    for point in sorted(points, key=lambda point: -point.quality):
        x = frame.x(math.log10(point.cost)) if point.cost else free
        top, y, bottom_end = (frame.y(value) for value in (point.interval[1], point.quality, point.interval[0]))
        parts.append(_line(x, top, x, bottom_end, f"whisker {point.kind}"))
        parts.append(_circle(x, y, point.kind))
        if point.cost:
            parts.append(_text(min(x, WIDTH - 56), max(top - 6, 10), point.name, "middle"))
        else:  # what is free shares one place on the axis: names stand beside their points, below each other
            beside = max(y + 4, beside + 13)
            parts.append(_text(x + 9, beside, point.name, ""))
    return _svg(height, parts, "Accuracy of each way of labeling over what a million records cost")


def accuracy_by_share(points: Sequence[Step], chosen: float) -> Markup:
    """Return accuracy, with its interval, over the share of records sent to the model; ``chosen`` is marked."""
    height = 250
    bottom = max(0.0, math.floor(10 * min(point.interval[0] for point in points)) / 10)
    frame = _Frame(height, (_LEFT + 8, WIDTH - _RIGHT - 10), (0.0, 1.0), (bottom, 1.0))
    parts = [frame.horizontal_grid(_steps(bottom, 1.0), lambda value: f"{value:.0%}")]
    parts += [_text(frame.x(share), height - 24, f"{share:.0%}", "tick middle") for share in (0, 0.2, 0.4, 0.6, 0.8, 1)]
    parts.append(_text((_LEFT + WIDTH) / 2, height - 6, "share of records sent to the model", "axis middle"))
    for one, other in pairwise(points):
        parts.append(
            _line(frame.x(one.share), frame.y(one.quality), frame.x(other.share), frame.y(other.quality), "curve")
        )
    for point in points:
        x, kind = frame.x(point.share), "direct" if point.share == chosen else "ensemble"
        parts.append(_line(x, frame.y(point.interval[1]), x, frame.y(point.interval[0]), f"whisker {kind}"))
        parts.append(_circle(x, frame.y(point.quality), kind))
        if point.share == chosen:
            anchor = "" if chosen < 0.5 else "end"  # so that it stays inside of the drawing
            label = f"{point.quality:.1%} at {chosen:.0%}"
            parts.append(_text(x, frame.y(point.interval[0]) + 14, label, f"strong {anchor}"))
    return _svg(height, parts, "Accuracy over the share of records that is sent to the model")


def program_bars(bars: Sequence[Bar]) -> Markup:
    """Return a row for each program: a bar for coverage, a dot with its interval for the accuracy of its votes."""
    row, top = 34, 6
    height = top + row * len(bars) + 30
    left, right = 8, WIDTH - 16
    parts = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        x = left + share * (right - left)
        parts.append(_line(x, top, x, height - 26, "grid"))
        parts.append(
            _text(x, height - 10, f"{share:.0%}", f"tick {'middle' if 0 < share < 1 else 'end' if share else ''}")
        )
    for number, bar in enumerate(bars):
        y = top + row * number
        state = "" if bar.serves else " unused"
        parts.append(_text(left, y + 12, bar.name + ("" if bar.serves else " (left out)"), f"strong{state}"))
        parts.append(_rect(left, y + 17, bar.coverage * (right - left), 10, f"bar{state}"))
        if bar.accuracy is not None and bar.interval is not None:
            low, high, middle = (left + value * (right - left) for value in (*bar.interval, bar.accuracy))
            parts.append(_line(low, y + 22, high, y + 22, f"whisker accuracy{state}"))
            parts.append(_circle(middle, y + 22, f"accuracy{state}"))
    return _svg(height, parts, "Coverage and accuracy of each program")


@dataclass(frozen=True, slots=True)
class _Frame:
    """Maps values to places inside the axes."""

    height: int
    x_places: tuple[float, float]
    x_values: tuple[float, float]
    y_values: tuple[float, float]

    @property
    def bottom(self) -> float:
        return self.height - _BOTTOM

    def x(self, value: float) -> float:
        share = (value - self.x_values[0]) / (self.x_values[1] - self.x_values[0])
        return self.x_places[0] + share * (self.x_places[1] - self.x_places[0])

    def y(self, value: float) -> float:
        share = (value - self.y_values[0]) / (self.y_values[1] - self.y_values[0])
        return self.bottom - share * (self.bottom - _TOP)

    def horizontal_grid(self, values: Sequence[float], label: Callable[[float], str]) -> Markup:
        parts = [_line(_LEFT, self.y(value), WIDTH - _RIGHT, self.y(value), "grid") for value in values]
        parts += [_text(_LEFT - 6, self.y(value) + 4, label(value), "tick end") for value in values]
        return Markup("").join(parts)


def _steps(low: float, high: float) -> list[float]:
    step = 0.1 if high - low <= 0.55 else 0.2
    return [round(low + step * number, 2) for number in range(int((high - low) / step + 1e-9) + 1)]


def _short(value: float) -> str:
    """Return a number in short: 1k, 10M, 0.01."""
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    if value < 0.001:
        return "10" + str(round(math.log10(value))).translate(_SUPERSCRIPTS)
    return f"{value:g}"


def _svg(height: int, parts: Sequence[Markup], title: str) -> Markup:
    return Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, height, title, Markup("").join(parts)
    )


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    return Markup('<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" class="{}"/>').format(x1, y1, x2, y2, kind)


def _circle(x: float, y: float, kind: str) -> Markup:
    return Markup('<circle cx="{:.1f}" cy="{:.1f}" r="5" class="{}"/>').format(x, y, kind)


def _rect(x: float, y: float, width: float, height: float, kind: str) -> Markup:
    return Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{}" rx="2" class="{}"/>').format(
        x, y, width, height, kind
    )


def _text(x: float, y: float, text: str, kind: str) -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" class="{}">{}</text>').format(x, y, kind, text)
