"""JSON as it comes from outside: an object in which a key stands twice says two things, so it says nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any


def parse_json(text: str | bytes) -> Any:
    """Return the value of a JSON text.

    Raises ValueError where it is not valid or an object, nested ones included, has a key twice; RecursionError where it
    is nested too deeply.
    """
    return json.loads(text, object_pairs_hook=_object)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(f"the key {first_twice([key for key, _ in pairs])!a} stands twice in one object")
    return found


def first_twice(names: Sequence[str]) -> str | None:
    """Return the first of the names that stood before, None where each stands once."""
    seen: set[str] = set()
    return next((name for name in names if name in seen or seen.add(name)), None)  # type: ignore[func-returns-value]
