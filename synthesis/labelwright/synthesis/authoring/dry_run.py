"""What looks like a mistake in a program that runs: keys that stand twice, tables of which nothing is ever found."""

from __future__ import annotations

import ast
import unicodedata
from collections.abc import Iterator, Sequence

from labelwright.core.record import Record
from labelwright.core.task import Task
from labelwright.synthesis.asking.record_text import joined_texts
from labelwright.synthesis.repair.extraction import parse_source

_MOST_FINDINGS = 6
_FEWEST_ENTRIES = 8
"""Entries of a table from which on it is odd that the records hold none of them."""
_PATTERN_MARKS = frozenset("\\[](){}*+?|^$")
_SLOW = 5000.0
"""Microseconds a record: ten such programs answer 20 records a second."""


def odd_findings(task: Task, source: str, records: Sequence[Record], microseconds: float) -> list[str]:
    """Return what looks like a mistake, in sentences for whoever wrote the program."""
    tree = parse_source(source)
    if tree is None:
        return []
    haystack = "\n".join(plain(joined_texts(task, record)) for record in records)
    findings = [*_duplicate_keys(tree), *(_silent_tables(tree, haystack) if haystack.strip() else ())]
    if microseconds > _SLOW:
        findings.append(f"it takes {microseconds / 1000:.0f} ms a record; {_SLOW / 1000:.0f} ms are a lot")
    return findings[:_MOST_FINDINGS]


def _duplicate_keys(tree: ast.Module) -> Iterator[str]:
    """Yield keys of a dict that are one key to Python, though they may differ in spelling, such as 4 and 4.0."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Dict):
            continue
        first: dict[object, ast.expr] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            constant = _constant(key)
            if constant is None:
                continue
            before = first.setdefault(constant, value)
            if before is not value and ast.dump(before) != ast.dump(value):
                line = key.lineno if key else node.lineno
                yield f"line {line}: the key {constant!r} stands twice; the last one counts"
                break


def _constant(node: ast.expr | None) -> object:
    """Return the value of a constant, or of a tuple of them; None for anything else."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Tuple):
        parts = [_constant(part) for part in node.elts]
        return None if None in parts else tuple(parts)
    return None


def _silent_tables(tree: ast.Module, haystack: str) -> Iterator[str]:
    """Yield the tables at the program's top whose entries occur in no record."""
    for line, words in table_words(tree):
        if len(words) >= _FEWEST_ENTRIES and not any(plain(word) in haystack for word in words):
            yield f"line {line}: none of the {len(words)} words in this table occurs in any record"


def table_words(tree: ast.Module) -> Iterator[tuple[int, list[str]]]:
    """Yield the line of each table at the program's top, and the words in it; those of patterns do not count."""
    for statement in tree.body:
        if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
            continue
        # An entry may be a list of words that the program splits.
        yield (
            statement.lineno,
            [
                word
                for node in ast.walk(statement.value)
                if isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and not _PATTERN_MARKS & set(node.value)
                for word in node.value.split()
                if len(word) > 1
            ],
        )


def plain(text: str) -> str:
    """Return the text as words are compared in it: without regard to case and width."""
    return unicodedata.normalize("NFKC", text).casefold()
