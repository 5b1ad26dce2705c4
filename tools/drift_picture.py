"""Draws drift, refresh and recovery from what a run of the scenario measured.

    python tools/drift_picture.py docs/images/drift.json docs/images/drift.svg

`python -m tests.end_to_end.drift.run` makes both anew.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

WIDTH = 400
"""Units of the drawing: about a phone's width in CSS pixels, so that text stays readable there."""
LEFT, RIGHT = 38, 10
PANEL, GAP, TOP = 92, 36, 84
GREY, INK, BLUE, ORANGE, GREEN, RED = "#8b949e", "#24292f", "#0969da", "#bc4c00", "#1a7f37", "#cf222e"
LONGEST_GAP = 3.5
"""Seconds between two points above which no line joins them: there was nothing to measure."""

Points = Sequence[Sequence[float]]
EVENTS = (
    ("drift", "spam of a new kind"),
    ("alert", "alert: a run starts"),
    ("shadow", "candidate in shadow"),
    ("promoted", "promoted"),
)


@dataclass(frozen=True, slots=True)
class Curve:
    """A line; ``dashed`` for what others are compared with."""

    name: str
    points: Points
    color: str
    dashed: bool = False
    joins: float = LONGEST_GAP


@dataclass(frozen=True, slots=True)
class Panel:
    """One plot: its title, its curves, and the highest value."""

    title: str
    curves: tuple[Curve, ...]
    top: float
    ticks: tuple[float, ...]
    percent: bool


def main() -> int:
    """Draw the picture."""
    source, target = map(Path, sys.argv[1:3])
    target.write_text(draw(json.loads(source.read_text(encoding="utf-8"))), encoding="utf-8")
    return 0


def draw(chronicle: dict[str, Any]) -> str:
    """Return the SVG."""
    panels = _panels(chronicle)
    seconds = chronicle["seconds"]
    height = TOP + len(panels) * (PANEL + GAP) + 34
    parts = [f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>']
    bottom = TOP + len(panels) * (PANEL + GAP) - GAP + 26
    parts += _legend(chronicle["events"])
    parts += _marks(chronicle["events"], seconds, TOP, bottom)
    for number, panel in enumerate(panels):
        parts += _draw_panel(panel, TOP + number * (PANEL + GAP) + 26, seconds)
    parts += _versions(chronicle["series"]["version"], seconds, bottom + 8)
    parts += _time_axis(seconds, bottom + 38)
    title = escape("Drift, refresh and recovery, measured: shares of spam, PSI, right answers, version over time")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH * 2}" '
        f'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif" font-size="11" '
        f'role="img" aria-label="{title}"><title>{title}</title>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _panels(chronicle: dict[str, Any]) -> tuple[Panel, ...]:
    series = chronicle["series"]
    psi = [*series["psi"], *series["psi_threshold"]]
    top = max(0.25, 1.1 * max((value for _, value in psi), default=0.0))
    step = next(step for step in (0.1, 0.2, 0.5, 1.0, 2.0) if top / step < 5)
    return (
        Panel(
            "Spam among the labels given",
            (
                Curve("reference", series["reference_spam_share"], GREY, dashed=True),
                Curve("last 20 s", series["spam_share"], BLUE),
            ),
            0.5,
            (0, 0.2, 0.4),
            percent=True,
        ),
        Panel(
            "PSI of these against the reference",
            (
                Curve("threshold", series["psi_threshold"], RED, dashed=True),
                Curve("PSI", series["psi"], BLUE),
            ),
            top,
            tuple(round(step * number, 1) for number in range(int(top / step) + 1)),
            percent=False,
        ),
        Panel(
            "Right answers",
            (
                Curve("all messages", chronicle["accuracy"], GREEN, joins=30),
                Curve("spam only", chronicle["spam_accuracy"], ORANGE, joins=30),
            ),
            1.0,
            (0, 0.5, 1.0),
            percent=True,
        ),
    )


def _draw_panel(panel: Panel, y: float, seconds: float) -> Iterator[str]:
    yield _text(LEFT, y - 8, panel.title, weight=600)
    x = float(WIDTH - RIGHT)
    for curve in panel.curves:
        yield _text(x, y - 8, curve.name, color=curve.color, anchor="end")
        x -= 6.2 * len(curve.name) + 12
    for tick in panel.ticks:
        at = y + PANEL * (1 - tick / panel.top)
        yield f'<line x1="{LEFT}" y1="{at:.1f}" x2="{WIDTH - RIGHT}" y2="{at:.1f}" stroke="#e6e8eb"/>'
        yield _text(LEFT - 5, at + 4, f"{tick:.0%}" if panel.percent else f"{tick:g}", color=GREY, anchor="end")
    for curve in panel.curves:
        for piece in _pieces(curve):
            path = " ".join(
                f"{_x(at, seconds):.1f},{y + PANEL * (1 - min(value, panel.top) / panel.top):.1f}"
                for at, value in piece
            )
            dash = ' stroke-dasharray="4 3"' if curve.dashed else ""
            yield f'<polyline points="{path}" fill="none" stroke="{curve.color}" stroke-width="1.8"{dash}/>'


def _pieces(curve: Curve) -> Iterator[Points]:
    piece = list(curve.points[:1])
    for (before, _), point in pairwise(curve.points):
        if point[0] - before > curve.joins:
            yield piece
            piece = []
        piece.append(point)
    yield piece


def _versions(points: Points, seconds: float, y: float) -> Iterator[str]:
    """Yield a bar for each version that was production."""
    start, number = 0.0, points[0][1]
    for at, value in [*points, (seconds, -1.0)]:
        if value != number:
            x, width = _x(start, seconds), _x(at, seconds) - _x(start, seconds)
            fill, ink = ("#ddf4ff", BLUE) if number == 1 else ("#dafbe1", GREEN)
            yield f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="16" fill="{fill}"/>'
            yield _text(x + width / 2, y + 12, f"version {number:.0f}", color=ink, anchor="middle")
            start, number = at, value


def _time_axis(seconds: float, y: float) -> Iterator[str]:
    step = 30 if seconds < 240 else 60
    for at in range(0, int(seconds) + 1, step):
        yield _text(_x(at, seconds), y, f"{at}" if at else "0 s", color=GREY, anchor="middle")


def _legend(events: dict[str, float]) -> Iterator[str]:
    for number, (name, told) in enumerate(EVENTS, start=1):
        x, y = 14 + (number - 1) % 2 * 196, 20 + (number - 1) // 2 * 22
        yield _number(x + 7, y - 4, number)
        yield _text(x + 20, y, f"{told}, {events[name]:.0f} s")


def _marks(events: dict[str, float], seconds: float, top: float, bottom: float) -> Iterator[str]:
    placed = -100.0
    for number, (name, _) in enumerate(EVENTS, start=1):
        x = _x(events[name], seconds)
        yield (
            f'<line x1="{x:.1f}" y1="{top - 8}" x2="{x:.1f}" y2="{bottom}" stroke="{INK}" stroke-opacity="0.35" '
            f'stroke-dasharray="2 2"/>'
        )
        placed = max(x, placed + 16)
        yield _number(placed, top - 14, number)


def _number(x: float, y: float, number: int) -> str:
    circle = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="7" fill="{INK}"/>'
    return circle + _text(x, y + 3.5, str(number), color="#ffffff", anchor="middle", size=10)


def _x(at: float, seconds: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * at / seconds


def _text(
    x: float, y: float, text: str, *, color: str = INK, anchor: str = "start", weight: int = 400, size: int = 11
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{color}" text-anchor="{anchor}" font-weight="{weight}" '
        f'font-size="{size}">{escape(text)}</text>'
    )


if __name__ == "__main__":
    sys.exit(main())
