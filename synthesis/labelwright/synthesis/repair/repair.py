"""Automatic repairs of the faults that LLMs make in labeling programs, small models above all.

A repair mends what keeps a program from running as it was plainly meant: names, imports, spelling, leftovers of the
prompt. What a program looks for and what it concludes is its author's matter: a program that concludes wrongly goes
back to the model with its fault. What was changed goes into the provenance, in words. Order matters: the function has
to be found before its parameters can be named.
"""

from __future__ import annotations

from dataclasses import dataclass

from labelwright.core.task import Task
from labelwright.synthesis.repair import names as repair_names
from labelwright.synthesis.repair.extraction import parse_source
from labelwright.synthesis.repair.placeholders import drop_placeholders
from labelwright.synthesis.repair.syntax import repair_syntax
from labelwright.synthesis.repair.unparsing import unparse
from labelwright.synthesis.repair.wrapping import wrap_lists


@dataclass(frozen=True, slots=True)
class Repaired:
    """A source and what was changed in it; ``parses`` is False where it is not Python even so."""

    source: str
    changes: tuple[str, ...]
    parses: bool


def repair(task: Task, source: str) -> Repaired:
    """Return the source without the known faults. A source without faults comes back to the letter."""
    source, changes = repair_syntax(source)
    tree = parse_source(source)
    if tree is None:
        return Repaired(source, tuple(changes), parses=False)
    told: list[str] = []
    for step in (
        repair_names.drop_side_effects,
        repair_names.name_function,
        repair_names.name_parameters,
        repair_names.add_imports,
        repair_names.match_label_names,
        drop_placeholders,
    ):
        told += step(task, tree)
    unparsed = unparse(tree) if told else None
    if unparsed is None:
        return Repaired(source, tuple(changes), parses=True)
    return Repaired(wrap_lists(unparsed) + "\n", (*changes, *told), parses=True)
