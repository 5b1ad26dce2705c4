from __future__ import annotations

import re

import pytest
from labelwright.core.errors import ConfigurationError
from labelwright.core.run import RunCost, RunState
from labelwright.worker.decision import NEARLY_ALL, SIGNIFICANT
from labelwright.worker.metrics import MAX_TASKS, OTHER, WorkerMetrics
from labelwright.worker.runs.recent_records import FEWEST
from labelwright.worker.settings import WorkerSettings
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from tests.parts.repository import ROOT
from tests.worker.past_runs import past_run

PAGE = (ROOT / "docs" / "worker.md").read_text(encoding="utf-8")
OBSTACLES = ("open", "no_sample", "cooldown", "failures", "budget", "unknown", "malformed")


def test_the_table_of_settings_is_complete_and_true() -> None:
    rows = re.findall(r"^\| `(LABELWRIGHT_WORKER_\w+)` \|([^|]*)\|([^|]+)\|$", PAGE, re.MULTILINE)
    documented = {variable: (default.strip(" `"), meaning.strip()) for variable, default, meaning in rows}
    fields = {WorkerSettings.variable(name): field for name, field in WorkerSettings.model_fields.items()}
    assert documented.keys() == fields.keys()
    for variable, field in fields.items():
        default, meaning = documented[variable]
        assert meaning == field.description
        if field.default_factory is None:
            value = getattr(field.default, "value", field.default)
            assert default == (",".join(value) if isinstance(value, tuple) else str(value)), variable


def test_every_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABELWRIGHT_WORKER_LEASE_S", "0")
    monkeypatch.setenv("LABELWRIGHT_WORKER_METRICS_LISTEN", "nowhere")
    with pytest.raises(ConfigurationError, match=r"LABELWRIGHT_WORKER_METRICS_LISTEN.*LABELWRIGHT_WORKER_LEASE_S"):
        WorkerSettings.read()


def test_settings_given_stand_above_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABELWRIGHT_WORKER_STRATEGIES", "plain, words,")
    monkeypatch.setenv("LABELWRIGHT_WORKER_PROGRAMS", "3")
    settings = WorkerSettings.read(programs=5)
    assert (settings.programs, settings.strategies) == (5, ("plain", "words"))


def filled() -> WorkerMetrics:
    metrics = WorkerMetrics()
    metrics.alert("spam", "opened")
    metrics.alert("", "unknown")
    metrics.stepped("spam", RunState.PROMOTED, RunState.SUCCEEDED, 12.0)
    metrics.spent("spam", RunCost(2, 30, 4, 0.5))
    metrics.polled([past_run(RunState.AWAITING_APPROVAL)], 1, 1.0)
    metrics.failed("prometheus")
    return metrics


def exposed(metrics: WorkerMetrics) -> dict[str, list[tuple[dict[str, str], float]]]:
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(generate_latest(metrics.registry).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def test_the_table_of_metrics_is_complete_and_true() -> None:
    rows = re.findall(r"^\| `(labelwright_refresh_\w+)` \| \w+ \|([^|]*)\|", PAGE, re.MULTILINE)
    documented = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    exported: dict[str, set[str]] = {}
    for name, samples in exposed(filled()).items():
        exported.setdefault(re.sub(r"_(bucket|count|sum)$", "", name), set()).update(
            label for labels, _ in samples for label in labels if label != "le"
        )
    assert documented == exported
    assert f"at most {MAX_TASKS} in the life" in PAGE


def test_an_open_run_shows_in_its_state_and_nothing_stays_of_one_that_ended() -> None:
    metrics = filled()
    shown = {labels["state"]: value for labels, value in exposed(metrics)["labelwright_refresh_open"]}
    assert shown["awaiting_approval"] == 1
    assert sum(shown.values()) == 1
    metrics.polled([], 0, 2.0)
    assert "labelwright_refresh_open" not in exposed(metrics)


def test_tasks_above_the_bound_share_one_series() -> None:
    metrics = WorkerMetrics()
    for number in range(MAX_TASKS + 5):
        metrics.alert(f"task-{number}", "opened")
    counts = {
        labels["task"]: value
        for labels, value in exposed(metrics)["labelwright_refresh_alerts_total"]
        if labels["result"] == "opened"
    }
    assert len(counts) == MAX_TASKS + 1
    assert counts[OTHER] == 5


def test_the_page_knows_every_obstacle_and_the_limits() -> None:
    table = PAGE[PAGE.index("| result |") : PAGE.index("An alert that still fires")]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == list(OBSTACLES)
    assert f"at least {FEWEST}" in PAGE
    assert f"{SIGNIFICANT:.0%}" in PAGE
    assert f"one label to {NEARLY_ALL:.0%}" in PAGE
