"""The programs of student and head: a table that people can read, and a dozen lines that add it up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from labelwright.core.bundle import Program
from labelwright.core.task import FieldType, Task
from labelwright.synthesis.learning.bands import POINTS
from labelwright.synthesis.learning.head import Head, number_fields
from labelwright.synthesis.learning.student import Student
from labelwright.synthesis.templates import render
from labelwright.synthesis.text.words import counting_source

CLEAR = "student_clear"
CLOSE = "student_close"
STUDENT_NAMES = frozenset({CLEAR, CLOSE})
"""Names of the student's programs in every version that has one."""
HEAD_CLEAR = "head_clear"
HEAD_CLOSE = "head_close"
HEAD_NAMES = frozenset({HEAD_CLEAR, HEAD_CLOSE})
LEARNED_NAMES = STUDENT_NAMES | HEAD_NAMES
_NAMED_WORDS = 12
"""Words of each label that the docstring names."""


def text_fields(task: Task) -> list[str]:
    """Return the names of the fields that a student reads."""
    return [field.name for field in task.fields_of(FieldType.TEXT)]


def student_programs(task: Task, student: Student, *, gold_rows: int, unlabeled_rows: int) -> tuple[Program, Program]:
    """Return the two programs that together are the student: its clear answers, and its close ones."""
    values: dict[str, Any] = {
        "fields": text_fields(task),
        "labels": task.label_names,
        "table": list(zip(student.words, student.points.tolist(), strict=True)),
        "start": student.start.tolist(),
        "strongest": [_strongest(student, label) for label in range(len(task.label_names))],
        "pairs": student.pairs,
        "unit": POINTS,
        "gold_rows": gold_rows,
        "unlabeled_rows": unlabeled_rows,
        "counting": counting_source(),
    }
    return _bands("student.py", values, student.clear, CLEAR, CLOSE)


def head_programs(task: Task, head: Head, *, gold_rows: int, labeled_rows: int) -> tuple[Program, Program]:
    """Return the two programs that together are the head. ``labeled_rows`` are those that the LLM labeled."""
    values = {
        "fields": number_fields(task),
        "labels": task.label_names,
        "table": [[_plain(weight) for weight in row] for row in head.weights.tolist()],
        "start": head.start.tolist(),
        "unit": POINTS,
        "gold_rows": gold_rows,
        "labeled_rows": labeled_rows,
    }
    return _bands("head.py", values, head.clear, HEAD_CLEAR, HEAD_CLOSE)


def _bands(template: str, values: dict[str, Any], clear: int, *names: str) -> tuple[Program, Program]:
    clear_name, close_name = names
    return (
        Program(clear_name, render(__package__, template, **values, band="clear", least=clear, below=None) + "\n"),
        Program(close_name, render(__package__, template, **values, band="close", least=1, below=clear) + "\n"),
    )


def _plain(weight: float) -> int | float:
    return int(weight) if weight.is_integer() else weight


def _strongest(student: Student, label: int) -> Sequence[str]:
    """Return the first words of the table that speak for the label more than for any other."""
    return [
        word
        for word, points in zip(student.words, student.points.tolist(), strict=True)
        if points[label] == max(points) > min(points)
    ][:_NAMED_WORDS]
