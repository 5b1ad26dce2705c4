"""Programs made of word lists: the LLM names the words of each label, the program around them is the same for all."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from labelwright.core.task import FieldType, Task
from labelwright.synthesis.templates import render
from labelwright.synthesis.text.words import HAN, UNSPACED, plain, shape_of

_MAX_WORDS_A_TERM = 3
"""Few records share four words in a row: a longer item is a sentence about the list."""
_MAX_TERMS = 30
"""More than a reply's cap of tokens holds; what goes on beyond it repeats itself."""
_LONGEST_TERM = 12
"""Letters of a term in a script without spaces: a longer one is a sentence about the list too."""
_FEWEST_QUOTED = 3
"""Quoted strings from which on a reply is taken to be a list of strings; a word or two may be quoted in a sentence."""
_HINTED_LABELS = 4
"""Labels that the docstring has room for."""
# Items of a list in Python, the last one perhaps torn off; without quotes, whatever stands between commas.
_QUOTED = re.compile(r"""(["'])(.{1,60}?)\1(?=\s*[,\]\n]|\s*$)""")
_SEPARATOR = re.compile(r"[,;\n\u3001\uff0c\uff1b]+")
# What introduces a list ("Here are the words:", "words = ["), and a list mark before a term ("1.", "-").
_INTRODUCTION = re.compile(r"^[^,\n\u3001\uff0c]*[:\uff1a\[]\s*", re.MULTILINE)
_MARK = re.compile(r"^\s*(?:[-*>]|\d+[.)])\s*")
# Of a text's shape: a word, or a run without spaces.
_TERM = re.compile(r"[^\WHM_][^\WH_]*(?:'[^\WHM_][^\WH_]*)?|H[HM]*")
_UNSPACED = re.compile(f"[{UNSPACED}]")


def read_words(text: str, *, cut: bool = False) -> list[str]:
    """Return the terms of a list that an LLM wrote: lower case, each once, in order, of at most three words.

    Of a list that was ``cut`` the last term is left out, which may be torn: between quotes only a whole one is taken.
    """
    # An endpoint may not stop at the list's end: what follows is about it, or is another one.
    parts = [match[2] for match in _QUOTED.finditer(text.partition("]")[0])]
    parts = parts if len(parts) >= _FEWEST_QUOTED else [match[2] for match in _QUOTED.finditer(text)]
    if len(parts) < _FEWEST_QUOTED:
        parts = _SEPARATOR.split(_INTRODUCTION.sub("", text))
        if cut:
            parts.pop()
    terms: dict[str, None] = {}
    for part in parts:
        term = _term(_MARK.sub("", part))
        if term:
            terms[term] = None
    return list(terms)[:_MAX_TERMS]


def _words(text: str) -> list[str]:
    """Return the words and the runs without spaces, in lower case."""
    text = plain(text)
    return [text[found.start() : found.end()] for found in _TERM.finditer(shape_of(text))]


def _term(text: str) -> str:
    """Return the text as programs look for it: a run without spaces, or up to three words; empty where it is neither.

    One letter tells nothing, one Han letter does.
    """
    words = _words(text)
    run = "".join(words)
    if _UNSPACED.search(run):
        return run if len(run) <= _LONGEST_TERM and (len(run) > 1 or re.match(f"[{HAN}]", run)) else ""
    return " ".join(words) if len(words) <= _MAX_WORDS_A_TERM and len("".join(words)) > 1 else ""


def clean_words(task: Task, lists: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return the lists without labels' names, which records rarely contain, and without words of several lists."""
    places = Counter(word for words in lists.values() for word in words)
    names = {" ".join(_words(name)) for name in task.labels}
    return {
        label: [word for word in words if places[word] == 1 and word not in names] for label, words in lists.items()
    }


def write_word_program(task: Task, lists: Mapping[str, Sequence[str]]) -> str:
    """Return the program's source. Labels without words are left out of it."""
    lists = {label: words for label, words in lists.items() if words}
    source = render(
        __package__,
        "word_program.py",
        lists=lists,
        hints=_hints(lists),
        fields=list(task.fields),
        text_names=[field.name for field in task.fields_of(FieldType.TEXT)],
        unspaced="" if "".join(itertools.chain(*lists.values())).isascii() else ascii(UNSPACED)[1:-1],
    )
    return source + "\n"


def _hints(lists: Mapping[str, Sequence[str]]) -> str:
    """Return a few words of each label for the docstring; none where a label's name could end the string."""
    if len(lists) > _HINTED_LABELS or any(not name.isprintable() or set(name) & set('"\\\\') for name in lists):
        return ""
    return ": " + "; ".join(f"{label} ({', '.join(words[:3])})" for label, words in lists.items())
