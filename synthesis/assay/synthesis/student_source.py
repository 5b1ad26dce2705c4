"""The student's programs: a readable table of words and a dozen lines that add it up."""

from __future__ import annotations

from collections.abc import Sequence

import jinja2
from assay.core.bundle import Program
from assay.core.task import FieldType, Task
from assay.synthesis.student import POINTS, Student
from assay.synthesis.words import counting_source

CLEAR = "student_clear"
CLOSE = "student_close"
STUDENT_NAMES = frozenset({CLEAR, CLOSE})
"""Names of the student's programs in every version that has one."""
_NAMED_WORDS = 12

# Python source, not HTML.
_TEMPLATE = jinja2.Environment(  # noqa: S701
    loader=jinja2.PackageLoader("assay.synthesis"),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
).get_template("student.py.j2")


def text_fields(task: Task) -> list[str]:
    """Return the names of the task's text fields: what a student reads."""
    return [field.name for field in task.fields.values() if field.type is FieldType.TEXT]


def student_programs(task: Task, student: Student, *, gold_rows: int, unlabeled_rows: int) -> tuple[Program, Program]:
    """Return the two programs that together are the student: its clear answers, and its close ones."""
    shared = {
        "fields": text_fields(task),
        "labels": task.label_names,
        "table": list(zip(student.words, student.points.tolist(), strict=True)),
        "start": student.start.tolist(),
        "strongest": [_strongest(student, label) for label in range(len(task.label_names))],
        "pairs": student.pairs,
        "clear": student.clear,
        "unit": POINTS,
        "gold_rows": gold_rows,
        "unlabeled_rows": unlabeled_rows,
        "counting": counting_source(),
    }
    return (
        Program(CLEAR, _TEMPLATE.render(shared, band="clear", least=student.clear, below=None)),
        Program(CLOSE, _TEMPLATE.render(shared, band="close", least=1, below=student.clear)),
    )


def _strongest(student: Student, label: int) -> Sequence[str]:
    """Return the first words of the table that speak for the label more than for any other."""
    return [
        word
        for word, points in zip(student.words, student.points.tolist(), strict=True)
        if points[label] == max(points) > min(points)
    ][:_NAMED_WORDS]
