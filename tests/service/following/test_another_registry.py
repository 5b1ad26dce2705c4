"""What a label service makes of a registry that is not, or no longer, the one that it knows."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from labelwright.core.wire.status import from_rpc_error
from labelwright.v1 import label_service_pb2 as pb

from tests.parts.command import Command
from tests.parts.registry import Registry
from tests.parts.service import Service, until
from tests.service.bundles import constant, new_name, promote, push_version, serve, wait_for


@pytest.fixture
def known(tmp_path: Path) -> Iterator[Registry]:
    """The registry that the service follows first."""
    process = Registry(tmp_path / "known", heartbeat_seconds=0.2).start()
    process.settings["listen"] = process.address
    yield process
    process.kill()


def label(service: Service, task: str, **which: object) -> str:
    return service.stub().Label(pb.LabelRequest(task=task, text="x", **which), timeout=20).labeling.label  # type: ignore[arg-type]


def refusal(service: Service, task: str, **which: object) -> str:
    try:
        return label(service, task, **which)
    except grpc.RpcError as error:
        return from_rpc_error(error).reason


def test_an_empty_registry_takes_nothing_away_until_a_person_agrees(known: Registry, tmp_path: Path) -> None:
    name = new_name()
    one = serve(known.stub(), constant(name, "ham"))
    service = Service(tmp_path / "service", registry=known.address).start()
    wait_for(service.stub(), one)
    kept = tmp_path / "service" / "aliases.json"
    last_good = kept.read_bytes()
    known.stop()

    empty = Registry(tmp_path / "empty", heartbeat_seconds=0.2, listen=known.address).start()
    until(lambda: service.total("labelwright_registry_refused") == 1)
    (event,) = service.events("the registry is not followed; serving what is loaded")
    assert "another registry" in event["objection"]
    push_version(empty.stub(), constant(new_name(), "spam"))
    push_version(empty.stub(), constant(name, "spam"))
    push_version(empty.stub(), constant(name, "spam", programs=2))
    assert (label(service, name), label(service, name, version=1)) == ("ham", "ham")
    assert refusal(service, name, version=2) == "UNAVAILABLE"
    assert kept.read_bytes() == last_good
    assert service.stop() == 0
    service.start()
    until(lambda: service.total("labelwright_registry_refused") == 1)
    assert label(service, name) == "ham"
    assert kept.read_bytes() == last_good

    kept.unlink()
    promote(empty.stub(), push_version(empty.stub(), constant(name, "spam")))
    until(lambda: label(service, name) == "spam")
    assert service.total("labelwright_registry_refused") == 0
    assert label(service, name, version=2) == "spam"
    until(kept.exists)
    assert service.stop() == 0
    empty.stop()


def test_a_registry_that_comes_back_as_it_was_ends_the_alarm(known: Registry, tmp_path: Path) -> None:
    name = new_name()
    one, two = (push_version(known.stub(), constant(name, text)) for text in ("ham", "spam"))
    promote(known.stub(), one)
    service = Service(tmp_path / "service", registry=known.address, workers=2).start()
    wait_for(service.stub(), one)
    known.stop()
    empty = Registry(tmp_path / "empty", heartbeat_seconds=0.2, listen=known.address).start()
    until(lambda: service.total("labelwright_registry_refused") == 2)
    empty.stop()
    known.start()
    until(lambda: service.total("labelwright_registry_refused") == 0)
    promote(known.stub(), two)
    until(lambda: service.total("labelwright_live_version", task=name) == 4)
    assert service.stop() == 0


def test_a_registry_that_lost_a_task_is_not_followed(known: Registry, tmp_path: Path) -> None:
    """An older copy of the database put back by hand: the identity is the same, and tasks are missing."""
    first, second = new_name(), new_name()
    one = serve(known.stub(), constant(first, "ham"))
    service = Service(tmp_path / "service", registry=known.address).start()
    known.stop()
    shutil.copy(known.data_dir / "registry.sqlite3", tmp_path / "copy")
    known.start()
    two = serve(known.stub(), constant(second, "spam"))
    for version in (one, two):
        wait_for(service.stub(), version)
    known.stop()
    shutil.copy(tmp_path / "copy", known.data_dir / "registry.sqlite3")
    known.start()
    until(lambda: service.total("labelwright_registry_refused") == 1)
    assert second in service.events("the registry is not followed; serving what is loaded")[0]["objection"]
    assert (label(service, first), label(service, second)) == ("ham", "spam")
    (tmp_path / "service" / "aliases.json").unlink()
    until(lambda: service.total("labelwright_registry_refused") == 0)
    until(lambda: refusal(service, second) == "TASK_NOT_FOUND")
    assert label(service, first) == "ham"
    assert service.stop() == 0


def test_a_restored_registry_is_followed_by_content(known: Registry, tmp_path: Path) -> None:
    name = new_name()
    one = serve(known.stub(), constant(name, "ham"))
    command = Command(known.address, "")
    command("backup", tmp_path / "backup", "--data", known.data_dir)
    service = Service(tmp_path / "service", registry=known.address).start()
    two = serve(known.stub(), constant(name, "spam"))
    wait_for(service.stub(), two)
    push_version(known.stub(), constant(name, "spam", programs=2))
    assert label(service, name, version=3) == "spam"
    known.stop()
    command("restore", tmp_path / "backup", "--overwrite", "--data", known.data_dir)
    known.start()
    for programs in (1, 2):
        push_version(known.stub(), constant(name, "ham", programs=programs))
    wait_for(service.stub(), one)
    assert [label(service, name, version=number) for number in (1, 2, 3)] == ["ham"] * 3
    assert service.total("labelwright_registry_refused") == 0
    assert service.stop() == 0


def test_a_database_that_went_back_and_caught_up_is_followed_by_content(known: Registry, tmp_path: Path) -> None:
    """The same revision and the same numbers, with other content."""
    name = new_name()
    serve(known.stub(), constant(name, "ham"))
    service = Service(tmp_path / "service", registry=known.address).start()
    known.stop()
    shutil.copy(known.data_dir / "registry.sqlite3", tmp_path / "copy")
    known.start()
    before = serve(known.stub(), constant(name, "spam"))
    wait_for(service.stub(), before)
    assert label(service, name, version=2) == "spam"
    known.stop()
    shutil.copy(tmp_path / "copy", known.data_dir / "registry.sqlite3")
    known.settings["listen"] = "127.0.0.1:0"  # the service hears of nothing until it has caught up
    known.start()
    after = push_version(known.stub(), constant(name, "ham", programs=2))
    promote(known.stub(), after)
    push_version(known.stub(), constant(name, "spam", programs=1))
    known.stop()
    assert after.number == before.number
    known.settings["listen"] = service.settings["registry"]
    known.start()
    until(lambda: label(service, name) == "ham")
    assert label(service, name, version=2) == "ham"
    assert service.stop() == 0
