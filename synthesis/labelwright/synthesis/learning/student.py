"""The student: a table of words, learned from few labeled and many unlabeled records, that becomes two programs.

Several settings of the word model are compared by cross-validation on gold rows; the tables of the best few are
averaged, which asks less of 100 gold rows than naming one winner does. The table is cut to the words that matter,
rounded to whole points (whose sum does not depend on the order of adding) and split in two bands.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt
from labelwright.core.vote import ABSTAIN
from labelwright.synthesis.arrays import Floats, Labels, Mask, Votes
from labelwright.synthesis.learning.bands import POINTS, band_votes, clear_margin
from labelwright.synthesis.learning.calibration import answered, direct_labels_tell
from labelwright.synthesis.learning.student_rows import ExtraEvidence, RecordEvidence, StudentRows
from labelwright.synthesis.learning.word_model import WordModel, count_words, find_vocabulary, fit_word_model
from labelwright.synthesis.statistics.folds import stratified_folds, unseen_scores
from labelwright.synthesis.text.words import words_of

_FOLDS = 5
_REPEATS = 2
"""Divisions into folds: a second one steadies the comparison of settings, and doubles the time."""
_AVERAGED = 5
"""Settings whose tables are averaged. With 100 gold rows the first few differ by a row or two: naming one is luck."""
_TABLE_SIZE = 2000
"""Words of a table: it is meant to be read, the strongest first, and the tail moves few answers."""
_TABLE_ENTRIES = 20_000
"""Words times labels: a program must stay well below the size that a bundle allows."""
_LEAST_DOCUMENTS = 2
"""A word of one record only says nothing of any other."""
_MOST_WORDS = 20_000
"""Counted at all, the most frequent ones: time and memory grow with them."""


@dataclass(frozen=True, slots=True)
class StudentSettings:
    """One way to fit the word model; which one is good is measured."""

    pairs: bool
    evidence: ExtraEvidence
    smoothing: float
    unlabeled_weight: float


SETTINGS = tuple(
    StudentSettings(*values)
    for values in itertools.product((False, True), ExtraEvidence, (0.1, 0.5), (0.3, 1.0, 0.1, 0.0))
)
"""What is compared. At a tie the earlier is taken: single words before pairs, less evidence before more."""


@dataclass(frozen=True, slots=True)
class Student:
    """A fitted student: whole points for each word and label, centered, the strongest word first.

    ``clear`` is the margin, in points, from which on an answer is clear. ``unseen_scores`` are the scores of the gold
    rows by students that have not seen them, in points: repeats x rows x labels.
    """

    words: tuple[str, ...]
    points: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    pairs: bool
    clear: int
    settings: tuple[StudentSettings, ...]
    unseen_scores: Floats
    accuracy: float

    def unseen_votes(self, repeat: int = 0) -> Votes:
        """Return the votes of the two programs, clear and close, on gold rows that they have not seen."""
        return band_votes(self.unseen_scores[repeat], self.clear)

    def votes(self, texts: Sequence[str]) -> Votes:
        """Return the votes of the two programs on ``texts``: texts x (clear, close)."""
        counts = count_words([frozenset(words_of(text, self.pairs)) for text in texts], self.words)
        scores = self.start + counts.scores(self.points.T.astype(np.float64))
        known = np.bincount(counts.rows, minlength=len(texts)) > 0
        return np.where(known[:, None], band_votes(scores, self.clear), ABSTAIN)


def fit_student(
    rows: StudentRows, label_count: int, *, seed: int, listener: Callable[[float], None] = lambda _: None
) -> Student | None:
    """Return the student, or None where the records hold no word twice or gold has fewer than two labels.

    ``listener`` hears the share of the work that is done.
    """
    if len(np.unique(rows.gold_labels)) < 2:
        return None
    if not direct_labels_tell(rows.gold_beliefs, rows.gold_labels):
        rows = replace(rows, unlabeled_beliefs=np.full_like(rows.unlabeled_beliefs, np.nan))
    extra = RecordEvidence(rows, label_count)
    lessons = {pairs: _Lesson(rows, extra, pairs) for pairs in (False, True)}
    if not lessons[False].vocabulary:
        return None
    repeats = [stratified_folds(rows.gold_labels, _FOLDS, seed + repeat) for repeat in range(_REPEATS)]
    candidates = [settings for settings in SETTINGS if _applies(settings, rows)]
    accuracies = []
    for number, settings in enumerate(candidates, start=1):
        unseen = unseen_scores(repeats, partial(lessons[settings.pairs].scores, settings))
        accuracies.append(float((unseen.argmax(axis=2) == rows.gold_labels).mean()))
        listener(number / (len(candidates) + _AVERAGED))
    best = sorted(range(len(candidates)), key=lambda index: (-accuracies[index], index))[:_AVERAGED]
    return _finish(_Average(lessons, tuple(candidates[index] for index in best)), repeats, rows.gold_labels)


class _Lesson:
    """The rows, counted once for words or for words and pairs."""

    def __init__(self, rows: StudentRows, extra: RecordEvidence, pairs: bool) -> None:
        gold, unlabeled = (
            [frozenset(words_of(text, pairs)) for text in texts] for texts in (rows.gold_texts, rows.unlabeled_texts)
        )
        self.vocabulary = find_vocabulary([*gold, *unlabeled], least=_LEAST_DOCUMENTS, most=_MOST_WORDS)
        self.gold = count_words(gold, self.vocabulary)
        self.unlabeled = count_words(unlabeled, self.vocabulary)
        self._labels = rows.gold_labels
        self._extra = extra

    def fit(self, settings: StudentSettings, train: Mask) -> WordModel:
        """Fit on the gold rows in ``train``."""
        return fit_word_model(
            self.gold.only(train),
            self._labels[train],
            self.unlabeled,
            self._extra.evidence(settings.evidence, train),
            self._extra.weights(settings.evidence, settings.unlabeled_weight),
            smoothing=settings.smoothing,
        ).centered()

    def scores(self, settings: StudentSettings, train: Mask, test: Mask) -> Floats:
        """Return the scores of the gold rows in ``test`` after a fit on those in ``train``."""
        return self.fit(settings, train).scores(self.gold.only(test))


class _Average:
    """The mean of several settings' tables, over the words of the richest of them."""

    def __init__(self, lessons: dict[bool, _Lesson], settings: tuple[StudentSettings, ...]) -> None:
        self.settings = settings
        self.pairs = any(item.pairs for item in settings)
        self.lesson = lessons[self.pairs]
        index = {word: column for column, word in enumerate(self.lesson.vocabulary)}
        self._members = [
            (item, lessons[item.pairs], [index.get(word, -1) for word in lessons[item.pairs].vocabulary])
            for item in settings
        ]

    def fit(self, train: Mask) -> WordModel:
        """Fit every member on the gold rows in ``train`` and average."""
        models = []
        for settings, lesson, columns in self._members:
            model = lesson.fit(settings, train)
            # A word beyond the vocabulary's limit goes to a last column that is dropped.
            table = np.zeros((len(model.start), len(self.lesson.vocabulary) + 1))
            table[:, columns] = model.table
            models.append(WordModel(model.start, table[:, :-1]))
        return WordModel(
            np.mean([model.start for model in models], axis=0), np.mean([model.table for model in models], axis=0)
        )

    def scores(self, train: Mask, test: Mask) -> Floats:
        """Return the scores of the gold rows in ``test`` after a fit on those in ``train``."""
        model, counts = self.fit(train), self.lesson.gold.only(test)
        table = np.zeros_like(model.table)
        columns = self.strongest(model)
        table[:, columns] = model.table[:, columns]
        return WordModel(model.start, table).scores(counts)

    def strongest(self, model: WordModel) -> npt.NDArray[np.int64]:
        """Return the columns of the words that move the answers most, the strongest first."""
        counts = np.bincount(self.lesson.gold.columns, minlength=len(self.lesson.vocabulary)) + np.bincount(
            self.lesson.unlabeled.columns, minlength=len(self.lesson.vocabulary)
        )
        influence = np.ptp(model.table, axis=0) * np.sqrt(counts)
        return np.argsort(-influence, kind="stable")[: min(_TABLE_SIZE, _TABLE_ENTRIES // len(model.start))]


def _finish(average: _Average, repeats: list[Labels], gold: Labels) -> Student:
    """Cut the table, round it, and find the bands."""
    unseen = POINTS * unseen_scores(repeats, average.scores)
    model = average.fit(np.ones(len(gold), dtype=bool))
    columns = average.strongest(model)
    points = np.rint(POINTS * model.table[:, columns]).astype(np.int64).T
    speaks = points.any(axis=1)
    return Student(
        words=tuple(average.lesson.vocabulary[column] for column in columns[speaks]),
        points=points[speaks],
        start=np.rint(POINTS * model.start).astype(np.int64),
        pairs=average.pairs,
        clear=clear_margin(unseen, gold),
        settings=average.settings,
        unseen_scores=unseen,
        accuracy=float((unseen.argmax(axis=2) == gold).mean()),
    )


def _applies(settings: StudentSettings, rows: StudentRows) -> bool:
    """Whether the settings differ in effect from simpler ones that are tried too."""
    if settings.evidence is ExtraEvidence.DIRECT:
        return bool(answered(rows.unlabeled_beliefs).any())
    if settings.evidence is ExtraEvidence.ALL:
        return bool((rows.unlabeled_votes >= 0).any()) and settings.unlabeled_weight > 0
    return True
