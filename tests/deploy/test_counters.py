"""Every counter that the rules and dashboards read is there at 0 before anything was counted."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from labelwright.client import Client, Registry
from labelwright.core.run import ENDS, OPEN
from labelwright.core.vote import VoteError
from labelwright.service.metrics import REASONS
from prometheus_client.parser import text_string_to_metric_families

from tests.parts.prometheus import RULES, Prometheus, hurried
from tests.parts.redis import Redis
from tests.parts.registry import Registry as RegistryProcess
from tests.parts.repository import ROOT
from tests.parts.service import Service, until
from tests.parts.worker import Worker
from tests.worker.tasks import bundle_files, push, serve

TASK = "spam"
RAISES = b'def label(text):\n    if "boom" in text:\n        raise ValueError(text)\n    return None\n'
Series = list[tuple[dict[str, str], float]]


def counters_read() -> dict[str, dict[str, set[str]]]:
    """Return each counter of the rules and dashboards, with the values that they ask for of its labels."""
    text = "".join(
        path.read_text().replace('\\"', '"')
        for path in (*RULES.glob("*.yml"), *ROOT.glob("deploy/grafana/dashboards/*.json"))
    )
    found: dict[str, dict[str, set[str]]] = {}
    for name, selector in re.findall(r"\b(labelwright_\w+_(?:total|bucket|sum|count))\b(?:\{([^}]*)\})?", text):
        values = found.setdefault(name, {})
        for label, asked in re.findall(r'(\w+)=~?"([^"$]*)"', selector):
            values.setdefault(label, set()).update(asked.split("|"))
    return found


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryProcess]:
    """A registry with a task in production and a candidate beside it."""
    process = RegistryProcess(tmp_path_factory.mktemp("registry") / "data", metrics_listen="127.0.0.1:0").start()
    with Registry(process.address) as client:
        serve(client, bundle_files(TASK) | {"programs/raises.py": RAISES})
        candidate = push(client, bundle_files(TASK, ("prize",)))
        client.set_alias(TASK, candidate.number, alias="candidate", actor="test", reason="a test", override=True)
    yield process
    process.stop()


@pytest.fixture(scope="module")
def untouched(registry: RegistryProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Series]]:
    """The series of a service of two processes, a worker and the registry, before any request and any alert."""
    folder = tmp_path_factory.mktemp("untouched")
    redis = Redis(folder).start()
    service = Service(folder / "service", registry=registry.address, redis_url=redis.url, workers=2).start()
    worker = Worker(folder / "worker", registry=registry.address, redis_url=redis.url).start()
    try:
        until(lambda: len(service.scrape()["labelwright_shadow_version"]) == 2)
        until(lambda: worker.total("labelwright_refresh_last_poll_timestamp_seconds") > 0)
        yield scrape(registry.events("metrics")[0]["address"]) | service.scrape() | worker.scrape()
    finally:
        worker.stop()
        service.stop()
        redis.stop()


def scrape(address: str) -> dict[str, Series]:
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as reply:
        families = list(text_string_to_metric_families(reply.read().decode()))
    return {
        name: [(sample.labels, sample.value) for family in families for sample in family.samples if sample.name == name]
        for name in {sample.name for family in families for sample in family.samples}
    }


def test_every_counter_that_is_read_begins_at_0(untouched: dict[str, Series]) -> None:
    read = counters_read()
    assert {"labelwright_program_errors_total", "labelwright_refresh_step_seconds_sum"} <= read.keys()
    absent = [name for name in read if not untouched.get(name)]
    absent += [
        f"{name}{{{label}={value}}}"
        for name, labels in read.items()
        for label, values in labels.items()
        for value in values - {series[label] for series, _ in untouched.get(name, [])}
    ]
    assert absent == []
    # Versions were loaded, and the health of the service was asked for.
    begun = {name for name in read if any(value for _, value in untouched[name])}
    assert begun <= {"labelwright_reloads_total"}


@pytest.mark.parametrize(
    ("name", "label", "values"),
    [
        ("labelwright_requests_total", "outcome", REASONS | {"OK"}),
        ("labelwright_record_errors_total", "reason", REASONS),
        ("labelwright_program_errors_total", "kind", {kind.name for kind in VoteError}),
        ("labelwright_program_errors_total", "program", {"prize", "plain_short", "raises"}),
        ("labelwright_reloads_total", "result", {"ok", "failed"}),
        ("labelwright_recent_records_total", "result", {"kept", "dropped", "failed", "too_large"}),
        ("labelwright_refresh_runs_total", "outcome", {state.value for state in ENDS}),
        ("labelwright_refresh_step_seconds_count", "state", {state.value for state in OPEN}),
        ("labelwright_refresh_poll_failures_total", "part", {"registry", "prometheus"}),
        (
            "labelwright_registry_pushes_total",
            "outcome",
            {"created", "unchanged", "validated", "refused", "failed"},
        ),
        (
            "labelwright_registry_alias_moves_total",
            "kind",
            {"set", "overridden", "rollback", "removed", "refused"},
        ),
    ],
)
def test_every_value_that_is_known_has_its_series(
    untouched: dict[str, Series], name: str, label: str, values: set[str]
) -> None:
    assert values <= {series[label] for series, _ in untouched[name]}


def test_the_first_errors_count_where_all_come_between_two_scrapes(registry: RegistryProcess, tmp_path: Path) -> None:
    service = Service(tmp_path / "service", registry=registry.address, shadow_alias="").start()
    prometheus = Prometheus(
        tmp_path,
        {"labelwright-service": [service.metrics_address]},
        rules=[hurried(RULES / "drift.yml", tmp_path, window="5m")],
    ).start()
    try:
        with Client(service.address) as labels:
            until(lambda: prometheus.query(f'count_over_time(labelwright_votes_total{{task="{TASK}"}}[5m]) > 1'))
            labels.label_batch(TASK, [f"{text} {number}" for number in range(300) for text in ("boom", "calm")])
            until(lambda: prometheus.query("labelwright:program_error:30m > 0"))
            (_, share), *_ = prometheus.query("labelwright:program_error:30m")
        assert share == pytest.approx(300 / 1800, abs=0.01)
    finally:
        prometheus.stop()
        service.stop()
