from __future__ import annotations

import threading

from labelwright.core.label_model import Decision
from labelwright.service.answer import LabelAnswer
from labelwright.service.caches.memory_cache import ENTRY_BYTES, VOTE_BYTES, LruMemoryCache, make_memory_cache


def answer(votes: int = 2) -> LabelAnswer:
    return LabelAnswer((1,) * votes, Decision(1, 1.0))


def key(number: int) -> bytes:
    return number.to_bytes(32, "big")


def test_the_least_recently_used_goes_first() -> None:
    cache = LruMemoryCache(2, 1 << 20)
    cache.put_many([(key(1), answer()), (key(2), answer())])
    cache.get_many([key(1)])
    cache.put_many([(key(3), answer())])
    assert [found is not None for found in cache.get_many([key(1), key(2), key(3)])] == [True, False, True]


def test_bytes_are_bounded_as_well_as_entries() -> None:
    each = ENTRY_BYTES + 4 * VOTE_BYTES
    cache = LruMemoryCache(1000, 3 * each)
    cache.put_many((key(number), answer(4)) for number in range(10))
    assert cache.size() == (3, 3 * each)
    cache.put_many([(key(9), answer(4))])
    assert cache.size() == (3, 3 * each)
    cache.put_many([(key(11), answer(1000))])
    assert cache.size() == (0, 0)


def test_a_bound_of_zero_keeps_nothing() -> None:
    for cache in (make_memory_cache(0, 100), make_memory_cache(100, 0)):
        cache.put_many([(key(1), answer())])
        assert cache.get_many([key(1)]) == [None]


def test_threads_leave_the_books_balanced() -> None:
    cache = LruMemoryCache(50, 1 << 20)

    def work(seed: int) -> None:
        for number in range(3000):
            cache.put_many([(key((number * seed) % 200), answer(number % 5))])
            cache.get_many([key(number % 200)])

    threads = [threading.Thread(target=work, args=(seed,)) for seed in (1, 3, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries, size = cache.size()
    found = [item for item in cache.get_many([key(number) for number in range(200)]) if item is not None]
    assert entries == len(found) == 50
    assert size == sum(ENTRY_BYTES + VOTE_BYTES * len(item.votes) for item in found)
