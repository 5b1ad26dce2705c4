"""What the drift rules detect, and how often they are wrong: the tables of docs/drift.md.

Run it from the repository's root: python -m bench.drift_rules [seeds]. A real Prometheus evaluates the real rules on
random draws; only the table of whole days is computed here, since a day cannot be hurried. Nothing depends on the
machine's speed.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import chi2

from tests.parts.prometheus import RULES
from tests.parts.traffic import FIGURES, Scenario, Shape, beyond, with_settings

DRIFT = RULES / "drift.yml"
STILL = Shape((0.8, 0.2), coverage=0.8, conflict=0.1, program_error=0.01)
LABELS = {"2": (0.8, 0.2), "4": (0.4, 0.3, 0.2, 0.1), "10": (0.1,) * 10}
SIZES = ((300, 150), (1000, 500), (10_000, 1000))
"""Records within the window, rows of the reference."""
MOVES = {
    "LabelwrightLabelDrift": {
        f"0.2 to {share}": replace(STILL, labels=(1 - share, share)) for share in (0.3, 0.4, 0.5)
    },
    "LabelwrightCoverageDrop": {f"0.8 to {share}": replace(STILL, coverage=share) for share in (0.75, 0.7, 0.6)},
    "LabelwrightConflictRise": {f"0.1 to {share}": replace(STILL, conflict=share) for share in (0.15, 0.2, 0.3)},
    "LabelwrightProgramErrors": {
        f"0.01 to {share}": replace(STILL, program_error=share) for share in (0.03, 0.06, 0.2)
    },
}
QUANTILES = {0.05: 1.6449, 0.01: 2.3263, 0.001: 3.0902}
FLOORS = dict.fromkeys(("min_psi", "min_coverage_drop", "min_conflict_rise", "min_program_error_rise"), 0.0)


def false_alarms(seeds: int, folder: Path) -> Table:
    """Without drift: share of evaluations beyond chance, by the rate that is asked for."""
    table = Table("rate asked for", *FIGURES, title="No drift: share of evaluations beyond what chance explains")
    scenarios = [
        Scenario(f"{name}-{records}-{rows}", shape, shape, records, rows, seeds)
        for name, labels in LABELS.items()
        for records, rows in SIZES
        for shape in (replace(STILL, labels=labels, program_error=0.05),)
    ]
    for rate, z in QUANTILES.items():
        rules = with_settings(DRIFT, folder / f"rules-{rate}", z=z, **FLOORS)
        found = _in_parts(rules, scenarios, folder / f"run-{rate}")
        table.add_row(str(rate), *(f"{found[alert].total() / seeds / len(scenarios):.4f}" for alert in FIGURES))
    found = _in_parts(DRIFT, scenarios, folder / "run")
    table.add_row("as delivered", *(f"{found[alert].total() / seeds / len(scenarios):.5f}" for alert in FIGURES))
    return table


def power(seeds: int, folder: Path) -> Table:
    """With drift: share of evaluations beyond the thresholds as they are delivered."""
    table = Table(
        "alert", "change", *(f"{n}, {m}" for n, m in SIZES), title="Drift: share found (records in the window, rows)"
    )
    for alert, moves in MOVES.items():
        for number, (move, shape) in enumerate(moves.items()):
            scenarios = [Scenario(f"{n}-{m}", STILL, shape, n, m, seeds) for n, m in SIZES]
            found = beyond(DRIFT, scenarios, folder / f"{alert}-{number}")[alert]
            table.add_row(alert, move, *(f"{found[scenario.name] / seeds:.2f}" for scenario in scenarios))
    return table


def days(tasks: int) -> Table:
    """Without drift: share of tasks that LabelwrightLabelDrift would call within a day of evaluations every minute."""
    table = Table(
        "records in 30 min, rows",
        *map(str, (1e-3, 1e-4, 1e-5)),
        title="No drift: tasks with a LabelwrightLabelDrift a day",
    )
    random = np.random.default_rng(0)
    for records, rows in ((300, 150), (300, 500), (3000, 150)):
        shares = np.array(STILL.labels)
        minutes = random.poisson(records / 30 * shares, size=(tasks, 24 * 60 + 30, len(shares)))
        counted = np.cumsum(minutes, axis=1)
        window = counted[:, 30:] - counted[:, :-30]
        reference = random.multinomial(rows, shares, size=tasks)[:, None] / rows
        labeled = window.sum(-1)
        size = np.minimum(labeled, rows)[..., None]
        now, before = ((part * size + 0.5) / (size + 1) for part in (window / labeled[..., None], reference))
        psi = ((now - before) * np.log(now / before)).sum(-1)
        cells = []
        for rate in (1e-3, 1e-4, 1e-5):
            above = psi > np.maximum((1 / labeled + 1 / rows) * chi2.ppf(1 - rate, 1), 0.1)
            cells.append(f"{np.mean([_longest(row) > 10 for row in above]):.4f}")
        table.add_row(f"{records}, {rows}", *cells)
    return table


def _longest(row: np.ndarray) -> int:
    """Return the length of the longest run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], row.astype(np.int8), [0]))))
    return max((int(end - start) for start, end in list(pairwise(edges))[::2]), default=0)


def _in_parts(rules: Path, scenarios: Sequence[Scenario], folder: Path) -> dict[str, Counter[str]]:
    """Evaluate a few scenarios at a time: the rules bound the number of their series."""
    found: dict[str, Counter[str]] = {alert: Counter() for alert in FIGURES}
    for start in range(0, len(scenarios), 2):
        part = beyond(rules, scenarios[start : start + 2], folder / str(start), seed=start)
        for alert, tasks in part.items():
            found[alert] += tasks
    return found


def main() -> None:
    """Print the tables."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    console = Console()
    with tempfile.TemporaryDirectory(prefix="labelwright-drift-") as folder:
        console.print(false_alarms(seeds, Path(folder)))
        console.print(power(seeds // 5, Path(folder)))
    console.print(days(seeds * 5))


if __name__ == "__main__":
    main()
