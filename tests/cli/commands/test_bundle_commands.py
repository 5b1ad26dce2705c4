from __future__ import annotations

import json
from pathlib import Path

from labelwright.core.bundle import Program

from tests.parts.command import Command
from tests.parts.example_bundles import SPAM, changed, renamed
from tests.parts.repository import EXAMPLES


def test_a_good_bundle_passes_the_check(offline: Command) -> None:
    document = offline.json("check", SPAM)
    assert document["ok"]
    assert document["digest"].startswith("sha256:")
    assert document["report"]["gold"]["accuracy"] > document["report"]["gold"]["majority_accuracy"]
    assert {gate["passed"] for gate in document["report"]["gates"]} == {True}
    assert "well made" in offline("check", SPAM).stdout


def test_the_check_says_everything_at_once(offline: Command, tmp_path: Path) -> None:
    bundle = renamed(SPAM, "faulty", tmp_path)
    (bundle / "programs" / "prize.py").write_text("import os\n\ndef label(text):\n    return None\n")
    (bundle / "programs" / "shouting.py").write_text("def label(text:\n")
    findings = offline.json("check", bundle, exits=1)["report"]["findings"]
    places = {(finding["file"], finding["line"]) for finding in findings if finding["severity"] == "error"}
    assert ("programs/prize.py", 1) in places
    assert "programs/shouting.py" in {file for file, _ in places}
    shown = offline("check", bundle, exits=1).stdout
    assert "programs/prize.py:1: LW" in shown
    assert "refused" in shown


def test_the_check_finds_a_gate_that_does_not_hold(offline: Command, tmp_path: Path) -> None:
    bundle = renamed(SPAM, "gate", tmp_path)
    strict(bundle)
    result = offline("check", bundle, exits=1)
    assert "gate min_accuracy FAILS" in result.stdout


def test_who_wrote_a_program_is_said(labelwright: Command, tmp_path: Path) -> None:
    bundle = renamed(SPAM, "authors", tmp_path)
    made = {
        path.stem: {"digest": Program(path.stem, path.read_text()).digest, "by": "some-model", "at": "2026-11-27T21:00"}
        for path in sorted((bundle / "programs").glob("*.py"))
    }
    (bundle / "provenance.json").write_text(json.dumps({"written": made}))
    changed(bundle, "corrected")
    shown = labelwright("check", bundle).stdout
    assert "by hand: prize\n" in shown
    assert "by some-model, 2026-11-27: account_threat, money_offer" in shown
    authors = labelwright.json("check", bundle)["authors"]
    assert {name for name, author in authors.items() if author == "by hand"} == {"prize"}
    labelwright("push", bundle)
    versions = labelwright("show", "authors@1").stdout
    assert "prize, by hand\n" in versions
    assert "shouting, by some-model, 2026-11-27\n" in versions


def test_what_an_editor_left_is_named_once(labelwright: Command, tmp_path: Path) -> None:
    bundle = renamed(SPAM, "leavings", tmp_path)
    (bundle / "programs" / "prize.py~").write_text("import os\n")
    said = "left out, as no part of the bundle: programs/prize.py~"
    for arguments in (
        ("check", bundle),
        ("push", bundle),
        ("diff", bundle, "leavings@1", "--no-records"),
        ("label", "--local", bundle, "hi mum"),
    ):
        assert labelwright(*arguments).stderr.count(said) == 1


def test_a_verdict_has_the_same_words_everywhere(labelwright: Command, tmp_path: Path) -> None:
    good, weak = renamed(SPAM, "verdict", tmp_path / "a"), renamed(SPAM, "weakverdict", tmp_path / "b")
    strict(weak)
    for folder, verdict, code in ((good, "well made\n", 0), (weak, "well made, but a gate does not hold", 1)):
        for command in (("check", folder), ("push", folder, "--dry-run"), ("push", folder)):
            assert f"{folder}: {verdict}" in labelwright(*command, exits=code).stdout
    assert "weakverdict@1 was there already" in labelwright("push", weak, "--override").stdout
    labelwright("push", weak, "--alias", "candidate")


def test_the_check_says_what_only_a_registry_can_judge(labelwright: Command, tmp_path: Path) -> None:
    bundle = renamed(SPAM, "drop", tmp_path)
    task = bundle / "task.toml"
    task.write_text(task.read_text().replace("[gates]\n", "[gates]\nmax_accuracy_drop = 0.01\n"))
    assert labelwright.json("check", bundle)["unjudged"] == ["max_accuracy_drop"]
    assert "gate max_accuracy_drop is not judged here" in labelwright("check", bundle).stdout
    labelwright("push", bundle, "--alias", "production")
    first = bundle / "programs" / "prize.py"
    first.write_text('def label(text):\n    """Says spam."""\n    return "spam"\n')
    task.write_text(task.read_text().replace("min_accuracy = 0.8", "min_accuracy = 0"))
    assert "gate max_accuracy_drop" in labelwright("check", bundle).stdout
    (bundle / "gold.jsonl").unlink()
    assert "gate max_accuracy_drop FAILS: needs gold rows" in labelwright("check", bundle, exits=1).stdout


def test_a_folder_without_a_bundle(labelwright: Command, tmp_path: Path) -> None:
    assert "task.toml" in labelwright("check", tmp_path, exits=1).stdout
    labelwright("check", tmp_path / "nosuch", exits=2)


def test_push_and_its_answers(labelwright: Command, tmp_path: Path) -> None:
    bundle = renamed(SPAM, "pushed", tmp_path)
    assert not labelwright.json("push", bundle, "--dry-run")["version"]
    first = labelwright.json("push", bundle, "-m", "the first", "--author", "ann")
    assert (first["ok"], first["created"], first["version"]["number"]) == (True, True, 1)
    assert (first["version"]["author"], first["version"]["message"]) == ("ann", "the first")
    again = labelwright.json("push", bundle, "--alias", "production")
    assert (again["created"], again["version"]["number"], again["alias"]["name"]) == (False, 1, "production")
    assert "was there already" in labelwright("push", bundle).stdout


def test_a_refused_push_ends_with_1_and_the_report(labelwright: Command, tmp_path: Path) -> None:
    bundle = renamed(SPAM, "refusedpush", tmp_path)
    (bundle / "programs" / "prize.py").write_text("def label(text):\n    return 'nonsense'\n\nimport os\n")
    document = labelwright.json("push", bundle, exits=1)
    assert document["version"] is None
    assert document["report"]["findings"]
    labelwright("tasks")
    labelwright("versions", "refusedpush", exits=4)


def test_a_failed_gate_ends_with_1_and_can_be_overridden(labelwright: Command, tmp_path: Path) -> None:
    bundle = renamed(SPAM, "gatepush", tmp_path)
    strict(bundle)
    result = labelwright("push", bundle, "--alias", "production", exits=1)
    assert "gate min_accuracy FAILS" in result.stdout
    assert "not promoted" in result.stdout
    assert labelwright.json("push", bundle, "--dry-run", exits=1)["ok"] is False
    assert labelwright.json("promote", "gatepush@1", exits=1)["error"]["reason"] == "GATE_FAILED"
    moved = labelwright.json("push", bundle, "--alias", "production", "--override", "--reason", "known")
    assert moved["alias"]["version"] == 1
    assert labelwright.json("history", "gatepush")["changes"][0]["overridden"]


def test_a_bundle_with_broken_json_is_named(offline: Command, tmp_path: Path) -> None:
    bundle = renamed(EXAMPLES / "tickets" / "bundle", "brokenmodel", tmp_path)
    (bundle / "label_model.json").write_text(json.dumps({"kind": "weighted"}))
    assert "label_model.json: LW111" in offline("push", bundle, exits=1).stderr


def strict(bundle: Path) -> None:
    task = bundle / "task.toml"
    task.write_text(task.read_text().replace("min_accuracy = 0.8", "min_accuracy = 0.999"))
