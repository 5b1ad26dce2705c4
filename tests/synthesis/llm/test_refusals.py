"""What an endpoint refuses, and how it says so: adapted to where it can be, told where not, and never with a secret."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from labelwright.core.errors import ConfigurationError
from labelwright.synthesis.app import open_provider
from labelwright.synthesis.llm.endpoint import AskFailed
from labelwright.synthesis.llm.ledger import AttemptOutcome, Ledger
from labelwright.synthesis.llm.openai_endpoint import OpenAIEndpoint
from labelwright.synthesis.llm.provider import KeptProvider, Retries
from labelwright.synthesis.settings import SynthesisSettings

from tests.synthesis.faulty_endpoint import FaultyEndpoint, Sent
from tests.synthesis.llm.provider_of import KEY, Waits, ask, provider_of


def openai_error(message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None, **more}}


def refusing(name: str, *documents: Any, status: int = 400) -> Callable[[dict[str, Any]], Sent | None]:
    """Return what refuses requests that hold the parameter, each time with the next document."""
    left = list(documents)
    return lambda body: Sent.json(left.pop(0) if len(left) > 1 else left[0], status) if name in body else None


@pytest.mark.parametrize(
    ("name", "status", "document"),
    [
        ("seed", 400, openai_error("Unsupported parameter: 'seed' is not supported with this model.")),
        ("seed", 400, {"message": "Unknown field `seed`", "code": 400}),
        (
            "seed",
            422,
            {"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]},
        ),
        ("stream_options", 422, {"detail": "Unrecognized request argument supplied: stream_options"}),
        ("temperature", 400, openai_error("'temperature' does not support 0 with this model. Only 1 is supported.")),
        ("logprobs", 400, openai_error("logprobs are not supported", param="logprobs")),
        ("top_logprobs", 422, {"object": "error", "message": "top_logprobs must be at most 5", "code": 422}),
        ("stop", 400, openai_error("Unsupported parameter: 'stop'")),
        ("stop", 400, "stop is not supported by this model"),
        ("stream", 400, openai_error("Streaming is not supported by this deployment")),
        *(
            (name, status, openai_error("Bad request"))
            for name in ("seed", "stop", "stream_options")
            for status in (400, 422)
        ),
        ("logprobs", 422, {"detail": "Unprocessable Entity"}),
        ("stream", 400, ["no"]),
    ],
)
def test_a_parameter_that_is_refused_is_left_out_and_that_is_remembered(
    endpoint: FaultyEndpoint, name: str, status: int, document: Any
) -> None:
    endpoint.refuses = refusing(name, document, status=status)
    provider = provider_of(endpoint)
    request = ask("one", stop=("\n",), alternatives=5)
    assert provider.complete(request, "direct").text == "echo of one"
    asked = len(endpoint.requests)
    assert asked <= 8
    assert provider.complete(ask("two", stop=("\n",), alternatives=5), "direct").text == "echo of two"
    assert len(endpoint.requests) == asked + 1
    assert provider.ledger.spent().calls == 2, "what was refused is not charged"


def test_several_parameters_are_left_out_one_after_the_other(endpoint: FaultyEndpoint) -> None:
    unknown = {"seed", "stream_options", "temperature"}
    endpoint.refuses = lambda body: (
        Sent.json({"detail": f"unexpected keyword: {min(unknown & set(body))}"}, 422) if unknown & set(body) else None
    )
    assert provider_of(endpoint).complete(ask("one", stop=("\n",)), "direct").text == "echo of one"
    assert len(endpoint.requests) == 4
    assert "stop" in endpoint.requests[-1]


@pytest.mark.parametrize(
    "message",
    ["Use 'max_completion_tokens' instead of max_tokens.", "Unsupported parameter: 'max_tokens'", "no such field"],
)
def test_the_limit_goes_by_its_new_name_where_the_old_one_is_refused(endpoint: FaultyEndpoint, message: str) -> None:
    endpoint.refuses = refusing("max_tokens", openai_error(message))
    assert provider_of(endpoint).complete(ask("one"), "direct").text == "echo of one"
    assert endpoint.requests[-1]["max_completion_tokens"] == 50


@pytest.mark.parametrize(
    "document",
    [
        openai_error(
            "max_tokens is too large: 5000. This model supports at most 4096 completion tokens.", param="max_tokens"
        ),
        openai_error("This model's maximum context length is 4096 tokens.", code="context_length_exceeded"),
        openai_error("The model `m` does not exist", code="model_not_found"),
        openai_error("Invalid value", param="messages.[0].content"),
        openai_error("Rejected by the content policy"),
    ],
)
def test_what_is_about_something_else_is_told_at_once(endpoint: FaultyEndpoint, document: dict[str, Any]) -> None:
    endpoint.refuses = lambda body: Sent.json(document, 400)
    with pytest.raises(AskFailed) as failure:
        provider_of(endpoint).complete(ask(), "program")
    assert document["error"]["message"] in failure.value.message
    assert (failure.value.kind, len(endpoint.requests)) == ("http_400", 1)


def test_an_unclear_refusal_is_looked_into_once_and_nothing_stays_left_out(endpoint: FaultyEndpoint) -> None:
    endpoint.refuses = lambda body: Sent.json(openai_error("no"), 400) if "bad" in str(body["messages"]) else None
    provider = provider_of(endpoint)
    for text, most in (("bad one", 7), ("bad two", 1), ("fine", 1), ("bad three", 1)):
        before = len(endpoint.requests)
        if text == "fine":
            provider.complete(ask(text), "program")
        else:
            with pytest.raises(AskFailed, match="no"):
                provider.complete(ask(text), "program")
        assert len(endpoint.requests) - before <= most
    assert {"seed", "temperature", "stream_options", "max_tokens"} <= set(endpoint.requests[-1])


ERRORS = [
    (openai_error("Incorrect key", type="authentication_error", code="invalid_api_key"), "http_401", 1),
    ({"error": {"message": "No auth credentials found", "code": 401}}, "http_401", 1),
    ({"error": {"message": "nope", "status": "PERMISSION_DENIED"}}, "http_403", 1),
    (
        openai_error("You exceeded your current quota", type="insufficient_quota", code="insufficient_quota"),
        "http_429",
        1,
    ),
    (openai_error("Slow down", type="rate_limit_error"), "http_429", 3),
    (
        {"error": {"message": "Provider returned error", "code": 502, "metadata": {"raw": "upstream is down"}}},
        "http_502",
        3,
    ),
    ({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "http_503", 3),
    ({"object": "error", "message": "engine died", "type": "InternalServerError", "code": 500}, "http_500", 3),
    ({"error": "something odd"}, "error_event", 3),
    ({"detail": "something odd"}, "error_event", 3),
]


@pytest.mark.parametrize(("document", "kind", "tries"), ERRORS)
@pytest.mark.parametrize("form", ["json", "stream", "within"])
def test_an_error_behind_status_200_is_one(
    endpoint: FaultyEndpoint, document: dict[str, Any], kind: str, tries: int, form: str
) -> None:
    begun = {"choices": [{"index": 0, "delta": {"content": "good"}}]}
    sent = {"json": Sent.json(document), "stream": Sent.events(document), "within": Sent.events(begun, document)}[form]
    endpoint.script = [sent] * tries
    provider = provider_of(endpoint, attempts=3)
    with pytest.raises(AskFailed) as failure:
        provider.complete(ask(), "program")
    assert (failure.value.kind, len(endpoint.requests)) == (kind, tries)
    told = next(
        text
        for text in ("key", "auth", "nope", "quota", "Slow", "upstream is down", "verloaded", "died", "odd")
        if text in str(document)
    )
    assert told in failure.value.message
    charged = [entry.outcome is AttemptOutcome.UNCERTAIN for entry in provider.ledger.entries]
    assert charged == [form == "within" or tries == 3] * tries


def test_an_error_beside_choices_and_one_within_them_count(endpoint: FaultyEndpoint) -> None:
    error = {"message": "upstream broke", "code": 502}
    endpoint.script = [
        Sent.events({"choices": [{"delta": {"content": ""}, "finish_reason": "error"}], "error": error}),
        Sent.json({"choices": [{"error": error}]}),
        Sent(b'{"error": {"message": "raw", "code": 503}}\n'),
    ]
    provider = provider_of(endpoint)
    assert provider.complete(ask(), "program").text == "echo of hello"
    assert [entry.detail for entry in provider.ledger.entries] == ["http_502", "http_502", "http_503", ""]


def test_an_error_in_the_stream_that_names_a_parameter_is_adapted_to(endpoint: FaultyEndpoint) -> None:
    endpoint.refuses = lambda body: Sent.events(openai_error("Unknown parameter: 'seed'")) if "seed" in body else None
    assert provider_of(endpoint).complete(ask(), "program").text == "echo of hello"
    assert len(endpoint.requests) == 2


@pytest.mark.parametrize("header", ["7", "7.0", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_waits_as_long_as_it_is_told(endpoint: FaultyEndpoint, header: str) -> None:
    endpoint.script = [Sent.json(openai_error("Slow down"), 429, **{"Retry-After": header})]
    waits = Waits()
    provider_of(endpoint, waits=waits).complete(ask(), "program")
    assert waits == [7.0 if header[0] == "7" else 0.0]


def test_the_cause_is_told_without_key_prompt_and_control_characters(endpoint: FaultyEndpoint) -> None:
    prompt = 'the patient is called Jane, she lives in "Elm Road"\nand is ill'
    message = (
        f"Invalid key {KEY}\x1b[31m in header 'Bearer {KEY}', sk-proj-abc***def; prompt was: {prompt!r}, or 'Jane'; "
        + "x" * 900
    )
    endpoint.script = [Sent.json(openai_error(message), 401)]
    with pytest.raises(AskFailed) as failure:
        provider_of(endpoint).complete(ask(prompt), "program")
    told = failure.value.message
    assert "Invalid key" in told
    assert "prompt was" in told
    assert not any(secret in told for secret in (KEY, "sk-", "Jane", "Elm Road", "patient is", "\x1b"))
    assert told.isprintable()
    assert len(told) < 400


@pytest.mark.parametrize("key", [f"{KEY}\n", f"  {KEY}\r\n", f"\ufeff{KEY}", f"\t{KEY} "])
def test_white_space_around_a_key_is_no_part_of_it(endpoint: FaultyEndpoint, key: str) -> None:
    client = OpenAIEndpoint("m", api_key=key, base_url=f" {endpoint.url}\n")
    assert client.ask(ask()).text == "echo of hello"
    assert f"Bearer {KEY}" in endpoint.headers[0].values()


@pytest.mark.parametrize(
    "key", ["sk-secret key-1234", "sk-secret\nkey-1234", "sk-secr\u00e9t-1234", "sk-secret\x001234", "  "]
)
def test_a_key_that_cannot_be_sent_is_named_before_anything_is(endpoint: FaultyEndpoint, key: str) -> None:
    with pytest.raises(ConfigurationError, match="OPENAI_API_KEY") as failure:
        OpenAIEndpoint("m", api_key=key, base_url=endpoint.url)
    told = "".join(traceback.format_exception(failure.value)) + failure.value.advice
    assert "secret" not in told.replace(__file__, "").split("raise ConfigurationError")[-1]
    assert "sk-" not in told
    assert endpoint.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:8000/v1",
        "localhost",
        "ftp://host/v1",
        "http://",
        "http://host:99999/v1",
        "http://[::1/v1",
        "http://a b/v1",
        "http://host:x/",
        "https://\x7f/",
    ],
)
def test_a_base_url_that_cannot_be_used_is_named(url: str) -> None:
    with pytest.raises(ConfigurationError, match="OPENAI_BASE_URL"):
        OpenAIEndpoint("m", api_key=KEY, base_url=url)


def test_the_settings_clean_the_key_and_never_show_it(
    monkeypatch: pytest.MonkeyPatch, endpoint: FaultyEndpoint
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}\n")
    settings = SynthesisSettings(base_url=endpoint.url)
    assert KEY not in f"{settings!r}{settings}{settings.model_dump()}"
    assert open_provider(settings).complete(ask(), "program").text == "echo of hello"
    monkeypatch.setenv("OPENAI_API_KEY", " \n")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(ConfigurationError, match="no key"):
        open_provider(SynthesisSettings())


def test_a_request_that_cannot_be_built_is_neither_retried_nor_booked(
    endpoint: FaultyEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org\n\u00e9")
    provider = KeptProvider(
        OpenAIEndpoint("m", api_key=KEY, base_url=endpoint.url), None, Ledger(), Retries(5), Waits()
    )
    with pytest.raises(AskFailed, match="nothing was sent") as failure:
        provider.complete(ask(), "program")
    assert failure.value.kind == "not_sent"
    assert "OPENAI_ORG_ID" in failure.value.advice
    assert [entry.outcome for entry in provider.ledger.entries] == [AttemptOutcome.REFUSED]
    assert endpoint.requests == []


def test_key_and_records_stay_out_of_logs_and_of_tracebacks(
    endpoint: FaultyEndpoint, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_LOG", "debug")
    prompt = " ".join(["the", "patient", "is", "called", "Ja" + "ne"])
    endpoint.script = [Sent.json(openai_error(f"wrong key: {KEY}, for: {prompt}"), 401)]
    with caplog.at_level(logging.DEBUG), pytest.raises(AskFailed) as failure:
        provider_of(endpoint).complete(ask(prompt), "program")
    told = caplog.text + "".join(traceback.format_exception(failure.value))
    assert KEY not in told
    assert "Jane" not in told
