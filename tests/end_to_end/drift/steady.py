"""Traffic that does not drift: messages of the generator that the version's sample is from, as long as one likes.

    python -m tests.end_to_end.drift.steady 3600

runs an hour of it with a window of 30 seconds, which is 120 windows that share no record: as many as two and a half
days hold at the rules' own window of 30 minutes. Prints what happened.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.end_to_end.drift.house import TASK, Times, running_house
from tests.end_to_end.drift.messages import Fresh
from tests.end_to_end.drift.traffic import Traffic

FIGURES = {
    "label PSI": (f'labelwright:psi:30m{{task="{TASK}"}}', f'labelwright:psi_threshold:30m{{task="{TASK}"}}', 1),
    "coverage": (
        f'labelwright:coverage:30m{{task="{TASK}"}}',
        f'labelwright:coverage_threshold:30m{{task="{TASK}"}}',
        -1,
    ),
    "conflict": (
        f'labelwright:conflict:30m{{task="{TASK}"}}',
        f'labelwright:conflict_threshold:30m{{task="{TASK}"}}',
        1,
    ),
    "program errors": (
        f'labelwright:program_error:30m{{task="{TASK}"}}',
        f'labelwright:program_error_threshold:30m{{task="{TASK}"}}',
        1,
    ),
}
"""Each figure, its threshold, and whether it alarms above (1) or below (-1) that."""
_NOBODY = "http://127.0.0.1:9/v1"
"""No LLM: nothing may be asked."""
_STEPS = 10_000
"""Prometheus answers with 11,000 points at most."""


@dataclass(frozen=True, slots=True)
class Steady:
    """What happened. ``evaluated`` are evaluations of each figure's rule, ``beyond`` those on the wrong side of its
    threshold, ``alerts`` names and states (pending, firing) that were seen.
    """

    answers: int
    failures: list[str]
    evaluated: dict[str, int]
    beyond: dict[str, int]
    alerts: set[tuple[str, str]]
    runs: int


def watch_steady(folder: Path, seconds: float, times: Times, *, per_second: float = 40, seed: int = 1) -> Steady:
    """Return what happens within ``seconds`` of steady traffic."""
    with running_house(folder, _NOBODY, "nobody", times, {}) as house:
        addresses = [service.address for service in house.services]
        traffic = Traffic(addresses, TASK, Fresh(), per_second=per_second, seed=seed)
        began = time.time()
        traffic.start()
        time.sleep(seconds)
        traffic.stop()
        ended = time.time()
        step = max(1.0, (ended - began) / _STEPS)
        evaluated, beyond = {}, {}
        for name, (figure, threshold, side) in FIGURES.items():
            found = house.prometheus.query_range(f"{side} * ({figure} - {threshold})", began, ended, step)
            values = [float(value) for series in found for _, value in series["values"]]
            evaluated[name], beyond[name] = len(values), sum(value > 0 for value in values)
        seen = house.prometheus.query_range('ALERTS{kind="drift"}', began, ended, step)
        alerts = {(series["metric"]["alertname"], series["metric"]["alertstate"]) for series in seen}
        runs = len(list(house.runs.list(TASK)))
    return Steady(len(traffic.answers), traffic.failures, evaluated, beyond, alerts, runs)


def main() -> int:
    """Run it by hand."""
    seconds = float(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="labelwright-steady-") as folder:
        found = watch_steady(Path(folder), seconds, Times(window="30s"), per_second=20)
    sys.stdout.write(f"{found}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
