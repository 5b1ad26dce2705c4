"""The pilot's report as one HTML file that needs nothing else: for a phone, a desk and paper."""

from __future__ import annotations

from labelwright.synthesis.pilot.plots import (
    Bar,
    Point,
    Step,
    accuracy_by_share,
    program_bars,
    quality_against_cost,
)
from labelwright.synthesis.pilot.report import PilotReport
from labelwright.synthesis.pilot.result import DIRECT, DIRECT_CALIBRATED, ENSEMBLE, WAYS
from labelwright.synthesis.templates import render
from markupsafe import Markup


def render_page(report: PilotReport) -> str:
    """Return the page."""
    bars = [Bar(item.name, item.coverage, item.accuracy, item.interval, item.serves) for item in report.programs]
    return render(
        __package__,
        "report.html",
        report=report,
        labelings=[(name, figures) for way, name in WAYS.items() if (figures := report.labeling(way))],
        best=report.best_program,
        quality_plot=_quality_plot(report),
        program_plot=program_bars(bars),
        curve_plot=_curve_plot(report),
    )


def _curve_plot(report: PilotReport) -> Markup:
    if report.curve is None:
        return Markup("")
    steps = [Step(point.share, point.accuracy, point.interval) for point in report.curve.points]
    return accuracy_by_share(steps, report.curve.recommended)


def _quality_plot(report: PilotReport) -> Markup:
    cost = report.cost
    unit = "dollars" if cost.price else "tokens"
    costs: dict[str, float | None] = {
        ENSEMBLE: cost.synthesis.dollars if cost.price else cost.synthesis.tokens,
        DIRECT: cost.direct.dollars if cost.price else cost.direct.tokens,
    }
    points = [
        Point(name, way, costs.get(way), figures.accuracy, figures.interval)
        for way, name in WAYS.items()
        if way != DIRECT_CALIBRATED and (figures := report.labeling(way))  # it would stand where direct labeling stands
    ]
    return quality_against_cost(points, unit)
