"""A command's output: results go to standard output, everything else to standard error.

Text from outside (records, labels, messages) may hold terminal control sequences; ``shown`` removes them.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import math
import os
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from labelwright.core.bundle import leavings
from labelwright.core.errors import InvalidBundle, LabelwrightError
from labelwright.core.vote import VoteError
from rich.console import Console, RenderableType
from rich.text import Text

VOTE_ERROR_PREFIX = "VOTE_ERROR_"
_UNBOUND_WIDTH = 1000
_LEAVINGS_LIMIT = 500


class Screen:
    """One command's output: for people, or one JSON document if ``json`` is set."""

    def __init__(self, *, json: bool = False) -> None:
        self.json = json
        self.out = Console(markup=False, highlight=False, emoji=False, width=_width_of_output())
        self.err = Console(stderr=True, markup=False, highlight=False, emoji=False, soft_wrap=True)

    def show(self, renderable: RenderableType = "") -> None:
        """Show a result to people."""
        self.out.print(renderable)

    def line(self, text: str, style: str = "") -> None:
        """Show one line of a result. The terminal wraps it and not this program, so that pipes get it whole."""
        self.out.print(Text(text, style=style), soft_wrap=True)

    def note(self, text: str, style: str = "dim") -> None:
        """Show something that is not part of the result."""
        self.err.print(Text(text, style=style))

    def note_leavings(self, folder: Path) -> None:
        """Say which files of a bundle's folder are left out."""
        if found := leavings(folder):
            self.note(f"left out, as no part of the bundle: {shown(', '.join(found), _LEAVINGS_LIMIT)}", "yellow")

    def document(self, value: object) -> None:
        """Print the command's one JSON document."""
        plain_output = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
        sys.stdout.write(json.dumps(as_json(value), ensure_ascii=plain_output, indent=2) + "\n")
        sys.stdout.flush()

    def error(self, error: LabelwrightError) -> None:
        """Show what went wrong and what to do about it."""
        self.err.print(Text.assemble(("error: ", "bold red"), shown(error.message)))
        if isinstance(error, InvalidBundle):
            for finding in error.findings:
                self.err.print(Text(f"  {shown(str(finding))}"))
        elif error.advice:
            self.err.print(Text.assemble(("  try: ", "bold"), shown(error.advice)))
        if self.json:
            failure: dict[str, object] = {"reason": error.reason, "message": error.message, "advice": error.advice}
            if isinstance(error, InvalidBundle):
                failure["findings"] = error.findings
            self.document({"error": failure})


def _width_of_output() -> int | None:
    """Return None for a terminal, which knows its width; a pipe or a file has room for whole lines."""
    return None if sys.stdout.isatty() or "COLUMNS" in os.environ else _UNBOUND_WIDTH


def shown(text: str, limit: int = 0) -> str:
    """Return ``text`` on one line, without control characters, cut to ``limit`` characters unless that is 0."""
    clean = "".join(
        char if char.isprintable() else " " if char.isspace() else "\N{REPLACEMENT CHARACTER}" for char in text
    )
    return clean if not limit or len(clean) <= limit else clean[: limit - 1] + "…"


def as_json(value: Any) -> Any:
    """Return ``value`` as JSON's types: dataclasses by field, times in ISO 8601, failed votes by their wire name.

    JSON has no number that is none, and no infinite one: both are null.
    """
    match value:
        case VoteError():
            return VOTE_ERROR_PREFIX + value.name
        case enum.Enum():
            return value.value
        case datetime():
            return value.isoformat()
        case float() if not math.isfinite(value):
            return None
        case Mapping():
            return {str(name): as_json(item) for name, item in value.items()}
        case list() | tuple():
            return [as_json(item) for item in value]
        case _ if dataclasses.is_dataclass(value):
            return {field.name: as_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
        case _:
            return value
