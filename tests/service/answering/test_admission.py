from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from labelwright.core.errors import Overloaded
from labelwright.core.wire.status import from_rpc_error
from labelwright.service.answering.admission import Admission
from labelwright.v1 import label_service_pb2 as pb
from labelwright.v1 import registry_service_pb2
from labelwright.v1.registry_service_pb2_grpc import RegistryServiceStub

from tests.parts.healthz import healthz
from tests.parts.registry import Registry
from tests.parts.service import Service, until
from tests.service.bundles import files, new_name, serve, wait_for

SLOW = "def label(text):\n    n = 0\n    for i in range(3_000_000):\n        n += i\n    return 'ham'\n"


@pytest.fixture(scope="module")
def slow(registry_stub: RegistryServiceStub) -> registry_service_pb2.Version:
    return serve(registry_stub, files(new_name(), limits="time_ms = 5000", slow=SLOW))


@pytest.fixture
def small(registry: Registry, slow: registry_service_pb2.Version, tmp_path: Path) -> Iterator[Service]:
    """A service that takes four requests, ten records and one stream at once."""
    process = Service(
        tmp_path / "data",
        registry=registry.address,
        tasks=slow.task,
        max_requests=4,
        max_records=10,
        max_streams=1,
        memory_cache_entries=0,
    ).start()
    wait_for(process.stub(), slow)
    yield process
    if process.running:
        process.stop()


def test_requests_above_the_bound_are_refused_with_a_retry_hint(
    small: Service, slow: registry_service_pb2.Version
) -> None:
    stub = small.stub()

    def ask(number: int) -> grpc.RpcError | None:
        try:
            stub.Label(pb.LabelRequest(task=slow.task, text=str(number)), timeout=30)
        except grpc.RpcError as error:
            return error
        return None

    with ThreadPoolExecutor(16) as pool:
        refusals = [error for error in pool.map(ask, range(16)) if error is not None]
    assert 1 <= len(refusals) <= 12
    for error in refusals:
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        refusal = from_rpc_error(error)
        assert isinstance(refusal, Overloaded)
        assert 0 < refusal.retry_after <= 1
        details = rpc_status.from_call(error).details  # type: ignore[arg-type]
        assert any(detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR) for detail in details)
    assert small.total("labelwright_requests_total", outcome="OVERLOADED") == len(refusals)
    assert ask(99) is None
    until(lambda: small.total("labelwright_in_flight_requests") == small.total("labelwright_in_flight_records") == 0)


def test_a_second_stream_is_refused_and_the_first_goes_on(small: Service, slow: registry_service_pb2.Version) -> None:
    first = small.stub().LabelStream(held(slow.task), timeout=30)
    assert next(first).outcome.HasField("error")
    with pytest.raises(grpc.RpcError) as caught:
        list(small.stub().LabelStream(iter([]), timeout=30))
    assert isinstance(from_rpc_error(caught.value), Overloaded)
    assert next(first).outcome.HasField("error")
    first.cancel()
    until(lambda: small.total("labelwright_open_streams") == 0)


def held(task: str) -> Iterator[pb.LabelStreamRequest]:
    """Yield requests that cost nothing, slowly."""
    for _ in range(100):
        yield pb.LabelStreamRequest(request=pb.LabelRequest(task=task))
        time.sleep(0.1)


def test_a_drain_finishes_what_is_in_flight_and_refuses_the_rest(
    small: Service, slow: registry_service_pb2.Version
) -> None:
    stub = small.stub()
    request = pb.LabelBatchRequest(task=slow.task, texts=[str(number) for number in range(4)])
    answer = stub.LabelBatch.future(request, timeout=30)
    until(lambda: small.total("labelwright_in_flight_records") == 4)
    assert healthz(small.metrics_address) == 200
    small.terminate()
    until(lambda: healthz(small.metrics_address) == 503)
    assert not answer.done()
    assert len(answer.result().outcomes) == 4
    assert small.wait() == 0
    assert small.events("draining")
    assert small.events("stopped")
    with pytest.raises(grpc.RpcError) as caught:
        stub.LabelBatch(request, timeout=5)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


def test_an_idle_stream_does_not_hold_up_a_drain(small: Service, slow: registry_service_pb2.Version) -> None:
    sent = threading.Event()

    def requests() -> Iterator[pb.LabelStreamRequest]:
        yield pb.LabelStreamRequest(correlation_id="1", request=pb.LabelRequest(task=slow.task, text="x"))
        sent.wait()

    replies = small.stub().LabelStream(requests())
    assert next(replies).outcome.labeling.label == "ham"
    small.terminate()
    with pytest.raises(grpc.RpcError) as caught:
        next(replies)
    sent.set()
    assert from_rpc_error(caught.value).reason == "UNAVAILABLE"
    assert small.wait() == 0


def test_a_batch_larger_than_the_bound_is_taken_when_nothing_else_is_there() -> None:
    admission = Admission(max_requests=4, max_records=10, max_streams=1)
    admission.enter(50)
    with pytest.raises(Overloaded):
        admission.enter(1)
    admission.leave(50)
    admission.enter(1)
    with pytest.raises(Overloaded):
        admission.enter(50)
