from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import grpc
import pytest
from labelwright.core.errors import LabelwrightError
from labelwright.core.wire.messages import record_to_message
from labelwright.core.wire.status import from_rpc_error
from labelwright.v1 import label_service_pb2 as pb
from labelwright.v1 import record_pb2, registry_service_pb2
from labelwright.v1.label_service_pb2_grpc import LabelServiceStub
from labelwright.v1.registry_service_pb2_grpc import RegistryServiceStub

from tests.parts.registry import Registry
from tests.parts.service import Service
from tests.service.bundles import MIXED, MIXED_FIELDS, PRIZE, QUADRATIC, files, new_name, serve, wait_for


def refusal(call: Callable[[], object]) -> LabelwrightError:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return from_rpc_error(caught.value)


@pytest.fixture(scope="module")
def mixed(registry_stub: RegistryServiceStub, stub: LabelServiceStub) -> registry_service_pb2.Version:
    version = serve(registry_stub, files(new_name(), fields=MIXED_FIELDS, limits="record_bytes = 1000", mixed=MIXED))
    wait_for(stub, version)
    return version


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"task": "no-such-task"}, "TASK_NOT_FOUND"),
        ({"task": ""}, "INVALID_REQUEST"),
        ({"task": "x\0\n" * 50_000}, "TASK_NOT_FOUND"),
        ({"alias": "no-such-alias"}, "ALIAS_NOT_FOUND"),
        ({"version": 999}, "VERSION_NOT_FOUND"),
        ({"version": 0}, "VERSION_NOT_FOUND"),
        ({"text": None}, "INVALID_REQUEST"),
        ({"text": "x" * (65 << 10)}, "RECORD_TOO_LARGE"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(
    change: dict[str, object], reason: str, spam: registry_service_pb2.Version, stub: LabelServiceStub
) -> None:
    fields = {"task": spam.task, "text": "x", **change}
    error = refusal(lambda: stub.Label(pb.LabelRequest(**fields), timeout=20))  # type: ignore[arg-type]
    assert error.reason == reason
    assert len(error.message) < 300


GOOD: dict[str, object] = {"text": "x", "count": 1, "urgent": False, "scores": [1.0]}


@pytest.mark.parametrize(
    ("change", "reason", "field"),
    [
        ({"surprise": 1}, "INVALID_RECORD", "'surprise'"),
        ({"count": None}, "INVALID_RECORD", "count"),
        ({"count": "three"}, "INVALID_RECORD", "count"),
        ({"urgent": 1}, "INVALID_RECORD", "urgent"),
        ({"scores": 1.0}, "INVALID_RECORD", "scores"),
        ({"blob": "text"}, "INVALID_RECORD", "blob"),
        ({"text": b"bytes"}, "INVALID_RECORD", "text"),
        ({"text": "é" * 1000}, "RECORD_TOO_LARGE", ""),
        ({"scores": [0.1] * 1000}, "RECORD_TOO_LARGE", ""),
    ],
)
def test_a_wrong_record_is_told_which_field_is_wrong(
    change: dict[str, object], reason: str, field: str, mixed: registry_service_pb2.Version, stub: LabelServiceStub
) -> None:
    record = record_to_message({**GOOD, **change})
    error = refusal(lambda: stub.Label(pb.LabelRequest(task=mixed.task, record=record)))
    assert (error.reason, error.metadata.get("field", "")) == (reason, field)
    outcome = stub.LabelBatch(pb.LabelBatchRequest(task=mixed.task, records=[record])).outcomes[0]
    assert (outcome.error.reason, outcome.error.field) == (reason, field)


def test_a_field_without_a_value_is_refused(mixed: registry_service_pb2.Version, stub: LabelServiceStub) -> None:
    record = record_to_message(GOOD)
    record.fields["count"].CopyFrom(record_pb2.Value())
    error = refusal(lambda: stub.Label(pb.LabelRequest(task=mixed.task, record=record)))
    assert (error.reason, error.metadata["field"]) == ("INVALID_RECORD", "'count'")


def test_the_short_form_is_refused_where_the_task_has_more_fields(
    mixed: registry_service_pb2.Version, stub: LabelServiceStub
) -> None:
    assert refusal(lambda: stub.Label(pb.LabelRequest(task=mixed.task, text="x"))).reason == "INVALID_RECORD"


@pytest.mark.parametrize("text", ["", "\0", "\u2028\ufeff\U0001f600", "a\0b prize", "\ud7ff\ue000", "x" * 60_000])
def test_unusual_texts_are_labeled_like_any_other(
    text: str, spam: registry_service_pb2.Version, stub: LabelServiceStub
) -> None:
    labeling = stub.Label(pb.LabelRequest(task=spam.task, text=text)).labeling
    expected = {"ham": len(text) < 20, "spam": "prize" in text}
    assert not labeling.degraded
    assert labeling.label == (
        "" if len(set(expected.values())) == 1 else max(expected, key=lambda name: expected[name])
    )


@pytest.mark.parametrize("text", [b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\x80"], ids=["bytes", "surrogate", "overlong"])
def test_invalid_utf8_on_the_wire_is_refused_with_a_reason(
    text: bytes, spam: registry_service_pb2.Version, service: Service
) -> None:
    name = spam.task.encode()
    message = b"\x0a" + bytes([len(name)]) + name + b"\x2a" + bytes([len(text)]) + text
    call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = service.channel().unary_unary(
        "/labelwright.v1.LabelService/Label"
    )
    error = refusal(lambda: call(message))
    assert (error.reason, error.status) == ("INVALID_REQUEST", "INVALID_ARGUMENT")
    stream: grpc.StreamStreamMultiCallable[bytes, bytes] = service.channel().stream_stream(
        "/labelwright.v1.LabelService/LabelStream"
    )
    item = b"\x12" + bytes([len(message)]) + message
    assert refusal(lambda: list(stream(iter([item])))).reason == "INVALID_REQUEST"


def test_noise_instead_of_a_message_is_refused(service: Service) -> None:
    call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = service.channel().unary_unary(
        "/labelwright.v1.LabelService/LabelBatch"
    )
    assert refusal(lambda: call(b"\xff" * 1000)).reason == "INVALID_REQUEST"


def test_too_many_records_are_refused(spam: registry_service_pb2.Version, stub: LabelServiceStub) -> None:
    request = pb.LabelBatchRequest(task=spam.task, texts=["x"] * 4097)
    error = refusal(lambda: stub.LabelBatch(request))
    assert (error.reason, error.metadata["limit"]) == ("INVALID_REQUEST", "4096")


@pytest.mark.parametrize(("size", "status"), [(17 << 20, "INVALID_ARGUMENT"), (40 << 20, "RESOURCE_EXHAUSTED")])
def test_a_huge_request_is_refused(
    size: int, status: str, spam: registry_service_pb2.Version, stub: LabelServiceStub
) -> None:
    request = pb.LabelBatchRequest(task=spam.task, texts=["x" * (size // 1000)] * 1000)
    with pytest.raises(grpc.RpcError) as caught:
        stub.LabelBatch(request, timeout=30)
    assert caught.value.code().name == status
    assert re.search("larger|allowed", str(caught.value.details()))


def test_records_and_texts_in_one_batch_are_refused(spam: registry_service_pb2.Version, stub: LabelServiceStub) -> None:
    request = pb.LabelBatchRequest(task=spam.task, texts=["x"], records=[record_to_message({"text": "x"})])
    assert refusal(lambda: stub.LabelBatch(request)).reason == "INVALID_REQUEST"


def test_a_quadratic_pattern_times_out_and_the_others_decide(
    registry_stub: RegistryServiceStub, stub: LabelServiceStub
) -> None:
    version = serve(registry_stub, files(new_name(), limits="record_bytes = 200000", prize=PRIZE, slow=QUADRATIC))
    wait_for(stub, version)
    request = pb.LabelRequest(task=version.task, text="a" * 100_000 + " prize", explain=True)
    labeling = stub.Label(request, timeout=20).labeling
    assert (labeling.label, labeling.degraded) == ("spam", True)
    assert labeling.votes[1].error == pb.VOTE_ERROR_TIMEOUT


def test_a_deadline_is_kept_even_while_a_program_loops(
    registry_stub: RegistryServiceStub, stub: LabelServiceStub
) -> None:
    version = serve(registry_stub, files(new_name(), limits="record_bytes = 200000\ntime_ms = 10000", slow=QUADRATIC))
    wait_for(stub, version)
    request = pb.LabelRequest(task=version.task, text="a" * 100_000)
    assert refusal(lambda: stub.Label(request, timeout=0.5)).reason == "DEADLINE_EXCEEDED"
    assert stub.Label(pb.LabelRequest(task=version.task, text="ab"), timeout=10).labeling.label == "spam"


def test_nothing_that_a_caller_wrote_becomes_a_series(service: Service, stub: LabelServiceStub) -> None:
    refusal(lambda: stub.Label(pb.LabelRequest(task="made-up-by-a-caller", alias="also-made-up", text="x")))
    metrics = str(service.scrape())
    assert "made-up" not in metrics
    assert service.total("labelwright_requests_total", method="Label", outcome="TASK_NOT_FOUND") >= 1


def test_records_never_reach_the_log(
    spam: registry_service_pb2.Version, stub: LabelServiceStub, service: Service
) -> None:
    stub.Label(pb.LabelRequest(task=spam.task, text="a very private sentence"))
    record = record_to_message({"a very private name": 1})
    refusal(lambda: stub.Label(pb.LabelRequest(task=spam.task, record=record)))
    assert "private" not in service.log.read_text()


def test_a_task_that_is_not_served_here_is_not_found_by_number_either(
    registry: Registry, spam: registry_service_pb2.Version, tmp_path: Path
) -> None:
    other = Service(tmp_path / "data", registry=registry.address, tasks="another-task").start()
    try:
        for task in (spam.task, "x" * 1_000_000):
            request = pb.LabelRequest(task=task, version=1, text="x")
            assert refusal(partial(other.stub().Label, request)).reason == "TASK_NOT_FOUND"
    finally:
        assert other.stop() == 0
