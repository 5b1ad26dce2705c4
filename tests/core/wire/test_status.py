"""Errors over a real socket: what a server raises is what its client catches, and nothing else leaves the server."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from labelwright.core import errors
from labelwright.core.errors import LabelwrightError
from labelwright.core.wire.status import ErrorInterceptor, from_rpc_error
from labelwright.v1 import label_service_pb2, label_service_pb2_grpc

KINDS = [
    kind
    for kind in vars(errors).values()
    if inspect.isclass(kind)
    and issubclass(kind, LabelwrightError)
    and kind not in (LabelwrightError, errors.Overloaded)
]


class Faulty(label_service_pb2_grpc.LabelServiceServicer):
    """Raises whatever the test put in."""

    def __init__(self) -> None:
        self.error: Exception = LabelwrightError("unset")
        self.slow = False

    def Label(  # noqa: N802
        self, request: label_service_pb2.LabelRequest, context: grpc.ServicerContext
    ) -> label_service_pb2.LabelResponse:
        while self.slow and context.is_active():
            time.sleep(0.01)
        raise self.error

    def LabelBatch(  # noqa: N802
        self, request: label_service_pb2.LabelBatchRequest, context: grpc.ServicerContext
    ) -> label_service_pb2.LabelBatchResponse:
        context.abort(grpc.StatusCode.ALREADY_EXISTS, "said by the handler itself")

    def LabelStream(  # noqa: N802
        self, request_iterator: Iterator[label_service_pb2.LabelStreamRequest], context: grpc.ServicerContext
    ) -> Iterator[label_service_pb2.LabelStreamResponse]:
        for request in request_iterator:
            yield label_service_pb2.LabelStreamResponse(correlation_id=request.correlation_id)
        raise self.error


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Faulty, str]]:
    servicer = Faulty()
    server = grpc.server(ThreadPoolExecutor(2), interceptors=[ErrorInterceptor()])
    label_service_pb2_grpc.add_LabelServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield servicer, f"127.0.0.1:{port}"
    server.stop(None).wait()


@pytest.fixture
def stub(served: tuple[Faulty, str]) -> Iterator[label_service_pb2_grpc.LabelServiceStub]:
    with grpc.insecure_channel(served[1]) as channel:
        yield label_service_pb2_grpc.LabelServiceStub(channel)


def caught_from(stub: label_service_pb2_grpc.LabelServiceStub) -> LabelwrightError:
    with pytest.raises(grpc.RpcError) as caught:
        stub.Label(label_service_pb2.LabelRequest(), timeout=10)
    return from_rpc_error(caught.value)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_arrives_as_it_was_raised(served, stub, kind: type[LabelwrightError]) -> None:
    served[0].error = kind("the größte problem", advice="do this", field="text", size=3)
    caught = caught_from(stub)
    assert type(caught) is kind
    assert (caught.message, caught.advice) == ("the größte problem", "do this")
    assert caught.metadata == {"field": "text", "size": "3"}


def test_every_kind_of_error_has_a_reason_of_its_own() -> None:
    assert len({kind.reason for kind in KINDS}) == len(KINDS)


def test_an_overloaded_server_says_when_to_come_back(served, stub) -> None:
    served[0].error = errors.Overloaded("the queue is full", retry_after=0.25)
    caught = caught_from(stub)
    assert isinstance(caught, errors.Overloaded)
    assert caught.retry_after == 0.25


def test_the_unforeseen_tells_the_caller_nothing_and_the_log_no_record(served, stub, caplog) -> None:
    served[0].error = KeyError("the text of a record")
    with caplog.at_level(logging.DEBUG):
        caught = caught_from(stub)
    assert caught.reason == "INTERNAL"
    assert "record" not in caught.message
    assert "Traceback" not in caught.message
    assert "KeyError at" in caplog.text
    assert "the text of a record" not in caplog.text


def test_a_stream_delivers_what_came_before_the_error(served, stub) -> None:
    served[0].error = errors.TaskNotFound("no task 'x'")
    answers = stub.LabelStream(iter([label_service_pb2.LabelStreamRequest(correlation_id="1")]), timeout=10)
    assert next(answers).correlation_id == "1"
    with pytest.raises(grpc.RpcError) as caught:
        next(answers)
    assert isinstance(from_rpc_error(caught.value), errors.TaskNotFound)


def test_a_status_that_a_handler_set_itself_stands(stub) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        stub.LabelBatch(label_service_pb2.LabelBatchRequest(), timeout=10)
    assert caught.value.code() is grpc.StatusCode.ALREADY_EXISTS
    assert from_rpc_error(caught.value).message == "said by the handler itself"


@pytest.mark.parametrize("content", [b"\xff\xff\xff", b"\x0a\x02\xff\xfe"], ids=["garbage", "text that is not UTF-8"])
def test_an_unreadable_message_is_the_callers_fault(served: tuple[Faulty, str], content: bytes) -> None:
    with grpc.insecure_channel(served[1]) as channel:
        call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary("/labelwright.v1.LabelService/Label")
        with pytest.raises(grpc.RpcError) as caught:
            call(content, timeout=10)
    assert isinstance(from_rpc_error(caught.value), errors.InvalidRequest)


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with grpc.insecure_channel("127.0.0.1:1") as channel:
        caught = caught_from(label_service_pb2_grpc.LabelServiceStub(channel))
    assert isinstance(caught, errors.Unavailable)


def test_a_deadline_that_passes_is_exceeded(served, stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served[0], "slow", True)
    with pytest.raises(grpc.RpcError) as caught:
        stub.Label(label_service_pb2.LabelRequest(), timeout=0.1)
    assert isinstance(from_rpc_error(caught.value), errors.DeadlineExceeded)


async def _async_call(address: str) -> LabelwrightError:
    async with grpc.aio.insecure_channel(address) as channel:
        try:
            await label_service_pb2_grpc.LabelServiceStub(channel).Label(label_service_pb2.LabelRequest(), timeout=10)
        except grpc.RpcError as error:
            return from_rpc_error(error)
    raise AssertionError


def test_asyncio_calls_raise_the_same(served: tuple[Faulty, str]) -> None:
    served[0].error = errors.AliasMoved("moved", advice="look again")
    caught = asyncio.run(_async_call(served[1]))
    assert isinstance(caught, errors.AliasMoved)
    assert caught.advice == "look again"


def test_what_grpc_refuses_for_its_number_may_come_again() -> None:
    servicer = Faulty()
    servicer.slow = True
    server = grpc.server(ThreadPoolExecutor(2), interceptors=[ErrorInterceptor()], maximum_concurrent_rpcs=1)
    label_service_pb2_grpc.add_LabelServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = label_service_pb2_grpc.LabelServiceStub(channel)
        first = stub.Label.future(label_service_pb2.LabelRequest())
        codes = [grpc.StatusCode.DEADLINE_EXCEEDED]
        while codes[-1] is grpc.StatusCode.DEADLINE_EXCEEDED:  # until the first has been taken
            call = stub.Label.future(label_service_pb2.LabelRequest(), timeout=0.2)
            raised = call.exception(timeout=10)
            assert isinstance(raised, grpc.RpcError)
            codes.append(call.code())
            error = from_rpc_error(raised)
        assert isinstance(error, errors.Overloaded)
        assert error.retry_after > 0
        first.cancel()
    server.stop(0).wait()


def test_what_a_server_cancels_as_it_ends_may_come_again() -> None:
    servicer = Faulty()
    servicer.slow = True
    server = grpc.server(ThreadPoolExecutor(1), interceptors=[ErrorInterceptor()])
    label_service_pb2_grpc.add_LabelServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        grpc.channel_ready_future(channel).result(timeout=10)
        call = label_service_pb2_grpc.LabelServiceStub(channel).Label.future(label_service_pb2.LabelRequest())
        server.stop(0).wait()
        raised = call.exception(timeout=10)
        assert isinstance(raised, grpc.RpcError)
        assert isinstance(from_rpc_error(raised), errors.Unavailable)
