"""Support tickets of a web shop, each for one of five queues."""

from __future__ import annotations

import random
import tomllib
from pathlib import Path

from making.phrases import fill, roughen

SHARES = {"billing": 0.24, "technical": 0.22, "account": 0.19, "shipping": 0.2, "returns": 0.15}
MIXED_SHARE = 0.3
"""Share of tickets that also tell of something that another queue looks after."""
GENERIC_SUBJECT_SHARE = 0.3
VAGUE_SHARE = 0.09
"""Share of tickets whose body says nothing of the matter: only the subject line may."""

_PHRASES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def make(rng: random.Random) -> dict[str, object]:
    """Return one ticket with its queue as the label. Phone tickets have no subject line of their own."""
    label = rng.choices(list(SHARES), weights=list(SHARES.values()))[0]
    channel = rng.choices(["email", "chat", "phone"], weights=[6, 3, 1])[0]
    subject = "(call)" if channel == "phone" else _subject(rng, label)
    slang = 0.15 if channel == "chat" else 0.02
    ticket: dict[str, object] = {"subject": subject, "body": roughen(rng, _body(rng, label), slang=slang, typo=0.02)}
    if rng.random() < 0.85:
        ticket["channel"] = channel
    return ticket | {"label": label}


def _subject(rng: random.Random, label: str) -> str:
    generic = rng.random() < GENERIC_SUBJECT_SHARE
    return _filled(rng, _PHRASES["slots"]["generic"] if generic else _PHRASES[label]["subjects"])


def _body(rng: random.Random, label: str) -> str:
    slots = _PHRASES["slots"]
    matter = [_filled(rng, slots["vague"] if rng.random() < VAGUE_SHARE else _PHRASES[label]["bodies"])]
    if rng.random() < 0.15:
        matter.append(_filled(rng, _PHRASES[label]["bodies"]))
    if rng.random() < MIXED_SHARE:
        other = _filled(rng, _PHRASES[rng.choice([name for name in SHARES if name != label])]["bodies"])
        if rng.random() < 0.45:
            matter.insert(0, rng.choice(["That is solved now: ", "Last time I wrote: ", ""]) + other)
        else:
            matter.append(rng.choice(["", "By the way: ", "Also, "]) + other)
    parts = [_filled(rng, slots["hello"]), _filled(rng, slots["opening"]), *matter, _filled(rng, slots["bye"])]
    return " ".join(part for part in parts if part)


def _filled(rng: random.Random, templates: list[str]) -> str:
    return fill(rng, rng.choice(templates), _PHRASES["slots"])
