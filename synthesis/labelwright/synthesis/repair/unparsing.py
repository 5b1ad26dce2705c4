"""Source out of a syntax tree, however deep: a chain of ``+`` or ``elif`` is a tree as deep as the chain is long."""

from __future__ import annotations

import ast
import sys
import threading

_STACK_BYTES = 256 << 20
"""Address space, of which only what is used becomes memory."""
_DEPTH = 50_000
"""Frames. Unparsing takes up to eight for each level of the tree, and the parser makes no tree above 3,000 levels."""
_lock = threading.Lock()


def unparse(tree: ast.AST) -> str | None:
    """Return the source of the tree, None where it has none that Python could read again."""
    try:
        return ast.unparse(tree)
    except RecursionError:
        return _unparse_deep(tree)
    except ValueError:  # a number with more digits than Python writes
        return None


def _unparse_deep(tree: ast.AST) -> str | None:
    """Do it in a thread with room for deep recursion. The limit holds for all threads, so it is raised for a moment."""
    found: list[str] = []

    def work() -> None:
        try:
            found.append(ast.unparse(tree))
        except (RecursionError, ValueError):
            return

    with _lock:
        size, limit = threading.stack_size(_STACK_BYTES), sys.getrecursionlimit()
        try:
            thread = threading.Thread(target=work, name="unparse")
            sys.setrecursionlimit(max(limit, _DEPTH))
            thread.start()
            thread.join()
        finally:
            sys.setrecursionlimit(limit)
            threading.stack_size(size)
    return found[0] if found else None
