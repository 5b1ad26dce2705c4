"""What decided a program's votes: for people who correct it, and for a model that revises it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from labelwright.core.bundle import Program
from labelwright.core.task import Task
from labelwright.sandbox.backend.answers import plain
from labelwright.sandbox.backend.snapshot import LoadedInstance, LoadFailed, Snapshot
from labelwright.sandbox.host.instance import InstanceFault, Machine
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

_SECONDS = 5.0
"""For one record: a traced program runs tens of times slower than an ordinary one."""
_NOTHING = frozenset(("None", "''", "[]", "{}", "()", "set()", "False"))
_Line = Annotated[int, Field(ge=0, le=1_000_000)]


@dataclass(frozen=True, slots=True)
class Deciding:
    """What decided one program's vote on one record.

    ``line`` is the one with which ``label`` ended, 0 where that is not known. ``lines`` are all that ran, in the order
    of their first time. ``values`` is what plain names of ``label`` held at its end, as Python writes it: it may quote
    the record.
    """

    line: int = 0
    lines: tuple[int, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)

    def in_words(self, program: Program) -> str:
        """Return the line that decided, its text and what was known there; empty where nothing is known."""
        lines = program.source.split("\n")
        if not 1 <= self.line <= len(lines):
            return ""
        values = ", ".join(f"{name} = {value}" for name, value in self.values.items() if value not in _NOTHING)
        known = f" where {values}" if values else ""
        return f"line {self.line}: {lines[self.line - 1].strip()}{known}"


class _Answer(BaseModel):
    """What the guest says. It is a program's word: it may be anything."""

    model_config = ConfigDict(strict=True)

    line: _Line
    lines: Annotated[list[_Line], Field(max_length=1000)]
    values: Annotated[dict[str, str], Field(max_length=100)]


_ANSWER = TypeAdapter(tuple[tuple[_Answer]])


def trace_program(
    machine: Machine, task: Task, program: Program, records: Sequence[str], load_seconds: float
) -> list[Deciding]:
    """Return what decided the program's vote on each packed record; all unknown where the program cannot be traced."""
    found: list[Deciding] = []
    try:
        snapshot = Snapshot(machine, task, [program], load_seconds)
    except (InstanceFault, LoadFailed):
        return [Deciding() for _ in records]
    instance: LoadedInstance | None = None
    for record in records:
        try:
            if instance is None:
                instance = snapshot.instance()
            ((answer,),) = _ANSWER.validate_json(instance.trace(record, _SECONDS), strict=False)
        except (InstanceFault, ValidationError):
            found.append(Deciding())
            if instance:
                instance.close()
            instance = None
            continue
        if not instance.is_reusable:
            instance.close()
            instance = None
        values = {plain(name): plain(value) for name, value in answer.values.items()}
        found.append(Deciding(answer.line, tuple(answer.lines), values))
    if instance:
        instance.close()
    return found
