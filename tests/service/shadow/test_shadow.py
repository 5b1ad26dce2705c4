from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from labelwright.v1 import label_service_pb2 as pb
from labelwright.v1 import registry_service_pb2
from labelwright.v1.registry_service_pb2_grpc import RegistryServiceStub

from tests.parts.prometheus import Prometheus
from tests.parts.registry import Registry, damage
from tests.parts.repository import ROOT
from tests.parts.service import Service, until
from tests.service.bundles import (
    LOOPS,
    PRIZE,
    RAISES,
    SHORT,
    constant,
    files,
    new_name,
    promote,
    push_version,
    serve,
    wait_for,
)

DOCS = ROOT / "docs" / "metrics.md"
EATS = (
    'def label(text):\n    hoard = []\n    while "eat" in text:\n        hoard.append("x" * 1000000)\n    return None\n'
)
TURNED = (b'ham = "wanted"\nspam = "unwanted"', b'spam = "unwanted"\nham = "wanted"\nnews = "neither"')
FIGURES = (
    "records",
    "agreements",
    "abstentions",
    "production_abstentions",
    "votes",
    "errors",
    "dropped",
)


@pytest.fixture(scope="module")
def shadowing(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that evaluates candidates on every record."""
    process = Service(tmp_path_factory.mktemp("shadow") / "data", registry=registry.address, shadow_share=1).start()
    yield process
    assert process.stop() == 0


def figures(service: Service, task: str) -> dict[str, float]:
    return {name: service.total(f"labelwright_shadow_{name}_total", task=task) for name in FIGURES}


def by_label(service: Service, metric: str, task: str) -> dict[str, float]:
    samples = service.scrape().get(metric, [])
    return {labels["label"]: value for labels, value in samples if labels["task"] == task}


def wait_for_shadow(service: Service, version: registry_service_pb2.Version, workers: int = 1) -> None:
    def shadowed() -> list[float]:
        return [
            value for labels, value in service.scrape()["labelwright_shadow_version"] if labels["task"] == version.task
        ]

    until(lambda: shadowed() == [version.number] * workers)


def label(service: Service, task: str, texts: list[str], **selector: Any) -> pb.LabelBatchResponse:
    return service.stub().LabelBatch(pb.LabelBatchRequest(task=task, texts=texts, **selector), timeout=20)


def labels_of(reply: pb.LabelBatchResponse) -> list[str]:
    return [outcome.labeling.label for outcome in reply.outcomes]


def delete_candidate(stub: RegistryServiceStub, task: str) -> None:
    stub.DeleteAlias(registry_service_pb2.DeleteAliasRequest(task=task, alias="candidate", actor="test", reason="test"))


def test_the_candidate_and_production_are_compared_on_the_same_records(
    registry_stub: RegistryServiceStub, shadowing: Service
) -> None:
    name = new_name()
    serve(registry_stub, files(name, prize=PRIZE))
    turned = files(name, prize=PRIZE, short=SHORT, raises=RAISES)
    turned["task.toml"] = turned["task.toml"].replace(*TURNED)
    candidate = push_version(registry_stub, turned)
    promote(registry_stub, candidate, "candidate")
    wait_for_shadow(shadowing, candidate)
    texts = ["a prize for all who read this"] * 3 + ["short"] * 2 + ["neither of the two, and boom"]
    reply = label(shadowing, name, texts)
    assert labels_of(reply) == ["spam"] * 3 + [""] * 3
    assert (reply.served.version, reply.served.alias, reply.served.shadow_alias) == (1, "production", "candidate")
    until(lambda: figures(shadowing, name)["records"] == 6)
    assert figures(shadowing, name) == {
        "records": 6,
        "agreements": 4,
        "abstentions": 1,
        "production_abstentions": 3,
        "votes": 18,
        "errors": 1,
        "dropped": 0,
    }
    assert by_label(shadowing, "labelwright_shadow_labels_total", name) == {"spam": 3, "ham": 2, "news": 0}
    assert by_label(shadowing, "labelwright_shadow_production_labels_total", name) == {"spam": 3, "ham": 0}
    assert shadowing.total("labelwright_live_version", task=name, alias="candidate") == candidate.number


def test_evaluations_in_the_shadow_count_nowhere_else(registry_stub: RegistryServiceStub, shadowing: Service) -> None:
    name = new_name()
    serve(registry_stub, constant(name, "ham"))
    candidate = push_version(registry_stub, files(name, raises=RAISES))
    promote(registry_stub, candidate, "candidate")
    wait_for_shadow(shadowing, candidate)
    reply = label(shadowing, name, ["boom"], alias="candidate")
    assert (reply.served.version, reply.served.shadow_alias) == (candidate.number, "")
    assert label(shadowing, name, ["boom"], version=candidate.number).served.shadow_alias == ""
    lookups = shadowing.total("labelwright_cache_lookups_total")
    label(shadowing, name, ["boom", "one", "two"])
    until(lambda: figures(shadowing, name)["records"] == 3)
    assert shadowing.total("labelwright_cache_lookups_total") == lookups + 3
    totals = {
        metric: shadowing.total(f"labelwright_{metric}_total", task=name)
        for metric in ("records", "other_records", "labels", "abstentions", "votes", "program_errors")
    }
    assert totals == {
        "records": 5,
        "other_records": 2,
        "labels": 3,
        "abstentions": 0,
        "votes": 9,
        "program_errors": 0,
    }


def test_a_new_candidate_begins_at_zero_and_series_go_with_the_shadow(
    registry_stub: RegistryServiceStub, shadowing: Service
) -> None:
    name = new_name()
    production = serve(registry_stub, constant(name, "ham"))
    wait_for(shadowing.stub(), production)
    for programs in (1, 2):
        candidate = push_version(registry_stub, constant(name, "spam", programs=programs))
        promote(registry_stub, candidate, "candidate")
        wait_for_shadow(shadowing, candidate)
        assert set(figures(shadowing, name).values()) == {0}
        label(shadowing, name, ["one", "two"])
        until(lambda: figures(shadowing, name)["records"] == 2)
        assert by_label(shadowing, "labelwright_shadow_labels_total", name) == {"ham": 0, "spam": 2}
    promote(registry_stub, candidate)
    until(lambda: label(shadowing, name, []).served.shadow_alias == "")
    assert label(shadowing, name, ["three"]).served.version == candidate.number
    samples = shadowing.scrape()
    series = [labels for metric, found in samples.items() if "shadow" in metric for labels, _ in found]
    assert not any(labels["task"] == name for labels in series)
    delete_candidate(registry_stub, name)
    until(lambda: not shadowing.total("labelwright_live_version", task=name, alias="candidate"))
    assert labels_of(label(shadowing, name, ["four"])) == ["spam"]


def test_candidates_that_loop_crash_and_eat_memory_touch_no_answer_of_production(
    registry: Registry, registry_stub: RegistryServiceStub, tmp_path: Path
) -> None:
    name = new_name()
    limits = "time_ms = 100\nmemory_mb = 64"
    production = serve(registry_stub, files(name, prize=PRIZE, limits="time_ms = 5000"))
    bad = push_version(registry_stub, files(name, loops=LOOPS, raises=RAISES, eats=EATS, prize=PRIZE, limits=limits))
    promote(registry_stub, bad, "candidate")
    service = Service(tmp_path / "data", registry=registry.address, shadow_share=1, tasks=name).start()
    wait_for(service.stub(), production)
    wait_for_shadow(service, bad)
    number = 0
    while figures(service, name)["errors"] < 10 or not figures(service, name)["dropped"]:
        texts = [f"prize: loop, boom, eat {number + index}" for index in range(100)]
        assert labels_of(label(service, name, texts)) == ["spam"] * 100
        number += 100
    assert service.total("labelwright_program_errors_total") == 0
    assert service.total("labelwright_benched_programs", task=name) == 0
    assert service.total("labelwright_requests_total", outcome="OK") == service.total("labelwright_requests_total")
    assert service.stop() == 0
    assert "loop, boom" not in service.log.read_text()


def test_a_candidate_with_other_fields_gets_no_shadow(registry_stub: RegistryServiceStub, shadowing: Service) -> None:
    name = new_name()
    serve(registry_stub, constant(name, "ham"))
    fields = 'text = "text"\nsize = { type = "number", optional = true }'
    unfit = push_version(registry_stub, files(name, fields=fields, always='def label(text):\n    return "spam"\n'))
    promote(registry_stub, unfit, "candidate")
    until(lambda: shadowing.total("labelwright_live_version", task=name, alias="candidate") == unfit.number)
    reply = label(shadowing, name, ["one"])
    assert (labels_of(reply), reply.served.shadow_alias) == (["ham"], "")
    assert labels_of(label(shadowing, name, ["one"], alias="candidate")) == ["spam"]
    assert not shadowing.total("labelwright_shadow_version", task=name)
    events = shadowing.events("candidate takes other fields than production; it gets no shadow")
    assert [event["task"] for event in events] == [name]


def test_a_candidate_that_cannot_be_had_holds_up_no_production(
    registry: Registry, registry_stub: RegistryServiceStub, shadowing: Service
) -> None:
    name = new_name()
    wait_for(shadowing.stub(), serve(registry_stub, constant(name, "ham")))
    missing = push_version(registry_stub, constant(name, "spam"))
    kept = damage(registry.data_dir, missing.digest)
    promote(registry_stub, missing, "candidate")
    until(lambda: shadowing.total("labelwright_reload_failing", task=name, alias="candidate") == missing.number)
    third = serve(registry_stub, constant(name, "spam", programs=2))
    wait_for(shadowing.stub(), third)
    for path, content in kept.items():
        path.write_bytes(content)
    wait_for_shadow(shadowing, missing)
    assert label(shadowing, name, ["one"]).served.shadow_alias == "candidate"


def test_a_share_of_the_records_is_evaluated(
    registry: Registry, registry_stub: RegistryServiceStub, service: Service
) -> None:
    name = new_name()
    serve(registry_stub, constant(name, "ham"))
    candidate = push_version(registry_stub, constant(name, "ham", programs=2))
    promote(registry_stub, candidate, "candidate")
    wait_for_shadow(service, candidate)
    for number in range(10):
        label(service, name, [f"always the same {number % 2}"] * 200)
    until(lambda: figures(service, name)["records"] > 0)
    time.sleep(0.5)
    chosen = figures(service, name)["records"]
    # A tenth of 2,000: beyond 5 standard deviations once in a million times.
    assert 130 < chosen < 270
    assert figures(service, name)["agreements"] == chosen


@pytest.mark.parametrize("setting", [{"shadow_share": 0}, {"shadow_alias": ""}])
def test_without_a_share_or_an_alias_there_is_no_shadow(
    setting: dict[str, object], registry: Registry, registry_stub: RegistryServiceStub, tmp_path: Path
) -> None:
    name = new_name()
    production = serve(registry_stub, constant(name, "ham"))
    promote(registry_stub, push_version(registry_stub, constant(name, "spam")), "candidate")
    service = Service(tmp_path / "data", registry=registry.address, tasks=name, **setting).start()
    try:
        wait_for(service.stub(), production)
        assert label(service, name, ["one"]).served.shadow_alias == ""
        assert service.total("labelwright_loaded_versions") == 1
        assert labels_of(label(service, name, ["one"], alias="candidate")) == ["spam"]
    finally:
        service.stop()


def test_the_documented_sum_holds_the_figures_of_one_candidate_only(
    registry: Registry, registry_stub: RegistryServiceStub, tmp_path: Path
) -> None:
    name = new_name()
    serve(registry_stub, constant(name, "ham"))
    first, second = (push_version(registry_stub, constant(name, "spam", programs=count)) for count in (1, 2))
    promote(registry_stub, first, "candidate")
    services = [
        Service(
            tmp_path / f"data-{count}", registry=registry.address, shadow_share=1, tasks=name, workers=count
        ).start()
        for count in (1, 2)
    ]
    prometheus = Prometheus(tmp_path, {"service": [service.metrics_address for service in services]}).start()
    (documented,) = re.findall(r"^sum\(labelwright_shadow_records_total.*$", DOCS.read_text(), re.MULTILINE)

    def found(version: registry_service_pb2.Version, metric: str = "records") -> float:
        query = documented.replace('"spam"', f'"{name}"').replace("== 2", f"== {version.number}")
        return sum(value for _, value in prometheus.query(query.replace("_records_", f"_{metric}_")))

    def candidate_moves(version: registry_service_pb2.Version, texts: list[str]) -> None:
        promote(registry_stub, version, "candidate")
        for count, service in enumerate(services, start=1):
            wait_for_shadow(service, version, count)
            label(service, name, texts)
        until(lambda: found(version) == found(version, "labels") == 2 * len(texts))
        assert found(version, "agreements") == 0

    try:
        candidate_moves(first, ["a"] * 5)
        candidate_moves(second, ["b"] * 3)
        assert found(first) == 0
    finally:
        prometheus.stop()
        for service in services:
            service.stop()
