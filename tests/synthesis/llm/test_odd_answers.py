"""Answers of forms that no specification has and endpoints send all the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from labelwright.synthesis.llm.completion import Finish
from labelwright.synthesis.llm.endpoint import REASONING, AskFailed, BudgetExceeded
from labelwright.synthesis.llm.ledger import AttemptOutcome, Budget

from tests.synthesis.faulty_endpoint import FaultyEndpoint, Sent
from tests.synthesis.llm.provider_of import ask, provider_of

END: dict[str, Any] = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
WHOLE = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "good"}, "finish_reason": "stop"}]}


def delta(value: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": value}]}


def parts(*texts: str) -> dict[str, Any]:
    return delta({"content": [{"type": "text", "text": text} for text in texts]})


GOOD = delta({"content": "good"})


@pytest.mark.parametrize(
    "sent",
    [
        Sent.events(delta(None), GOOD, END),
        Sent.events({"choices": None}, GOOD, END, {"choices": None}),
        Sent.events({"choices": []}, GOOD, END, {}),
        Sent.events(parts("go", "od"), END),
        Sent.events(delta({"content": ["go", {"text": "od"}, {"type": "image_url", "image_url": {}}]}), END),
        Sent.events(
            delta({"content": None, "role": "assistant"}), GOOD, {"choices": [{"delta": None, "finish_reason": "stop"}]}
        ),
        Sent.events({"choices": [{"index": 0, "text": "good", "finish_reason": "stop"}]}),
        Sent.events({"choices": [{"index": 0, "message": {"content": "good"}, "finish_reason": "stop"}]}),
        Sent.events(GOOD, END, done=False),
        Sent.json(WHOLE),
        Sent(json.dumps(WHOLE, indent=2).encode(), content_type="application/json; charset=utf-8"),
        Sent(f"data: {json.dumps(WHOLE)}\n\n".encode(), content_type="application/json"),
        Sent(f"{json.dumps(GOOD)}\n{json.dumps(END)}\n".encode(), content_type="application/x-ndjson"),
        Sent(
            f"data:{json.dumps(GOOD)}\r\ndata:{json.dumps(END)}\r\n\r\ndata: [DONE]\r\n".encode(),
            content_type="text/plain",
        ),
        Sent(f": ping\n\nevent: x\nid: 7\ndata: {json.dumps(GOOD)}\n\ndata: {json.dumps(END)}".encode()),
    ],
)
def test_an_answer_is_read_whatever_form_it_comes_in(endpoint: FaultyEndpoint, sent: Sent) -> None:
    endpoint.script = [sent]
    reply = provider_of(endpoint).complete(ask(), "program")
    assert (reply.text, reply.finish, len(endpoint.requests)) == ("good", Finish.STOP, 1)


def test_an_emoji_in_two_halves_becomes_whole_and_separators_stay(endpoint: FaultyEndpoint) -> None:
    halves = Sent.events(delta({"content": "\ud83d"}), delta({"content": "\ude00"}), done=False).body
    line = 'data: {"choices": [{"delta": {"content": "a\u2028b"}, "finish_reason": "stop"}]}\n\n'.encode()
    endpoint.script = [Sent(halves + line)]
    assert provider_of(endpoint).complete(ask(), "program").text == "\U0001f600a\u2028b"


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({"prompt_tokens": 9, "completion_tokens": 3}, (9, 3)),
        ({"prompt_tokens": "9", "completion_tokens": "3"}, (9, 3)),
        ({"prompt_tokens": 9.0, "completion_tokens": 3.0}, (9, 3)),
        ({"input_tokens": 9, "output_tokens": 3}, (9, 3)),
        ({"prompt_tokens": 9, "completion_tokens": None}, None),
        ({"prompt_tokens": 0, "completion_tokens": 0}, None),
        ({"prompt_tokens": "many", "completion_tokens": [3]}, None),
        ({"prompt_tokens": -9, "completion_tokens": True}, None),
        ({}, None),
        ("9 tokens", None),
        ([9, 3], None),
    ],
)
def test_tokens_are_those_that_the_endpoint_counted_or_an_estimate(
    endpoint: FaultyEndpoint, usage: object, counted: tuple[int, int] | None
) -> None:
    endpoint.script = [Sent.text("good words", usage=usage)]
    provider = provider_of(endpoint)
    assert provider.complete(ask(), "program").text == "good words"
    (entry,) = provider.ledger.entries
    if counted:
        assert (entry.outcome, entry.usage.tokens_in, entry.usage.tokens_out) == (AttemptOutcome.ANSWERED, *counted)
    else:
        assert entry.outcome is AttemptOutcome.UNCERTAIN
        assert entry.usage.tokens_in > 0
        assert entry.usage.tokens_out > 0


@pytest.mark.parametrize(
    "sent",
    [
        Sent.events("good"),
        Sent.events([GOOD]),
        Sent.events({"choices": "good"}),
        Sent.events({"choices": ["good"]}),
        Sent.events(delta("good")),
        Sent.events(delta({"content": 7})),
        Sent(b"data: " + b"[" * 100_000 + b"]" * 100_000 + b"\n\n"),
        Sent(b'data: {"choices": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n\n"),
        Sent(b"data: {broken}\n\n"),
        Sent(b"\xff\xfe\x00", content_type="application/octet-stream"),
        Sent(b'{"choices": [{"message": {"con', content_type="application/json"),
        Sent(b"", content_type="application/json"),
        Sent(b"Bad gateway, or so", content_type="text/plain"),
        Sent(b"{}", content_type="application/json"),
        Sent.json([]),
        Sent.json(None),
    ],
)
def test_what_is_no_answer_is_asked_for_again_and_never_a_traceback(endpoint: FaultyEndpoint, sent: Sent) -> None:
    endpoint.script = [sent]
    provider = provider_of(endpoint)
    assert provider.complete(ask(), "program").text == "echo of hello"
    failed, answered = provider.ledger.entries
    assert failed.detail in ("garbage", "wrong_content_type", "cut")
    assert answered.outcome is AttemptOutcome.ANSWERED


def test_half_a_surrogate_in_a_prompt_is_sent_as_a_replacement(endpoint: FaultyEndpoint) -> None:
    assert (
        provider_of(endpoint).complete(ask("half \ud83d, whole \ud83d\ude00"), "program").text
        == "echo of half \ufffd, whole \U0001f600"
    )


REASONED: dict[str, Any] = {"choices": [{"delta": {"content": None, "reasoning_content": "hm, well, "}}]}
AT_LIMIT: dict[str, Any] = {"choices": [{"delta": {}, "finish_reason": "length"}]}
OVERFLOWS = [
    Sent.events(REASONED, AT_LIMIT),
    Sent.events(delta({"content": None}), AT_LIMIT),
    Sent.text("<think>\nhm, well", finish="length"),
    Sent.json({"choices": [{"message": {"content": None, "reasoning": "hm"}, "finish_reason": "length"}]}),
]


@pytest.mark.parametrize("sent", OVERFLOWS)
def test_a_limit_that_went_to_reasoning_is_raised_from_then_on(endpoint: FaultyEndpoint, sent: Sent) -> None:
    endpoint.refuses = lambda body: sent if body["max_tokens"] < 2000 else None
    provider = provider_of(endpoint)
    for text in ("one", "two"):
        assert provider.complete(ask(text), "program").text == f"echo of {text}"
    assert [request["max_tokens"] for request in endpoint.requests] == [50, 50 + 1024, 50 + 4096, 50 + 4096]


def test_it_is_not_raised_without_end_and_the_cause_is_told(endpoint: FaultyEndpoint) -> None:
    endpoint.refuses = lambda body: OVERFLOWS[0]
    with pytest.raises(AskFailed, match="tokens went to the model's reasoning") as failure:
        provider_of(endpoint, attempts=9).complete(ask(), "program")
    assert failure.value.kind == REASONING
    limits = [request["max_tokens"] for request in endpoint.requests]
    assert limits == sorted(set(limits)), "no request was made twice"
    assert len(limits) == 4


def test_it_is_not_raised_beyond_the_budget(endpoint: FaultyEndpoint) -> None:
    endpoint.refuses = lambda body: OVERFLOWS[0]
    provider = provider_of(endpoint, budget=Budget(tokens=1000))
    with pytest.raises(BudgetExceeded, match="reasoning"):
        provider.complete(ask(), "program")
    assert len(endpoint.requests) == 1
