"""Keeps unparsed source readable: a list of words belongs on several lines."""

from __future__ import annotations

import io
import tokenize

_WIDTH = 100
_INDENT = "        "


def wrap_lists(source: str) -> str:
    """Return the source with lines above 100 characters broken after commas inside brackets, where that is safe."""
    breaks: list[tuple[int, int]] = []
    depth, taken = 0, 0
    line = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.start[0] != line:
            line, taken = token.start[0], 0
        if token.type == tokenize.OP and token.string in "([{":
            depth += 1
        elif token.type == tokenize.OP and token.string in ")]}":
            depth -= 1
        elif token.string == "," and depth and token.end[1] - taken > _WIDTH - 20:
            breaks.append(token.end)
            taken = token.end[1]
    lines = source.split("\n")
    for row, column in reversed(breaks):
        text = lines[row - 1]
        if len(text) > _WIDTH and text[column:].strip():
            lines[row - 1] = f"{text[:column]}\n{_INDENT}{text[column:].lstrip()}"
    return "\n".join(lines)
