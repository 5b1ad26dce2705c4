from __future__ import annotations

import re
from pathlib import Path

import grpc
import pytest
from labelwright.core.label_model import MajorityVote
from labelwright.core.vote import VoteError
from labelwright.core.wire.messages import record_to_message
from labelwright.service.answer import Answers
from labelwright.service.metrics import MAX_LABELS, MAX_PROGRAMS, MAX_TASKS, OTHER, REASONS, ServiceMetrics
from labelwright.v1 import label_service_pb2 as pb
from labelwright.v1.label_service_pb2_grpc import LabelServiceStub
from labelwright.v1.registry_service_pb2_grpc import RegistryServiceStub
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from tests.parts.redis import Redis
from tests.parts.registry import Registry
from tests.parts.repository import ROOT
from tests.parts.service import Service, until
from tests.service.bundles import PRIZE, RAISES, SHORT, files, new_name, promote, push_version, serve, wait_for

DOCS = ROOT / "docs" / "metrics.md"
GOLD = b'{"text": "a prize for everybody", "label": "spam"}\n{"text": "ok", "label": "ham"}\n'
SUFFIXES = ("_bucket", "_count", "_sum")


def documented() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return each metric's type and labels."""
    rows = re.findall(r"^\| `(labelwright_\w+)` \| (\w+) \| ([^|]*)\|", DOCS.read_text(), re.MULTILINE)
    return {name: (kind, tuple(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}


def test_what_is_exported_is_what_is_documented(
    registry: Registry, registry_stub: RegistryServiceStub, redis_server: Redis, tmp_path: Path
) -> None:
    version = serve(registry_stub, files(new_name(), prize=PRIZE, raises=RAISES, short=SHORT) | {"gold.jsonl": GOLD})
    promote(registry_stub, push_version(registry_stub, files(version.task)), "candidate")
    service = Service(
        tmp_path / "data", registry=registry.address, redis_url=redis_server.url, workers=2, tasks=version.task
    ).start()
    try:
        stub = service.stub()
        wait_for(stub, version)
        until(lambda: len(service.scrape()["labelwright_shadow_version"]) == 2)
        stub.Label(pb.LabelRequest(task=version.task, text="boom prize"))
        stub.LabelBatch(pb.LabelBatchRequest(task=version.task, records=[record_to_message({"wrong": 1})]))
        with pytest.raises(grpc.RpcError):
            stub.Label(pb.LabelRequest(task="no-such-task", text="x"))
        list(stub.LabelStream(iter([pb.LabelStreamRequest()])))
        samples = service.scrape()
        assert samples["labelwright_shadow_labels_total"]
    finally:
        assert service.stop() == 0
    exported = {re.sub(r"(_bucket|_count|_sum)$", "", name) for name in samples}
    counters = {name for name in samples if f"{name}_total" in samples or not samples[name]}
    table = documented()
    assert {name for name in exported - counters if name in table or f"{name}_total" not in table} <= table.keys()
    assert table.keys() <= exported | {f"{name}_total" for name in counters}
    for name, found in samples.items():
        base = re.sub(r"(_bucket|_count|_sum)$", "", name)
        for labels, _ in found:
            assert set(labels) - {"worker", "le"} == set(table[base][1]) - {"worker"}, name
            assert "worker" in labels


def test_documented_bounds_are_those_of_the_code() -> None:
    text = " ".join(DOCS.read_text().split())
    assert f"at most {MAX_TASKS} at once" in text
    assert f"at most {MAX_LABELS} for a task" in text
    assert f"at most {MAX_PROGRAMS} for a task" in text
    assert "| `method`, `outcome` | 3 × 40 |" in text  # noqa: RUF001
    assert len(REASONS) < 40


def exposed(metrics: ServiceMetrics) -> dict[str, list[tuple[dict[str, str], float]]]:
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(generate_latest(metrics.registry).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def test_labels_and_programs_above_the_bound_share_one_series() -> None:
    metrics = ServiceMetrics()
    labels = [f"label {number}" for number in range(150)]
    programs = [f"program_{number}" for number in range(70)]
    meter = metrics.meter("wide", labels, programs)
    answers = Answers(labels, programs, MajorityVote())
    for label in range(150):
        meter.count([answers.of((label,) + (VoteError.RAISED,) * 69)], [1], production=True)
    found = exposed(metrics)
    by_label = {sample["label"]: value for sample, value in found["labelwright_labels_total"]}
    by_program = {
        sample["program"]: value
        for sample, value in found["labelwright_program_errors_total"]
        if sample["kind"] == "RAISED"
    }
    assert (len(by_label), by_label[OTHER], sum(by_label.values())) == (MAX_LABELS + 1, 50, 150)
    assert (len(by_program), by_program[OTHER], by_program["program_1"]) == (MAX_PROGRAMS + 1, 6 * 150, 150)


def test_tasks_above_the_bound_share_one_series() -> None:
    metrics = ServiceMetrics()
    meters = [metrics.meter(f"task-{number}", ["a", "b"], ["p"]) for number in range(MAX_TASKS + 5)]
    answer = Answers(["a", "b"], ["p"], MajorityVote()).of((0,))
    for meter in meters:
        meter.count([answer], [1], production=True)
    votes = {labels["task"]: value for labels, value in exposed(metrics)["labelwright_votes_total"]}
    assert (len(votes), votes[OTHER], votes["task-0"]) == (MAX_TASKS + 1, 5, 1)


def test_series_go_when_the_last_version_that_has_them_is_closed() -> None:
    metrics = ServiceMetrics()
    answers = Answers(["a", "b"], ["old", "both"], MajorityVote())
    first = metrics.meter("task", ["a", "b"], ["old", "both"])
    second = metrics.meter("task", ["a", "c"], ["both", "new"])
    for meter in (first, second):
        meter.count([answers.of((VoteError.RAISED, VoteError.RAISED))], [1], production=True)
    first.drop()
    found = exposed(metrics)
    assert {labels["label"] for labels, _ in found["labelwright_labels_total"]} == {"a", "c"}
    assert {labels["program"] for labels, _ in found["labelwright_program_errors_total"]} == {"both", "new"}
    assert found["labelwright_abstentions_total"][0][1] == 2
    second.drop()
    assert not any("task" in labels for samples in exposed(metrics).values() for labels, _ in samples)


def test_only_answers_of_production_count_as_its_figures(
    registry_stub: RegistryServiceStub, service: Service, stub: LabelServiceStub
) -> None:
    name = new_name()
    old = serve(registry_stub, files(name, prize=PRIZE, short=SHORT))
    wait_for(stub, old)
    version = serve(registry_stub, files(name, prize=PRIZE, raises=RAISES, short=SHORT))
    promote(registry_stub, old, "other")
    wait_for(stub, version)
    wait_for(stub, old, "other")

    def figures() -> list[float]:
        metrics = ("labels", "abstentions", "conflicts", "votes", "program_errors")
        return [service.total(f"labelwright_{metric}_total", task=name) for metric in metrics]

    texts = ["a prize", "boom, and long enough for all"]
    stub.LabelBatch(pb.LabelBatchRequest(task=name, texts=texts))
    stub.Label(pb.LabelRequest(task=name, alias="production", text="a prize"))
    stub.Label(pb.LabelRequest(task=name, version=version.number, text="a prize"))
    assert figures() == [0, 4, 3, 12, 1]
    stub.LabelBatch(pb.LabelBatchRequest(task=name, alias="other", texts=texts))
    stub.Label(pb.LabelRequest(task=name, version=old.number, text="a prize"))
    request = pb.LabelRequest(task=name, alias="other", text="short")
    assert [reply.outcome.labeling.label for reply in stub.LabelStream(iter([pb.LabelStreamRequest(request=request)]))]
    assert figures() == [0, 4, 3, 12, 1]
    assert service.total("labelwright_other_records_total", task=name) == 4
    assert service.total("labelwright_records_total", task=name) == 8
