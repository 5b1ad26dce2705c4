"""Any endpoint that speaks OpenAI's chat completions, streamed so that a repetition loop can be cut early."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import Any

import openai
from labelwright.synthesis.llm.completion import Finish, Reply, Request, Usage, estimate_tokens_in
from labelwright.synthesis.llm.endpoint import AskFailed, Endpoint
from labelwright.synthesis.llm.repetition import repeats_itself
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletionChunk
from typing_extensions import override

# At DEBUG the client library logs whole requests, and so records.
logging.getLogger("openai").setLevel(logging.WARNING)

_LOOP_CHECK_EVERY = 16
"""Pieces, about tokens: at most so many are paid for after a repetition shows."""
_FINISHES = {"stop": Finish.STOP, "length": Finish.LENGTH, "content_filter": Finish.FILTERED}
# Parameters that an endpoint may refuse; one is left out from then on.
_OPTIONAL = {"seed", "stop", "temperature", "logprobs", "top_logprobs", "stream_options"}


class OpenAIEndpoint(Endpoint):
    """``silence`` is the longest time without a word, ``patience`` that of a whole answer, both in seconds."""

    def __init__(
        self,
        model: str,
        *,
        api_key: str,
        base_url: str | None = None,
        silence: float = 120.0,
        patience: float = 600.0,
    ) -> None:
        self._model = model
        self._patience = patience
        self._client = openai.OpenAI(api_key=api_key, base_url=base_url, timeout=silence, max_retries=0)
        self._left_out: set[str] = set()
        self._limit_name = "max_tokens"

    @property
    @override
    def model(self) -> str:
        return self._model

    @property
    @override
    def address(self) -> str:
        url = self._client.base_url
        return f"{url.scheme}://{url.host}{f':{url.port}' if url.port else ''}{url.path}".rstrip("/")

    @override
    def ask(self, request: Request) -> Reply:
        answer = _Answer(request, time.monotonic() + self._patience)
        try:
            stream = self._open(request)
            with stream:
                content_type = stream.response.headers.get("content-type", "")
                if not content_type.startswith("text/event-stream"):
                    raise _failed("wrong_content_type", f"the endpoint answered with {content_type[:60]!r}", answer)
                answer.read(iter(stream))
        except openai.APIStatusError as error:
            raise _status_failure(error) from error
        except openai.APITimeoutError as error:
            raise _failed("timeout", "the endpoint did not answer in time", answer) from error
        except openai.APIConnectionError as error:
            if _refused(error):
                raise AskFailed(
                    f"the endpoint {self.address} cannot be reached",
                    kind="unreachable",
                    retryable=True,
                    advice="check the base URL and that the endpoint runs",
                ) from error
            raise _failed("connection_lost", "the connection was lost", answer) from error
        except openai.APIError as error:
            raise _failed("error_event", "the endpoint ended the answer with an error", answer) from error
        except (ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
            # Truncated or foreign JSON: the client library checks little of what it receives.
            raise _failed("garbage", "the endpoint's answer is not a chat completion", answer) from error
        return answer.reply()

    def _open(self, request: Request) -> openai.Stream[ChatCompletionChunk]:
        while True:
            try:
                return self._client.chat.completions.create(**self._parameters(request))  # type: ignore[no-any-return]
            except openai.BadRequestError as error:
                if not self._adapt(error):
                    raise

    def _parameters(self, request: Request) -> dict[str, Any]:
        parameters: dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            "stream": True,
            "stream_options": {"include_usage": True},
            "temperature": request.temperature,
            "seed": request.seed,
            self._limit_name: request.max_tokens,
        }
        if request.stop:
            parameters["stop"] = list(request.stop)
        if request.alternatives:
            parameters |= {"logprobs": True, "top_logprobs": request.alternatives}
        return {name: value for name, value in parameters.items() if name not in self._left_out}

    def _adapt(self, error: openai.BadRequestError) -> bool:
        """Leave out or rename the parameter that the endpoint refuses, where it is one that may go."""
        name = (error.param or "").split(".")[0]
        if name == "max_tokens" and self._limit_name == name:
            self._limit_name = "max_completion_tokens"
            return True
        if name not in _OPTIONAL or name in self._left_out:
            return False
        self._left_out |= {"logprobs", "top_logprobs"} if "logprobs" in name else {name}
        return True


class _Answer:
    """What has arrived of an answer so far."""

    def __init__(self, request: Request, deadline: float) -> None:
        self._request = request
        self._deadline = deadline
        self._pieces: list[str] = []
        self._finish: Finish | None = None
        self._usage: CompletionUsage | None = None
        self._alternatives: dict[str, float] = {}

    def read(self, chunks: Iterator[ChatCompletionChunk]) -> None:
        for chunk in chunks:
            self._usage = chunk.usage or self._usage
            if chunk.choices:
                self._take(chunk)
            if len(self._pieces) % _LOOP_CHECK_EVERY == _LOOP_CHECK_EVERY - 1 and repeats_itself("".join(self._pieces)):
                self._finish = Finish.LOOP
                return
            if time.monotonic() > self._deadline:
                raise _failed("timeout", "the endpoint's answer took too long", self)

    def _take(self, chunk: ChatCompletionChunk) -> None:
        choice = chunk.choices[0]
        if choice.delta.content:
            self._pieces.append(choice.delta.content)
            if choice.logprobs and choice.logprobs.content and not self._alternatives:
                self._alternatives = {item.token: item.logprob for item in choice.logprobs.content[0].top_logprobs}
        if choice.finish_reason:
            self._finish = _FINISHES.get(choice.finish_reason, Finish.STOP)

    def usage(self) -> Usage:
        if self._usage is not None:
            return Usage(self._usage.prompt_tokens, self._usage.completion_tokens)
        # A piece holds one token or more, so this is the least.
        return Usage(estimate_tokens_in(self._request), len(self._pieces), exact=False)

    def reply(self) -> Reply:
        text = "".join(self._pieces)
        if self._finish is None:
            raise _failed("cut", "the answer broke off", self)
        if self._finish is Finish.FILTERED:
            raise _failed("filtered", "the endpoint's content filter ended the answer", self, retryable=False)
        if not text.strip():
            raise _failed("empty", "the answer is empty", self)
        return Reply(text, self._finish, self.usage(), self._alternatives)


def _failed(kind: str, message: str, answer: _Answer, *, retryable: bool = True) -> AskFailed:
    return AskFailed(message, kind=kind, retryable=retryable, usage=answer.usage())


def _status_failure(error: openai.APIStatusError) -> AskFailed:
    """Return the failure of a refused request. The answer's text is not passed on: it can quote prompt and key."""
    code = error.status_code
    advice = {
        401: "check OPENAI_API_KEY",
        403: "check that the key may use this model",
        404: "check the model's name and the base URL",
        429: "wait, or ask for a higher rate limit",
    }.get(code, "")
    return AskFailed(
        f"the endpoint answered with HTTP status {code}",
        kind=f"http_{code}",
        retryable=code in (408, 409, 429) or code >= 500,
        retry_after=_seconds(error.response.headers.get("retry-after")),
        advice=advice,
    )


def _seconds(header: str | None) -> float | None:
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None


def _refused(error: openai.APIConnectionError) -> bool:
    cause = error.__cause__
    return type(cause).__name__ in ("ConnectError", "ConnectTimeout")
