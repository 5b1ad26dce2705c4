"""The student: a table of words, learned from few labeled and many unlabeled records, that is emitted as programs.

Several settings of the word model are compared by cross-validation on gold rows; the tables of the best few are
averaged, which asks less of 100 gold rows than naming one winner does. The table is cut to the words that matter,
rounded to whole points (exact in any order of adding) and split in two bands, so that the label model sees a clear
answer and a close one as different evidence.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt
from labelwright.core.vote import ABSTAIN
from labelwright.synthesis.learning.bands import POINTS, band_votes, clear_margin
from labelwright.synthesis.learning.calibration import direct_labels_tell, is_told
from labelwright.synthesis.learning.student_rows import Evidence, Known, Material
from labelwright.synthesis.learning.word_model import WordModel, count_words, find_vocabulary, fit_word_model
from labelwright.synthesis.learning.words import words_of
from labelwright.synthesis.statistics.folds import Mask, stratified_folds, unseen_scores
from labelwright.synthesis.statistics.label_models import Floats, Labels, Votes

_FOLDS = 5
_REPEATS = 2
_AVERAGED = 5
_TABLE_SIZE = 2000
_TABLE_ENTRIES = 20_000
"""Words times labels: a program must stay well below the size that a bundle allows."""
_LEAST_DOCUMENTS = 2
_MOST_WORDS = 20_000


@dataclass(frozen=True, slots=True)
class Settings:
    """One way to fit the word model; which one is good is measured."""

    pairs: bool
    evidence: Evidence
    smoothing: float
    unlabeled_weight: float


SETTINGS = tuple(
    Settings(*values) for values in itertools.product((False, True), Evidence, (0.1, 0.5), (0.3, 1.0, 0.1, 0.0))
)


@dataclass(frozen=True, slots=True)
class Student:
    """A fitted student: whole points for each word and label, centered, the strongest word first.

    ``clear`` is the margin, in points, from which on an answer is a clear one. ``unseen_scores`` are the scores of
    the gold rows by students that had not seen them, in points: repeats x rows x labels.
    """

    words: tuple[str, ...]
    points: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    pairs: bool
    clear: int
    settings: tuple[Settings, ...]
    unseen_scores: Floats
    accuracy: float

    def unseen_votes(self, repeat: int = 0) -> Votes:
        """Return what the two programs, clear and close, say of the gold rows without having seen them."""
        return band_votes(self.unseen_scores[repeat], self.clear)

    def votes(self, texts: Sequence[str]) -> Votes:
        """Return what the two programs say of ``texts``: texts x (clear, close)."""
        counts = count_words([frozenset(words_of(text, self.pairs)) for text in texts], self.words)
        scores = self.start + counts.scores(self.points.T.astype(np.float64))
        known = np.bincount(counts.rows, minlength=len(texts)) > 0
        return np.where(known[:, None], band_votes(scores, self.clear), ABSTAIN)


def fit_student(
    material: Material, label_count: int, *, seed: int, progress: Callable[[float], None] = lambda _: None
) -> Student | None:
    """Return the student, or None where the records hold no word twice or gold has fewer than two labels.

    ``progress`` is told the share of the work that is done.
    """
    if len(np.unique(material.gold_labels)) < 2:
        return None
    if not direct_labels_tell(material.gold_direct, material.gold_labels):
        material = replace(material, unlabeled_direct=np.full_like(material.unlabeled_direct, np.nan))
    known = Known(material, label_count)
    lessons = {pairs: _Lesson(material, known, pairs) for pairs in (False, True)}
    if not lessons[False].vocabulary:
        return None
    folds = [stratified_folds(material.gold_labels, _FOLDS, seed + repeat) for repeat in range(_REPEATS)]
    tried = [settings for settings in SETTINGS if _applies(settings, material)]
    accuracies = []
    for number, settings in enumerate(tried, start=1):
        unseen = unseen_scores(folds, partial(lessons[settings.pairs].scores, settings))
        accuracies.append(float((unseen.argmax(axis=2) == material.gold_labels).mean()))
        progress(number / (len(tried) + _AVERAGED))
    best = sorted(range(len(tried)), key=lambda index: (-accuracies[index], index))[:_AVERAGED]
    return _finish(_Average(lessons, tuple(tried[index] for index in best)), folds, material.gold_labels)


class _Lesson:
    """The material, counted once for words or for words and pairs."""

    def __init__(self, material: Material, known: Known, pairs: bool) -> None:
        gold, unlabeled = (
            [frozenset(words_of(text, pairs)) for text in texts]
            for texts in (material.gold_texts, material.unlabeled_texts)
        )
        self.vocabulary = find_vocabulary([*gold, *unlabeled], least=_LEAST_DOCUMENTS, most=_MOST_WORDS)
        self.gold = count_words(gold, self.vocabulary)
        self.unlabeled = count_words(unlabeled, self.vocabulary)
        self._labels = material.gold_labels
        self._known = known

    def fit(self, settings: Settings, kept: Mask) -> WordModel:
        """Fit on the gold rows in ``kept``."""
        return fit_word_model(
            self.gold.only(kept),
            self._labels[kept],
            self.unlabeled,
            self._known.evidence(settings.evidence, kept),
            self._known.weights(settings.evidence, settings.unlabeled_weight),
            smoothing=settings.smoothing,
        ).centered()

    def scores(self, settings: Settings, kept: Mask, test: Mask) -> Floats:
        """Return the scores of the gold rows in ``test`` after a fit on those in ``kept``."""
        return self.fit(settings, kept).scores(self.gold.only(test))


class _Average:
    """The mean of several settings' tables, over the words of the richest of them."""

    def __init__(self, lessons: dict[bool, _Lesson], settings: tuple[Settings, ...]) -> None:
        self.settings = settings
        self.pairs = any(item.pairs for item in settings)
        self.lesson = lessons[self.pairs]
        index = {word: column for column, word in enumerate(self.lesson.vocabulary)}
        self._members = [
            (item, lessons[item.pairs], [index.get(word, -1) for word in lessons[item.pairs].vocabulary])
            for item in settings
        ]

    def fit(self, kept: Mask) -> WordModel:
        """Fit every member on the gold rows in ``kept`` and average."""
        models = []
        for settings, lesson, columns in self._members:
            model = lesson.fit(settings, kept)
            # A word beyond the vocabulary's limit goes to a last column that is dropped.
            table = np.zeros((len(model.start), len(self.lesson.vocabulary) + 1))
            table[:, columns] = model.table
            models.append(WordModel(model.start, table[:, :-1]))
        return WordModel(
            np.mean([model.start for model in models], axis=0), np.mean([model.table for model in models], axis=0)
        )

    def scores(self, kept: Mask, test: Mask) -> Floats:
        """Return the scores of the gold rows in ``test`` after a fit on those in ``kept``."""
        model, counts = self.fit(kept), self.lesson.gold.only(test)
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


def _finish(average: _Average, folds: list[Labels], gold: Labels) -> Student:
    """Cut the table, round it, and find the bands."""
    unseen = POINTS * unseen_scores(folds, average.scores)
    model = average.fit(np.ones(len(gold), dtype=bool))
    columns = average.strongest(model)
    points = np.rint(POINTS * model.table[:, columns]).astype(np.int64).T
    heard = points.any(axis=1)
    return Student(
        words=tuple(average.lesson.vocabulary[column] for column in columns[heard]),
        points=points[heard],
        start=np.rint(POINTS * model.start).astype(np.int64),
        pairs=average.pairs,
        clear=clear_margin(unseen, gold),
        settings=average.settings,
        unseen_scores=unseen,
        accuracy=float((unseen.argmax(axis=2) == gold).mean()),
    )


def _applies(settings: Settings, material: Material) -> bool:
    """Whether the settings differ in effect from simpler ones that are tried too."""
    if settings.evidence is Evidence.DIRECT:
        return bool(is_told(material.unlabeled_direct).any())
    if settings.evidence is Evidence.ALL:
        return bool((material.unlabeled_votes >= 0).any()) and settings.unlabeled_weight > 0
    return True
