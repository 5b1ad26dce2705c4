"""Placeholders: what an LLM copies from the shape that the prompt shows, where words of its own should stand."""

from __future__ import annotations

import ast
import re
import unicodedata

from labelwright.core.task import Task
from labelwright.synthesis.repair.extraction import parse_source

# Of a string in one width: the dots that stand for more, and a word for "word" with a number, in common languages.
_DOTS = re.compile(r"\.{3,}|・{2,}|。{2,}")
_MADE_UP = re.compile(
    r"(?:word|keyword|phrase|term|example|mot|wort|palabra|単語|キーワード|語句|用語|例|词语|詞語|关键词|单词|단어)"
    r"[ _-]?\d+",
    re.IGNORECASE,
)
_Listing = ast.List | ast.Set | ast.Tuple


def find_placeholder(source: str) -> str:
    """Return the place of a list of placeholders alone, in words for the LLM; empty where there is no such list."""
    tree = parse_source(source)
    for listing in _listings(tree) if tree else []:
        if listing.elts and all(map(_is_placeholder, listing.elts)):
            return f"line {listing.lineno}: the list {ast.unparse(listing)[:60]} holds no real words"
    return ""


def drop_placeholders(_: Task, tree: ast.Module) -> list[str]:
    """Drop placeholders from lists that hold real words too."""
    dropped = 0
    for listing in _listings(tree):
        real = [item for item in listing.elts if not _is_placeholder(item)]
        if real and len(real) < len(listing.elts):
            dropped += len(listing.elts) - len(real)
            listing.elts = real
    return [f"dropped {dropped} placeholders from word lists"] if dropped else []


def _listings(tree: ast.AST) -> list[_Listing]:
    """Return the lists, sets and tuples. In a type such as ``tuple[int, ...]`` the dots mean something."""
    nodes = list(ast.walk(tree))
    in_types = {id(node.slice) for node in nodes if isinstance(node, ast.Subscript)}
    return [node for node in nodes if isinstance(node, ast.List | ast.Set | ast.Tuple) and id(node) not in in_types]


def _is_placeholder(item: ast.expr) -> bool:
    if not isinstance(item, ast.Constant):
        return False
    if isinstance(item.value, str):
        text = unicodedata.normalize("NFKC", item.value.strip())
        return any(kind.fullmatch(text) for kind in (_DOTS, _MADE_UP))
    return item.value is Ellipsis
