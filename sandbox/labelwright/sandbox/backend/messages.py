"""What programs say of their failures, made safe to show: it is text of theirs."""

from __future__ import annotations

_LENGTH = 500


def plain_message(text: str) -> str:
    """Return the text on one line, without control characters, and not too long."""
    cut = text[:_LENGTH]
    return "".join(
        char if char.isprintable() else " " if char.isspace() else "\N{REPLACEMENT CHARACTER}" for char in cut
    )
