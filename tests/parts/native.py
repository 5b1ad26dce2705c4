"""Runs programs right here in CPython: what the sandbox must agree with. Only for programs that are our own."""

from __future__ import annotations

import inspect
from collections.abc import Sequence

from labelwright.core.bundle import Bundle, Program
from labelwright.core.record import Record
from labelwright.core.task import Task
from labelwright.core.vote import ABSTAIN


def native_votes(bundle: Bundle, records: Sequence[Record]) -> list[tuple[int, ...]]:
    """Return ``votes[record][program]``. The programs must neither raise nor give anything but a label or None."""
    by_program = [_program_votes(bundle.task, program, records) for program in bundle.programs]
    return list(zip(*by_program, strict=True))


def _program_votes(task: Task, program: Program, records: Sequence[Record]) -> list[int]:
    scope: dict[str, object] = {"__name__": program.name}
    exec(compile(program.source, program.path, "exec"), scope)
    label = scope["label"]
    assert callable(label)
    fields = list(task.fields)
    positions = [fields.index(name) for name in inspect.signature(label).parameters]
    given = (label(*(record[position] for position in positions)) for record in records)
    return [ABSTAIN if name is None else task.label_names.index(name) for name in given]


def native_label(source: str, text: str) -> object:
    """Return what a program of one text field gives for this text."""
    scope: dict[str, object] = {}
    exec(source, scope)
    return scope["label"](text)  # type: ignore[operator]
