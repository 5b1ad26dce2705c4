from __future__ import annotations

from pathlib import Path

from labelwright.core.bundle import read_folder

from tests.parts.command import Command
from tests.parts.example_bundles import SPAM, changed, renamed


def test_a_version_from_push_to_pull(labelwright: Command, tmp_path: Path) -> None:
    bundle = renamed(SPAM, "journey", tmp_path)
    labelwright("push", bundle, "--alias", "production", "--reason", "start")
    labelwright("push", changed(bundle, "b"), "--alias", "production")
    assert "journey" in [task["name"] for task in labelwright.json("tasks")["tasks"]]
    assert [item["number"] for item in labelwright.json("versions", "journey")["versions"]] == [2, 1]
    shown = labelwright.json("show", "journey")
    assert shown["version"]["number"] == 2
    assert shown["programs"][0]["description"].startswith("Phishing")
    assert {program["author"] for program in shown["programs"]} == {"by hand"}
    assert "Phishing" in labelwright("show", "journey@1", "--source").stdout
    back = labelwright.json("rollback", "journey", "--reason", "worse", "--actor", "ann")
    assert (back["from_version"], back["alias"]["version"]) == (2, 1)
    change = labelwright.json("history", "journey:production", "--limit", 1)["changes"][0]
    assert (change["actor"], change["reason"], change["to_version"]) == ("ann", "worse", 1)
    assert change["rollback"]
    labelwright("promote", "journey@2", "--alias", "candidate", "--expected", 0)
    assert labelwright.json("show", "journey:candidate")["version"]["number"] == 2
    labelwright("pull", "journey@2", tmp_path / "pulled")
    pulled, _ = read_folder(tmp_path / "pulled")
    assert pulled
    assert pulled.digest == shown["version"]["digest"]
    labelwright("pull", "journey@2", tmp_path / "pulled", exits=2)
    for text in ("tasks", "versions journey", "history journey"):
        assert "journey" in labelwright(*text.split()).stdout or "production" in labelwright(*text.split()).stdout


def test_what_does_not_exist(labelwright: Command, spam: str) -> None:
    for arguments in (["versions", "nosuch"], ["show", f"{spam}@99"], ["promote", f"{spam}@99"], ["history", "nosuch"]):
        labelwright(*arguments, exits=4)
    labelwright("promote", spam, exits=2)
    labelwright("history", f"{spam}@1", exits=2)
    labelwright("promote", f"{spam}@1", "--expected", 7, exits=5)


def test_the_differences_between_versions_folders_and_labels(labelwright: Command, tmp_path: Path) -> None:
    bundle = renamed(SPAM, "differing", tmp_path)
    labelwright("push", bundle, "--alias", "production")
    assert labelwright.json("diff", "differing", bundle)["files"] == []
    assert "same content" in labelwright("diff", "differing@1", bundle, "--no-records").stdout
    (bundle / "programs" / "shouting.py").unlink()
    (bundle / "programs" / "fresh.py").write_text("def label(text):\n    return 'ham'\n")
    changed(bundle, "a note")
    document = labelwright.json("diff", "differing", bundle, "--limit", 2)
    assert {file["path"]: file["change"] for file in document["files"]} == {
        "programs/fresh.py": "added",
        "programs/prize.py": "changed",
        "programs/shouting.py": "removed",
    }
    moves = document["labels"]["moves"]
    assert sum(move["rows"] for move in moves) == document["labels"]["changed"] > 2
    assert {"before": None, "after": "ham"}.items() <= moves[0].items()
    assert len(document["labels"]["examples"]) == 2
    records = tmp_path / "records.jsonl"
    records.write_text('{"text": "neither this nor that 12345678"}\nbroken\n')
    compared = labelwright.json("diff", "differing", bundle, "--records", records)["labels"]
    assert (compared["rows"], compared["changed"]) == (1, 1)
    assert "+# a note" in labelwright("diff", "differing", bundle).stdout


def test_the_registry_is_away(labelwright: Command) -> None:
    result = labelwright("tasks", "--registry", "127.0.0.1:9", exits=3)
    assert "the registry at 127.0.0.1:9 cannot be reached" in result.stderr
