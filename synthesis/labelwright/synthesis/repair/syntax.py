"""Makes a reply parse: the faults that small models make before there is a syntax tree."""

from __future__ import annotations

import re

from labelwright.synthesis.repair.extraction import parse_source

_MAX_CUT_LINES = 12
# A word in single quotes with an apostrophe inside: 'don't'. What follows must be a separator, so 'a' 'b' stays.
_APOSTROPHE = re.compile(r"'(\w+)'(t|s|re|ve|ll|d|m)'(?=\s*[,\])}:])")
_CLOSING = {"(": ")", "[": "]", "{": "}"}


def repair_syntax(source: str) -> tuple[str, list[str]]:
    """Return a source that parses where a small change makes it, and what was changed; else the source as it was."""
    if parse_source(source) is not None:
        return source, []
    for repair, told in (
        (_quote_apostrophes, "quoted words with an apostrophe"),
        (_drop_tail, "dropped what follows the program"),
        (_close_lists, "closed a list that broke off"),
    ):
        changed = repair(source)
        if changed is not None and parse_source(changed) is not None:
            return changed, [told]
    return source, []


def _quote_apostrophes(source: str) -> str:
    return _APOSTROPHE.sub(r'"\1' + "'" + r'\2"', source)


def _drop_tail(source: str) -> str | None:
    """Cut prose or a torn line after the function, as long as the function keeps its last return."""
    lines = source.rstrip().split("\n")
    for cut in range(1, min(_MAX_CUT_LINES, len(lines) - 1) + 1):
        rest = "\n".join(lines[:-cut]) + "\n"
        if "def label" in rest and parse_source(rest) is not None:
            return rest if _ends_in_return(rest) else None
    return None


def _ends_in_return(source: str) -> bool:
    last = source.rstrip().split("\n")[-1]
    return last.lstrip().startswith("return") and last.startswith((" ", "\t"))


def _close_lists(source: str) -> str | None:
    """Close brackets at the end of a list that was cut within an item; of use where the function stands before it."""
    cut = source.rfind(",")
    if cut < 0 or "def label" not in source[:cut]:
        return None
    rest = source[:cut]
    open_brackets: list[str] = []
    for character in re.sub(r"\"[^\"\n]*\"|'[^'\n]*'", "", rest):
        if character in _CLOSING:
            open_brackets.append(_CLOSING[character])
        elif open_brackets and character == open_brackets[-1]:
            open_brackets.pop()
    return rest + "".join(reversed(open_brackets)) + "\n"
