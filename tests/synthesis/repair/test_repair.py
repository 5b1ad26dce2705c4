from __future__ import annotations

import pytest
from labelwright.core.task import Task
from labelwright.synthesis.repair.repair import repair

from tests.parts.native import native_label


def mended(task: Task, source: str) -> str:
    repaired = repair(task, source)
    assert repaired.parses
    assert repaired.changes
    again = repair(task, repaired.source)
    assert again.source == repaired.source, "a repaired program has nothing left to repair"
    return repaired.source


def test_a_program_without_faults_stays_as_it_is(reviews: Task) -> None:
    source = '''import re

WORDS = {"bad": ["dull"], "good": ["great"]}  # a comment

def label(text):
    """Looks for words."""
    found = [name for name, words in WORDS.items() if any(word in text.lower() for word in words)]
    return found[0] if len(found) == 1 else None
'''
    assert repair(reviews, source).source == source
    assert repair(reviews, source).changes == ()


@pytest.mark.parametrize(
    "source",
    [
        "def label(text):\n    if any(w in text for w in ['Great', 'fine']):\n        return 'good'\n",
        "def label(text):\n    if 'dull' in text:\n        return 'bad'\n    return 'good'\n",
        "GOOD = ['good', 'fine', 'fine', 'it was the best film that I have seen']\n"
        "def label(text):\n    return 'good' if any(w in text for w in GOOD) else None\n",
    ],
)
def test_what_a_program_says_is_its_authors_matter(reviews: Task, source: str) -> None:
    """Case, catch-alls and odd words change which records get a vote: the trial shows that, a repair may not."""
    assert repair(reviews, source).source == source


@pytest.mark.parametrize("spelled", ["Good", "GOOD", " good ", "good!"])
def test_spells_labels_as_the_task_does(reviews: Task, spelled: str) -> None:
    source = mended(reviews, f"def label(text):\n    return {spelled!r} if 'fun' in text.lower() else 'unknown'\n")
    assert native_label(source, "fun") == "good"
    assert native_label(source, "no") is None


def test_names_function_parameters_and_imports(reviews: Task) -> None:
    source = mended(
        reviews,
        "def classify(review):\n    return 'good' if re.search('fun', review.lower()) and Counter(review) else None\n"
        "\nprint(classify('fun'))\n\nif __name__ == '__main__':\n    classify('x')\n",
    )
    assert native_label(source, "fun") == "good"
    assert "def label(text)" in source
    assert "print" not in source
    assert "__name__" not in source


def test_quotes_apostrophes(reviews: Task) -> None:
    source = mended(
        reviews,
        "BAD = ['don't', 'isn't', 'dull']\n"
        "def label(text):\n    return 'bad' if any(w in text.lower() for w in BAD) else None\n",
    )
    assert native_label(source, "I don't") == "bad"


def test_drops_a_torn_end(reviews: Task) -> None:
    source = mended(
        reviews,
        "def label(text):\n    if 'fun' in text.lower():\n        return 'good'\n    return None\n\nIt looks for fun",
    )
    assert native_label(source, "fun") == "good"


def test_what_cannot_be_mended_is_said_so(reviews: Task) -> None:
    repaired = repair(reviews, "WORDS = ['a', 'b'\ndef label(text)")
    assert not repaired.parses
    assert repaired.changes == ()


def test_long_lists_stay_readable(reviews: Task) -> None:
    words = [f"word{number}" for number in range(60)]
    source = mended(
        reviews,
        f"WORDS = {words!r}\ndef sort(text):\n    return 'good' if text.lower() in WORDS else None\n",
    )
    assert max(map(len, source.splitlines())) <= 110
    assert native_label(source, "word59") == "good"


@pytest.mark.parametrize("dots", ["...", "'...'", "'word1', 'word2'", "'・・・'", "'単語1', 'キーワード\uff12'"])
def test_drops_placeholders_beside_real_words(reviews: Task, dots: str) -> None:
    source = mended(
        reviews,
        "def label(text):\n    text = text.lower()\n"
        f"    return 'good' if any(w in text for w in ['great', 'fine', {dots}]) else None\n",
    )
    assert "['great', 'fine']" in source
    assert native_label(source, "a fine one") == "good"
