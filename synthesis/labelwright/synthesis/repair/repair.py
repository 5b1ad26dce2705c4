"""Automatic repairs of the faults that LLMs make in labeling programs, small models above all.

Each repair is conservative: it changes only what is surely meant otherwise, and what it changed is told in words that
go into the provenance. Order matters: names first, then words, then the way of returning.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from labelwright.core.task import Task
from labelwright.synthesis.repair import names as repair_names
from labelwright.synthesis.repair import returns as repair_returns
from labelwright.synthesis.repair import words as repair_words
from labelwright.synthesis.repair.extraction import parse_source
from labelwright.synthesis.repair.placeholders import drop_placeholders
from labelwright.synthesis.repair.syntax import repair_syntax
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
        repair_words.drop_label_words,
        repair_words.drop_sentences_and_repeats,
        repair_words.compare_in_lower_case,
        repair_returns.abstain_instead_of_catch_all,
    ):
        told += step(task, tree)
    if told:
        source = wrap_lists(ast.unparse(ast.fix_missing_locations(tree))) + "\n"
    return Repaired(source, (*changes, *told), parses=True)
