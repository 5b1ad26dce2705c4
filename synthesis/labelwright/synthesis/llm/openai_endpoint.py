"""Any endpoint that speaks OpenAI's chat completions, streamed so that a repetition loop can be cut early."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import openai
from labelwright.core.errors import ConfigurationError
from labelwright.core.machine.proxies import find_route
from labelwright.synthesis.llm.chat.answer import STOPPED_THINKING, Answer
from labelwright.synthesis.llm.chat.parameters import Parameters
from labelwright.synthesis.llm.chat.refusal import Refusal, find_error, read_refusal
from labelwright.synthesis.llm.chat.stream import read_documents
from labelwright.synthesis.llm.completion import Reply, Request
from labelwright.synthesis.llm.endpoint import AskFailed, Endpoint
from typing_extensions import override

# At DEBUG these log whole requests: records, and headers of their own choice.
for _name in ("openai", "httpx", "httpcore", "httpx2", "httpcore2"):
    logging.getLogger(_name).setLevel(logging.WARNING)

_DEFAULT_URL = "https://api.openai.com/v1"
_KEY_VARIABLES = "OPENAI_API_KEY or LABELWRIGHT_SYNTHESIS_API_KEY"
_URL_VARIABLES = "OPENAI_BASE_URL or LABELWRIGHT_SYNTHESIS_BASE_URL"
_ADVICE = {
    401: "check OPENAI_API_KEY",
    402: "the account has no credit",
    403: "check that the key may use this model",
    404: "check the model's name and the base URL",
    429: "wait, or ask for a higher rate limit",
}
# The client library's HTTP errors have no class that it names in public; these are theirs.
_UNREACHABLE = ("ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError")
_NOT_SENT = ("LocalProtocolError", "UnsupportedProtocol", "InvalidURL", "CookieConflict")


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
        """Open the client. Raises ConfigurationError that names the setting with which nothing could be sent."""
        self._model = model
        self._patience = patience
        self._key = _clean_key(api_key)
        url = _clean_url(base_url)
        route = find_route(url)
        self._way = route.way
        try:
            # Its own reading of the proxy variables is turned off: see labelwright.core.machine.proxies.
            http = openai.DefaultHttpxClient(trust_env=False, proxy=route.proxy, verify=route.verify, timeout=silence)
            self._client = openai.OpenAI(
                api_key=self._key, base_url=url, timeout=silence, max_retries=0, http_client=http
            )
        except Exception as error:  # an odd name or port, in classes that are not public
            wrong = route.variable or _URL_VARIABLES
            raise ConfigurationError(f"{wrong}: no client can be opened with it: {type(error).__name__}") from None
        self._parameters = Parameters(model)

    @property
    @override
    def model(self) -> str:
        return self._model

    @property
    @override
    def address(self) -> str:
        url = self._client.base_url
        host = f"[{url.host}]" if ":" in url.host else url.host
        return f"{url.scheme}://{host}{f':{url.port}' if url.port else ''}{url.path}".rstrip("/")

    @override
    def ask(self, request: Request) -> Reply:
        while True:
            answer = Answer(request, time.monotonic() + self._patience)
            sent = self._parameters.of(request)
            try:
                self._converse(sent, answer)
                reply = answer.reply()
            except _Refused as refused:
                if not answer.has_begun and self._parameters.adapt(refused.refusal, sent):
                    continue
                raise self._refusal(refused, request, answer) from None
            except AskFailed as failure:
                if failure.kind == STOPPED_THINKING:
                    self._parameters.leave_out("stop")
                raise
            self._parameters.accept(sent)
            return reply

    def _converse(self, sent: Mapping[str, Any], answer: Answer) -> None:
        """Ask once and let the answer take what comes. Raises AskFailed, _Refused."""
        create: Any = self._client.chat.completions.with_streaming_response.create
        with self._failures(answer), create(**sent) as response:
            http = response.http_response
            arrived = False
            try:
                for document in read_documents(answer.in_time(http.iter_bytes())):
                    arrived = True
                    if refusal := find_error(document):
                        raise _Refused(refusal)
                    if not answer.take(document):
                        return
            except (ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
                # Truncated or foreign JSON.
                raise answer.failed("garbage", "the endpoint's answer is not a chat completion") from error
            content_type = http.headers.get("content-type", "")
            if not arrived and not content_type.startswith("text/event-stream"):
                message = f"the endpoint answered with {content_type[:60]!a}, which is no chat completion"
                raise answer.failed("wrong_content_type", message, advice=f"check {_URL_VARIABLES}{self._way}")

    @contextmanager
    def _failures(self, answer: Answer) -> Iterator[None]:
        """Turn what the client library raises into AskFailed or _Refused."""
        try:
            yield
        except openai.APIStatusError as error:
            body = error.body if error.body is not None else error.response.text
            raise _Refused(read_refusal(body, error.status_code), error.response.headers) from None
        except (AskFailed, _Refused):
            raise
        except Exception as error:
            raise self._transport_failure(error, answer) from None

    def _transport_failure(self, error: Exception, answer: Answer) -> Exception:
        """Return what the failure of a connection means; ``error`` itself where it is none."""
        cause = error.__cause__ if isinstance(error, openai.APIConnectionError) and error.__cause__ else error
        names = [kind.__name__ for kind in type(cause).__mro__]
        if any(name in _NOT_SENT for name in names) or (
            not isinstance(cause, OSError) and isinstance(cause, ValueError)
        ):
            return AskFailed(
                "the request could not be built, so nothing was sent: a setting holds what HTTP cannot carry",
                kind="not_sent",
                retryable=False,
                advice=f"check {_KEY_VARIABLES}, OPENAI_ORG_ID, OPENAI_PROJECT_ID and {_URL_VARIABLES}",
            )
        if any(name in _UNREACHABLE for name in names):
            said = Refusal(None, str(cause)).shown([self._key], [])
            return AskFailed(
                f"the endpoint {self.address} cannot be reached{self._way}{f': {said}' if said else ''}",
                kind="unreachable",
                # A proxy that refuses goes on refusing.
                retryable=not ("ProxyError" in names and said.startswith("4")),
                advice="check the base URL and that the endpoint runs" if not self._way else "check the proxy",
            )
        if "TimeoutException" in names or isinstance(error, openai.APITimeoutError):
            return answer.failed("timeout", f"the endpoint did not answer in time{self._way}")
        if "RequestError" in names or isinstance(cause, OSError | EOFError) or isinstance(error, openai.APIError):
            return answer.failed("connection_lost", f"the connection was lost{self._way}")
        return error

    def _refusal(self, refused: _Refused, request: Request, answer: Answer) -> AskFailed:
        """Return the failure of a refused request. What the endpoint says may quote prompt and key; both are cut."""
        refusal = refused.refusal
        said = refusal.shown([self._key], [message.content for message in request.messages])
        if refused.headers is not None:
            how = f"the endpoint answered with HTTP status {refusal.status}{self._way}"
        else:
            how = f"the endpoint ended the answer with an error{f' ({refusal.status})' if refusal.status else ''}"
        may_be_charged = refused.headers is None and (answer.has_begun or not refusal.is_final)
        return AskFailed(
            f"{how}: {said}" if said else how,
            kind=f"http_{refusal.status}" if refusal.status else "error_event",
            retryable=not refusal.is_final,
            usage=answer.usage() if may_be_charged else None,
            retry_after=_seconds((refused.headers or {}).get("retry-after")),
            advice=_ADVICE.get(refusal.status or 0, ""),
        )


class _Refused(Exception):
    """The endpoint says what is wrong. ``headers`` are None where it does so in place of an answer, or within one."""

    def __init__(self, refusal: Refusal, headers: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.refusal = refusal
        self.headers = headers


def _clean_key(key: str) -> str:
    """Return the key without white space around it, which comes with copying and with files."""
    key = key.strip().strip("\ufeff\u200b").strip()
    if not key:
        raise ConfigurationError(f"{_KEY_VARIABLES}: the key is empty", advice="set it to the endpoint's key")
    if not all("!" <= mark <= "~" for mark in key):
        raise ConfigurationError(
            f"{_KEY_VARIABLES}: the key holds a blank, a line end or a letter that no key has",
            advice="copy it anew; it is one word of plain letters, digits and marks",
        )
    return key


def _clean_url(url: str | None) -> str:
    """Return the base URL without white space around it, OpenAI's own where there is none."""
    url = (url or "").strip() or _DEFAULT_URL
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or not url.isprintable() or " " in url:
        # Not the URL itself: it may hold a password.
        raise ConfigurationError(
            f"{_URL_VARIABLES}: is not the URL of an endpoint", advice="such as http://127.0.0.1:8000/v1"
        )
    return url


def _seconds(header: str | None) -> float | None:
    """Return the wait that a ``Retry-After`` asks for, in seconds or until a date; None where it asks for none."""
    if not header:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None
