from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from labelwright.synthesis.asking.sampling import random_distinct, random_order


@given(st.lists(st.integers(0, 9), max_size=40), st.integers(0, 5))
def test_one_of_each_of_equal_items_is_chosen_in_the_order_of_all(items: list[int], seed: int) -> None:
    chosen = random_distinct(items, seed)
    assert sorted(items[index] for index in chosen) == sorted(set(items))
    assert chosen == [index for index in random_order(len(items), seed) if index in chosen]


@given(st.integers(0, 40), st.integers(0, 5))
def test_where_nothing_repeats_the_order_is_the_random_one(count: int, seed: int) -> None:
    assert random_distinct(range(count), seed) == random_order(count, seed)
