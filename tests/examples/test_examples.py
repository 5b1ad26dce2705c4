from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from labelwright.core.bundle import Bundle, read_folder
from labelwright.core.finding import Finding, Severity
from labelwright.core.record import pack
from labelwright.core.row import Row, parse_rows
from labelwright.core.task import FieldType
from labelwright.registry.acceptance.acceptance import accept
from labelwright.sandbox import Labeler, Sandbox

from tests.parts.native import native_votes
from tests.parts.repository import EXAMPLES

NAMES = ["spam", "tickets", "sensors", "inspections"]


def opened(name: str) -> Bundle:
    bundle, findings = read_folder(EXAMPLES / name / "bundle")
    assert findings == []
    assert bundle is not None
    return bundle


def rows(name: str, bundle: Bundle) -> list[Row]:
    """Return the unlabeled records with their answers."""
    folder = EXAMPLES / name
    records = map(json.loads, (folder / "unlabeled.jsonl").read_text().splitlines())
    answers = map(json.loads, (folder / "answers.jsonl").read_text().splitlines())
    joined = [{**record, **answer} for record, answer in zip(records, answers, strict=True) if same(record, answer)]
    parsed_rows, findings = parse_rows(bundle.task, "\n".join(map(json.dumps, joined)), "joined", labeled=True)
    assert findings == []
    return parsed_rows


def same(record: dict[str, object], answer: dict[str, object]) -> bool:
    assert record["id"] == answer["id"]
    assert "label" not in record
    return True


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_whole(name: str) -> None:
    bundle = opened(name)
    assert bundle.task.name == name
    assert len(rows(name, bundle)) >= 300
    assert 60 <= len(bundle.gold) <= 100
    assert bundle.sample
    assert {row.label for row in bundle.gold} == set(range(len(bundle.task.labels)))
    assert 5 <= len(bundle.programs) <= 8


@pytest.mark.parametrize("name", NAMES)
def test_the_records_are_all_different(name: str) -> None:
    bundle = opened(name)
    records = [row.record for row in [*rows(name, bundle), *bundle.gold, *bundle.sample]]
    assert max(Counter(map(repr, records)).values()) == 1


def test_the_examples_show_other_records_than_one_text() -> None:
    kinds = {field.type for name in NAMES for field in opened(name).task.fields.values()}
    assert kinds >= {FieldType.TEXT, FieldType.NUMBER, FieldType.NUMBERS, FieldType.BOOL}


@pytest.mark.parametrize("name", NAMES)
def test_the_sandbox_votes_as_cpython_does(sandbox: Sandbox, name: str) -> None:
    bundle = opened(name)
    records = [row.record for row in [*rows(name, bundle), *bundle.gold, *bundle.sample]]
    labeler = Labeler.open(sandbox, bundle)
    results = labeler.label([pack(record, bundle.task.limits.record_bytes) for record in records])
    labeler.close()
    assert [item.votes for item in results] == native_votes(bundle, records)


@pytest.mark.parametrize("name", NAMES)
def test_the_programs_are_good_and_not_perfect(name: str) -> None:
    bundle = opened(name)
    answered = rows(name, bundle)
    decisions = [bundle.label_model.decide(votes) for votes in native_votes(bundle, [row.record for row in answered])]
    right = sum(decision.label == row.label for decision, row in zip(decisions, answered, strict=True)) / len(answered)
    assert 0.85 <= right <= 0.97


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_accepted_and_passes_its_own_gates(sandbox: Sandbox, name: str) -> None:
    no_findings: list[Finding] = []
    report = accept(sandbox, opened(name), no_findings)
    assert [item for item in report.findings if item.severity is Severity.ERROR] == []
    assert report.gates
    assert [gate for gate in report.gates if not gate.passed] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_program_says_what_it_looks_for(name: str) -> None:
    for program in opened(name).programs:
        assert program.source.startswith('"""'), program.name
        assert len(program.source.split('"""')[1]) > 40, program.name


def test_inspection_notes_are_written_in_many_ways() -> None:
    rows = map(json.loads, (EXAMPLES / "inspections" / "unlabeled.jsonl").read_text(encoding="utf-8").splitlines())
    notes = [row["note"] for row in rows]
    for written in ("ました", "ていた", "\uff13", "ﾍﾞｱﾘﾝｸﾞ", "磨耗", "ゆるみ", "グリース"):
        assert 3 < sum(written in note for note in notes) < 600, written


def test_the_same_seed_makes_the_same_files(tmp_path: Path) -> None:
    copy = tmp_path / "examples"
    shutil.copytree(EXAMPLES, copy, ignore=shutil.ignore_patterns("__pycache__"))
    # What a model wrote, and what was fitted to it, no seed makes.
    written = {copy / "inspections" / "bundle" / "label_model.json"}
    files = [path for path in copy.rglob("*.json*") if path.name != "replies.jsonl" and path not in written]
    for path in files:
        path.unlink()
    subprocess.run([sys.executable, str(copy / "generate.py")], check=True)
    for path in files:
        assert path.read_bytes() == (EXAMPLES / path.relative_to(copy)).read_bytes(), path
