"""From an LLM's reply to source that parses."""

from __future__ import annotations

import ast
import re
import textwrap
import warnings

_BLOCK = re.compile(r"```[ \t]*(?:python|py)?[ \t]*\n(.*?)(?:\n[ \t]*```|\Z)", re.DOTALL | re.IGNORECASE)
_START = re.compile(r"^(?:import |from |def |[A-Z_]+ *=)", re.MULTILINE)
# A word in single quotes with an apostrophe inside: 'don't'. What follows must be a separator, so 'a' 'b' stays.
_APOSTROPHE = re.compile(r"'(\w+)'(t|s|re|ve|ll|d|m)'(?=\s*[,\])}:])")
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_MOST_LINES_CUT = 12
"""Lines after the function that may be prose. A longer tail is rather part of a program: cutting it would lose code."""


def extract_source(reply: str) -> str | None:
    """Return the program in the reply, None where it holds no code.

    The block that defines ``label``, else the longest block; without any fence, from the first line that looks like
    Python to the end.
    """
    text = reply.replace("\r\n", "\n")
    blocks = [textwrap.dedent(block).strip("\n") for block in _BLOCK.findall(text)]
    if blocks:
        return max(blocks, key=lambda block: ("def label" in block, len(block))) + "\n"
    start = _START.search(text)
    return text[start.start() :].strip("`\n ") + "\n" if start else None


def parse_source(source: str) -> ast.Module | None:
    """Return the syntax tree, None where the source is not Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def repair_syntax(source: str) -> tuple[str, list[str]]:
    """Return a source that parses where a small change makes it, and the change; else the source as it was."""
    if parse_source(source) is not None:
        return source, []
    for repair, change in (
        (_quote_apostrophes, "quoted words with an apostrophe"),
        (_drop_tail, "dropped what follows the program"),
        (_close_lists, "closed a list that broke off"),
    ):
        repaired = repair(source)
        if repaired is not None and parse_source(repaired) is not None:
            return repaired, [change]
    return source, []


def _quote_apostrophes(source: str) -> str:
    return _APOSTROPHE.sub(r'"\1' + "'" + r'\2"', source)


def _drop_tail(source: str) -> str | None:
    """Cut prose or a torn line after the function, as long as the function keeps its last return."""
    lines = source.rstrip().split("\n")
    for cut in range(1, min(_MOST_LINES_CUT, len(lines) - 1) + 1):
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
