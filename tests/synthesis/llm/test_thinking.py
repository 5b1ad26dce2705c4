"""What a model thinks before it answers is no answer, whoever reads it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from labelwright.core.task import Task
from labelwright.synthesis.asking.concepts import ask_concepts
from labelwright.synthesis.asking.direct import label_directly
from labelwright.synthesis.llm.completion import Finish, Reply, Usage
from labelwright.synthesis.llm.endpoint import AskFailed
from labelwright.synthesis.llm.ledger import Ledger
from labelwright.synthesis.llm.provider import KeptProvider, RecordedEndpoint
from labelwright.synthesis.llm.replies import Replies
from labelwright.synthesis.llm.thinking import without_thinking

from tests.synthesis.faulty_endpoint import FaultyEndpoint, Sent
from tests.synthesis.llm.provider_of import ask, provider_of

PROGRAM = "```python\ndef label(text):\n    return 'good' if 'fun' in text else None\n```"
DRAFT = (
    "```python\ndef label(text):\n    '''A first draft, and a good deal longer than the rest.'''\n    return 'bad'\n```"
)


@pytest.mark.parametrize("name", ["think", "thinking", "reasoning", "thought", "THINK", "Thinking", "seed:think"])
@pytest.mark.parametrize("begin", ["<{name}>\n", '<{name} time="3s">\n', "\n<{name}>", ""], ids=repr)
def test_thinking_goes(name: str, begin: str) -> None:
    assert without_thinking(f"{begin.format(name=name)}{DRAFT}\nhm\n</{name}>\n\n{PROGRAM}").strip() == PROGRAM


@pytest.mark.parametrize(
    "thought",
    [
        f"<think>one<think>two</think>{DRAFT}\n</think>",
        f"<think>The user wants <think> tags gone.\n{DRAFT}\n</think>",
        f'<think>A "</think>" in a string, don\'t forget.\n{DRAFT}\n</think>',
        "<think>\n```python\nnever closed\n</think>",
        f"<think>{DRAFT}</thinking>",
        f"{DRAFT}\nno\n</think>\nand once more\n</think>",
        "<think>\r\n\r\n</think>\r\n",
        "<think/>",
        f"[THINK]{DRAFT}\n[/THINK]",
        f"<|channel|>analysis<|message|>{DRAFT}\n<|end|><|start|>assistant<|channel|>final<|message|>",
    ],
)
def test_thinking_goes_however_it_is_marked(thought: str) -> None:
    assert without_thinking(f"{thought}\n{PROGRAM}").strip() == PROGRAM
    assert without_thinking(f"{thought}good").strip() == "good"


@pytest.mark.parametrize(
    "text",
    [f"<think>\n{DRAFT}", f"<think>\n{DRAFT}\n</think>", f"{DRAFT}\n</thinking>\n", "<|channel|>analysis<|message|>a"],
)
def test_nothing_but_thinking_is_no_answer(text: str) -> None:
    assert without_thinking(text).strip() == ""


@pytest.mark.parametrize(
    "text",
    [
        "```python\nimport re\n\ndef label(text):\n    if re.search(r'<think>', text):\n        return 'good'\n```",
        "```python\ndef label(text):\n    '''\n    <think>\n    '''\n    return '</think>' in text or None\n```",
        "def label(text):\n    return re.sub(r'<think>.*?</think>', '', text) or None\n",
        'def label(text):\n    return "good" if "</reasoning>" in text else None\n',
        f"It looks for `<think>` and `</think>`.\n{PROGRAM}",
        f"It handles <think> tags.\n{PROGRAM}",
        f"{PROGRAM}\nIt minds `</think>`.",
        "I think it is <b>good</b>, 3 < 4 > 2.",
    ],
)
def test_tags_that_are_code_or_quoted_stay(text: str) -> None:
    assert without_thinking(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "x <think>" * 4000,
        "<think></think>" * 4000,
        "<think>\n" * 4000 + "</think>\n" * 4000,
        "```\n" * 9000 + "<think>",
    ],
    ids=["open", "empty", "nested", "fences"],
)
def test_no_text_takes_long(text: str) -> None:
    start = time.process_time()
    without_thinking(text)
    assert time.process_time() - start < 5


def test_direct_labels_and_concepts_hear_the_answer_alone(endpoint: FaultyEndpoint, reviews: Task) -> None:
    endpoint.script = [
        Sent.text('<think>It says "bad" (twice), but users\' irony...</think>\n\ngood'),
        Sent.text("bad? bad!</think>good"),
        Sent.text("<think>\nnoise: how loud it is\n</think>\nwarmth: how warm it is"),
    ]
    provider = provider_of(endpoint)
    found = label_directly(provider, reviews, [("a",), ("b",)])
    assert [reviews.label_names[index] for index in found.labels] == ["good", "good"]
    assert [concept.name for concept in ask_concepts(provider, reviews)] == ["warmth"]


def test_the_scores_are_those_of_the_answers_first_word(endpoint: FaultyEndpoint) -> None:
    def chunk(text: str, other: str) -> dict[str, object]:
        candidates = [{"token": text, "logprob": -0.1}, {"token": other, "logprob": -2.5}]
        logprobs = {"content": [{"token": text, "logprob": -0.1, "top_logprobs": candidates}]}
        return {"choices": [{"index": 0, "delta": {"content": text}, "logprobs": logprobs}]}

    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    thought = [chunk("<think>", "<b>"), chunk("bad", "worse"), chunk("</think>", "."), chunk("\n", " ")]
    endpoint.script = [Sent.events(*thought, chunk("good", "bad"), end), Sent.events(chunk("good", "bad"), end)]
    provider = provider_of(endpoint)
    for text in ("one", "two"):
        assert provider.complete(ask(text, alternatives=2), "direct").alternatives == {"good": -0.1, "bad": -2.5}


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning", "thinking"])
def test_what_is_sent_beside_the_answer_as_reasoning_is_not_in_it(endpoint: FaultyEndpoint, name: str) -> None:
    chunks = [{"choices": [{"delta": {name: "bad, I say"}}]}, {"choices": [{"delta": {"content": "good"}}]}]
    parts = {
        "choices": [{"delta": {"content": [{"type": "thinking", "thinking": "bad"}, {"type": "text", "text": "!"}]}}]
    }
    endpoint.script = [Sent.events(*chunks, parts, {"choices": [{"delta": {}, "finish_reason": "stop"}]})]
    assert provider_of(endpoint).complete(ask(), "direct").text == "good!"


def test_replies_are_kept_as_they_were_sent_and_read_without_thinking(endpoint: FaultyEndpoint, tmp_path: Path) -> None:
    path = tmp_path / "replies.jsonl"
    endpoint.script = [Sent.text(f"<think>{DRAFT}</think>{PROGRAM}")]
    assert provider_of(endpoint, replies=Replies(path, model="m")).complete(ask(), "program").text == PROGRAM
    assert DRAFT in json.loads(path.read_text().splitlines()[1])["reply"]["text"]
    recorded = KeptProvider(RecordedEndpoint("m"), Replies(path), Ledger())
    assert recorded.complete(ask(), "program").text == PROGRAM


def test_a_reply_that_was_kept_when_thinking_passed_for_an_answer_holds_none(tmp_path: Path) -> None:
    replies = Replies(tmp_path / "replies.jsonl", model="m")
    replies.keep(ask(), Reply(f"<think>{DRAFT}", Finish.STOP, Usage(1, 1)))
    recorded = KeptProvider(RecordedEndpoint("m"), replies, Ledger())
    assert recorded.complete(ask(), "program").text == ""


def test_a_stop_sequence_that_ends_the_thinking_is_left_out(endpoint: FaultyEndpoint) -> None:
    """A server that looks for it in the thinking too would never let the model answer."""
    endpoint.refuses = lambda body: (
        Sent.text("<think>\nFirst:") if "stop" in body else Sent.text("<think>\na\n</think>good")
    )
    provider = provider_of(endpoint)
    for text in ("one", "two"):
        assert provider.complete(ask(text, stop=("\n",)), "direct").text == "good"
    assert len(endpoint.requests) == 3


def test_thinking_without_an_answer_fails_and_says_so(endpoint: FaultyEndpoint) -> None:
    endpoint.script = [Sent.text("<think>well")] * 2
    with pytest.raises(AskFailed, match="nothing but reasoning"):
        provider_of(endpoint, attempts=2).complete(ask(), "direct")
