from __future__ import annotations

import itertools
from concurrent import futures
from pathlib import Path

import grpc
import pytest
from labelwright.client import Registry, RetryPolicy
from labelwright.core.errors import AliasMoved, GateFailed, InvalidBundle, NothingToRollBack, Unavailable
from labelwright.v1 import registry_service_pb2_grpc as pb_grpc

from tests.parts.command import Command
from tests.parts.example_bundles import SPAM, changed, renamed
from tests.parts.registry import Registry as RegistryProcess


def test_a_version_goes_its_way(registry_client: Registry, tmp_path: Path) -> None:
    bundle = renamed(SPAM, "way", tmp_path)
    first = registry_client.push(bundle, author="ann", message="one")
    assert first.created
    assert first.version
    assert (first.version.author, first.version.message) == ("ann", "one")
    assert first.report.gold
    assert first.report.gold.accuracy > first.report.gold.majority_accuracy
    assert not registry_client.push(bundle).created
    assert registry_client.push(changed(bundle, "b")).version.number == 2  # type: ignore[union-attr]
    assert registry_client.set_alias("way", 1, actor="ann", reason="start").changed
    assert not registry_client.set_alias("way", 1).changed
    registry_client.set_alias("way", 2, expected_version=1)
    with pytest.raises(AliasMoved):
        registry_client.set_alias("way", 2, expected_version=7)
    assert registry_client.rollback("way", reason="worse").alias.version == 1
    assert [(change.from_version, change.to_version) for change in registry_client.history("way")] == [
        (2, 1),
        (1, 2),
        (0, 1),
    ]
    assert len(registry_client.history("way", limit=1)) == 1
    registry_client.set_alias("way", 2, alias="candidate")
    registry_client.delete_alias("way", "candidate")
    assert [alias.name for alias in registry_client.aliases("way")] == ["production"]
    download = registry_client.download("way", alias="production")
    assert download.bundle.digest == first.version.digest
    assert download.reference


def test_a_refused_bundle_has_a_report_and_no_version(registry_client: Registry, tmp_path: Path) -> None:
    bundle = renamed(SPAM, "refused", tmp_path)
    (bundle / "programs" / "prize.py").write_text("import os\n\ndef label(text):\n    return None\n")
    result = registry_client.push(bundle)
    assert result.version is None
    assert result.report.refused
    assert {finding.file for finding in result.report.findings} == {"programs/prize.py"}


def test_a_folder_that_is_no_bundle_is_refused_here(registry_client: Registry, tmp_path: Path) -> None:
    with pytest.raises(InvalidBundle) as caught:
        registry_client.push(tmp_path)
    assert [finding.file for finding in caught.value.findings] == ["task.toml", "programs"]


def test_a_gate_and_its_override(registry_client: Registry, tmp_path: Path) -> None:
    bundle = renamed(SPAM, "gated", tmp_path)
    task = bundle / "task.toml"
    task.write_text(task.read_text().replace("min_accuracy = 0.8", "min_accuracy = 0.999"))
    result = registry_client.push(bundle)
    assert result.version
    assert not result.report.gates_hold
    with pytest.raises(GateFailed, match="accuracy"):
        registry_client.set_alias("gated", 1)
    assert registry_client.set_alias("gated", 1, override=True, reason="told to").changed
    assert registry_client.history("gated")[0].overridden
    with pytest.raises(NothingToRollBack):
        registry_client.rollback("gated")


def test_a_watch_outlives_the_registry(tmp_path: Path) -> None:
    process = RegistryProcess(tmp_path / "data", heartbeat_seconds=0.2).start()
    process.settings["listen"] = process.address  # the same place after the restart
    try:
        with Registry(process.address) as client:
            client.push(renamed(SPAM, "watched", tmp_path))
            states = client.watch(["watched"])
            assert next(states).full
            client.set_alias("watched", 1, alias="candidate")
            assert [(alias.name, alias.version) for alias in next(states).aliases] == [("candidate", 1)]
            process.stop()
            process.start()
            client.tasks()  # waits until the registry is back
            client.set_alias("watched", 1, alias="shadow")
            seen = itertools.chain.from_iterable(state.aliases for state in states)
            assert any(alias.name == "shadow" for alias in seen)
    finally:
        process.stop()


def test_a_watch_notices_that_the_registry_was_restored(tmp_path: Path) -> None:
    process = RegistryProcess(tmp_path / "data", heartbeat_seconds=0.2).start()
    process.settings["listen"] = process.address
    command = Command(process.address, "")
    try:
        with Registry(process.address) as client:
            client.push(renamed(SPAM, "watched", tmp_path))
            client.set_alias("watched", 1, alias="candidate")
            command("backup", tmp_path / "backup", "--data", process.data_dir)
            client.set_alias("watched", 1, alias="shadow")
            states = client.watch(["watched"])
            before = next(states)
            process.stop()
            command("restore", tmp_path / "backup", "--overwrite", "--data", process.data_dir)
            process.start()
            client.tasks()
            client.set_alias("watched", 1, alias="other")
            after = next(states)
            assert (after.full, after.revision) == (True, before.revision)
            assert [alias.name for alias in after.aliases] == ["candidate", "other"]
            assert (before.registry, before.incarnation != after.incarnation) == (after.registry, True)
    finally:
        process.stop()


class _AlwaysAway(pb_grpc.RegistryServiceServicer):
    """A registry behind a proxy that has lost it."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def _refuse(self, name: str, context: grpc.ServicerContext) -> None:
        self.calls.append(name)
        context.abort(grpc.StatusCode.UNAVAILABLE, "no upstream")

    def ListTasks(self, request, context):  # noqa: N802
        self._refuse("tasks", context)

    def SetAlias(self, request, context):  # noqa: N802
        self._refuse("set_alias", context)


def test_reading_is_tried_again_and_moving_an_alias_is_not() -> None:
    servicer = _AlwaysAway()  # type: ignore[abstract]
    server = grpc.server(futures.ThreadPoolExecutor(2))
    pb_grpc.add_RegistryServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with Registry(f"127.0.0.1:{port}", retry=RetryPolicy(attempts=3, base=0.01)) as client:
            with pytest.raises(Unavailable):
                client.tasks()
            with pytest.raises(Unavailable):
                client.set_alias("spam", 1)
        assert servicer.calls == ["tasks"] * 3 + ["set_alias"]
    finally:
        server.stop(0)
