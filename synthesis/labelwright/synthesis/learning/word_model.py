"""Naive Bayes over words, with EM over unlabeled records.

Multinomial over the set of a record's words (Nigam et al. 2000, "Text classification from labeled and unlabeled
documents using EM"): gold rows count in full, unlabeled ones by a weight, because they can drag the labels away from
what was meant. What else is known about an unlabeled record (an LLM's answer, programs' votes) enters as evidence:
a row of log-likelihoods beside its words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from labelwright.synthesis.arrays import Floats, Labels, Mask
from labelwright.synthesis.statistics.label_models import softmax

_EM_ROUNDS = 10
"""EM does most of its work in the first rounds; each is a pass over all records, for every setting and fold."""


@dataclass(frozen=True, slots=True)
class WordCounts:
    """Which words stand in which records: entry i says that record ``rows[i]`` has word ``columns[i]``."""

    rows: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    records: int
    words: int

    def scores(self, table: Floats) -> Floats:
        """Return the sum of each record's words' weights: records x labels, from ``table``, labels x words."""
        sums = [np.bincount(self.rows, weights=row[self.columns], minlength=self.records) for row in table]
        return np.stack(sums, axis=1)

    def totals(self, belief: Floats) -> Floats:
        """Return how much of each word goes to each label: labels x words, from ``belief``, records x labels."""
        sums = [np.bincount(self.columns, weights=column[self.rows], minlength=self.words) for column in belief.T]
        return np.stack(sums)

    def only(self, mask: Mask) -> WordCounts:
        """Return the records where ``mask`` is true."""
        entries = mask[self.rows]
        return WordCounts((np.cumsum(mask) - 1)[self.rows[entries]], self.columns[entries], int(mask.sum()), self.words)


@dataclass(frozen=True, slots=True)
class WordModel:
    """Log-probabilities: ``start`` one a label, ``table`` labels x words. Scores are comparable within a record."""

    start: Floats
    table: Floats

    def scores(self, counts: WordCounts) -> Floats:
        """Return log P(label, words) up to a constant: records x labels."""
        return np.asarray(self.start + counts.scores(self.table), dtype=np.float64)

    def centered(self) -> WordModel:
        """Return the same model with each word's weights summing to 0: a word that says nothing weighs nothing."""
        return WordModel(self.start - self.start.mean(), self.table - self.table.mean(axis=0))


def find_vocabulary(documents: Iterable[frozenset[str]], *, least: int, most: int) -> list[str]:
    """Return the words of ``least`` documents or more, sorted; the ``most`` frequent where there are more."""
    frequency = Counter(word for document in documents for word in document)
    ranked = sorted((word for word, count in frequency.items() if count >= least), key=lambda w: (-frequency[w], w))
    return sorted(ranked[:most])


def count_words(documents: Sequence[frozenset[str]], vocabulary: Sequence[str]) -> WordCounts:
    """Return which words of ``vocabulary`` stand in which documents."""
    index = {word: column for column, word in enumerate(vocabulary)}
    by_document = [
        (row, sorted(index[word] for word in document if word in index)) for row, document in enumerate(documents)
    ]
    rows = np.repeat([row for row, _ in by_document], [len(columns) for _, columns in by_document]).astype(np.int64)
    columns = np.array([column for _, columns in by_document for column in columns], dtype=np.int64)
    return WordCounts(rows, columns, len(documents), len(vocabulary))


def fit_word_model(
    gold: WordCounts, labels: Labels, unlabeled: WordCounts, evidence: Floats, weights: Floats, *, smoothing: float
) -> WordModel:
    """Fit on gold rows with their ``labels`` and on unlabeled ones.

    ``evidence`` is unlabeled records x labels, log P(what is known | label), zeros where nothing is; ``weights`` says
    how much of a row each unlabeled record counts. ``smoothing`` is added to each word's count.
    """
    certain = np.eye(evidence.shape[1])[labels]
    has_evidence = evidence.any(axis=1)
    belief = softmax(evidence) * (weights * has_evidence)[:, None]
    for _ in range(_EM_ROUNDS):
        model = _estimate(gold.totals(certain) + unlabeled.totals(belief), certain.sum(0) + belief.sum(0), smoothing)
        if not weights.any():
            break
        belief = softmax(model.scores(unlabeled) + evidence) * weights[:, None]
    return model


def _estimate(totals: Floats, rows: Floats, smoothing: float) -> WordModel:
    smoothed = totals + smoothing
    return WordModel(
        np.log((rows + 1) / (rows.sum() + len(rows))), np.log(smoothed / smoothed.sum(axis=1, keepdims=True))
    )
