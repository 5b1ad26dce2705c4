"""The model as judge: it labels records itself, many in a request, so that programs can be measured by more than gold.

Held gold rows stand among them unmarked: they tell how far the judge can be trusted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from labelwright.core.record import Record
from labelwright.core.task import Task
from labelwright.core.text.json_text import parse_json
from labelwright.core.vote import ABSTAIN
from labelwright.synthesis.asking.direct import DirectLabels, DirectLessons, read_label
from labelwright.synthesis.asking.record_text import one_line
from labelwright.synthesis.asking.sampling import random_distinct
from labelwright.synthesis.authoring.holding import GoldSplit
from labelwright.synthesis.llm.completion import Message, Reply, Request
from labelwright.synthesis.llm.endpoint import AskFailed, BudgetExceeded
from labelwright.synthesis.llm.provider import Provider
from labelwright.synthesis.rows import Rows
from labelwright.synthesis.templates import render

PURPOSE = "judge"
MOST_HELD = 40
RANDOM_RECORDS = 60
"""With the held rows about 100 to measure by: an accuracy of 0.85 is known to within 7 points."""
_BATCH = 50
_RECORD_CHARACTERS = 700
_TOKENS_A_RECORD = 24
_JSON_OBJECT = re.compile(r"\{.*\}", re.DOTALL)


def judge(
    provider: Provider, rows: Rows, split: GoldSplit, guide: str, *, unshown: Sequence[int], seed: int
) -> DirectLessons:
    """Return the model's labels of held gold rows and of random records among those with the indexes ``unshown``.

    What fails is left out, and said in ``stopped``.
    """
    gold = DirectLabels.none(len(rows.gold), rows.label_count)
    records = DirectLabels.none(len(rows.records), rows.label_count)
    held = [split.held[index] for index in random_distinct(split.held, seed)][:MOST_HELD]
    allowed = set(unshown)
    random = [index for index in random_distinct(rows.records, seed + 1) if index in allowed][:RANDOM_RECORDS]
    wanted = [(gold, index, rows.gold[index].record) for index in held]
    wanted += [(records, index, rows.records[index]) for index in random]
    order = np.random.default_rng(seed).permutation(len(wanted)).tolist()
    stopped = ""
    for start in range(0, len(order), _BATCH):
        batch = [wanted[place] for place in order[start : start + _BATCH]]
        try:
            found = judge_records(provider, rows.task, guide, [record for _, _, record in batch], seed)
        except (AskFailed, BudgetExceeded) as error:
            stopped = error.message
            break
        for (labels, index, _), label in zip(batch, found, strict=True):
            labels.labels[index] = label
    return DirectLessons(gold, records, stopped)


def judge_records(provider: Provider, task: Task, guide: str, records: Sequence[Record], seed: int) -> list[int]:
    """Return the model's label of each record, -1 where it gave none; one request. Raises AskFailed, BudgetExceeded."""
    return read_labels(task, provider.complete(_request(task, guide, records, seed), PURPOSE), len(records))


def read_labels(task: Task, reply: Reply, count: int) -> list[int]:
    """Return the label of each of ``count`` numbered records, -1 where the answer names none of the task's."""
    found = _JSON_OBJECT.search(reply.text)
    try:
        answers = parse_json(found.group(0)) if found else {}
    except (ValueError, RecursionError):
        answers = {}
    if not isinstance(answers, dict):
        answers = {}
    named = (answers.get(str(number)) for number in range(1, count + 1))
    return [read_label(task, name) if isinstance(name, str) else ABSTAIN for name in named]


def _request(task: Task, guide: str, records: Sequence[Record], seed: int) -> Request:
    lines = [one_line(task, record, _RECORD_CHARACTERS) for record in records]
    return Request(
        (
            Message("system", render(__package__, "judge_system", task=task, guide=guide)),
            Message("user", render(__package__, "judge", lines=lines)),
        ),
        max_tokens=200 + _TOKENS_A_RECORD * len(records),
        seed=seed,
    )
