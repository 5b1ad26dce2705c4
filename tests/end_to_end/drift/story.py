"""The drift scenario, played once: traffic is steady, spam becomes of another kind, and the loop closes by itself."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labelwright.client import AliasChange
from labelwright.core.report import Reference
from labelwright.core.run import Run, RunState

from tests.end_to_end.drift.house import TASK, House, Times, running_house
from tests.end_to_end.drift.messages import Mix, known, new_spam
from tests.end_to_end.drift.traffic import Answer, Traffic
from tests.parts.replayed_llm import ReplayedLlm

PER_SECOND = 40
HOLD = "40s"
"""How long the alert's condition holds before a run begins: so long that most of its sample is of the new kind.

A candidate that learned mostly from the old kind would be judged, minutes later on a busy machine, on traffic that it
hardly saw; its conflicts rise, and a person is asked.
"""

SERIES = {
    "spam_share": f'labelwright:label_share:30m{{task="{TASK}",label="spam"}}',
    "reference_spam_share": f'max(labelwright_reference_label_share{{task="{TASK}",label="spam"}})',
    "psi": f'labelwright:psi:30m{{task="{TASK}"}}',
    "psi_threshold": f'labelwright:psi_threshold:30m{{task="{TASK}"}}',
    "coverage": f'labelwright:coverage:30m{{task="{TASK}"}}',
    "coverage_threshold": f'labelwright:coverage_threshold:30m{{task="{TASK}"}}',
    "version": f'max(labelwright_live_version{{task="{TASK}",alias="production"}})',
    "webhooks": 'sum(alertmanager_notifications_total{integration="webhook"})',
    "failed_webhooks": 'sum(alertmanager_notifications_failed_total{integration="webhook"})',
    "ended_runs": f'sum(labelwright_refresh_runs_total{{task="{TASK}",outcome="succeeded"}})',
    "tokens": f'sum(labelwright_refresh_tokens_total{{task="{TASK}"}})',
    "shadow_records": f'sum(labelwright_shadow_records_total{{task="{TASK}"}})',
}
"""What is asked of Prometheus, by name."""


@dataclass
class Story:
    """What happened. Times are Unix times, 0.0 where a thing did not happen."""

    began: float
    drifted: float = 0.0
    fired: float = 0.0
    ended: float = 0.0
    run: Run | None = None
    runs: list[Run] = field(default_factory=list)
    history: list[AliasChange] = field(default_factory=list)
    references: dict[int, Reference] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    alerts: set[str] = field(default_factory=set)
    series: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def at(self, state: RunState) -> float:
        """Return when the run came into this state."""
        assert self.run is not None
        return next((step.at.timestamp() for step in self.run.steps if step.state is state), 0.0)

    def between(self, begin: float, end: float) -> list[Answer]:
        """Return the answers between two Unix times."""
        return [answer for answer in self.answers if begin <= answer.at < end]


def play(
    folder: Path,
    llm: ReplayedLlm,
    *,
    times: Times | None = None,
    steady_seconds: float = 15,
    patience: float = 480,
    after_seconds: float = 5,
    asking: Mapping[str, object],
) -> Story:
    """Return the story. ``asking`` are settings of the worker.

    ``patience`` is how long the run may take from the drift on, in seconds.
    """
    ham, old_spam = known()
    spam, later_spam = new_spam()
    with running_house(folder, llm.url, llm.model, times or Times(hold=HOLD), asking) as house:
        traffic = Traffic(
            [service.address for service in house.services], TASK, Mix(ham, old_spam), per_second=PER_SECOND, seed=1
        )
        story = Story(began=time.time())
        traffic.start()
        try:
            _wait_for(lambda: house.prometheus.query(SERIES["psi"]), 60)
            time.sleep(steady_seconds)
            assert not _firing(house)
            story.drifted = time.time()
            traffic.source = Mix(ham, spam)
            _follow(story, house, traffic, Mix(ham, later_spam), patience)
            time.sleep(after_seconds)
        finally:
            traffic.stop()
        story.ended = time.time()
        story.answers, story.failures = traffic.answers, traffic.failures
        _look_back(story, house)
    return story


def _follow(story: Story, house: House, traffic: Traffic, later: Mix, patience: float) -> None:
    """Look on until the run has ended. From the promotion on, messages come that nothing was learned from."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        firing = _firing(house)
        if firing and not story.fired:
            story.fired = time.time()
        story.alerts |= firing
        runs = list(house.runs.list(TASK))
        if runs and runs[0].state in (RunState.PROMOTED, RunState.SUCCEEDED) and traffic.source is not later:
            traffic.source = later
        if runs and runs[0].state.is_end:
            return
        time.sleep(0.5)


def _firing(house: House) -> set[str]:
    """Return the names of the drift alerts that fire."""
    return {alert["alertname"] for alert in house.prometheus.firing() if alert.get("kind") == "drift"}


def _look_back(story: Story, house: House) -> None:
    story.runs = list(house.runs.list(TASK))
    story.run = house.runs.get(story.runs[-1].id) if story.runs else None
    story.history = house.registry.history(TASK)
    for version in house.registry.versions(TASK):
        reference = house.registry.download(TASK, version=version.number).reference
        if reference is not None:
            story.references[version.number] = reference
    for name, expression in SERIES.items():
        found = house.prometheus.query_range(expression, story.began, story.ended, 1)
        story.series[name] = [(float(at), float(value)) for at, value in found[0]["values"]] if found else []


def _wait_for(condition: Any, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(0.2)
