"""A pilot on made-up reviews, and an LLM that answers what it asks."""

from __future__ import annotations

import json
import re

from labelwright.core.row import Row
from labelwright.synthesis.pilot.result import PilotRows
from labelwright.synthesis.rows import records_of

from tests.synthesis.made_up import TELLING
from tests.synthesis.made_up import reviews as made_up_reviews
from tests.synthesis.tasks import make_task

PROGRAM = """\
```python
def label(text):
    \"\"\"Looks for words of praise.\"\"\"
    if "great" in text or "lovely" in text:
        return "good"
    return None
```"""
ASKED_FOR_WORDS, ASKED_TO_LABEL = re.compile("line of Python"), re.compile(r"^[a-z ]+$")


def answer(prompt: str) -> str:
    """What a record's telling words say; to anything else words where they are asked for, or a program."""
    if ASKED_FOR_WORDS.search(prompt):
        return f"words = {json.dumps(TELLING['good' in prompt][:5])}"
    if not ASKED_TO_LABEL.match(prompt):
        return PROGRAM
    words = set(prompt.split())
    return "good" if len(words & set(TELLING[1])) > len(words & set(TELLING[0])) else "bad"


def rows(count: int, seed: int) -> list[Row]:
    texts, truth = made_up_reviews(count, seed)
    return [
        Row((text,), int(label), f"r{seed}-{number}")
        for number, (text, label) in enumerate(zip(texts, truth, strict=True))
    ]


def pilot_rows(test_rows: int = 120) -> PilotRows:
    task = make_task('[labels]\nbad = "speaks against"\ngood = "speaks for"\n[fields]\ntext = "text"')
    return PilotRows(task, records_of(rows(300, 1)), rows(40, 2), rows(test_rows, 3))
