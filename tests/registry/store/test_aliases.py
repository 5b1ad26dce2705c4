from __future__ import annotations

import grpc
import pytest
from labelwright.core import errors
from labelwright.core.alias import AliasChange
from labelwright.core.wire.status import from_rpc_error
from labelwright.registry.store.aliases import version_stack
from labelwright.v1 import registry_service_pb2 as pb
from labelwright.v1 import registry_service_pb2_grpc as pb_grpc

from tests.parts.registry import Registry, push
from tests.registry.bundles import new_name, variant


class Scene:
    """A task with three versions that no gate holds back."""

    def __init__(self, stub: pb_grpc.RegistryServiceStub) -> None:
        self.stub = stub
        self.task = new_name()
        for number in range(3):
            push(stub, variant(self.task, number))

    def set(self, alias: str, version: int, **fields: object) -> pb.SetAliasResponse:
        return self.stub.SetAlias(pb.SetAliasRequest(task=self.task, alias=alias, version=version, **fields))  # type: ignore[arg-type]

    def rollback(self, alias: str = "", **fields: int) -> pb.RollbackResponse:
        request = pb.RollbackRequest(task=self.task, alias=alias, actor="ops", reason="it errs", **fields)
        return self.stub.Rollback(request)

    def history(self, **fields: object) -> pb.ListAliasHistoryResponse:
        return self.stub.ListAliasHistory(pb.ListAliasHistoryRequest(task=self.task, **fields))  # type: ignore[arg-type]

    def moves(self) -> list[tuple[str, int, int]]:
        return [(change.alias, change.from_version, change.to_version) for change in self.history().changes]


@pytest.fixture
def scene(registry: Registry) -> Scene:
    return Scene(registry.stub())


def refused(call, *arguments, **fields) -> errors.LabelwrightError:
    with pytest.raises(grpc.RpcError) as caught:
        call(*arguments, **fields)
    return from_rpc_error(caught.value)


def test_an_alias_moves_and_its_history_says_who_when_and_why(scene: Scene) -> None:
    scene.set("candidate", 1, actor="ada", reason="first try")
    answer = scene.set("candidate", 3, actor="bob", reason="better")
    assert answer.changed
    assert (answer.alias.name, answer.alias.version) == ("candidate", 3)
    newest, oldest = scene.history().changes
    assert (newest.from_version, newest.to_version, newest.actor, newest.reason) == (1, 3, "bob", "better")
    assert (oldest.from_version, oldest.to_version, oldest.actor, oldest.reason) == (0, 1, "ada", "first try")
    assert newest.changed_at.seconds >= oldest.changed_at.seconds > 0
    assert not newest.overridden
    assert scene.stub.GetVersion(pb.GetVersionRequest(task=scene.task, alias="candidate")).version.number == 3


def test_setting_what_is_set_changes_nothing(scene: Scene) -> None:
    first = scene.set("production", 1)
    again = scene.set("production", 1)
    assert not again.changed
    assert again.alias == first.alias
    assert len(scene.moves()) == 1


def test_a_move_from_the_wrong_version_is_refused(scene: Scene) -> None:
    scene.set("candidate", 1, expected_version=0)
    error = refused(scene.set, "candidate", 2, expected_version=3)
    assert isinstance(error, errors.AliasMoved)
    assert error.metadata["present"] == "1"
    assert isinstance(refused(scene.set, "candidate", 2, expected_version=0), errors.AliasMoved)
    assert scene.set("candidate", 2, expected_version=1).changed
    assert isinstance(refused(scene.set, "production", 2, expected_version=1), errors.AliasMoved)
    assert scene.set("production", 2, expected_version=0).changed


@pytest.mark.parametrize("name", ["", "1", "42", "Prod", "a b", "-x", "a" * 64, "../x", "ä", "x\n"])
def test_names_that_no_alias_may_have(scene: Scene, name: str) -> None:
    assert isinstance(refused(scene.set, name, 1), errors.InvalidRequest)


def test_what_does_not_exist(scene: Scene) -> None:
    stub, task = scene.stub, scene.task
    assert isinstance(refused(scene.set, "candidate", 9), errors.VersionNotFound)
    assert isinstance(refused(scene.set, "candidate", 2**32 - 1), errors.VersionNotFound)
    assert isinstance(refused(scene.set, "production", 9), errors.VersionNotFound)
    assert isinstance(refused(scene.set, "candidate", 0), errors.InvalidRequest)
    for request in (
        pb.GetVersionRequest(task=task, version=9),
        pb.GetVersionRequest(task=task, version=2**32 - 1),
    ):
        assert isinstance(refused(stub.GetVersion, request), errors.VersionNotFound)
    for alias in ("no-such", "NO SUCH", "nul\0"):
        assert isinstance(refused(stub.GetVersion, pb.GetVersionRequest(task=task, alias=alias)), errors.AliasNotFound)
    for digest in ("sha256:0", "nul\0", "ä"):
        download = pb.DownloadBundleRequest(task=task, digest=digest)
        assert isinstance(refused(stub.DownloadBundle, download), errors.VersionNotFound)
    for name in ("no-such", "", "UPPER", "nul\0", "x" * 10_000):
        for call, kind in (
            (stub.ListVersions, pb.ListVersionsRequest),
            (stub.GetVersion, pb.GetVersionRequest),
            (stub.DownloadBundle, pb.DownloadBundleRequest),
            (stub.ListAliases, pb.ListAliasesRequest),
            (stub.ListAliasHistory, pb.ListAliasHistoryRequest),
            (stub.Rollback, pb.RollbackRequest),
        ):
            assert isinstance(refused(call, kind(task=name)), errors.TaskNotFound)


def test_without_a_selector_production_is_meant(scene: Scene) -> None:
    request = pb.DownloadBundleRequest(task=scene.task)
    assert isinstance(refused(scene.stub.DownloadBundle, request), errors.AliasNotFound)
    scene.set("production", 2)
    assert scene.stub.DownloadBundle(request).version.number == 2


def test_rolling_back_again_and_again_goes_further_back(scene: Scene) -> None:
    for version in (1, 2, 3):
        scene.set("production", version)
    answer = scene.rollback()
    assert (answer.from_version, answer.alias.version) == (3, 2)
    answer = scene.rollback()
    assert (answer.from_version, answer.alias.version) == (2, 1)
    assert isinstance(refused(scene.rollback), errors.NothingToRollBack)
    assert [change.rollback for change in scene.history().changes] == [True, True, False, False, False]
    assert scene.history().changes[0].reason == "it errs"


def test_after_a_rollback_a_new_move_can_be_rolled_back(scene: Scene) -> None:
    scene.set("production", 1)
    scene.set("production", 2)
    scene.rollback("production")
    scene.set("production", 3)
    assert scene.rollback("production").alias.version == 1


def test_a_rollback_from_the_wrong_version_is_refused(scene: Scene) -> None:
    scene.set("production", 1)
    scene.set("production", 2)
    for wrong in (0, 1, 3):
        error = refused(scene.rollback, expected_version=wrong)
        assert isinstance(error, errors.AliasMoved)
        assert error.metadata["present"] == "2"
    assert len(scene.moves()) == 2
    assert scene.rollback(expected_version=2).alias.version == 1
    assert isinstance(refused(scene.rollback, expected_version=2), errors.AliasMoved)


def test_rollback_of_what_is_not_there(scene: Scene) -> None:
    assert isinstance(refused(scene.rollback), errors.AliasNotFound)
    scene.set("production", 1)
    assert isinstance(refused(scene.rollback), errors.NothingToRollBack)


def test_an_alias_can_be_removed_but_for_production(scene: Scene) -> None:
    def remove(alias: str) -> pb.DeleteAliasResponse:
        return scene.stub.DeleteAlias(pb.DeleteAliasRequest(task=scene.task, alias=alias, actor="ada", reason="done"))

    scene.set("candidate", 1)
    scene.set("production", 1)
    remove("candidate")
    assert isinstance(refused(remove, "candidate"), errors.AliasNotFound)
    assert isinstance(refused(remove, "production"), errors.InvalidRequest)
    assert scene.moves()[0] == ("candidate", 1, 0)
    aliases = scene.stub.ListAliases(pb.ListAliasesRequest(task=scene.task)).aliases
    assert [alias.name for alias in aliases] == ["production"]
    scene.set("candidate", 2)
    assert isinstance(refused(scene.rollback, "candidate"), errors.NothingToRollBack)


def test_history_comes_in_pages_without_gaps_or_repeats(scene: Scene) -> None:
    for turn in range(7):
        scene.set("candidate", 1 + turn % 2)
        scene.set("shadow", 1 + turn % 2)
    expected = [change.revision for change in scene.history(alias="candidate").changes]
    assert len(expected) == 7
    found, token = [], ""
    while True:
        page = scene.history(alias="candidate", page_size=3, page_token=token)
        found += [change.revision for change in page.changes]
        scene.set("shadow", 3 if len(found) % 2 else 1)
        token = page.next_page_token
        if not token:
            break
    assert found == expected
    assert len(scene.history(page_size=2).changes) == 2


def test_versions_come_in_pages(scene: Scene) -> None:
    first = scene.stub.ListVersions(pb.ListVersionsRequest(task=scene.task, page_size=2))
    assert [version.number for version in first.versions] == [3, 2]
    rest = scene.stub.ListVersions(pb.ListVersionsRequest(task=scene.task, page_token=first.next_page_token))
    assert [version.number for version in rest.versions] == [1]
    assert not rest.next_page_token


@pytest.mark.parametrize("token", ["x", "-1", "0", "1; drop", "9" * 30, "\uff11"])
def test_page_tokens_that_the_registry_never_gave(scene: Scene, token: str) -> None:
    assert isinstance(refused(scene.history, page_token=token), errors.InvalidRequest)


def test_tasks_are_listed_with_their_newest_version_and_aliases(scene: Scene) -> None:
    scene.set("candidate", 2)
    tasks = {task.name: task for task in scene.stub.ListTasks(pb.ListTasksRequest()).tasks}
    assert list(tasks) == sorted(tasks)
    assert tasks[scene.task].latest.number == 3
    assert [(alias.name, alias.version) for alias in tasks[scene.task].aliases] == [("candidate", 2)]
    listed = scene.stub.ListVersions(pb.ListVersionsRequest(task=scene.task)).versions
    assert [list(version.aliases) for version in listed] == [[], ["candidate"], []]


@pytest.mark.parametrize(
    ("moves", "stack"),
    [
        ([], []),
        ([(1, False), (2, False), (1, False)], [1, 2, 1]),
        ([(1, False), (2, False), (1, True), (3, False)], [1, 3]),
        ([(1, False), (0, False), (2, False)], [2]),
    ],
)
def test_the_stack_of_versions(moves: list[tuple[int, bool]], stack: list[int]) -> None:
    changes = [AliasChange(0, "t", "a", 0, to, None, "", "", False, back) for to, back in moves]  # type: ignore[arg-type]
    assert version_stack(changes) == stack
