from __future__ import annotations

import json
from pathlib import Path

import pytest
from labelwright.core.errors import ConfigurationError
from labelwright.synthesis.llm.completion import Finish, Message, Reply, Request, Usage
from labelwright.synthesis.llm.replies import Replies


def ask(text: str) -> Request:
    return Request((Message("user", text),), 10)


REPLY = Reply("Fußball \ud83d", Finish.STOP, Usage(3, 2), {"spam": -0.25})


def test_kept_replies_come_back_whole(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "replies.jsonl"
    Replies(path, model="m", note="for a test").keep(ask("a"), REPLY)
    again = Replies(path)
    assert again.model == "m"
    assert again.get(ask("a")) == REPLY
    assert again.get(ask("b")) is None
    assert path.stat().st_mode & 0o077 == 0


def test_a_torn_last_line_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "replies.jsonl"
    replies = Replies(path, model="m")
    for text in "ab":
        replies.keep(ask(text), REPLY)
    path.write_bytes(path.read_bytes()[:-20])
    after = Replies(path)
    assert after.get(ask("a")) == REPLY
    assert after.get(ask("b")) is None
    after.keep(ask("c"), REPLY)
    assert Replies(path).get(ask("c")) == REPLY


def test_the_first_reply_stays(tmp_path: Path) -> None:
    replies = Replies(tmp_path / "replies.jsonl", model="m")
    replies.keep(ask("a"), REPLY)
    replies.keep(ask("a"), Reply("other", Finish.STOP, Usage(1, 1)))
    assert len(replies) == 1
    assert Replies(tmp_path / "replies.jsonl").get(ask("a")) == REPLY


@pytest.mark.parametrize("text", ["", "no JSON", "[]", '{"format": "other 1", "model": "m"}', '{"format": 1}'])
def test_refuses_other_files(tmp_path: Path, text: str) -> None:
    path = tmp_path / "replies.jsonl"
    path.write_text(text + "\n")
    with pytest.raises(ConfigurationError):
        Replies(path)


def test_refuses_lines_that_are_no_replies_and_replies_of_another_model(tmp_path: Path) -> None:
    path = tmp_path / "replies.jsonl"
    Replies(path, model="m").keep(ask("a"), REPLY)
    with pytest.raises(ConfigurationError, match="not of 'n'"):
        Replies(path, model="n")
    path.write_text(path.read_text() + json.dumps({"digest": "x"}) + "\n")
    with pytest.raises(ConfigurationError, match=r":3 is not a reply"):
        Replies(path)


@pytest.mark.parametrize("deep", ["[" * 100_000, '{"a":' * 100_000, "[" * 100_000 + "]" * 100_000])
def test_refuses_what_is_nested_too_deeply(tmp_path: Path, deep: str) -> None:
    path = tmp_path / "replies.jsonl"
    path.write_text(deep + "\n")
    with pytest.raises(ConfigurationError, match="not a file of replies"):
        Replies(path)
    path.unlink()
    Replies(path, model="m").keep(ask("a"), REPLY)
    path.write_text(f"{path.read_text()}{deep}\n")
    with pytest.raises(ConfigurationError, match=":3 is not a reply"):
        Replies(path)
