"""Drift, measured on a sample: the figures and thresholds of deploy/prometheus/rules/drift.yml, in Python.

The rules watch live traffic; this says of the same figures whether they would alarm on a sample of records.
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
    """One figure: how far it is from the reference, and from where on that is drift."""

    figure: str
    distance: float
    threshold: float

    @property
    def alarms(self) -> bool:
        """Whether this is drift."""
        return self.distance > self.threshold

    def __str__(self) -> str:
        return f"{self.figure} {self.distance:.3f}, threshold {self.threshold:.3f}"


def measure_drift(found: Reference, reference: Reference) -> tuple[Drift, ...]:
    """Return every figure of ``found`` beside the reference's. Both must have rows."""
    return (
        _label_drift(found, reference),
        coverage_drop(found, reference),
        _rise("conflict rise", found.rows, found.conflict, reference.rows, reference.conflict, LARGE_CONFLICT_RISE),
        error_rise(found, reference),
    )


def coverage_drop(found: Reference, reference: Reference) -> Drift:
    """Return how much fewer of the records get a label. Both must have rows."""
    without, expected = 1 - found.coverage, 1 - reference.coverage
    return _rise("coverage drop", found.rows, without, reference.rows, expected, LARGE_DROP)


def error_rise(found: Reference, reference: Reference) -> Drift:
    """Return how much more of the votes are errors. Both must have rows.

    Votes on one record may all fail together, so the sample's size is its records, not its votes.
    """
    return _rise("program error rise", found.rows, found.error, reference.rows, reference.error, LARGE_ERROR_RISE)


def _rise(figure: str, rows: int, share: float, expected_rows: int, expected: float, large: float) -> Drift:
    pooled = (share * rows + expected * expected_rows) / (rows + expected_rows)
    error = math.sqrt(max(pooled * (1 - pooled), 0.0) * (1 / rows + 1 / expected_rows))
    return Drift(figure, share - expected, max(large, DEVIATIONS * error))


def _label_drift(found: Reference, reference: Reference) -> Drift:
    """Return the population stability index. Half a record more for every label: a share of 0 has a logarithm."""
    rows, reference_rows = (max(item.rows * item.coverage, 1.0) for item in (found, reference))
    size = min(rows, reference_rows)
    shares = [(found.label_shares.get(label, 0.0), share) for label, share in reference.label_shares.items()]
    shares = [pair for pair in shares if any(pair)]
    degrees = max(len(shares) - 1, 1)
    psi = 0.0
    for pair in shares:
        new, old = ((share * size + 0.5) / (size + 0.5 * (degrees + 1)) for share in pair)
        psi += (new - old) * math.log(new / old)
    # Without drift, PSI is about (1/n + 1/m) times a chi-square.
    by_chance = (1 / rows + 1 / reference_rows) * chi_square_quantile(DEVIATIONS, degrees)
    return Drift("label PSI", psi, max(LARGE_PSI, by_chance))
