from __future__ import annotations

import pytest
from labelwright.core.task import Task
from labelwright.synthesis.authoring.record_facts import record_facts


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (["ポンプから異音がして停止した。", "油漏れを確認した"], "no spaces between words"),
        (["ポンプから異音がして停止した。", "油漏れを確認した"], "Katakana"),
        (["\uff34\uff25\uff2d\uff30 \uff11\uff12\uff10", "圧力低下"], "full-width"),
        (["très déçue par le séjour", "Plutôt bien"], "accented letters"),
        (["a piece of news ...", "Another one…"], "cut off"),
        (["<b>Bold</b> words", "fish &amp; chips"], "HTML"),
        (["see https://example.org", "x"], "web addresses"),
        (["all of it in small letters", "like this"], "small letters"),
        (["Привет, мир", "Как дела"], "Cyrillic"),
        (["same", "same", "Other"], "repeat"),
        (["one\ntwo", "Three"], "several lines"),
    ],
)
def test_what_matters_to_a_writer_is_told(reviews: Task, texts: list[str], told: str) -> None:
    assert any(told in fact for fact in record_facts(reviews, [(text,) for text in texts]))


def test_plain_english_has_nothing_but_its_length(reviews: Task) -> None:
    assert record_facts(reviews, [("A fine day.",), ("Not so fine.",)]) == [
        "Length: 12 characters in the median, most between 11 and 12."
    ]


def test_no_text_no_facts(reviews: Task) -> None:
    assert record_facts(reviews, []) == []
    assert record_facts(reviews, [("",)]) == []
