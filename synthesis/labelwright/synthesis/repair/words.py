"""Repairs of word lists, and of comparisons that miss what is written otherwise."""

from __future__ import annotations

import ast
import re

from labelwright.core.task import FieldType, Task
from labelwright.synthesis.repair.names import label_function

_MAX_WORDS = 6
_IGNORES_CASE = re.compile(r"lower\(|casefold\(|IGNORECASE|re\.I\b|\(\?i\)")
_WANTS_CASE = re.compile(r"isupper|istitle|upper\(|A-Z")
_Listing = ast.List | ast.Set | ast.Tuple


def drop_label_words(task: Task, tree: ast.Module) -> list[str]:
    """Drop labels' names from word lists: people do not write them. A list of the labels themselves stays."""
    names = {name.lower() for name in task.labels}
    dropped: dict[str, None] = {}
    for listing in _listings(tree):
        words = [item.value.lower() for item in listing.elts]  # type: ignore[attr-defined]
        if set(words) <= names or not set(words) & names:
            continue
        dropped |= dict.fromkeys(word for word in words if word in names)
        listing.elts = [item for item, word in zip(listing.elts, words, strict=True) if word not in names]
    return [f"dropped the label's name from a word list: {', '.join(dropped)}"] if dropped else []


def drop_sentences_and_repeats(_: Task, tree: ast.Module) -> list[str]:
    """Drop list entries of more than six words, and repeated ones."""
    sentences, repeats = 0, 0
    for listing in _listings(tree):
        kept: dict[str, ast.expr] = {}
        for item in listing.elts:
            text = item.value  # type: ignore[attr-defined]
            if len(text.split()) > _MAX_WORDS:
                sentences += 1
            elif text in kept:
                repeats += 1
            else:
                kept[text] = item
        # An empty set has no literal: such a list stays as it is.
        if kept and len(kept) < len(listing.elts):
            listing.elts = list(kept.values())
    told = [f"dropped {sentences} whole sentences from word lists"] if sentences else []
    return told + ([f"dropped {repeats} repeated words"] if repeats else [])


def compare_in_lower_case(task: Task, tree: ast.Module) -> list[str]:
    """Compare in lower case where the program does not look at case: lower the text, and the words of its lists."""
    source = ast.unparse(tree)
    function = label_function(tree)
    if function is None or _WANTS_CASE.search(source):
        return []
    told = []
    texts = [name for name, field in task.fields.items() if field.type is FieldType.TEXT and not field.optional]
    used = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    searched = [name for name in texts if name in used]
    if not _IGNORES_CASE.search(source) and searched and _looks_for_strings(function):
        at = 1 if ast.get_docstring(function) is not None else 0
        function.body[at:at] = [ast.parse(f"{name} = {name}.lower()").body[0] for name in searched]
        told.append("compared in lower case")
    if told or ".lower()" in source or ".casefold()" in source:
        lowered = _lower_words(task, tree)
        told += [f"wrote {lowered} words of lists in lower case"] if lowered else []
    return told


def _lower_words(task: Task, tree: ast.Module) -> int:
    lowered = 0
    for listing in _listings(tree):
        for item in listing.elts:
            text = item.value  # type: ignore[attr-defined]
            if text != text.lower() and text not in task.labels and "\\" not in text:
                item.value = text.lower()  # type: ignore[attr-defined]
                lowered += 1
    return lowered


def _looks_for_strings(function: ast.FunctionDef) -> bool:
    return any(
        (isinstance(node, ast.Compare) and any(isinstance(op, ast.In | ast.NotIn) for op in node.ops))
        or (isinstance(node, ast.Attribute) and node.attr in ("startswith", "endswith", "count", "find", "search"))
        for node in ast.walk(function)
    )


def _listings(tree: ast.Module) -> list[_Listing]:
    """Return the lists, sets and tuples of at least two strings, and of nothing else."""
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.List | ast.Set | ast.Tuple)
        and len(node.elts) > 1
        and all(isinstance(item, ast.Constant) and isinstance(item.value, str) for item in node.elts)
    ]
