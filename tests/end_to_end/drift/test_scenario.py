"""What the scenario rests on: its messages, what the first version makes of them, and its picture."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.end_to_end.drift.house import base_bundle
from tests.end_to_end.drift.messages import FIXTURES, SPAM_SHARE, known, new_spam
from tests.fixtures.drift.make_messages import rows
from tests.parts.native import native_votes
from tests.parts.repository import ROOT

IMAGES = ROOT / "docs" / "images"


def test_the_seed_makes_the_messages() -> None:
    assert rows() == [json.loads(line) for line in (FIXTURES / "new_spam.jsonl").read_text().splitlines()]


def test_the_first_version_recognizes_none_of_the_new_spam() -> None:
    bundle = base_bundle()
    votes = native_votes(bundle, [(message.text,) for messages in new_spam() for message in messages])
    spam = bundle.task.label_names.index("spam")
    assert [vote for vote in votes if bundle.label_model.decide(vote).label == spam] == []


def test_the_share_of_spam_in_traffic_is_not_that_of_distinct_messages() -> None:
    (ham, old), (new, later) = known(), new_spam()
    assert (len(old) + len(new)) / len({message.text for message in (*ham, *old, *new)}) > SPAM_SHARE + 0.2
    assert {message.text for message in later}.isdisjoint(message.text for message in new)


def test_the_picture_is_of_what_was_measured(tmp_path: Path) -> None:
    drawn = tmp_path / "drift.svg"
    subprocess.run([sys.executable, ROOT / "tools" / "drift_picture.py", IMAGES / "drift.json", drawn], check=True)
    assert drawn.read_text() == (IMAGES / "drift.svg").read_text()
