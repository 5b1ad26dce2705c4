from __future__ import annotations

import json
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from labelwright.core.errors import ConfigurationError, InvalidRequest, NotFound, Unauthenticated
from labelwright.serving.access import watched_files
from labelwright.serving.access.identity import Identity, Scope
from labelwright.serving.access.tokens import Tokens, create_token, read_entries, revoke_tokens


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tokens.json"


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched_files, "_SECONDS", 0.0)


def test_a_token_is_its_name_scopes_and_tasks(path: Path) -> None:
    _, token = create_token(path, "ci of spam", [Scope.PUSH, Scope.LABEL], ["spam"])
    found = Tokens(path).identify(token)
    assert found == Identity("ci of spam", frozenset({Scope.PUSH, Scope.LABEL}), frozenset({"spam"}))


def test_the_file_holds_no_token_and_is_its_owners_alone(path: Path) -> None:
    entry, token = create_token(path, "ci", [Scope.PUSH])
    text = path.read_text()
    assert token not in text
    assert token.rpartition("_")[2] not in text
    assert entry.id in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_who_was_given_the_file_keeps_it(path: Path) -> None:
    create_token(path, "ci", [Scope.PUSH])
    path.chmod(0o640)
    create_token(path, "other", [Scope.PUSH])
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("token", ["", "x", "lw_0123456789abcdef_" + "x" * 43, "Bearer", "lw_é" + "x" * 60, "\udcff"])
def test_what_is_no_token_of_the_file_is_refused(path: Path, token: str) -> None:
    create_token(path, "ci", [Scope.PUSH])
    with pytest.raises(Unauthenticated):
        Tokens(path).identify(token)


def test_a_known_id_with_another_secret_is_refused(path: Path) -> None:
    _, token = create_token(path, "ci", [Scope.PUSH])
    with pytest.raises(Unauthenticated, match="not known"):
        Tokens(path).identify(token[:-1] + ("A" if token[-1] != "A" else "B"))


def test_it_ends_on_the_second(path: Path) -> None:
    until = datetime(2030, 1, 1, tzinfo=UTC)
    _, token = create_token(path, "ci", [Scope.PUSH], expires=until)
    clock = [until - timedelta(seconds=1)]
    tokens = Tokens(path, now=lambda: clock[0])
    assert tokens.identify(token).name == "ci"
    clock[0] = until
    with pytest.raises(Unauthenticated, match="expired on 2030-01-01"):
        tokens.identify(token)


def test_a_running_server_takes_new_tokens_and_refuses_revoked_ones(path: Path) -> None:
    _, first = create_token(path, "ci", [Scope.PUSH])
    tokens = Tokens(path)
    _, second = create_token(path, "ci", [Scope.PUSH])
    assert tokens.identify(second).name == "ci"
    assert len(revoke_tokens(path, "ci")) == 2
    for token in (first, second):
        with pytest.raises(Unauthenticated, match="revoked"):
            tokens.identify(token)
    with pytest.raises(NotFound):
        revoke_tokens(path, "ci")


def test_one_token_of_a_name_is_revoked_by_its_id(path: Path) -> None:
    entry, first = create_token(path, "ci", [Scope.PUSH])
    _, second = create_token(path, "ci", [Scope.PUSH])
    revoke_tokens(path, entry.id)
    with pytest.raises(Unauthenticated):
        Tokens(path).identify(first)
    assert Tokens(path).identify(second).name == "ci"


@pytest.mark.parametrize("damaged", ["", "{", "[1]", '[{"id": "x"}]', None])
def test_a_file_that_is_damaged_later_changes_nothing(path: Path, damaged: str | None) -> None:
    _, token = create_token(path, "ci", [Scope.PUSH])
    tokens = Tokens(path)
    if damaged is None:
        path.unlink()
    else:
        path.write_text(damaged)
    assert tokens.identify(token).name == "ci"


@pytest.mark.parametrize("content", ["", "{}", "[1]", '[{"id": "x"}]'])
def test_a_file_of_something_else_is_named(path: Path, content: str) -> None:
    path.write_text(content)
    with pytest.raises(ConfigurationError, match=str(path)):
        Tokens(path)


def test_what_is_missing_is_named(path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Tokens(path)


@pytest.mark.parametrize("name", ["", " ", "a\nb", "é", "x" * 101, " ci"])
def test_a_name_that_would_confuse_histories_is_refused(path: Path, name: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        create_token(path, name, [Scope.PUSH])
    assert raised.value.metadata["field"] == "name"
    assert not path.exists()


def test_a_task_that_cannot_be_is_refused(path: Path) -> None:
    with pytest.raises(InvalidRequest) as raised:
        create_token(path, "ci", [Scope.PUSH], ["Spam!"])
    assert raised.value.metadata["field"] == "tasks"


def test_tokens_that_are_made_at_once_are_all_kept(path: Path) -> None:
    makers = [threading.Thread(target=create_token, args=(path, f"ci{number}", [Scope.PUSH])) for number in range(20)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert {entry.name for entry in read_entries(path)} == {f"ci{number}" for number in range(20)}
    assert len(json.loads(path.read_text())) == 20
