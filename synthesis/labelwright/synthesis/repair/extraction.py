"""From an LLM's reply to the source of a program."""

from __future__ import annotations

import ast
import re
import textwrap
import warnings

_BLOCK = re.compile(r"```[ \t]*(?:python|py)?[ \t]*\n(.*?)(?:\n[ \t]*```|\Z)", re.DOTALL | re.IGNORECASE)
_START = re.compile(r"^(?:import |from |def |[A-Z_]+ *=)", re.MULTILINE)


def extract_source(reply: str) -> str | None:
    """Return the program in the reply, None where there is none.

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
