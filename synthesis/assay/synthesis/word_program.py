"""Programs out of word lists: the LLM names the words of each label, the program around them is the same for all."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from assay.core.task import FieldType, Task
from assay.synthesis.prompts import render

_MAX_WORDS_A_TERM = 3
_MAX_TERMS = 30
_SEPARATOR = re.compile(r"[,;\n]+")
# A list mark and a number ("1.", "-") before a term, and what introduces a list ("Here are the words:").
_MARK = re.compile(r"^\s*(?:[-*>]|\d+[.)])\s*")
_INTRODUCTION = re.compile(r"^[^,\n]*:\s*", re.MULTILINE)
_TERM = re.compile(r"[^\W_]+(?:'[^\W_]+)?")


def read_words(text: str) -> list[str]:
    """Return the terms of a list as an LLM writes it: lower case, each once, in order, of at most three words."""
    terms: dict[str, None] = {}
    for part in _SEPARATOR.split(_INTRODUCTION.sub("", text)):
        words = _TERM.findall(_MARK.sub("", part).lower())
        if 0 < len(words) <= _MAX_WORDS_A_TERM and len("".join(words)) > 1:
            terms[" ".join(words)] = None
    return list(terms)[:_MAX_TERMS]


def clean_words(task: Task, listed: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return the lists without labels' names and without words that stand in several lists: these decide nothing."""
    places = Counter(word for words in listed.values() for word in words)
    names = {" ".join(_TERM.findall(name.lower())) for name in task.labels}
    return {
        label: [word for word in words if places[word] == 1 and word not in names] for label, words in listed.items()
    }


def write_word_program(task: Task, listed: Mapping[str, Sequence[str]]) -> str:
    """Return the program's source. Labels without words are left out of it."""
    return (
        render(
            "word_program.py",
            listed={label: words for label, words in listed.items() if words},
            fields=list(task.fields),
            text_names=[field.name for field in task.fields.values() if field.type is FieldType.TEXT],
        )
        + "\n"
    )
