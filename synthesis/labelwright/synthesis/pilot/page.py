"""The pilot's report as one HTML file that needs nothing else: for a phone, a desk and paper."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jinja2
from labelwright.synthesis.pilot.plots import Bar, Point, program_bars, quality_against_cost
from labelwright.synthesis.pilot.report import best_single_program
from labelwright.synthesis.pilot.result import BASELINE, DIRECT, DIRECT_CALIBRATED, ENSEMBLE, MAJORITY
from markupsafe import Markup

NAMES = {
    ENSEMBLE: "programs",
    DIRECT: "direct labeling",
    DIRECT_CALIBRATED: "direct, calibrated",
    BASELINE: "TF-IDF + regression",
    MAJORITY: "commonest label",
}

_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.PackageLoader("labelwright.synthesis.pilot"),
    undefined=jinja2.StrictUndefined,
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render_page(report: Mapping[str, Any]) -> str:
    """Return the page for a report made by ``build_report``."""
    return _ENVIRONMENT.get_template("report.html.j2").render(
        report=report,
        names=NAMES,
        shown=[name for name in NAMES if report[name]],
        best=best_single_program(report),
        quality_plot=_quality_plot(report),
        program_plot=program_bars(
            [
                Bar(item["name"], item["coverage"], item["accuracy"], _pair(item["interval"]), item["serves"])
                for item in report["programs"]
            ]
        ),
    )


def _quality_plot(report: Mapping[str, Any]) -> Markup:
    unit, spent, direct = _money(report)
    costs = {ENSEMBLE: spent, DIRECT: direct}
    points = [
        Point(NAMES[name], name, costs.get(name), report[name]["accuracy"], _interval(report[name]["interval"]))
        for name in NAMES
        if report[name] and name != DIRECT_CALIBRATED  # it would stand on direct labeling's own place
    ]
    return quality_against_cost(points, unit)


def _money(report: Mapping[str, Any]) -> tuple[str, float | None, float | None]:
    """Return the unit, what the programs cost, and what direct labeling costs: dollars where the price is known."""
    cost = report["cost"]
    if cost["price"]:
        return "dollars", cost["synthesis"]["dollars"], cost["direct"]["dollars"]
    return "tokens", cost["synthesis"]["tokens"], cost["direct"]["tokens"]


def _interval(values: list[float]) -> tuple[float, float]:
    return values[0], values[1]


def _pair(values: list[float] | None) -> tuple[float, float] | None:
    return _interval(values) if values else None
