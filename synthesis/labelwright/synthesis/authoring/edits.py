"""Edits that a model asks for: blocks that name lines of a program and those that take their place."""

from __future__ import annotations

import re
from dataclasses import dataclass

_BLOCK = re.compile(
    r"^<{5,}[ \t]*SEARCH[^\n]*\n(?P<old>.*?)^={5,}[ \t]*\n(?P<new>.*?)^>{5,}[ \t]*REPLACE", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Edited:
    """A source after its edits, how many there were, and why some of them were refused."""

    source: str
    applied: int
    refused: tuple[str, ...]


def apply_edits(source: str, answer: str) -> Edited:
    """Return the source with the edits of ``answer``, each of which must match exactly one place."""
    applied, refused = 0, []
    for number, block in enumerate(_BLOCK.finditer(answer.replace("\r\n", "\n")), start=1):
        old, new = block["old"], block["new"]
        places = source.count(old) if old.strip() else 0
        if places == 1:
            source = source.replace(old, new, 1)
            applied += 1
        elif places:
            refused.append(f"edit {number} matches {places} places: give more lines around it")
        else:
            refused.append(f"edit {number} matches no lines of the program: copy them exactly")
    return Edited(source, applied, tuple(refused))
