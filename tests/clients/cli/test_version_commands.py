from __future__ import annotations

from pathlib import Path

from assay.core.bundle import read_folder

from tests.clients.client.test_registry_client import changed
from tests.clients.conftest import SPAM, Command, renamed


def test_a_version_from_push_to_pull(assay: Command, tmp_path: Path) -> None:
    bundle = renamed(SPAM, "journey", tmp_path)
    assay("push", bundle, "--alias", "production", "--reason", "start")
    assay("push", changed(bundle, "b"), "--alias", "production")
    assert "journey" in [task["name"] for task in assay.json("tasks")["tasks"]]
    assert [item["number"] for item in assay.json("versions", "journey")["versions"]] == [2, 1]
    shown = assay.json("show", "journey")
    assert shown["version"]["number"] == 2
    assert shown["programs"][0]["description"].startswith("Phishing")
    assert "Phishing" in assay("show", "journey@1", "--source").stdout
    back = assay.json("rollback", "journey", "--reason", "worse", "--actor", "ann")
    assert (back["from_version"], back["alias"]["version"]) == (2, 1)
    change = assay.json("history", "journey:production", "--limit", 1)["changes"][0]
    assert (change["actor"], change["reason"], change["to_version"]) == ("ann", "worse", 1)
    assert change["rollback"]
    assay("promote", "journey@2", "--alias", "candidate", "--expected", 0)
    assert assay.json("show", "journey:candidate")["version"]["number"] == 2
    assay("pull", "journey@2", tmp_path / "pulled")
    pulled, _ = read_folder(tmp_path / "pulled")
    assert pulled
    assert pulled.digest == shown["version"]["digest"]
    assay("pull", "journey@2", tmp_path / "pulled", exits=2)
    for text in ("tasks", "versions journey", "history journey"):
        assert "journey" in assay(*text.split()).stdout or "production" in assay(*text.split()).stdout


def test_what_does_not_exist(assay: Command, spam: str) -> None:
    for arguments in (["versions", "nosuch"], ["show", f"{spam}@99"], ["promote", f"{spam}@99"], ["history", "nosuch"]):
        assay(*arguments, exits=4)
    assay("promote", spam, exits=2)
    assay("history", f"{spam}@1", exits=2)
    assay("promote", f"{spam}@1", "--expected", 7, exits=5)


def test_the_differences_between_versions_folders_and_labels(assay: Command, tmp_path: Path) -> None:
    bundle = renamed(SPAM, "differing", tmp_path)
    assay("push", bundle, "--alias", "production")
    assert assay.json("diff", "differing", bundle)["files"] == []
    assert "same content" in assay("diff", "differing@1", bundle, "--no-records").stdout
    (bundle / "programs" / "shouting.py").unlink()
    (bundle / "programs" / "fresh.py").write_text("def label(text):\n    return 'ham'\n")
    changed(bundle, "a note")
    document = assay.json("diff", "differing", bundle, "--limit", 2)
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
    compared = assay.json("diff", "differing", bundle, "--records", records)["labels"]
    assert (compared["rows"], compared["changed"]) == (1, 1)
    assert "+# a note" in assay("diff", "differing", bundle).stdout


def test_the_registry_is_away(assay: Command) -> None:
    result = assay("tasks", "--registry", "127.0.0.1:9", exits=3)
    assert "the registry at 127.0.0.1:9 cannot be reached" in result.stderr
