from __future__ import annotations

from collections import Counter

from labelwright.core.row import Row
from labelwright.synthesis.authoring.holding import split_gold

GOLD = [Row((f"row {number}",), 0 if number % 4 else 1, "") for number in range(80)]


def test_a_third_of_each_label_is_held_back() -> None:
    split = split_gold(GOLD, [10] * 80, 10_000, 0)
    assert sorted(split.shown + split.held) == list(range(80))
    assert Counter(GOLD[index].label for index in split.held) == {0: 21, 1: 7}


def test_rows_beyond_the_limit_are_held_back_in_proportion() -> None:
    split = split_gold(GOLD, [10] * 80, 200, 0)
    assert Counter(GOLD[index].label for index in split.shown) == {0: 15, 1: 5}
    assert len(split.shown) + len(split.held) == 80


def test_rare_labels_are_shown_whole_and_one_row_is_shown_whatever_its_length() -> None:
    split = split_gold(GOLD[:3], [10_000] * 3, 100, 0)
    assert len(split.shown) == 1
    assert split_gold(GOLD[:3], [10] * 3, 100, 0).held == ()
    assert split_gold([], [], 100, 0).shown == ()


def test_the_same_seed_gives_the_same_split() -> None:
    assert split_gold(GOLD, [10] * 80, 300, 5) == split_gold(GOLD, [10] * 80, 300, 5)
    assert split_gold(GOLD, [10] * 80, 300, 5) != split_gold(GOLD, [10] * 80, 300, 6)
