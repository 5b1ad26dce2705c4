"""The programs of tests/fixtures on real messages and news, where a copy of the data sets lies beside the checkout."""

from __future__ import annotations

import pytest
from labelwright.core.bundle import Bundle, read_folder
from labelwright.core.record import Record, pack
from labelwright.core.row import parse_rows
from labelwright.sandbox import Labeler, Sandbox

from tests.parts.native import native_votes
from tests.parts.repository import DATA, ROOT

NAMES = ["sms", "agnews"]

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the data sets are not here")


def opened(name: str) -> Bundle:
    bundle, findings = read_folder(ROOT / "tests/fixtures" / name)
    assert findings == []
    assert bundle is not None
    return bundle


def records(bundle: Bundle, *files: str) -> list[Record]:
    parsed = []
    for file in files:
        text = (DATA / bundle.task.name / file).read_text(encoding="utf-8")
        rows, findings = parse_rows(bundle.task, text, file, labeled=False)
        assert findings == []
        parsed += [row.record for row in rows]
    return parsed


@pytest.mark.parametrize("name", NAMES)
def test_the_sandbox_votes_as_cpython_does(sandbox: Sandbox, name: str) -> None:
    bundle = opened(name)
    texts = records(bundle, "unlabeled.jsonl", "test.jsonl")
    assert len(texts) > 3000
    labeler = Labeler.open(sandbox, bundle)
    results = labeler.label([pack(record, bundle.task.limits.record_bytes) for record in texts])
    labeler.close()
    votes = native_votes(bundle, texts)
    assert [item.votes for item in results] == votes
    assert [item.decision for item in results] == [bundle.label_model.decide(vote) for vote in votes]


@pytest.mark.parametrize("size", [1, 7, 256])
@pytest.mark.parametrize("name", NAMES)
def test_the_size_of_batches_changes_nothing(sandbox: Sandbox, name: str, size: int) -> None:
    bundle = opened(name)
    packed = [pack(record, bundle.task.limits.record_bytes) for record in records(bundle, "unlabeled.jsonl")[:700]]
    labeler = Labeler.open(sandbox, bundle)
    whole = labeler.label(packed)
    parts = [item for start in range(0, len(packed), size) for item in labeler.label(packed[start : start + size])]
    labeler.close()
    assert parts == whole


@pytest.mark.parametrize(("name", "least"), [("sms", 0.9), ("agnews", 0.5)])
def test_the_programs_are_right_on_the_gold_rows(name: str, least: float) -> None:
    bundle = opened(name)
    text = (DATA / name / "gold.jsonl").read_text(encoding="utf-8")
    rows, _ = parse_rows(bundle.task, text, "gold.jsonl", labeled=True)
    votes = native_votes(bundle, [row.record for row in rows])
    right = sum(bundle.label_model.decide(vote).label == row.label for vote, row in zip(votes, rows, strict=True))
    assert right / len(rows) > least
