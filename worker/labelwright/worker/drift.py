"""Drift, measured on a sample: the figures and thresholds of deploy/prometheus/rules/drift.yml, in Python.

The rules watch live traffic; this tells whether the same figures would raise an alarm on a sample of records.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from labelwright.core.report import Reference
from labelwright.worker.significance import chi_square_quantile

LARGE_PSI, LARGE_DROP, LARGE_CONFLICT_RISE, LARGE_ERROR_RISE = 0.1, 0.05, 0.05, 0.01
"""What is large enough to matter: the rules' labelwright:drift_min_*."""
DEVIATIONS = 3.719
"""What is beyond chance, in standard errors: the rules' labelwright:drift_z, one sample in 10,000."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One figure: its distance from the reference, and the threshold above which that is drift."""

    figure: str
    distance: float
    threshold: float

    @property
    def alarms(self) -> bool:
        """Whether this is drift."""
        return self.distance > self.threshold

    def __str__(self) -> str:
        return f"{self.figure} {self.distance:.3f}, threshold {self.threshold:.3f}"


def measure_drift(current: Reference, reference: Reference) -> tuple[Drift, ...]:
    """Return the drift of every figure of ``current`` from the reference. Both must have rows."""
    return (
        _label_drift(current, reference),
        coverage_drop(current, reference),
        _rise("conflict rise", current.rows, current.conflict, reference.rows, reference.conflict, LARGE_CONFLICT_RISE),
        error_rise(current, reference),
    )


def coverage_drop(current: Reference, reference: Reference) -> Drift:
    """Return the drop of the share of records that get a label. Both must have rows."""
    without, expected = 1 - current.coverage, 1 - reference.coverage
    return _rise("coverage drop", current.rows, without, reference.rows, expected, LARGE_DROP)


def error_rise(current: Reference, reference: Reference) -> Drift:
    """Return the rise of the share of votes that are errors. Both must have rows.

    All votes on one record may fail together, so the size of the sample is its records, not its votes.
    """
    return _rise("program error rise", current.rows, current.error, reference.rows, reference.error, LARGE_ERROR_RISE)


def _rise(figure: str, rows: int, share: float, expected_rows: int, expected: float, large: float) -> Drift:
    pooled = (share * rows + expected * expected_rows) / (rows + expected_rows)
    error = math.sqrt(max(pooled * (1 - pooled), 0.0) * (1 / rows + 1 / expected_rows))
    return Drift(figure, share - expected, max(large, DEVIATIONS * error))


def _label_drift(current: Reference, reference: Reference) -> Drift:
    """Return the population stability index, with half a record added to every label: 0 has no logarithm."""
    rows, reference_rows = (max(item.rows * item.coverage, 1.0) for item in (current, reference))
    size = min(rows, reference_rows)
    shares = [(current.label_shares.get(label, 0.0), share) for label, share in reference.label_shares.items()]
    shares = [pair for pair in shares if any(pair)]
    degrees = max(len(shares) - 1, 1)
    psi = 0.0
    for pair in shares:
        new, old = ((share * size + 0.5) / (size + 0.5 * (degrees + 1)) for share in pair)
        psi += (new - old) * math.log(new / old)
    # Without drift, PSI is about (1/n + 1/m) times a chi-square.
    by_chance = (1 / rows + 1 / reference_rows) * chi_square_quantile(DEVIATIONS, degrees)
    return Drift("label PSI", psi, max(LARGE_PSI, by_chance))
