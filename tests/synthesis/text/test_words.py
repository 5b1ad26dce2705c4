from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelwright.synthesis.text.words import counting_source, words_of


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
        ("ポンプから異音がして", "異音"),
        ("ポンプから異音がして", "ポンプ"),
        ("軸受に錆", "錆"),
        ("ｶﾞﾀﾂｷあり", "ガタ"),
        ("\uff34\uff25\uff2d\uff30高い", "temp"),
        ("油量\uff11\uff12\uff10\uff4d\uff4c", "<number>"),
        ("油量\uff11\uff12\uff10\uff4d\uff4c", "ml"),
        ("番号\uff11\uff12\uff13\uff14\uff15\uff16", "<longnumber>"),
        ("詳細はhttps://a.example/xをご覧ください", "<link>"),
        ("詳細はexample.comまで", "<link>"),
        ("詳細はexample.comまで", "まで"),
        ("故障が多く\uff01", "!"),
        ("これは長い文で、二十語より多くの語からなる点検の報告であり、読むのに時間がかかるので、後で読む", "<long>"),
        ("异响很大需要更换轴承", "轴承"),
        ("เสียงดังมาก", "ดัง"),
        ("हिन्दी में शिकायत", "हिन्दी"),
        ("हिन्दी में शिकायत", "में"),
        ("très déçue par l\u2019hôtel", "déçue"),
        ("très déçue par l\u2019hôtel", "l'hôtel"),
        ("de\u0301c\u0327ue", "déçue"),
        ("소음이 심합니다", "심합니다"),
    ],
)
def test_finds(text, word):
    assert word in words_of(text, pairs=False)


def test_pairs_are_neighbors_in_order():
    assert "check out" in words_of("Check out this", pairs=True)
    assert "out check" not in words_of("Check out this", pairs=True)
    assert not any(" " in word for word in words_of("Check out this", pairs=False))


@pytest.mark.parametrize(
    ("text", "no_word"),
    [
        ("ポンプから異音がして", "ポンプから異音がして"),
        ("軸受に錆", "に"),
        ("हिन्दी में शिकायत", "हिन"),
        ("CPUが故障", "cpuが"),
        ("ok \u2764\ufe0f", "\ufe0f"),
    ],
)
def test_does_not_find(text, no_word):
    assert no_word not in words_of(text, pairs=False)


def test_only_words_with_spaces_between_them_make_pairs():
    pairs = {word for word in words_of("error code はポンプから pump error", pairs=True) if " " in word}
    assert pairs == {"error code", "pump error"}


def before(text, pairs):
    """The words as they were counted when there was nothing but English."""
    size = len(re.findall(r"\w+", text))
    length = "<short>" if size <= 5 else "<long>" if size > 20 else "<medium>"
    link = r"https?://\S+|www\.\S+|\b[\w-]+\.(?:com|net|org|info|co|uk|tv|ly|me)\b\S*"
    text = re.sub(r"<br\s*/?>|&#?\w+;", " ", re.sub(link, " <link> ", text.lower()))
    text = re.sub(r"\d[\d.,:]*", " <number> ", re.sub(r"\d{5,}", " <longnumber> ", text))
    words = re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?|<\w+>|[!?$%*]", text)
    return {length, *words, *(map(" ".join, pairwise(words)) if pairs else ())}


ASCII = st.text(st.characters(max_codepoint=127))
PIECES = st.sampled_from(["Don't", "HM", " ", "a.com", "http://x.y/z", "<br>", "&amp;", "1.5", "12345", "_", "-", "!"])


@given(st.one_of(ASCII, st.lists(PIECES).map("".join)), st.booleans())
def test_ascii_has_the_words_that_it_always_had(text, pairs):
    assert words_of(text, pairs) == before(text, pairs)


@given(st.text(), st.booleans())
def test_the_copied_source_counts_the_same(text, pairs):
    names: dict[str, Any] = {}
    exec("import re\nimport unicodedata\n" + counting_source(), names)
    assert names["words_of"](text, pairs) == words_of(text, pairs)
