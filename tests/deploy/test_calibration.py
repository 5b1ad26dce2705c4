"""What the thresholds promise, judged by a real Prometheus on random draws: see docs/drift.md."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.parts.prometheus import RULES
from tests.parts.traffic import FIGURES, Scenario, Shape, beyond, with_settings

DRIFT = RULES / "drift.yml"
LOOSE = 0.05
"""A false-alarm rate that some hundred seeds can tell from others."""
LOOSE_Z = 1.6449
FOUR = Shape((0.4, 0.3, 0.2, 0.1), program_error=0.05)
TWO = Shape((0.8, 0.2), program_error=0.05)
TEN = Shape((0.1,) * 10, program_error=0.05)
STILL = [
    Scenario("two", TWO, TWO, records=400, rows=300),
    Scenario("two-large", TWO, TWO, records=20_000, rows=500),
    Scenario("four", FOUR, FOUR, records=3000, rows=150),
    Scenario("ten", TEN, TEN, records=2000, rows=2000),
]
SEEDS = sum(scenario.seeds for scenario in STILL)
AT_MOST_FAR_BEYOND = 4
"""Of 1200 draws at 1 in 10000: more come by chance once in 100 000 times."""


@pytest.fixture(scope="module")
def loose(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rules with nothing but chance as their threshold, and a false-alarm rate that can be measured."""
    floors = dict.fromkeys(("min_psi", "min_coverage_drop", "min_conflict_rise", "min_program_error_rise"), 0.0)
    return with_settings(DRIFT, tmp_path_factory.mktemp("loose"), z=LOOSE_Z, **floors)


def test_without_drift_as_many_evaluations_are_beyond_chance_as_promised(loose: Path, tmp_path: Path) -> None:
    found = beyond(loose, STILL, tmp_path / "run")
    error = math.sqrt(LOOSE * (1 - LOOSE) / SEEDS)
    rates = {alert: found[alert].total() / SEEDS for alert in FIGURES}
    assert {alert: rate for alert, rate in rates.items() if abs(rate - LOOSE) > 4 * error} == {}


def test_without_drift_the_thresholds_as_they_are_hold(tmp_path: Path) -> None:
    found = beyond(DRIFT, STILL, tmp_path / "run")
    assert {alert: tasks.total() for alert, tasks in found.items() if tasks.total() > AT_MOST_FAR_BEYOND} == {}


def test_real_drift_is_beyond_the_thresholds(tmp_path: Path) -> None:
    moved = Shape((0.55, 0.45), coverage=0.65, conflict=0.25, program_error=0.15)
    found = beyond(DRIFT, [Scenario("moved", TWO, moved, records=3000, rows=500, seeds=200)], tmp_path / "run")
    assert {alert: tasks.total() for alert, tasks in found.items() if tasks.total() < 190} == {}


def test_records_that_come_again_need_the_setting_for_it(loose: Path, tmp_path: Path) -> None:
    again = [Scenario("again", TWO, TWO, records=600, rows=5000, repeats=4)]
    ignored = beyond(loose, again, tmp_path / "ignored")["LabelwrightLabelDrift"].total()
    told = beyond(with_settings(loose, tmp_path / "told", design_effect=4), again, tmp_path / "run")
    assert ignored > 3 * LOOSE * 300
    assert told["LabelwrightLabelDrift"].total() < 2 * LOOSE * 300
