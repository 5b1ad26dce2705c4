"""The plan: which programs a model wants to write, in order of its trust in them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from labelwright.core.task import Task
from labelwright.core.text.json_text import parse_json

_NAME_CHARACTERS = 40
_IDEA_CHARACTERS = 1200
_JSON_LIST = re.compile(r"\[\s*\{.*\}\s*,?\s*\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class PlannedProgram:
    """One program of a plan. ``labels`` are those that it votes for, of the task's own."""

    name: str
    kind: str
    idea: str
    labels: tuple[str, ...]


def read_plan(task: Task, answer: str, most: int) -> list[PlannedProgram]:
    """Return the programs that an answer plans, ``most`` at the most; empty where it holds no plan."""
    found = _JSON_LIST.search(answer)
    try:
        entries = parse_json(found.group(0)) if found else []
    except (ValueError, RecursionError):
        return []
    programs: list[PlannedProgram] = []
    for entry in entries if isinstance(entries, list) else []:
        program = _read_program(task, entry, {program.name for program in programs})
        if program:
            programs.append(program)
    return programs[:most]


def default_plan(task: Task, most: int) -> list[PlannedProgram]:
    """Return a plan for a model whose own could not be read: the kinds that served best, for all labels."""
    labels = task.label_names
    kinds = (
        ("vocabulary", "a broad vocabulary of weighted words and phrases for every label; it votes where one leads"),
        ("phrases", "phrases and constructions that decide by themselves, with negation"),
        ("confusable", "rules for those pairs of labels that are easily confused"),
        ("structure", "structure, position, length, numbers and marks instead of words"),
        ("names", "names, terms and abbreviations of the subject"),
        ("fallback", "always votes: the best guess from everything, the commonest label at last"),
    )
    return [PlannedProgram(name, name, idea, labels) for name, idea in kinds[:most]]


def _read_program(task: Task, entry: Any, names: set[str]) -> PlannedProgram | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("idea"), str):
        return None
    name = _name(str(entry.get("name") or entry.get("kind") or "program"), names)
    wanted = entry.get("labels")
    labels = _labels(task, wanted if isinstance(wanted, list) else [])
    return PlannedProgram(name, str(entry.get("kind", ""))[:_NAME_CHARACTERS], entry["idea"][:_IDEA_CHARACTERS], labels)


def _labels(task: Task, wanted: Sequence[Any]) -> tuple[str, ...]:
    return tuple(name for name in task.label_names if name in wanted) or task.label_names


def _name(text: str, names: set[str]) -> str:
    """Return a name that a program's file can have and no other one of the plan has."""
    plain = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:_NAME_CHARACTERS]
    plain = plain if plain[:1].isalpha() else f"program_{plain}".rstrip("_")
    name, number = plain, 2
    while name in names:
        name, number = f"{plain}_{number}", number + 1
    return name
