"""Small bundles of the tests' own."""

from __future__ import annotations

import itertools
import json
from typing import Any

TASK = """\
[task]
name = "{name}"
instructions = "Tell spam from ham."

[labels]
ham = "wanted"
spam = "unwanted"

[fields]
text = "text"

[gates]
{gates}
"""

PRIZE = '''\
def label(text):
    """Spam that promises a prize."""
    return "spam" if "prize" in text.lower() else None
'''

SHORT = '''\
def label(text):
    """Short messages are ham."""
    return "ham" if len(text) < 40 else None
'''

ALWAYS_HAM = 'def label(text):\n    return "ham"\n'

_numbers = itertools.count(1)


def new_name() -> str:
    """Return a task's name that no other test uses."""
    return f"task-{next(_numbers)}"


def gold_rows(*rows: tuple[str, str]) -> bytes:
    """Return gold.jsonl for texts and their labels."""
    return "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows).encode()


GOLD = gold_rows(
    ("You won a prize", "spam"),
    ("Claim your PRIZE now, it is waiting for you at the counter of our shop", "spam"),
    ("see you at six", "ham"),
    ("ok", "ham"),
    ("Call this number to get your free holiday, only today and only for you", "spam"),
)
"""PRIZE and SHORT: 1 tie (abstains), 1 spam right, 2 ham right, 1 abstention. Accuracy 0.6, coverage 0.6."""


def files(name: str, *, gates: str = "", gold: bytes | None = GOLD, **programs: str) -> dict[str, bytes]:
    """Return a bundle's files; without programs, PRIZE and SHORT."""
    sources = programs or {"prize": PRIZE, "short": SHORT}
    contents = {"task.toml": TASK.format(name=name, gates=gates).encode()}
    contents |= {f"programs/{program}.py": source.encode() for program, source in sources.items()}
    return contents | ({"gold.jsonl": gold} if gold is not None else {})


def variant(name: str, number: int, **more: Any) -> dict[str, bytes]:
    """Return a bundle like ``files`` whose content, and so whose digest, is its own."""
    return files(name, prize=PRIZE + f"\n\nVARIANT = {number}\n", short=SHORT, **more)
