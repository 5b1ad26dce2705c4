"""Fenced blocks of Markdown, as CommonMark pairs them (https://spec.commonmark.org/0.31.2/#fenced-code-blocks).

Three liberties, because models take them: a fence may be indented by more than three spaces, may stand behind a list
mark, and an opening one may stand at the end of a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

# The text after an opening fence of backticks holds none; else ```x``` in a line would open a block.
_OPENING = re.compile(r"(?P<before>[ \t]*(?:(?:[-*+>]|\d{1,9}[.)])[ \t]+)*)(?P<fence>`{3,}(?=[^`]*$)|~{3,})")
_OPENING_IN_TEXT = re.compile(r"(?P<before>[^`~]*\S)(?P<fence>`{3,})[ \t]*(?:py(?:thon)?\d?)?[ \t\r]*$", re.IGNORECASE)
_FURTHER_INDENT = 3
"""Columns by which a closing fence may stand deeper than its opening one: what is deeper is part of the block."""
_MOST_CLOSINGS = 8
"""Closing lines that are tried for one block: more fences than that within a docstring were never seen."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block: what it holds, where it begins and ends in the text, and whether its fence is closed."""

    content: str
    start: int
    end: int
    closed: bool


def fenced_blocks(text: str, fits: Callable[[str], bool] = lambda content: True, start: int = 0) -> list[Block]:  # noqa: ARG005
    """Return the blocks of ``text`` from ``start`` on, in order. The last one may reach to the end without a fence.

    A fence can also be part of what a block holds, as in a docstring. A block therefore ends at the first closing line
    up to which its content ``fits``, and where none does at the one that CommonMark says.
    """
    lines = text[start:].split("\n")
    places = [start]
    for line in lines:
        places.append(places[-1] + len(line) + 1)
    blocks: list[Block] = []
    at = 0
    while at < len(lines):
        opening = _OPENING.match(lines[at]) or _OPENING_IN_TEXT.match(lines[at])
        if opening is None:
            at += 1
            continue
        indent = len(opening["before"]) if not opening["before"].strip() else 0
        last = _closing_line(lines, at, opening["fence"], indent, fits)
        end = len(lines) if last is None else last
        begin = places[at] + opening.start("fence")
        blocks.append(
            Block(_content(lines[at + 1 : end], indent), begin, min(places[end], len(text)), last is not None)
        )
        at = end + 1
    return blocks


def _closing_line(lines: list[str], opening: int, fence: str, indent: int, fits: Callable[[str], bool]) -> int | None:
    """Return the number of the line that closes the block, None where none does."""
    proper = None
    closings = (at for at in range(opening + 1, len(lines)) if _closes(lines[at], fence))
    for at in islice(closings, _MOST_CLOSINGS):
        if fits(_content(lines[opening + 1 : at], indent)):
            return at
        if proper is None and _indent(lines[at]) <= indent + _FURTHER_INDENT:
            proper = at
    if proper is not None and fits(_content(lines[opening + 1 :], indent)):
        return None
    return proper


def _closes(line: str, fence: str) -> bool:
    mark = line.strip(" \t\r")
    return len(mark) >= len(fence) and mark == fence[0] * len(mark)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def _content(lines: list[str], indent: int) -> str:
    """Return the lines without as much of their indentation as the opening fence has."""
    return "\n".join(line[min(indent, _indent(line)) :] for line in lines)
