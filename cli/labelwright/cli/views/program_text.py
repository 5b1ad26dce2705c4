"""What a program's source says to people."""

from __future__ import annotations

import ast


def describe(source: str) -> str:
    """Return what a program looks for: the docstring of its ``label``, else the module's, else nothing."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    labels = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "label")
    function = next(labels, None)
    return (ast.get_docstring(function) if function else None) or ast.get_docstring(tree) or ""
