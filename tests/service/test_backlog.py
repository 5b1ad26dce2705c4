from __future__ import annotations

import sys

from labelwright.service.backlog import Backlog


def test_items_come_out_once_and_in_order() -> None:
    backlog: Backlog[str] = Backlog(10, 10_000)
    assert backlog.take() == []
    assert all(backlog.put(item, [item]) for item in "abc")
    assert backlog.take() == ["a", "b", "c"]
    assert backlog.take() == []


def test_neither_records_nor_their_memory_go_beyond_the_bounds() -> None:
    wide = "\N{SNOWMAN}" * 100
    by_records: Backlog[int] = Backlog(5, 1 << 20)
    by_bytes: Backlog[int] = Backlog(1000, 3 * sys.getsizeof(wide))
    assert [by_records.put(number, ["x", "y"]) for number in range(3)] == [True, True, False]
    assert [by_bytes.put(number, [wide]) for number in range(4)] == [True, True, True, False]
    for backlog in (by_records, by_bytes):
        backlog.take()
        assert backlog.put(9, ["x"])
        assert backlog.take() == [9]
