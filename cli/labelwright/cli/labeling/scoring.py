"""A labeled file beside gold: which rows are the same, and how good the labels are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
from labelwright.cli.rows.output_row import ADDED, cell_text
from labelwright.cli.rows.row_reading import InputRow, RowSource, open_rows
from labelwright.core.errors import ConfigurationError
from labelwright.core.report import LabelCounts
from labelwright.core.row import LABEL_COLUMN, shown_names
from labelwright.synthesis.statistics.evaluation import Quality, label_counts, measure
from labelwright.synthesis.statistics.reliability import Band, calibration_error, reliability

_ID = "id"
_Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """How good a file's labels are. ``labels`` are all that gold or the file names; ``counts`` has one entry each.

    ``by`` are the columns by which rows were found to be the same. ``without_gold`` rows of the file are in no figure,
    ``missing`` gold rows are not in the file. ``bands`` are None where the file has no probabilities.
    """

    labels: tuple[str, ...]
    by: tuple[str, ...]
    without_gold: int
    missing: int
    quality: Quality
    counts: Sequence[LabelCounts]
    bands: Sequence[Band] | None

    @property
    def calibration_error(self) -> float | None:
        """The expected calibration error, None without probabilities."""
        return None if self.bands is None else calibration_error(self.bands)


@dataclass(slots=True)
class _Scored:
    """The file's rows that gold knows: right and given labels, probabilities (None where there is none)."""

    truth: list[str] = field(default_factory=list)
    given: list[str | None] = field(default_factory=list)
    probabilities: list[float | None] = field(default_factory=list)
    without_gold: int = 0
    found: set[_Key] = field(default_factory=set)


def score_file(labeled: str, gold: str, encoding: str = "") -> Score:
    """Return how good the labels of the file ``labeled`` are, by the rows of ``gold``.

    Rows are the same where their ``id`` is, where both files have one, else where all columns are that both have.
    Raises ConfigurationError where a file cannot be read, gold contradicts itself, or no row is in both.
    """
    with closing(open_rows(labeled, encoding=encoding)) as source, closing(open_rows(gold)) as gold_source:
        given, given_columns = _with_columns(source)
        right, right_columns = _with_columns(gold_source)
        for path, columns in ((labeled, given_columns), (gold, right_columns)):
            if LABEL_COLUMN not in columns:
                raise ConfigurationError(
                    f"{path} has no column {LABEL_COLUMN!r}", advice=f"it has: {shown_names(columns)}"
                )
        by = _common(given_columns, right_columns)
        if not by:
            raise ConfigurationError(
                f"{labeled} and {gold} have no column in common by which rows could be found",
                advice=f"they have: {shown_names(given_columns)}; {shown_names(right_columns)}",
            )
        labels = _right_labels(right, by, gold)
        scored = _score(given, by, labels)
    if not scored.truth:
        raise ConfigurationError(
            f"no row of {labeled} is one of {gold}'s", advice=f"rows were compared by: {', '.join(by)}"
        )
    return _measured(scored, by, labels)


def _with_columns(source: RowSource) -> tuple[Iterable[InputRow], list[str]]:
    """Return the readable rows, and the columns of the first one."""
    rows = (row for row in source.rows() if not row.problem)
    first = next(rows, None)
    return ([], []) if first is None else (chain([first], rows), [*first.columns])


def _common(given: Sequence[str], right: Sequence[str]) -> tuple[str, ...]:
    common = [name for name in right if name in given and name not in ADDED]
    return (_ID,) if _ID in common else tuple(common)


def _right_labels(rows: Iterable[InputRow], by: Sequence[str], path: str) -> dict[_Key, str]:
    labels: dict[_Key, str] = {}
    for row in rows:
        label = cell_text(row.columns.get(LABEL_COLUMN))
        if not label:
            raise ConfigurationError(f"{path}: {row.place} has no label", advice="gold rows have a label each")
        if labels.setdefault(_key(row.columns, by), label) != label:
            raise ConfigurationError(
                f"{path}: {row.place} has another label than an equal row before it",
                advice="correct one of them; rows are told apart by " + ", ".join(by),
            )
    return labels


def _score(rows: Iterable[InputRow], by: Sequence[str], labels: Mapping[_Key, str]) -> _Scored:
    scored = _Scored()
    for row in rows:
        key = _key(row.columns, by)
        if key not in labels:
            scored.without_gold += 1
            continue
        scored.found.add(key)
        scored.truth.append(labels[key])
        scored.given.append(cell_text(row.columns.get(LABEL_COLUMN)) or None)
        scored.probabilities.append(_number(row.columns.get("probability")))
    return scored


def _measured(scored: _Scored, by: tuple[str, ...], gold: Mapping[_Key, str]) -> Score:
    names = tuple(dict.fromkeys([*gold.values(), *filter(None, scored.given)]))
    index = {name: place for place, name in enumerate(names)}
    truth = np.array([index[name] for name in scored.truth], dtype=np.int64)
    given = np.array([index[name] if name else -1 for name in scored.given], dtype=np.int64)
    default = index[Counter(scored.truth).most_common(1)[0][0]]
    quality = measure(truth, given, len(names), default=default)
    promised = np.array([np.nan if value is None else value for value in scored.probabilities], dtype=np.float64)
    judged = (given >= 0) & ~np.isnan(promised)
    bands = reliability((truth == given)[judged], promised[judged]) if judged.any() else None
    missing = len(gold) - len(scored.found)
    return Score(names, by, scored.without_gold, missing, quality, label_counts(quality.confusion), bands)


def _key(columns: Mapping[str, Any], by: Sequence[str]) -> _Key:
    return tuple(cell_text(columns.get(name)) for name in by)  # as text, which all formats have


def _number(value: object) -> float | None:
    """Return a probability as any format has it, None for what is none."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if 0 <= number <= 1 else None
