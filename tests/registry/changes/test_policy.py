"""A policy that the judged cannot write: what the registry asks for, whatever stands in the bundle."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from labelwright.core import errors
from labelwright.core.errors import ConfigurationError, GateFailed, PermissionDenied
from labelwright.core.wire.status import from_rpc_error
from labelwright.registry.changes.policy import Policies
from labelwright.serving.access import watched_files
from labelwright.v1 import registry_service_pb2 as pb

from tests.parts.registry import Registry, push
from tests.registry.bundles import ALWAYS_HAM, PRIZE, files, gold_rows

POLICY = """
[default]
protect_gold = true
gates = { min_accuracy = 0.6, max_accuracy_drop = 0.0 }

[task.moved]
movers = { production = ["tanaka"], candidate = ["worker"] }

[task.judged]
another_person = true
"""
ROWS = [("a prize", "spam"), ("see you", "ham"), ("ok", "ham"), ("yes", "ham"), ("PRIZE", "spam")]
GOLD = gold_rows(*ROWS)
SHORT_NO_PRIZE = """
def label(text):
    return "ham" if len(text) < 40 and "prize" not in text.lower() else None
"""


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    folder = tmp_path_factory.mktemp("policy")
    path = folder / "policy.toml"
    path.write_text(POLICY)
    server = Registry(folder / "registry", policy_file=path).start()
    yield server
    server.stop()


def promote(registry: Registry, task: str, version: int, actor: str = "tanaka", **fields: object) -> None:
    request = pb.SetAliasRequest(task=task, alias="production", version=version, actor=actor, **fields)  # type: ignore[arg-type]
    registry.stub().SetAlias(request)


def refused(registry: Registry, *arguments: object, **fields: object) -> errors.LabelwrightError:
    with pytest.raises(grpc.RpcError) as caught:
        promote(registry, *arguments, **fields)  # type: ignore[arg-type]
    return from_rpc_error(caught.value)


def pushed(registry: Registry, content: dict[str, bytes], author: str = "suzuki") -> pb.PushVersionResponse:
    answer = push(registry.stub(), content, author=author)
    assert answer.version.number, answer.report
    return answer


def failed(answer: pb.PushVersionResponse) -> set[str]:
    return {gate.gate for gate in answer.report.gates if not gate.passed}


def weaker(answer: pb.PushVersionResponse) -> list[str]:
    return [finding.message for finding in answer.report.findings if finding.code == "LW406"]


def test_emptied_gates_deleted_gold_and_one_lazy_program_do_not_go_live(registry: Registry) -> None:
    good = pushed(registry, files("lazy", gates="min_accuracy = 0.6", gold=GOLD, prize=PRIZE, short=SHORT_NO_PRIZE))
    assert failed(good) == set()
    promote(registry, "lazy", 1)
    lazy = pushed(registry, files("lazy", gold=None, ham=ALWAYS_HAM))
    assert failed(lazy) == {"min_accuracy", "max_accuracy_drop", "protect_gold"}
    assert weaker(lazy) == [
        "of production's 5 gold rows 5 are gone, 0 relabeled",
        "min_accuracy is not set, and 0.6 in production",
    ]
    assert isinstance(refused(registry, "lazy", 2), GateFailed)
    promote(registry, "lazy", 2, override_gate=True, reason="a drill")


@pytest.mark.parametrize(
    ("name", "rows", "message"),
    [
        ("relabeled", [("a prize", "ham"), *ROWS[1:]], "0 are gone, 1 relabeled"),
        ("removed", ROWS[1:], "1 are gone, 0 relabeled"),
    ],
)
def test_gold_may_grow_and_not_shrink(registry: Registry, name: str, rows: list[tuple[str, str]], message: str) -> None:
    pushed(registry, files(name, gold=GOLD, prize=PRIZE, short=SHORT_NO_PRIZE))
    promote(registry, name, 1)
    more = pushed(registry, files(name, gold=GOLD + gold_rows(("no", "ham")), prize=PRIZE, short=SHORT_NO_PRIZE))
    assert failed(more) == set()
    less = pushed(registry, files(name, gold=gold_rows(*rows), prize=PRIZE, short=SHORT_NO_PRIZE))
    assert failed(less) == {"protect_gold"}
    assert message in weaker(less)[0]
    # What is promoted is judged beside production of then, which has more rows than at the push.
    promote(registry, name, 2)
    assert "protect_gold" in refused(registry, name, 3).metadata["gates"]


def test_who_wrote_it_does_not_promote_it(registry: Registry) -> None:
    pushed(registry, files("judged"), author="suzuki")
    for actor in ("suzuki", ""):
        assert refused(registry, "judged", 1, actor).metadata["gates"] == "another_person"
    promote(registry, "judged", 1, "tanaka")


def test_an_alias_is_moved_by_those_who_may(registry: Registry) -> None:
    pushed(registry, files("moved"))
    assert isinstance(refused(registry, "moved", 1, "suzuki", override_gate=True, reason="why not"), PermissionDenied)
    promote(registry, "moved", 1, "tanaka")
    stub = registry.stub()
    for alias, actor in (("production", "worker"), ("candidate", "tanaka")):
        request = pb.SetAliasRequest(task="moved", alias=alias, version=1, actor=actor)
        with pytest.raises(grpc.RpcError) as caught:
            stub.SetAlias(request)
        assert isinstance(from_rpc_error(caught.value), PermissionDenied)
    stub.SetAlias(pb.SetAliasRequest(task="moved", alias="candidate", version=1, actor="worker"))
    stub.SetAlias(pb.SetAliasRequest(task="moved", alias="other", version=1, actor="anybody"))
    for act in (
        lambda: stub.Rollback(pb.RollbackRequest(task="moved", alias="production", actor="worker")),
        lambda: stub.DeleteAlias(pb.DeleteAliasRequest(task="moved", alias="candidate", actor="tanaka")),
    ):
        with pytest.raises(grpc.RpcError) as caught:
            act()
        assert isinstance(from_rpc_error(caught.value), PermissionDenied)


def test_a_changed_file_counts_and_a_damaged_one_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched_files, "_SECONDS", 0.0)
    path = tmp_path / "policy.toml"
    path.write_text("[default]\nprotect_gold = true\n")
    policies = Policies(path)
    assert policies.of("spam").protect_gold
    path.write_text("[default]\nprotect_gold = ")
    assert policies.of("spam").protect_gold
    path.write_text("[task.spam]\nanother_person = true\n")
    assert policies.of("spam").another_person
    assert not policies.of("tickets").protect_gold
    path.unlink()
    assert policies.of("spam").another_person


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (None, "cannot be read"),
        ("[default", "no TOML"),
        ("[defualt]", "defualt"),
        ("[default]\ngates = { min_acuracy = 1 }", "default.gates.min_acuracy"),
        ("[default]\ngates = { min_accuracy = 2 }", "default.gates.min_accuracy"),
        ("[task.Spam]", "task.Spam"),
        ("task = 1", "task"),
        ('[default]\nmovers = { production = "tanaka" }', "default.movers.production"),
    ],
)
def test_what_is_no_policy_is_named(tmp_path: Path, content: str | None, named: str) -> None:
    path = tmp_path / "policy.toml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigurationError, match=named):
        Policies(path)


def test_without_a_file_nothing_is_asked_for() -> None:
    policy = Policies().of("spam")
    assert policy.gates.model_dump(exclude_none=True) == {}
    assert not policy.protect_gold
