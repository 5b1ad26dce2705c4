"""A push that would take minutes ends with its caller, and delays nobody."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from labelwright.v1 import registry_service_pb2 as pb

from tests.parts.registry import Registry, push
from tests.registry.bundles import files, new_name

ENDLESS = "while True:\n    pass\n\n\ndef label(text):\n    return None\n"


def endless(name: str) -> pb.PushVersionRequest:
    programs: dict[str, Any] = {f"p{number}": f"{ENDLESS}\n# {number}\n" for number in range(20)}
    contents = files(name, **programs)
    bundle = pb.Bundle(files=[pb.BundleFile(path=path, content=content) for path, content in contents.items()])
    return pb.PushVersionRequest(bundle=bundle)


def test_endless_pushes_end_at_their_deadlines_and_the_next_is_judged(registry: Registry) -> None:
    stub = registry.stub()
    started = time.monotonic()
    with ThreadPoolExecutor() as pool:
        pushes = [pool.submit(stub.PushVersion, endless(new_name()), timeout=4) for _ in range(2)]
        longest = 0.0
        while not all(future.done() for future in pushes):
            before = time.monotonic()
            stub.ListTasks(pb.ListTasksRequest(), timeout=60)
            longest = max(longest, time.monotonic() - before)
            time.sleep(0.05)
    for future in pushes:
        error = future.exception()
        assert isinstance(error, grpc.RpcError)
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert longest < 4.0
    assert push(stub, files(new_name())).created
    assert time.monotonic() - started < 30.0


def test_an_endless_push_ends_when_its_caller_leaves(registry: Registry) -> None:
    stub = registry.stub()
    for _ in range(3):  # more than are judged at once
        call = stub.PushVersion.future(endless(new_name()), timeout=200)
        with pytest.raises(grpc.FutureTimeoutError):
            call.result(timeout=1)
        call.cancel()
    started = time.monotonic()
    assert push(stub, files(new_name())).created
    assert time.monotonic() - started < 25.0
