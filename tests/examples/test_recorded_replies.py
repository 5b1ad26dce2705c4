"""A large model's replies in the examples answer the very prompts that the demo makes: else none could be replayed."""

from __future__ import annotations

import json
import re

import pytest
from labelwright.core.row import parse_rows
from labelwright.synthesis.app import read_gold, read_task
from labelwright.synthesis.authoring.conversation import Conversation
from labelwright.synthesis.authoring.estimate import estimate_authoring
from labelwright.synthesis.authoring.planning import read_plan
from labelwright.synthesis.llm.replies import Replies
from labelwright.synthesis.rows import Rows, records_of
from labelwright.synthesis.writing.round import WritingOptions

from tests.parts.repository import EXAMPLES

PROGRAMS = int(re.findall(r"^PROGRAMS = (\d+)$", (EXAMPLES / "demo.py").read_text(encoding="utf-8"), re.MULTILINE)[0])


NAMES = pytest.mark.parametrize("name", ["spam", "tickets", "sensors", "inspections"])


def rows_of(name: str) -> Rows:
    folder = EXAMPLES / name
    task = read_task(folder / "bundle")
    unlabeled = (folder / "unlabeled.jsonl").read_text(encoding="utf-8")
    records, _ = parse_rows(task, unlabeled, "unlabeled.jsonl", labeled=False)
    return Rows(task, records_of(records), read_gold(task, folder / "bundle" / "gold.jsonl"))


@NAMES
def test_a_run_is_estimated_at_about_what_it_took(name: str) -> None:
    lines = (EXAMPLES / name / "replies.jsonl").read_text(encoding="utf-8").splitlines()[1:]
    usages = [json.loads(line)["reply"]["usage"] for line in lines]
    took = sum(usage["tokens_in"] + usage["tokens_out"] for usage in usages)
    estimated = estimate_authoring(rows_of(name), WritingOptions(programs=PROGRAMS), None)
    assert 0.8 < (estimated.tokens_in + estimated.tokens_out) / took < 1.6
    assert abs(estimated.requests - len(usages)) <= 3


@NAMES
def test_every_prompt_has_its_recorded_reply(name: str) -> None:
    rows = rows_of(name)
    options = WritingOptions(programs=PROGRAMS)
    talk = Conversation(rows, seed=options.seed, temperature=options.temperature, programs=options.programs)
    replies = Replies(EXAMPLES / name / "replies.jsonl")
    guide = replies.get(talk.guide())
    assert guide is not None
    plan = replies.get(talk.plan(guide.text.strip()))
    assert plan is not None
    programs = read_plan(rows.task, plan.text, options.programs)
    assert len(programs) == options.programs
    assert all(replies.get(talk.program(guide.text.strip(), plan.text, program)) for program in programs)
