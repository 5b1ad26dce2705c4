from __future__ import annotations

import functools
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from labelwright.synthesis.llm.completion import Finish, Request
from labelwright.synthesis.llm.endpoint import AskFailed, BudgetExceeded
from labelwright.synthesis.llm.ledger import AttemptOutcome, Budget, Ledger
from labelwright.synthesis.llm.openai_endpoint import OpenAIEndpoint
from labelwright.synthesis.llm.provider import KeptProvider, RecordedEndpoint, Retries
from labelwright.synthesis.llm.replies import Replies

from tests.synthesis.faulty_endpoint import FaultyEndpoint, running
from tests.synthesis.llm.provider_of import KEY, Waits, ask
from tests.synthesis.llm.provider_of import provider_of as provider_of_any

RETRIED = ["rate", "error", "hang", "cut", "truncated", "garbage", "html", "empty"]


@pytest.fixture
def endpoint() -> Iterator[FaultyEndpoint]:
    with running(lambda body: f"echo of {body['messages'][-1]['content']}") as started:
        yield started


provider_of = functools.partial(provider_of_any, silence=2.0)
"""Not patient: what hangs here hangs for as long as it is waited for."""


@pytest.mark.parametrize("fault", RETRIED)
def test_a_fault_is_retried_and_the_ledger_says_what_it_may_have_cost(endpoint: FaultyEndpoint, fault: str) -> None:
    endpoint.script = [fault]
    provider = provider_of(endpoint)
    reply = provider.complete(ask("hello"), "program")
    assert reply.text == "echo of hello"
    assert reply.finish is Finish.STOP
    failed, answered = provider.ledger.entries
    assert failed.outcome is (AttemptOutcome.REFUSED if fault in ("rate", "error") else AttemptOutcome.UNCERTAIN)
    assert failed.detail
    assert answered.outcome is AttemptOutcome.ANSWERED


def test_the_ledger_equals_what_a_faulty_endpoint_counted(endpoint: FaultyEndpoint) -> None:
    endpoint.script = ["rate", "", "error", "hang", "", "cut", "truncated", "", "html", "empty", "", "garbage", "loop"]
    provider = provider_of(endpoint)
    texts = [provider.complete(ask(f"question {number}"), "program").text for number in range(6)]
    assert texts[:4] == [f"echo of question {number}" for number in range(4)]
    outcomes = [entry.outcome for entry in provider.ledger.entries]
    assert len(outcomes) == len(endpoint.requests)
    assert outcomes.count(AttemptOutcome.ANSWERED) == endpoint.served
    assert outcomes.count(AttemptOutcome.REFUSED) == endpoint.refused
    assert outcomes.count(AttemptOutcome.UNCERTAIN) == endpoint.broken == provider.ledger.uncertain().calls
    spent, uncertain = provider.ledger.spent(), provider.ledger.uncertain()
    assert spent.tokens_in - uncertain.tokens_in == endpoint.tokens_in
    assert spent.tokens_out - uncertain.tokens_out == endpoint.tokens_out
    assert uncertain.tokens_in > 0


def test_waits_as_long_as_the_endpoint_says(endpoint: FaultyEndpoint) -> None:
    endpoint.script = ["rate"]
    waits = Waits()
    provider_of(endpoint, waits=waits).complete(ask("hello"), "program")
    assert waits == [7.0]


def test_gives_up_after_the_last_attempt(endpoint: FaultyEndpoint) -> None:
    endpoint.script = ["error"] * 10
    with pytest.raises(AskFailed) as failure:
        provider_of(endpoint, attempts=3).complete(ask("hello"), "program")
    assert failure.value.kind == "http_500"
    assert len(endpoint.requests) == 3


@pytest.mark.parametrize(("fault", "kind"), [("unauthorized", "http_401"), ("filtered", "filtered")])
def test_does_not_retry_what_would_fail_again(endpoint: FaultyEndpoint, fault: str, kind: str) -> None:
    endpoint.script = [fault]
    with pytest.raises(AskFailed) as failure:
        provider_of(endpoint).complete(ask("hello"), "program")
    assert failure.value.kind == kind
    assert len(endpoint.requests) == 1


def test_nobody_listens() -> None:
    client = OpenAIEndpoint("m", api_key=KEY, base_url="http://127.0.0.1:1/v1", silence=0.5)
    provider = KeptProvider(client, None, Ledger(), Retries(2), Waits())
    with pytest.raises(AskFailed) as failure:
        provider.complete(ask("hello"), "program")
    assert failure.value.kind == "unreachable"
    assert provider.ledger.spent().calls == 0


@pytest.mark.parametrize(
    ("fault", "gone", "come"), [("no_seed", "seed", ""), ("no_max_tokens", "max_tokens", "max_completion_tokens")]
)
def test_leaves_out_what_the_endpoint_does_not_know(endpoint: FaultyEndpoint, fault: str, gone: str, come: str) -> None:
    endpoint.script = [fault]
    provider = provider_of(endpoint)
    provider.complete(ask("hello"), "program")
    provider.complete(ask("again"), "program")
    assert gone in endpoint.requests[0]
    assert all(gone not in request for request in endpoint.requests[1:])
    assert not come or come in endpoint.requests[2]


def test_a_loop_is_cut_long_before_its_end(endpoint: FaultyEndpoint) -> None:
    endpoint.script = ["loop"]
    reply = provider_of(endpoint).complete(ask("list words", 4000), "program")
    assert reply.finish is Finish.LOOP
    assert reply.usage.tokens_out < 200
    assert not reply.usage.exact


def test_nothing_is_paid_for_twice(endpoint: FaultyEndpoint, tmp_path: Path) -> None:
    path = tmp_path / "replies.jsonl"
    first = provider_of(endpoint, replies=Replies(path, model="m"))
    first.complete(ask("hello"), "program")
    second = provider_of(endpoint, replies=Replies(path, model="m"))
    assert second.complete(ask("hello"), "program").text == "echo of hello"
    assert len(endpoint.requests) == 1
    assert second.ledger.spent().calls == 0
    assert second.ledger.worth() == first.ledger.spent()


def test_a_changed_request_is_another_request(endpoint: FaultyEndpoint, tmp_path: Path) -> None:
    provider = provider_of(endpoint, replies=Replies(tmp_path / "replies.jsonl", model="m"))
    for request in (ask("a"), ask("b"), Request(ask("a").messages, 50, seed=1), Request(ask("a").messages, 50, 0.7)):
        provider.complete(request, "program")
    assert len(endpoint.requests) == 4


def test_recorded_replies_answer_without_an_endpoint(endpoint: FaultyEndpoint, tmp_path: Path) -> None:
    replies = Replies(tmp_path / "replies.jsonl", model="m")
    provider_of(endpoint, replies=replies).complete(ask("hello"), "program")
    recorded = KeptProvider(RecordedEndpoint("m"), replies, Ledger())
    assert recorded.complete(ask("hello"), "program").text == "echo of hello"
    with pytest.raises(AskFailed) as failure:
        recorded.complete(ask("something else"), "program")
    assert failure.value.kind == "not_recorded"
    assert recorded.ledger.spent().calls == 0


@pytest.mark.parametrize("budget", [Budget(tokens=150), Budget(dollars=0.00022)])
def test_a_budget_stops_before_the_call(endpoint: FaultyEndpoint, budget: Budget) -> None:
    provider = provider_of(endpoint, budget=budget)
    with pytest.raises(BudgetExceeded):
        [provider.complete(ask(f"question {number}"), "program") for number in range(100)]
    spent = provider.ledger.spent()
    assert 1 <= len(endpoint.requests) < 100
    assert budget.tokens is None or spent.tokens_in + spent.tokens_out <= budget.tokens
    assert budget.dollars is None or (spent.dollars or 0) <= budget.dollars


def test_a_budget_in_dollars_needs_a_price() -> None:
    with pytest.raises(BudgetExceeded, match="price is not known"), Ledger(None, Budget(dollars=5)).reserving(1, 1):
        pass


def test_key_and_records_stay_out_of_logs_and_errors(
    endpoint: FaultyEndpoint, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint.script = ["", "error", "cut", "unauthorized"]
    with caplog.at_level(logging.DEBUG):
        provider = provider_of(endpoint)
        provider.complete(ask("the patient is called Jane"), "program")
        with pytest.raises(AskFailed) as failure:
            provider.complete(ask("the patient is called Jane again"), "program")
    told = caplog.text + str(failure.value) + failure.value.advice + str(failure.value.metadata)
    assert KEY in endpoint.headers[0]["authorization" if "authorization" in endpoint.headers[0] else "Authorization"]
    assert KEY not in told
    assert "Jane" not in told
