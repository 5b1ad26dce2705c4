"""A large model's replies in the examples answer the very prompts that the demo makes: else none could be replayed."""

from __future__ import annotations

import re

import pytest
from labelwright.core.row import parse_rows
from labelwright.synthesis.app import read_gold, read_task
from labelwright.synthesis.authoring.conversation import Conversation
from labelwright.synthesis.authoring.planning import read_plan
from labelwright.synthesis.llm.replies import Replies
from labelwright.synthesis.rows import Rows, records_of
from labelwright.synthesis.writing.round import WritingOptions

from tests.parts.repository import EXAMPLES

PROGRAMS = int(re.findall(r"^PROGRAMS = (\d+)$", (EXAMPLES / "demo.py").read_text(encoding="utf-8"), re.MULTILINE)[0])


@pytest.mark.parametrize("name", ["spam", "tickets", "sensors", "inspections"])
def test_every_prompt_has_its_recorded_reply(name: str) -> None:
    folder = EXAMPLES / name
    task = read_task(folder / "bundle")
    unlabeled = (folder / "unlabeled.jsonl").read_text(encoding="utf-8")
    records, _ = parse_rows(task, unlabeled, "unlabeled.jsonl", labeled=False)
    rows = Rows(task, records_of(records), read_gold(task, folder / "bundle" / "gold.jsonl"))
    options = WritingOptions(programs=PROGRAMS)
    talk = Conversation(rows, seed=options.seed, temperature=options.temperature, programs=options.programs)
    replies = Replies(folder / "replies.jsonl")
    guide = replies.get(talk.guide())
    assert guide is not None
    plan = replies.get(talk.plan(guide.text.strip()))
    assert plan is not None
    programs = read_plan(task, plan.text, options.programs)
    assert len(programs) == options.programs
    assert all(replies.get(talk.program(guide.text.strip(), plan.text, program)) for program in programs)
