from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelwright.core.report import Reference
from labelwright.worker import drift
from labelwright.worker.drift import coverage_drop, error_rise, measure_drift

from tests.parts.repository import ROOT

RULES = ROOT / "deploy" / "prometheus" / "rules" / "drift.yml"
SHARES = {"a": 0.5, "b": 0.3, "c": 0.2}
REFERENCE = Reference(500, SHARES, coverage=0.9, conflict=0.05, error=0.0)


def sampled(rng: np.random.Generator, rows: int) -> Reference:
    labels = rng.multinomial(round(rows * 0.9), list(SHARES.values())) / round(rows * 0.9)
    return Reference(
        rows,
        dict(zip(SHARES, labels.tolist(), strict=True)),
        coverage=rng.binomial(rows, 0.9) / rows,
        conflict=rng.binomial(rows, 0.05) / rows,
        error=0.0,
    )


def test_the_limits_are_those_of_the_rules() -> None:
    text = RULES.read_text()
    for name, limit in (
        ("z", drift.DEVIATIONS),
        ("min_psi", drift.LARGE_PSI),
        ("min_coverage_drop", drift.LARGE_DROP),
        ("min_conflict_rise", drift.LARGE_CONFLICT_RISE),
        ("min_program_error_rise", drift.LARGE_ERROR_RISE),
    ):
        (stated,) = re.findall(rf"record: labelwright:drift_{name}\n\s+expr: vector\(([\d.]+)\)", text)
        assert float(stated) == limit, name


def test_chance_alone_hardly_ever_alarms() -> None:
    rng = np.random.default_rng(1)
    alarms = sum(item.alarms for _ in range(400) for item in measure_drift(sampled(rng, 60), sampled(rng, 60)))
    assert alarms <= 2


@pytest.mark.parametrize(
    ("found", "figure"),
    [
        (replace(REFERENCE, label_shares={"a": 0.1, "b": 0.3, "c": 0.6}), "label PSI"),
        (replace(REFERENCE, label_shares={"a": 1.0, "b": 0.0, "c": 0.0}), "label PSI"),
        (replace(REFERENCE, coverage=0.7), "coverage drop"),
        (replace(REFERENCE, conflict=0.3), "conflict rise"),
        (replace(REFERENCE, error=0.05), "program error rise"),
    ],
)
def test_what_has_moved_alarms_and_nothing_else(found: Reference, figure: str) -> None:
    assert [item.figure for item in measure_drift(found, REFERENCE) if item.alarms] == [figure]


def test_what_got_better_does_not_alarm() -> None:
    better = replace(REFERENCE, coverage=1.0, conflict=0.0)
    assert not any(item.alarms for item in measure_drift(better, REFERENCE))


_shares = st.floats(0, 1)


@given(
    rows=st.integers(1, 10_000),
    coverage=_shares,
    conflict=_shares,
    error=_shares,
    weights=st.lists(st.integers(0, 1000), min_size=3, max_size=3),
)
def test_every_figure_has_a_distance(
    rows: int, coverage: float, conflict: float, error: float, weights: list[int]
) -> None:
    shares = {name: weight / max(sum(weights), 1) for name, weight in zip(SHARES, weights, strict=True)}
    found = Reference(rows, shares, coverage, conflict, error)
    for one, other in ((found, REFERENCE), (REFERENCE, found), (found, found)):
        assert all(np.isfinite([item.distance, item.threshold]).all() for item in measure_drift(one, other))
    assert not any(item.alarms for item in measure_drift(found, found))
    assert coverage_drop(found, REFERENCE).threshold >= drift.LARGE_DROP
    assert error_rise(found, REFERENCE).threshold >= drift.LARGE_ERROR_RISE
