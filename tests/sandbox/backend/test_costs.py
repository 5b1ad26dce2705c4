from __future__ import annotations

from collections.abc import Iterator

from labelwright.core.bundle import Program
from labelwright.core.record import pack
from labelwright.core.task import Field, FieldType, Limits, Task
from labelwright.sandbox import Sandbox
from labelwright.sandbox.backend.costs import MAX_CHUNK, MAX_CHUNK_CHARS, Costs, chunks


def sizes(chunks: Iterator[list[str]]) -> list[int]:
    return [len(chunk) for chunk in chunks]


def test_chunks_grow_while_records_prove_cheap_and_shrink_where_they_do_not() -> None:
    costs = Costs(limit_seconds=0.1)
    read = chunks(["x"] * 2000, len, lambda: costs.size)
    first = len(next(read))
    costs.took(first, seconds=first * 1e-6)
    assert first < len(next(read)) == MAX_CHUNK
    costs.took(MAX_CHUNK, seconds=MAX_CHUNK * 0.05)
    assert len(next(read)) < first


def test_chunks_hold_every_record_once_and_in_order() -> None:
    costs = Costs(limit_seconds=0.1)
    records = [str(number) for number in range(1000)]
    chunked = []
    for chunk in chunks(records, len, lambda: costs.size):
        costs.took(len(chunk), seconds=1e-6)
        chunked += chunk
    assert chunked == records
    assert sizes(chunks([], len, lambda: costs.size)) == []


def test_large_records_travel_in_small_chunks() -> None:
    costs = Costs(limit_seconds=0.1)
    costs.took(1, seconds=1e-6)
    assert sizes(chunks(["x" * MAX_CHUNK_CHARS] * 3, len, lambda: costs.size)) == [1, 1, 1]
    assert sizes(chunks(["x" * (MAX_CHUNK_CHARS // 2)] * 5, len, lambda: costs.size)) == [2, 2, 1]


def test_a_source_is_read_only_as_far_as_it_was_asked_for(sandbox: Sandbox) -> None:
    task = Task("t", "", {"a": "", "b": ""}, {"text": Field("text", FieldType.TEXT)}, Limits())
    executable = sandbox.load(task, [Program("p", "def label(text):\n    return 'a'\n")])
    read = 0

    def endless() -> Iterator[str]:
        nonlocal read
        while True:
            read += 1
            yield pack((f"text {read}",), 1000)

    evaluated = 0
    for chunk in executable.chunks(endless()):
        evaluated += len(executable.evaluate(chunk).votes)
        assert evaluated == read
        if len(chunk) == MAX_CHUNK:
            break
    executable.close()
