"""What makes fields of numbers, as ``[features]`` of ``task.toml`` names it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from labelwright.core.errors import ConfigurationError
from labelwright.core.task import Feature, Task
from labelwright.features.onnx_text import OnnxText


class Extractor(Protocol):
    """Turns texts into numbers. The same text gives the same numbers, whatever stands beside it."""

    def extract(self, texts: Sequence[str]) -> list[list[float]]:
        """Return the numbers of each text."""
        ...


def _onnx_text(feature: Feature) -> Extractor:
    return OnnxText.open(feature.model, feature.digest)


EXTRACTORS: Mapping[str, Callable[[Feature], Extractor]] = {"onnx-text": _onnx_text}


class Features:
    """Fills a task's features. A task without any needs no model and gets its rows back as they are."""

    def __init__(self, made: Mapping[str, tuple[str, Extractor]]) -> None:
        """``made`` has for each field that is made the field that it is made of, and by what."""
        self._made = made

    @classmethod
    def open(cls, task: Task) -> Features:
        """Load the models that the task names.

        Raises ConfigurationError where an extractor is not known or not installed, or its model cannot be used.
        """
        for name, feature in task.features.items():
            if feature.extractor not in EXTRACTORS:
                raise ConfigurationError(
                    f"features.{name}: there is no extractor {feature.extractor!r}",
                    advice=f"the extractors: {', '.join(EXTRACTORS)}",
                )
        return cls(
            {name: (item.source, EXTRACTORS[item.extractor](item)) for name, item in task.features.items()},
        )

    def fill(self, rows: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
        """Return the rows with the fields that they lack. Numbers that a row brings along stay; so does one without
        a text, for whoever checks rows to refuse.
        """
        filled = [dict(row) for row in rows]
        for name, (source, extractor) in self._made.items():
            lacking = [row for row in filled if row.get(name) in (None, "") and isinstance(row.get(source), str)]
            numbers = extractor.extract([str(row[source]) for row in lacking])
            for row, made in zip(lacking, numbers, strict=True):
                row[name] = made
        return filled

    def fill_lines(self, text: str) -> str:
        """Return the text of a JSON Lines file with its objects filled; what is no object stays as it is."""
        if not self._made:
            return text
        lines = text.split("\n")
        found = {place: row for place, line in enumerate(lines) if (row := _object(line)) is not None}
        for place, row in zip(found, self.fill(list(found.values())), strict=True):
            lines[place] = json.dumps(row, ensure_ascii=False)
        return "\n".join(lines)


def _object(line: str) -> dict[str, object] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None
