from __future__ import annotations

import threading
from collections.abc import Callable

import redis as redis_client
from labelwright.client import Registry, RunClient
from labelwright.core.run import RunState
from labelwright.v1 import registry_service_pb2, run_service_pb2

from tests.parts.registry import Registry as RegistryProcess
from tests.parts.worker import Worker
from tests.worker.grpc_proxy import grpc_proxy
from tests.worker.recorded_llm import RecordedLlm
from tests.worker.tasks import fill_sample, weak_task
from tests.worker.waiting import refresh, story

STEPS = (
    RunState.SAMPLED,
    RunState.SYNTHESIZED,
    RunState.SHADOWING,
    RunState.APPROVED,
    RunState.PROMOTED,
    RunState.SUCCEEDED,
)
EVERYTHING = {f"step {state.value}" for state in STEPS} | {
    *("file sample", "file reply", "file bundle", "file fresh", "push"),
    *("set candidate", "set production", "delete candidate"),
}


class Killer:
    """Kills the worker once after each kind of thing that was done in the registry, before the worker hears of it."""

    def __init__(self) -> None:
        self.worker: Worker | None = None
        self.killed: list[str] = []
        self._lock = threading.Lock()

    def done(self, method: str, request: bytes) -> None:
        what = _named(method, request)
        with self._lock:
            if what and what not in self.killed and self.worker is not None and self.worker.running:
                self.killed.append(what)
                self.worker.kill()

    def in_the_middle_of_an_answer(self) -> None:
        with self._lock:
            if "file reply" in self.killed and "answer" not in self.killed and self.worker is not None:
                self.killed.append("answer")
                self.worker.kill()
                raise BrokenPipeError


def _named(method: str, request: bytes) -> str:
    if method == "AdvanceRun":
        state = run_service_pb2.AdvanceRunRequest.FromString(request).to_state
        return f"step {run_service_pb2.RunState.Name(state).removeprefix('RUN_STATE_').lower()}"
    if method == "PutRunFile":
        name = run_service_pb2.PutRunFileRequest.FromString(request).name
        return f"file {name.partition('/')[0].partition('.')[0]}"
    if method == "SetAlias":
        return f"set {registry_service_pb2.SetAliasRequest.FromString(request).alias}"
    return {"DeleteAlias": "delete candidate", "PushVersion": "push"}.get(method, "")


def test_killed_after_everything_that_it_does_it_goes_on_and_does_nothing_twice(
    registry_process: RegistryProcess,
    registry: Registry,
    runs: RunClient,
    redis: redis_client.Redis,
    llm: RecordedLlm,
    new_worker: Callable[..., Worker],
) -> None:
    base = weak_task(registry, gold=False)
    fill_sample(redis, registry.download(base.task).bundle.task)
    killer = Killer()
    llm.before_answer = killer.in_the_middle_of_an_answer
    run = refresh(runs, base.task)
    with grpc_proxy(registry_process.address, killer.done) as address:
        killer.worker = worker = new_worker(
            registry=address, lease_s=1, programs=2, direct_labels=200, judged_records=100, runs=1
        )
        while runs.get(run.id).state.is_open:
            if not worker.running:
                worker.start()
            threading.Event().wait(0.05)
    run = runs.get(run.id)
    assert run.state is RunState.SUCCEEDED, story(run)
    assert set(killer.killed) == EVERYTHING | {"answer"}
    assert [step.state for step in run.steps] == [RunState.TRIGGERED, *STEPS]
    assert [version.number for version in registry.versions(base.task)] == [2, 1]
    moves = [(move.alias, move.from_version, move.to_version) for move in registry.history(base.task)]
    assert moves == [("candidate", 2, 0), ("production", 1, 2), ("candidate", 0, 2), ("production", 0, 1)]
    assert set(llm.answered.values()) == {1}
    assert run.cost.calls == len(llm.answered)
