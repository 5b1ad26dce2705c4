from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelwright.synthesis.learning.words import counting_source, words_of


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("FREE entry", "free"),
        ("see https://a.example/x?y=1 now", "<link>"),
        ("go to shop.example.com", "<link>"),
        ("Call 09061790121", "<longnumber>"),
        ("at 8.30 today", "<number>"),
        ("I don\u2019t know", "don't"),
        ("Über uns", "über"),
        ("only \u00a35!", "\u00a3"),
        ("ok", "<short>"),
        ("word " * 30, "<long>"),
    ],
)
def test_finds(text, word):
    assert word in words_of(text, pairs=False)


def test_pairs_are_neighbors_in_order():
    assert "check out" in words_of("Check out this", pairs=True)
    assert "out check" not in words_of("Check out this", pairs=True)
    assert not any(" " in word for word in words_of("Check out this", pairs=False))


@given(st.text(), st.booleans())
def test_the_copied_source_counts_the_same(text, pairs):
    names: dict[str, Any] = {}
    exec("import re\n" + counting_source(), names)
    assert names["words_of"](text, pairs) == words_of(text, pairs)
