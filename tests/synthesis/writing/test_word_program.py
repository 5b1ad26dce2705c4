from __future__ import annotations

import pytest
from labelwright.core.bundle import Program
from labelwright.core.task import Task
from labelwright.sandbox.static_checks import check_program
from labelwright.synthesis.writing.word_program import clean_words, read_words, write_word_program

from tests.parts.native import native_label
from tests.synthesis.tasks import make_task


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            'words = ["Free", "text", "won\'t", "call now", "free", "1win"]',
            ["free", "text", "won't", "call now", "1win"],
        ),
        ("Here's a list of the label \"ham\":\n\nwords = ['a b', 'song', 'view', 'mus", ["a b", "song", "view"]),
        ('```python\nwords = [\n    "rugby",\n    "goal",\n    "cup"\n]\n```', ["rugby", "goal", "cup"]),
        ("Here are words: rugby, goal\n1. cup\n- Final", ["rugby", "goal", "cup", "final"]),
        ('words = ["this is far too long a phrase", "x", "ok", "", "fine", "well"]', ["ok", "fine", "well"]),
        ('words = ["異音", "ｶﾞﾀﾂｷ", "錆", "に", "Ｖベルト", "異音"]', ["異音", "ガタツキ", "錆", "vベルト"]),
        ("以下は単語です\uff1a異音、振動\uff0c錆\n1. 油漏れ\n・緩み", ["異音", "振動", "錆", "油漏れ", "緩み"]),
        ('["これは長すぎる文章で一覧の説明です", "a", "異音", "b"]', ["異音"]),
        ('["हिन्दी", "बहुत अच्छा", "déçue"]', ["हिन्दी", "बहुत अच्छा", "déçue"]),
        ('["เสียงดัง", "รั่ว", "ร้อน"]', ["เสียงดัง", "รั่ว", "ร้อน"]),
    ],
)
def test_reads_lists_as_models_write_them(text: str, words: list[str]) -> None:
    assert read_words(text) == words


def test_words_of_several_labels_and_labels_names_decide_nothing(reviews: Task) -> None:
    listed = {"good": ["fun", "film", "good"], "bad": ["dull", "film", "bad"]}
    assert clean_words(reviews, listed) == {"good": ["fun"], "bad": ["dull"]}


def test_the_program_counts_words_and_phrases(reviews: Task) -> None:
    source = write_word_program(reviews, {"good": ["fun", "loved it", "äpfel"], "bad": ["dull", "don't"]})
    assert native_label(source, "LOVED   it!") == "good"
    assert native_label(source, "fun, but dull and I DON'T care") == "bad"
    assert native_label(source, "Äpfel") == "good"
    assert native_label(source, "fun and dull") is None
    assert native_label(source, "refund") is None
    assert native_label(source, "") is None
    assert '"""Counts words' in source


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("ポンプから異音がする", "bad"),
        ("ﾎﾟﾝﾌﾟ正常", "good"),
        ("CPUが故障", "bad"),
        ("\uff23 \uff30 \uff35", None),
        ("शिकायत हुई", "bad"),
        ("शिकायतें", None),
        ("très déçue", "bad"),
        ("très de\u0301c\u0327ue", "bad"),
        ("décue", None),
        ("เครื่องเสียงดังมาก", "bad"),
        ("I DON\u2019T", "bad"),
    ],
)
def test_the_program_finds_words_of_any_script(reviews: Task, text: str, label: str | None) -> None:
    bad = ["異音", "cpu", "शिकायत", "déçue", "เสียงดัง", "don't"]
    assert native_label(write_word_program(reviews, {"good": ["正常"], "bad": bad}), text) == label


def test_programs_of_any_script_pass_the_static_checks(reviews: Task) -> None:
    source = write_word_program(reviews, {"good": ["正常", "fine"], "bad": ["異音"]})
    assert check_program(reviews, Program("words", source)) == []


def test_the_program_reads_all_texts_and_bears_odd_labels() -> None:
    task = make_task(
        '[labels]\n"a\\"b" = ""\nc = ""\n[fields]\ntitle = "text"\nbody = {type = "text", optional = true}'
    )
    source = write_word_program(task, {'a"b': ["one"], "c": ["two"]})
    scope: dict[str, object] = {}
    exec(source, scope)
    label = scope["label"]
    assert label("one", None) == 'a"b'  # type: ignore[operator]
    assert label("x", "two") == "c"  # type: ignore[operator]
