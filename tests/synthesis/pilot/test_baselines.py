from __future__ import annotations

import sys

import numpy as np
import pytest
from labelwright.core.errors import ConfigurationError
from labelwright.synthesis.pilot.baselines import commonest_label, tfidf_labels, unseen_tfidf_labels

from tests.synthesis.made_up import japanese_notes, reviews


def test_learns_from_the_gold_rows():
    texts, gold = reviews(100, 0)
    others, truth = reviews(200, 1)
    assert (tfidf_labels(texts, gold, others) == truth).mean() > 0.75


def test_learns_from_texts_without_spaces():
    texts, gold = japanese_notes(200, 0)
    others, truth = japanese_notes(200, 1)
    assert (tfidf_labels(texts, gold, others) == truth).mean() > 0.75


def test_out_of_fold_it_has_not_seen_the_row():
    texts = [f"word{number}" for number in range(40)]
    gold = np.arange(40) % 2
    assert (tfidf_labels(texts, gold, texts) == gold).all()
    assert (unseen_tfidf_labels(texts, gold, seed=0) == gold).mean() <= 0.7


def test_one_label_only():
    assert tfidf_labels(["a b", "c d"], np.array([1, 1]), ["e"]).tolist() == [1]
    assert commonest_label(np.array([2, 1, 2])) == 2


def test_texts_without_words():
    with pytest.raises(ConfigurationError, match="no words"):
        tfidf_labels(["", "!"], np.array([0, 1]), ["a"])


@pytest.mark.parametrize("missing", ["sklearn", "scipy"])
def test_says_what_to_install(monkeypatch, missing):
    for name in [name for name in sys.modules if name.partition(".")[0] in ("sklearn", "scipy")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ConfigurationError) as raised:
        tfidf_labels(["a", "b"], np.array([0, 1]), ["c"])
    assert "labelwright[baseline]" in raised.value.advice
