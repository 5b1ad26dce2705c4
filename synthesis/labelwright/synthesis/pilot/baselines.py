"""What the ensemble has to beat: always the commonest label, and a classic text classifier on the gold rows."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from itertools import compress

import numpy as np
from labelwright.core.errors import ConfigurationError
from labelwright.synthesis.arrays import Labels, Mask
from labelwright.synthesis.statistics.folds import out_of_fold, stratified_folds
from labelwright.synthesis.text.scripts import puts_no_spaces

_FOLDS = 5
_CHARACTERS = (1, 3)
"""Characters in a row that count as a word where the script puts no spaces: most words of Chinese and Japanese."""


def commonest_label(gold: Labels) -> int:
    """Return the commonest label; of equally common ones the first."""
    return int(np.bincount(gold).argmax())


def require_scikit_learn() -> None:
    """Raise ConfigurationError where scikit-learn, or a part of what it needs, is not installed."""
    try:
        import_module("sklearn.linear_model")
    except ImportError as error:
        raise ConfigurationError(
            "the TF-IDF baseline needs scikit-learn", advice="pip install 'labelwright[baseline]', or leave it out"
        ) from error


def unseen_tfidf_labels(texts: Sequence[str], gold: Labels, *, seed: int) -> Labels:
    """Return the labels that ``tfidf_labels`` gives each gold row, trained on the other folds. Raises as it does."""

    def score(train: Mask, test: Mask) -> Labels:
        return tfidf_labels(list(compress(texts, train)), gold[train], list(compress(texts, test)))

    return out_of_fold(stratified_folds(gold, _FOLDS, seed), score)


def tfidf_labels(gold_texts: Sequence[str], gold: Labels, texts: Sequence[str]) -> Labels:
    """Return the labels of TF-IDF and logistic regression, scikit-learn's defaults, trained on the gold rows.

    Where the script of the gold rows puts no spaces, which the defaults take for words of a sentence's length, one to
    three characters in a row count as a word.

    Raises ConfigurationError where scikit-learn is not installed or no gold text holds a word.
    """
    require_scikit_learn()
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    if len(np.unique(gold)) < 2:
        return np.full(len(texts), commonest_label(gold), dtype=np.int64)
    try:
        vectorizer = (
            TfidfVectorizer(analyzer="char", ngram_range=_CHARACTERS)
            if puts_no_spaces(gold_texts)
            else TfidfVectorizer()
        )
        model = make_pipeline(vectorizer, LogisticRegression(max_iter=1000)).fit(gold_texts, gold)
    except ValueError as error:
        raise ConfigurationError("the gold rows hold no words to learn from") from error
    return np.asarray(model.predict(texts), dtype=np.int64)
