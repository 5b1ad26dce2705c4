"""Automatic repairs of the faults that LLMs make in labeling programs, small models above all.

A repair mends what keeps a program from running as it was plainly meant: names, imports, spelling, leftovers of the
prompt. What a program looks for and what it concludes is its author's matter: a program that concludes wrongly goes
back to the model with its fault. What was changed goes into the provenance, in words. Order matters: the function has
to be found before its parameters can be named.
"""

from __future__ import annotations

import io
import tokenize
from dataclasses import dataclass

from labelwright.core.task import Task
from labelwright.synthesis.repair import names
from labelwright.synthesis.repair.extraction import parse_source, repair_syntax
from labelwright.synthesis.repair.placeholders import drop_placeholders
from labelwright.synthesis.repair.unparsing import unparse

_STEPS = (
    names.drop_side_effects,
    names.name_function,
    names.name_parameters,
    names.add_imports,
    names.match_label_names,
    drop_placeholders,
)
_WIDTH = 100
"""Characters of a line: what people read without scrolling."""
_INDENT = "        "


@dataclass(frozen=True, slots=True)
class RepairedSource:
    """A source and what was changed in it; ``parses`` is False where it is not Python even so."""

    source: str
    changes: tuple[str, ...]
    parses: bool


def repair(task: Task, source: str) -> RepairedSource:
    """Return the source without the known faults. A source without faults comes back unchanged."""
    source, syntax_changes = repair_syntax(source)
    tree = parse_source(source)
    if tree is None:
        return RepairedSource(source, tuple(syntax_changes), parses=False)
    changes = [change for step in _STEPS for change in step(task, tree)]
    unparsed = unparse(tree) if changes else None
    if unparsed is None:
        return RepairedSource(source, tuple(syntax_changes), parses=True)
    return RepairedSource(_wrap_lists(unparsed) + "\n", (*syntax_changes, *changes), parses=True)


def _wrap_lists(source: str) -> str:
    """Return the source with long lines broken after commas inside brackets: unparsing puts a list on one line."""
    breaks: list[tuple[int, int]] = []
    depth, line, last_break = 0, 0, 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.start[0] != line:
            line, last_break = token.start[0], 0
        if token.type == tokenize.OP and token.string in "([{":
            depth += 1
        elif token.type == tokenize.OP and token.string in ")]}":
            depth -= 1
        elif token.string == "," and depth and token.end[1] - last_break > _WIDTH - 20:
            breaks.append(token.end)
            last_break = token.end[1]
    lines = source.split("\n")
    for row, column in reversed(breaks):
        text = lines[row - 1]
        if len(text) > _WIDTH and text[column:].strip():
            lines[row - 1] = f"{text[:column]}\n{_INDENT}{text[column:].lstrip()}"
    return "\n".join(lines)
