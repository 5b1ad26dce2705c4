"""A task with the tables that a test needs."""

from __future__ import annotations

from labelwright.core.task import Task, parse_task


def make_task(tables: str) -> Task:
    task, findings = parse_task(f'[task]\nname = "reviews"\ninstructions = "Is it for or against?"\n{tables}\n')
    assert task is not None, findings
    return task
