"""Requests to an LLM and its replies, whoever the provider is."""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

from labelwright.synthesis.llm.thinking import without_thinking

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Request:
    """A conversation to be continued.

    ``max_tokens`` caps the answer. ``alternatives`` asks for that many candidates for the answer's first token, with
    their log-probabilities; 0 asks for none.
    """

    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float = 0.0
    seed: int = 0
    stop: tuple[str, ...] = ()
    alternatives: int = 0

    def digest(self, model: str) -> str:
        """Return the SHA-256 (hexadecimal) over the model's name and everything that the answer depends on."""
        content = json.dumps({"model": model, **asdict(self)}, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def characters(self) -> int:
        """Length of the prompt, without the marks that a chat template adds."""
        return sum(len(message.content) for message in self.messages)


class Finish(enum.Enum):
    """Why an answer ended."""

    STOP = "stop"
    LENGTH = "length"
    LOOP = "loop"
    """Cut here, because it repeated itself."""
    FILTERED = "filtered"
    """The provider's content filter ended it."""
    UNFINISHED = "unfinished"
    """For a reason that is not known here, so it may not be whole."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer. Not ``exact`` where the provider could not say and they were estimated."""

    tokens_in: int
    tokens_out: int
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Reply:
    """What an endpoint sent. Readers take ``text``: what the model thought before it answered is no part of it.

    ``alternatives`` are log-probabilities of the candidates for the answer's first token. ``ended`` is the endpoint's
    word for why an unfinished answer ended.
    """

    raw: str
    finish: Finish
    usage: Usage
    alternatives: Mapping[str, float] = field(default_factory=dict)
    ended: str = ""

    @property
    def text(self) -> str:
        """The answer; empty where there is none."""
        return without_thinking(self.raw)

    @property
    def is_cut(self) -> bool:
        """Whether the answer may not be whole: its last word may be torn, and more may have been meant to follow."""
        return self.finish is not Finish.STOP

    @property
    def cut_message(self) -> str:
        """Why it is cut, in words."""
        return {
            Finish.LENGTH: "the answer reached its limit of tokens before its end",
            Finish.LOOP: "the answer repeats itself without end",
        }.get(self.finish, f"the endpoint ended the answer with {self.ended!a}, which may be before its end")


# A rule of thumb for English and code, on the safe side: measured prompts had 82% to 90% of the tokens that it gives.
# Only estimates, budgets and cut answers use it; usage that a server reports is exact.
_CHARACTERS_PER_TOKEN = 3.5
_TOKENS_PER_MESSAGE = 6
"""The marks that a chat template puts around a message."""


def estimate_tokens_in(request: Request) -> int:
    """Return about how many tokens the prompt takes, rather too many than too few."""
    return round(request.characters / _CHARACTERS_PER_TOKEN) + _TOKENS_PER_MESSAGE * len(request.messages)
