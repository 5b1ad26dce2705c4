"""Short messages: what friends, shops and banks send, and what is sent to cheat."""

from __future__ import annotations

import random
import tomllib
from pathlib import Path

from making.phrases import fill, roughen

SPAM_SHARE = 0.32
HARD_SHARE = 0.16
"""Share of messages that look like the other kind."""

_PHRASES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
_SLANG = {"ham": 0.25, "hard_ham": 0.1, "spam": 0.08, "hard_spam": 0.08}


def make(rng: random.Random) -> dict[str, object]:
    """Return one message with its label."""
    label = "spam" if rng.random() < SPAM_SHARE else "ham"
    kind = f"hard_{label}" if rng.random() < HARD_SHARE else label
    text = fill(rng, rng.choice(_PHRASES[kind]), _PHRASES["slots"])
    text = roughen(rng, text, slang=_SLANG[kind], typo=0.015)
    return {"text": text.upper() if rng.random() < 0.03 else text, "label": label}
