"""Half an hour of made-up label servers, drawn at random, on which a real Prometheus evaluates the real rules.

Each seed of a scenario is a task of its own: a reference drawn from one distribution and traffic drawn from another, or
from the same one where nothing drifts. So one evaluation of the rules judges thousands of draws at once.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.parts.prometheus import Prometheus, hurried
from tests.parts.server_process import find_program

WINDOW_SECONDS = 1800
_STEP_SECONDS = 300
_START_SECONDS = 15
"""How long Prometheus takes to evaluate the rules for the first time, about: the samples begin that much later."""
_MOST_SECONDS = 180
_PROGRAMS = 5

_Times = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Shape:
    """What records are answered with: label shares of the labeled ones, and shares of all records and votes."""

    labels: tuple[float, ...]
    coverage: float = 0.8
    conflict: float = 0.1
    program_error: float = 0.005


@dataclass(frozen=True, slots=True)
class Scenario:
    """Traffic of ``records`` shaped like ``now`` against a reference of ``rows`` shaped like ``before``.

    Where ``repeats`` is above 1, every record comes that often.
    """

    name: str
    before: Shape
    now: Shape
    records: int
    rows: int
    seeds: int = 300
    repeats: int = 1


FIGURES = {
    "LabelwrightLabelDrift": "labelwright:psi:30m > labelwright:psi_threshold:30m",
    "LabelwrightCoverageDrop": "labelwright:coverage:30m < labelwright:coverage_threshold:30m",
    "LabelwrightConflictRise": "labelwright:conflict:30m > labelwright:conflict_threshold:30m",
    "LabelwrightProgramErrors": "labelwright:program_error:30m > labelwright:program_error_threshold:30m",
}
"""What each alert waits for."""


def beyond(rules: Path, scenarios: Sequence[Scenario], folder: Path, seed: int = 0) -> dict[str, Counter[str]]:
    """Return how many seeds of each scenario are beyond the threshold at one evaluation, by alert and scenario.

    Raises RuntimeError where a rule cannot be evaluated.
    """
    folder.mkdir(parents=True, exist_ok=True)
    server = Prometheus(folder, rules=[hurried(rules, folder, window="30m", hold="0s")])
    _store(scenarios, server.data, folder / "samples.txt", np.random.default_rng(seed))
    server.start()
    try:
        deadline = time.monotonic() + _MOST_SECONDS
        while not server.query("labelwright:program_error_threshold:30m"):  # the last of the rules
            if time.monotonic() > deadline:
                raise RuntimeError("the rules gave nothing")
            time.sleep(0.1)
        if failures := server.failures():
            raise RuntimeError("\n".join(failures))
        found = {name: [labels["task"] for labels, _ in server.query(query)] for name, query in FIGURES.items()}
    finally:
        server.stop()
    return {name: Counter(task.rpartition("-")[0] for task in tasks) for name, tasks in found.items()}


def with_settings(rules: Path, folder: Path, **values: float) -> Path:
    """Return a copy of the rules with these settings, by the names that they have after ``labelwright:drift_``."""
    text = rules.read_text()
    for name, value in values.items():
        text, times = re.subn(rf"(- record: labelwright:drift_{name}\n\s+expr: vector)\(.*\)", rf"\g<1>({value})", text)
        assert times == 1, name
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / rules.name
    made.write_text(text)
    return made


def _store(scenarios: Sequence[Scenario], data: Path, samples: Path, random: np.random.Generator) -> None:
    """Write everything as Prometheus blocks that end now."""
    times = time.time() - np.arange(0, WINDOW_SECONDS - _START_SECONDS, _STEP_SECONDS)[::-1]
    families: dict[str, list[str]] = {}
    for scenario in scenarios:
        for number in range(scenario.seeds):
            task = f"{scenario.name}-{number}"
            for series, value in _gauges(scenario, task, random).items():
                families.setdefault(_family(series), []).append(f"{series} {value} {times[-1]:.3f}\n")
            for series, value in _counters(scenario, task, random).items():
                families.setdefault(_family(series), []).extend(_rising(series, value, times))
    with samples.open("w") as output:
        for family, lines in families.items():
            kind = "counter" if family.endswith("_total") else "gauge"
            output.write(f"# TYPE {family.removesuffix('_total')} {kind}\n")
            output.writelines(lines)
        output.write("# EOF\n")
    command = (find_program("promtool"), "tsdb", "create-blocks-from", "openmetrics", str(samples), str(data))
    subprocess.run(command, check=True, capture_output=True)


def _gauges(scenario: Scenario, task: str, random: np.random.Generator) -> dict[str, float]:
    before, rows = scenario.before, scenario.rows
    labeled = random.binomial(rows, before.coverage)
    shares = random.multinomial(labeled, before.labels) / max(labeled, 1)
    return {
        f'labelwright_live_version{{task="{task}",alias="production"}}': 1,
        f'labelwright_reference_rows{{task="{task}"}}': rows,
        f'labelwright_reference_coverage{{task="{task}"}}': labeled / rows,
        f'labelwright_reference_conflict{{task="{task}"}}': random.binomial(rows, before.conflict) / rows,
        # All votes on a record fail or none: the least favorable case.
        f'labelwright_reference_error{{task="{task}"}}': random.binomial(rows, before.program_error) / rows,
        **{
            f'labelwright_reference_label_share{{task="{task}",label="{label}"}}': share
            for label, share in enumerate(shares)
        },
    }


def _counters(scenario: Scenario, task: str, random: np.random.Generator) -> dict[str, int]:
    """Return what the counters rise by within the window; each record is asked ``repeats`` times."""
    now, times = scenario.now, scenario.repeats
    records = scenario.records // times
    labeled = random.binomial(records, now.coverage)
    counts = random.multinomial(labeled, now.labels)
    errors = random.binomial(records, now.program_error)
    return {
        f'labelwright_abstentions_total{{task="{task}"}}': times * (records - labeled),
        f'labelwright_conflicts_total{{task="{task}"}}': times * random.binomial(records, now.conflict),
        f'labelwright_votes_total{{task="{task}"}}': times * records * _PROGRAMS,
        f'labelwright_program_errors_total{{task="{task}",program="p",kind="RAISED"}}': times * errors * _PROGRAMS,
        **{
            f'labelwright_labels_total{{task="{task}",label="{label}"}}': times * int(count)
            for label, count in enumerate(counts)
        },
    }


def _family(series: str) -> str:
    return series.partition("{")[0]


def _rising(series: str, rise: int, times: _Times) -> Iterator[str]:
    parts = (times - times[0]) / (times[-1] - times[0])
    return (f"{series} {round(rise * part)} {at:.3f}\n" for part, at in zip(parts, times, strict=True))
