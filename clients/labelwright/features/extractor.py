"""Makes fields of numbers, as ``[features]`` of ``task.toml`` says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from labelwright.core.errors import ConfigurationError
from labelwright.core.task import Task
from labelwright.core.text.json_text import parse_json
from labelwright.features.onnx_text import OnnxText

EXTRACTORS: Mapping[str, Callable[[str, str], OnnxText]] = {"onnx-text": OnnxText.open}
"""What opens an extractor, given its model and the model's digest, by the name that tasks use."""


class Features:
    """Fills a task's features. A task without any needs no model and gets its rows back as they are."""

    def __init__(self, sources: Mapping[str, tuple[str, OnnxText]]) -> None:
        """Take for each feature, by name, the field that it is made of and what makes it."""
        self._sources = sources

    @classmethod
    def open(cls, task: Task) -> Features:
        """Load the models that the task names.

        Raises ConfigurationError if an extractor is not known or not installed, or its model cannot be used.
        """
        for name, feature in task.features.items():
            if feature.extractor not in EXTRACTORS:
                raise ConfigurationError(
                    f"features.{name}: there is no extractor {feature.extractor!r}",
                    advice=f"the extractors: {', '.join(EXTRACTORS)}",
                )
        return cls(
            {
                name: (item.source, EXTRACTORS[item.extractor](item.model, item.digest))
                for name, item in task.features.items()
            },
        )

    def fill(self, rows: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
        """Return the rows with the features that they lack.

        Numbers that a row has already stay. So does a row without the text that they are made of: the check of records
        refuses it.
        """
        copies = [dict(row) for row in rows]
        for name, (source, extractor) in self._sources.items():
            without = [row for row in copies if row.get(name) in (None, "") and isinstance(row.get(source), str)]
            vectors = extractor.extract([str(row[source]) for row in without])
            for row, numbers in zip(without, vectors, strict=True):
                row[name] = numbers
        return copies

    def fill_lines(self, text: str) -> str:
        """Return the text of a JSON Lines file with its objects filled; a line that is not an object stays as it is."""
        if not self._sources:
            return text
        lines = text.split("\n")
        objects = {place: row for place, line in enumerate(lines) if (row := _object(line)) is not None}
        for place, row in zip(objects, self.fill(list(objects.values())), strict=True):
            lines[place] = json.dumps(row, ensure_ascii=False)
        return "\n".join(lines)


def _object(line: str) -> dict[str, object] | None:
    try:
        row = parse_json(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None
