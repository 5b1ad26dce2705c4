from __future__ import annotations

import pytest
from labelwright.client.messages.labels import (
    MAX_BATCH,
    MAX_MESSAGE_BYTES,
    Details,
    Selector,
    halves,
    label_request,
    split_batch,
    vote_error,
)
from labelwright.core.errors import InvalidRecord, InvalidRequest, RecordTooLarge
from labelwright.core.vote import VoteError

PRODUCTION = Selector()


def test_a_batch_is_split_by_count_and_keeps_its_order() -> None:
    texts = [str(number) for number in range(2 * MAX_BATCH + 1)]
    chunks, failures = split_batch("spam", texts, PRODUCTION, Details())
    assert failures == {}
    assert [text for chunk in chunks for text in chunk.request.texts] == texts
    assert max(len(chunk.positions) for chunk in chunks) == MAX_BATCH


def test_a_batch_is_split_by_bytes() -> None:
    texts = ["x" * (MAX_MESSAGE_BYTES // 3)] * 7
    chunks, _ = split_batch("spam", texts, PRODUCTION, Details())
    assert all(chunk.request.ByteSize() < MAX_MESSAGE_BYTES + 1000 for chunk in chunks)
    assert sum(len(chunk.positions) for chunk in chunks) == 7


def test_texts_and_fields_may_be_mixed() -> None:
    chunks, _ = split_batch("spam", ["a", {"text": "b"}, "c"], PRODUCTION, Details(explain=True))
    assert [(list(chunk.request.texts), len(chunk.request.records)) for chunk in chunks] == [
        (["a"], 0),
        ([], 1),
        (["c"], 0),
    ]


@pytest.mark.parametrize(
    "record",
    [
        "half of a pair: \ud800",
        {"text": "\udfff"},
        {"n": 10**400},
        {"n": ["a"]},
        {"n": object()},
        {1: "x"},
        17,
        None,
        "x" * (9 << 20),
    ],
)
def test_a_record_that_cannot_be_sent_is_refused_alone_and_harms_no_other(record: object) -> None:
    with pytest.raises(InvalidRecord):
        label_request("spam", record, PRODUCTION, Details())  # type: ignore[arg-type]
    chunks, failures = split_batch("spam", ["a", record, "b"], PRODUCTION, Details())  # type: ignore[list-item]
    assert list(failures) == [1]
    assert [place for chunk in chunks for place in chunk.positions] == [0, 2]


def test_a_failure_becomes_the_error_that_the_record_raises_alone() -> None:
    _, failures = split_batch("spam", ["x" * (9 << 20)], PRODUCTION, Details())
    assert isinstance(failures[0].to_error(), RecordTooLarge)


def test_arrays_are_sent_as_lists() -> None:
    numpy = pytest.importorskip("numpy")
    request = label_request("t", {"v": numpy.array([1.5, 2]), "n": numpy.float32(0.5)}, PRODUCTION, Details())
    assert list(request.record.fields["v"].numbers.values) == [1.5, 2.0]
    assert request.record.fields["n"].number == 0.5


@pytest.mark.parametrize("wrong", [{"version": 0}, {"version": -1}, {"version": 1 << 32}, {"version": 1, "alias": "a"}])
def test_a_selector_that_names_no_version_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest):
        Selector(**wrong)  # type: ignore[arg-type]


def test_vote_errors_have_the_wires_names_and_newer_ones_count_as_crashes() -> None:
    assert vote_error(3) is VoteError.TIMEOUT
    assert vote_error(99) is VoteError.CRASHED


def test_a_chunk_is_halved_only_where_its_size_is_the_trouble() -> None:
    (chunk,), _ = split_batch("spam", ["a", "b", "c"], Selector(version=2), Details(explain=True))
    first, second = halves(chunk, InvalidRequest("too many", limit=2))
    assert (list(first.request.texts), list(second.request.texts)) == (["a"], ["b", "c"])
    assert (first.positions, second.positions) == ((0,), (1, 2))
    assert (second.request.version, second.request.explain) == (2, True)
    with pytest.raises(InvalidRequest):
        halves(first, InvalidRequest("too many", limit=2))
    with pytest.raises(InvalidRequest):
        halves(chunk, InvalidRequest("something else"))
