from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from labelwright.client import RetryPolicy, RunClient, RunCost, RunState, Trigger
from labelwright.client.messages.runs import put_file_request, start_request
from labelwright.core.errors import InvalidRequest, RunNotFound, Unavailable
from labelwright.core.run import MAX_FILE_BYTES

from tests.parts.registry import Registry, push
from tests.registry.bundles import variant


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """A registry of the test's own: it is stopped on the way."""
    server = Registry(tmp_path / "data").start()
    yield server
    server.stop()


def test_a_registry_that_restarts_is_waited_for_and_nothing_happens_twice(registry: Registry) -> None:
    push(registry.stub(), variant("restart", 1))
    registry.settings["listen"] = registry.address
    with RunClient(registry.address, timeout=60, retry=RetryPolicy(attempts=1000)) as runs:
        run, _ = runs.start("restart", trigger=Trigger.MANUAL, key="k", reason="why", actor="ann")
        claimed = runs.claim("worker-1", 600)
        assert claimed
        lease = claimed[1]
        registry.kill()
        registry.start()
        again, created = runs.start("restart", trigger=Trigger.MANUAL, key="k", reason="why", actor="ann")
        assert (again.id, again.lease_holder, created) == (run.id, "worker-1", False)
        assert runs.put_file(run.id, lease, "reply", b"x", RunCost(1, 2, 3, None))
        runs.advance(run.id, lease, RunState.TRIGGERED, RunState.SAMPLED, "sampled")
        assert runs.get_file(run.id, "reply") == b"x"
        assert len(runs.get(run.id).steps) == 2


def test_a_registry_that_is_away_is_named(registry: Registry) -> None:
    registry.stop()
    with RunClient(registry.address, retry=RetryPolicy(attempts=1)) as runs:
        for call in (lambda: runs.get(1), lambda: next(runs.list()), lambda: runs.claim("worker-1", 60)):
            with pytest.raises(Unavailable, match="registry at"):
                call()


def test_each_start_without_a_key_has_one_of_its_own() -> None:
    keys = {start_request("spam", Trigger.MANUAL, "", "why", "ann").trigger_key for _ in range(3)}
    assert len(keys) == 3
    assert "" not in keys
    assert start_request("spam", Trigger.MANUAL, "given", "why", "ann").trigger_key == "given"


def test_what_cannot_be_sent_is_refused_here() -> None:
    with pytest.raises(InvalidRequest):
        put_file_request(1, "lease", "name", bytes(MAX_FILE_BYTES + 1), None)
    for run_id in (0, -1, 1 << 63, 1 << 64):
        with pytest.raises(RunNotFound):
            put_file_request(run_id, "lease", "name", b"", None)
