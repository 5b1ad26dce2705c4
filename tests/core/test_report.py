from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelwright.core.report import LabelCounts, labels_without_rows, macro_f1
from sklearn.metrics import f1_score

PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40)


@given(PAIRS)
def test_equals_scikit_learn_where_labels_are_missing_too(pairs: list[tuple[int, int]]) -> None:
    truth, answers = zip(*pairs, strict=True)
    counts = [LabelCounts(pairs.count((label, label)), truth.count(label), answers.count(label)) for label in range(4)]
    each = f1_score(truth, answers, labels=range(4), average=None, zero_division=0)
    assert [item.f1 for item in counts] == pytest.approx(each)
    assert macro_f1(counts) == pytest.approx(f1_score(truth, answers, average="macro"))


def test_no_label_anywhere_is_zero() -> None:
    assert macro_f1([LabelCounts(0, 0, 0)]) == macro_f1([]) == 0.0


def test_labels_without_rows_are_listed_up_to_what_a_person_reads() -> None:
    assert labels_without_rows(["a", "b", "c"], [1, 1, None]) == "a, c"
    assert labels_without_rows(["a", "b"], [1, 0]) == ""
    assert labels_without_rows([str(number) for number in range(500)], []).endswith("18, 19 and 480 more labels")
