"""An answer that was cut is no whole answer: why it ended is read from whatever word the endpoint has for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from labelwright.core.task import Task
from labelwright.synthesis.asking.concepts import read_concepts
from labelwright.synthesis.asking.direct import read_label
from labelwright.synthesis.llm.completion import Finish
from labelwright.synthesis.llm.endpoint import AskFailed
from labelwright.synthesis.llm.replies import Replies
from labelwright.synthesis.writing.word_program import read_words

from tests.synthesis.faulty_endpoint import FaultyEndpoint, Sent
from tests.synthesis.llm.provider_of import ask, provider_of
from tests.synthesis.tasks import make_task


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        *(
            (word, Finish.STOP)
            for word in ("stop", "STOP", "end_turn", "eos", "eos_token", "stop_sequence", "COMPLETE")
        ),
        *(
            (word, Finish.LENGTH)
            for word in ("length", "max_tokens", "MAX_TOKENS", "model_length", "FINISH_REASON_MAX_TOKENS")
        ),
        *(
            (word, Finish.UNFINISHED)
            for word in ("tool_calls", "function_call", "pause_turn", "OTHER", 7, {"type": "x"})
        ),
    ],
)
def test_a_reason_is_known_by_its_synonyms_and_an_unknown_one_is_no_stop(
    endpoint: FaultyEndpoint, reason: object, finish: Finish
) -> None:
    endpoint.script = [Sent.text("some words", finish=reason)]
    reply = provider_of(endpoint).complete(ask(), "program")
    assert (reply.text, reply.finish) == ("some words", finish)
    assert reply.is_cut == (finish is not Finish.STOP)


def test_an_unknown_reason_is_named_and_kept(endpoint: FaultyEndpoint, tmp_path: Path) -> None:
    replies = Replies(tmp_path / "replies.jsonl", model="m")
    endpoint.script = [Sent.text("some words", finish="pause_turn")]
    reply = provider_of(endpoint, replies=replies).complete(ask(), "program")
    assert "'pause_turn'" in reply.cut_message
    assert Replies(tmp_path / "replies.jsonl").get(ask()) == reply


@pytest.mark.parametrize("reason", ["error", "abort", "ABORTED", "cancelled"])
def test_an_engine_that_gave_up_is_asked_again(endpoint: FaultyEndpoint, reason: str) -> None:
    endpoint.script = [Sent.text("half an ans", finish=reason)]
    assert provider_of(endpoint).complete(ask(), "program").text == "echo of hello"


@pytest.mark.parametrize("reason", ["content_filter", "SAFETY", "recitation", "refusal"])
def test_a_filter_is_final_by_whatever_name(endpoint: FaultyEndpoint, reason: str) -> None:
    endpoint.script = [Sent.text("half an ans", finish=reason)]
    with pytest.raises(AskFailed) as failure:
        provider_of(endpoint).complete(ask(), "program")
    assert (failure.value.kind, len(endpoint.requests)) == ("filtered", 1)


def test_no_reason_at_all_is_a_broken_connection(endpoint: FaultyEndpoint) -> None:
    endpoint.script = [Sent.text("half an ans", finish=None)]
    assert provider_of(endpoint).complete(ask(), "program").text == "echo of hello"


def test_a_model_that_declines_is_not_asked_again(endpoint: FaultyEndpoint) -> None:
    chunk = {
        "choices": [{"index": 0, "delta": {"content": None, "refusal": "I cannot help."}, "finish_reason": "stop"}]
    }
    endpoint.script = [Sent.events(chunk)] * 5
    with pytest.raises(AskFailed) as failure:
        provider_of(endpoint).complete(ask(), "program")
    assert (failure.value.kind, len(endpoint.requests)) == ("declined", 1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("free, prize, guara", ["free", "prize"]),
        ("- free\n- prize\n- guara", ["free", "prize"]),
        ("free, prize, guarantee,", ["free", "prize", "guarantee"]),
        ('words = ["free", "prize", "win", "guara', ["free", "prize", "win"]),
        ('words = ["free", "prize", "win"', ["free", "prize", "win"]),
    ],
)
def test_the_torn_last_word_of_a_list_is_left_out(text: str, words: list[str]) -> None:
    assert read_words(text, cut=True) == words


def test_a_whole_list_keeps_its_last_word() -> None:
    assert read_words("free, prize, guarantee") == ["free", "prize", "guarantee"]


def test_the_torn_last_line_of_concepts_is_left_out(reviews: Task) -> None:
    text = "warmth: how warm it is\nnoise: how lo"
    assert [concept.name for concept in read_concepts(reviews, text, cut=True)] == ["warmth"]
    assert [concept.name for concept in read_concepts(reviews, text)] == ["warmth", "noise"]


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("sport", -1),
        ("sports", 1),
        ("It is sport", -1),
        ("art", 2),
        ("I think it is art", -1),
        ("It is art.", 2),
        ("art\nBecause it is about sport", 2),
    ],
)
def test_a_torn_word_is_no_label(text: str, label: int) -> None:
    task = make_task('[labels]\nsport = "one"\nsports = "many"\nart = "none"\n[fields]\ntext = "text"')
    assert read_label(task, text, cut=True) == label


@pytest.mark.parametrize(
    "text", ["good\n\nIt is not bad at all.", "good", "Answer:\ngood", "Label: good\nbad would be wrong"]
)
def test_a_label_is_found_where_the_endpoint_does_not_stop_behind_it(reviews: Task, text: str) -> None:
    assert read_label(reviews, text) == reviews.label_names.index("good")


def test_words_are_those_of_the_list_where_the_endpoint_does_not_stop_behind_it() -> None:
    text = (
        'words = ["free", "prize", "win"]\nfor word in words:\n    print("the word", "is here")\nmore = ["x-ray", "hm"]'
    )
    assert read_words(text) == ["free", "prize", "win"]
