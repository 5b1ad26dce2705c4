from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest
from labelwright.client import RunClient
from labelwright.core.errors import InvalidRequest, LabelwrightError, RunFileNotFound, StorageFull
from labelwright.core.run import MAX_FILE_BYTES, Review, RunCost, RunState
from labelwright.core.wire.status import from_rpc_error
from labelwright.registry.runs import files as run_files
from labelwright.registry.runs.files import RunFileStore
from labelwright.registry.runs.runs import RunStore
from labelwright.registry.store.database import Database
from labelwright.registry.store.models import RunFileRow
from labelwright.v1 import run_service_pb2 as pb
from labelwright.v1.run_service_pb2_grpc import RunServiceStub
from sqlalchemy import func, select

from tests.parts.registry import Registry
from tests.parts.runs import Runs, open_run, runs_of


@pytest.fixture
def runs(registry: Registry) -> Iterator[Runs]:
    with runs_of(registry) as scene:
        yield scene


@pytest.fixture
def client(runs: Runs) -> RunClient:
    return runs.client


def test_files_are_kept_replaced_and_listed(runs: Runs, client: RunClient) -> None:
    run, lease = runs.leased()
    assert client.list_files(run.id) == ()
    assert client.put_file(run.id, lease, "sample.jsonl", b"one\n")
    assert client.put_file(run.id, lease, "bundle/task.toml", b"")
    assert client.put_file(run.id, lease, "bundle/b.py", b"\x00\xff")
    assert client.put_file(run.id, lease, "Bundle/ü%_.py", b"x")
    assert not client.put_file(run.id, lease, "sample.jsonl", b"two\n")
    assert client.get_file(run.id, "sample.jsonl") == b"two\n"
    assert client.get_file(run.id, "bundle/b.py") == b"\x00\xff"
    assert client.get_file(run.id, "bundle/task.toml") == b""
    assert client.list_files(run.id) == ("Bundle/ü%_.py", "bundle/b.py", "bundle/task.toml", "sample.jsonl")
    assert client.list_files(run.id, "bundle/") == ("bundle/b.py", "bundle/task.toml")
    assert client.list_files(run.id, "%") == ()
    with pytest.raises(RunFileNotFound):
        client.get_file(run.id, "sample")


def test_what_a_file_cost_is_booked_once(runs: Runs, client: RunClient) -> None:
    run, lease = runs.leased()
    cost = RunCost(calls=1, tokens_in=1000, tokens_out=200, dollars=0.25)
    for _ in range(3):
        client.put_file(run.id, lease, "reply/1", b"label", cost)
    assert client.get(run.id).cost == cost
    client.put_file(run.id, lease, "reply/2", b"label", cost)
    client.put_file(run.id, lease, "sample.jsonl", b"")
    assert client.get(run.id).cost == cost + cost
    client.put_file(run.id, lease, "reply/3", b"", RunCost(1, 10, 10, None))
    assert client.get(run.id).cost == RunCost(3, 2010, 410, None)
    client.advance(run.id, lease, RunState.TRIGGERED, RunState.FAILED, "no more")
    assert client.get(run.id).cost == RunCost(3, 2010, 410, None)


@pytest.mark.parametrize("reviewed", [False, True])
def test_files_go_when_the_run_ends(reviewed: bool, runs: Runs, client: RunClient) -> None:
    run, lease = runs.leased()
    other, other_lease = runs.leased()
    for number, held in ((run.id, lease), (other.id, other_lease)):
        client.put_file(number, held, "sample.jsonl", b"records")
    if reviewed:
        client.review(run.id, Review.CANCEL, "ada", "stop")
    else:
        client.advance(run.id, lease, RunState.TRIGGERED, RunState.FAILED, "no records")
    assert client.list_files(run.id) == ()
    with pytest.raises(RunFileNotFound):
        client.get_file(run.id, "sample.jsonl")
    with pytest.raises(LabelwrightError, match="not held"):
        client.put_file(run.id, lease, "sample.jsonl", b"records")
    assert client.get_file(other.id, "sample.jsonl") == b"records"


def test_the_largest_file_and_one_byte_more(runs: Runs, client: RunClient) -> None:
    run, lease = runs.leased()
    name = "ü" * 200
    assert client.put_file(run.id, lease, name, bytes(MAX_FILE_BYTES))
    assert len(client.get_file(run.id, name)) == MAX_FILE_BYTES
    with pytest.raises(InvalidRequest):
        client.put_file(run.id, lease, name, bytes(MAX_FILE_BYTES + 1))
    with pytest.raises(InvalidRequest):
        client.put_file(run.id, lease, name + "x", b"")
    request = pb.PutRunFileRequest(run_id=run.id, lease=lease, name="x", content=bytes(MAX_FILE_BYTES + 1))
    with grpc.insecure_channel(runs.registry.address) as channel, pytest.raises(grpc.RpcError) as caught:
        RunServiceStub(channel).PutRunFile(request)
    assert isinstance(from_rpc_error(caught.value), InvalidRequest)
    assert client.list_files(run.id) == (name,)


@pytest.mark.parametrize(
    "cost", [RunCost(dollars=-1.0), RunCost(dollars=float("nan")), RunCost(dollars=1e10), RunCost(tokens_in=1 << 63)]
)
def test_costs_that_nobody_can_have(cost: RunCost, runs: Runs, client: RunClient) -> None:
    run, lease = runs.leased()
    with pytest.raises(InvalidRequest):
        client.put_file(run.id, lease, "reply", b"", cost)
    assert client.get(run.id).cost == RunCost()


def test_a_run_keeps_so_much_and_no_more(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_files, "MAX_RUN_FILES", 3)
    monkeypatch.setattr(run_files, "MAX_RUN_BYTES", 100)
    runs, files = RunStore(database), RunFileStore(database)
    run_id, lease = open_run(database, runs)
    cost = RunCost(1, 1, 1, 0.5)
    assert files.put(run_id, lease, "a", bytes(60), cost)
    with pytest.raises(StorageFull):
        files.put(run_id, lease, "b", bytes(41), cost)
    assert files.put(run_id, lease, "b", bytes(40), cost)
    assert not files.put(run_id, lease, "a", bytes(10), cost)
    assert files.put(run_id, lease, "c", bytes(50), cost)
    with pytest.raises(StorageFull):
        files.put(run_id, lease, "d", b"", cost)
    assert files.names(run_id, "") == ["a", "b", "c"]
    assert runs.get(run_id).cost.calls == 3
    runs.review(run_id, Review.CANCEL, "ada", "done")
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(RunFileRow)) == 0
