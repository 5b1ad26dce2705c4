"""Concepts: what to measure in images, sound and other records that programs cannot read.

The first of the two steps of Huang et al. (arXiv 2407.11004) for such tasks: the LLM names the things that tell the
labels apart; a model on the user's side scores each of them for each record; programs are then written over the scores.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from labelwright.core.task import Task
from labelwright.synthesis.llm.completion import Message, Request
from labelwright.synthesis.llm.provider import Provider
from labelwright.synthesis.templates import render

PURPOSE = "concepts"
COUNT = 8
"""Concepts asked for: each is one more thing that a model has to score in every record."""
_MAX_TOKENS = 400
"""A sentence for each concept, and room for an introduction."""
_MARK = re.compile(r"^\s*(?:[-*>]|\d+[.)])?\s*")
_EMPHASIS = re.compile(r"[*_`\"]+")
_MAX_NAME = 40
"""Characters before the colon: a longer text is a sentence and not a name."""


@dataclass(frozen=True, slots=True)
class Concept:
    """A field that the task could have: its name, and what is looked for."""

    name: str
    description: str


def ask_concepts(provider: Provider, task: Task, *, seed: int = 0) -> list[Concept]:
    """Return the concepts that the LLM names, without those that are fields or labels already.

    Raises AskFailed, BudgetExceeded.
    """
    ask = render(__package__, "concepts", task=task, fields=list(task.fields.values()), count=COUNT)
    reply = provider.complete(Request((Message("user", ask),), _MAX_TOKENS, seed=seed), PURPOSE)
    return read_concepts(task, reply.text, cut=reply.is_cut)


def read_concepts(task: Task, text: str, *, cut: bool = False) -> list[Concept]:
    """Return the concepts in an answer: the lines with a short name before a colon, each name once.

    Of an answer that was ``cut`` the last line is left out, which may be torn.
    """
    names_in_use = {*task.fields, *(_field_name(name) for name in task.labels)}
    concepts: dict[str, Concept] = {}
    lines = text.split("\n")
    for line in lines[:-1] if cut else lines:
        printable = "".join(character for character in line if character.isprintable())
        before, colon, after = _MARK.sub("", printable, count=1).partition(":")
        name, description = _field_name(before), " ".join(_EMPHASIS.sub("", after).split())
        if colon and name and description and len(before) <= _MAX_NAME and name not in names_in_use:
            concepts.setdefault(name, Concept(name, description))
    return list(concepts.values())


def suggest_fields(concepts: list[Concept]) -> str:
    """Return the lines that give a task's ``[fields]`` a score for each concept."""
    return "".join(
        f'{item.name} = {{ type = "number", unit = "score from 0 to 1", description = {_quoted(item.description)} }}\n'
        for item in concepts
    )


def _field_name(text: str) -> str:
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return name if name[:1].isalpha() else ""


def _quoted(text: str) -> str:
    # A JSON string is a TOML string.
    return json.dumps(text, ensure_ascii=False)
