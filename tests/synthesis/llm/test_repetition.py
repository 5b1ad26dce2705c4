from __future__ import annotations

import pytest
from labelwright.synthesis.llm.repetition import repeats_itself

WORDS = ", ".join(f'"word{number}"' for number in range(60))
PROGRAM = '''
def label(text):
    """Counts."""
    if "win" in text:
        return "spam"
    if "free" in text:
        return "spam"
    if "prize" in text:
        return "spam"
    return None
'''


@pytest.mark.parametrize(
    "text",
    [
        "words = [" + '"smart", ' * 12,
        "privatization " * 12,
        '"conflict", "war", "peace", ' * 6,
        "Here: " + "If it says so, it is spam. " * 5,
        "[" + ", ".join(f'"{word}"' for word in "abacabadabacabadabcabacbdabacbdc"),
    ],
)
def test_sees_loops(text: str) -> None:
    assert repeats_itself(text)


@pytest.mark.parametrize("text", ["", "words = [" + WORDS, PROGRAM, " " * 200, "x = 1\n" * 3, "ab" * 10])
def test_leaves_other_text_alone(text: str) -> None:
    assert not repeats_itself(text)
