from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from labelwright.client import Client, Failure, Labeling, Registry, RetryPolicy
from labelwright.core.errors import (
    AliasNotFound,
    ConfigurationError,
    DeadlineExceeded,
    InvalidRecord,
    TaskNotFound,
    Unavailable,
    VersionNotFound,
)

from tests.parts.example_bundles import CHAT, PRIZE, SPAM, serve
from tests.parts.registry import Registry as RegistryProcess
from tests.parts.repository import EXAMPLES
from tests.parts.row_files import rows_of
from tests.parts.service import Service


def test_a_text_and_a_record_of_fields_get_the_same_label(client: Client, spam: str) -> None:
    answer = client.label(spam, PRIZE, explain=True)
    assert (answer.label, answer.version) == ("spam", 1)
    assert answer.digest.startswith("sha256:")
    assert answer.votes["prize"] == "spam"
    assert answer.votes["small_talk"] is None
    assert client.label(spam, {"text": PRIZE}).label == "spam"


def test_the_probability_of_every_label(client: Client, spam: str) -> None:
    answer = client.label(spam, PRIZE, distribution=True)
    assert list(answer.distribution) == ["ham", "spam"]
    assert answer.distribution["spam"] == answer.probability
    assert client.label(spam, PRIZE).distribution == {}
    assert client.label_batch(spam, [PRIZE], distribution=True) == list(
        client.label_stream(spam, [PRIZE], distribution=True)
    )


def test_numbers_and_flags_are_labeled(client: Client, sensors: str) -> None:
    row = rows_of(EXAMPLES / "sensors" / "unlabeled.jsonl")[2]
    row.pop("id")
    assert client.label(sensors, row).label == "overheating"


def test_a_large_batch_keeps_its_order_around_failures(client: Client, spam: str) -> None:
    records = [PRIZE if number % 3 else CHAT for number in range(700)]
    records[100] = "\ud800"
    records[650] = "x" * 100_000
    outcomes = client.label_batch(spam, records)
    assert [place for place, outcome in enumerate(outcomes) if isinstance(outcome, Failure)] == [100, 650]
    labels = [outcome.label for outcome in outcomes if isinstance(outcome, Labeling)]
    wanted = ["spam" if number % 3 else "ham" for number in range(700) if number not in (100, 650)]
    assert labels == wanted


def test_an_empty_batch_is_an_empty_list(client: Client, spam: str) -> None:
    assert client.label_batch(spam, []) == []


def test_a_stream_answers_in_order_and_goes_on_after_a_failure(client: Client, spam: str) -> None:
    outcomes = list(client.label_stream(spam, ["\ud800", PRIZE, {"nonsense": 1}, CHAT, "\ud800"]))
    assert [getattr(outcome, "label", "failure") for outcome in outcomes] == [
        "failure",
        "spam",
        "failure",
        "ham",
        "failure",
    ]


class OwnError(BaseException):
    """Of the caller's, and no Exception."""


RAISED = [LookupError("x"), SystemExit(3), KeyboardInterrupt(), GeneratorExit(), asyncio.CancelledError(), OwnError()]


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
def test_a_stream_raises_what_its_records_raise(error: BaseException, client: Client, spam: str) -> None:
    def records() -> Iterator[str]:
        yield PRIZE
        raise error

    stream = client.label_stream(spam, records(), timeout=20)
    assert isinstance(next(stream), Labeling)
    with pytest.raises(type(error)) as caught:
        next(stream)
    assert caught.value is error


def test_a_stream_whose_records_do_not_come_keeps_its_deadline_and_may_be_left(client: Client, spam: str) -> None:
    released = threading.Event()

    def records() -> Iterator[str]:
        yield PRIZE
        released.wait(60)

    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        list(client.label_stream(spam, records(), timeout=0.5))
    stream = client.label_stream(spam, records())
    assert isinstance(next(stream), Labeling)
    stream.close()  # type: ignore[attr-defined]
    assert time.monotonic() - started < 10
    released.set()


def test_a_stream_may_be_left_early(client: Client, spam: str) -> None:
    stream = client.label_stream(spam, (PRIZE for _ in range(100_000)))
    assert isinstance(next(stream), Labeling)
    stream.close()  # type: ignore[attr-defined]
    assert client.label(spam, CHAT).label == "ham"


def test_errors_have_types(client: Client, spam: str, sensors: str) -> None:
    with pytest.raises(TaskNotFound):
        client.label("nosuch", CHAT)
    with pytest.raises(VersionNotFound):
        client.label(spam, CHAT, version=99)
    with pytest.raises(AliasNotFound):
        client.label(spam, CHAT, alias="nosuch")
    with pytest.raises(InvalidRecord):
        client.label(sensors, "a text")
    with pytest.raises(InvalidRecord, match="nonsense"):
        client.label(spam, {"nonsense": 1})
    with pytest.raises(TaskNotFound):
        list(client.label_stream("nosuch", [CHAT])) and client.label("nosuch", CHAT)


def test_a_server_that_is_away_is_named() -> None:
    with (
        Client("127.0.0.1:9", retry=RetryPolicy(attempts=2)) as client,
        pytest.raises(Unavailable, match=r"127.0.0.1:9"),
    ):
        client.label("spam", CHAT)


def test_a_deadline_is_kept(client: Client, spam: str) -> None:
    with pytest.raises(DeadlineExceeded):
        client.label(spam, CHAT, timeout=0.0)


@pytest.mark.parametrize("address", ["", "nowhere", "host:port", "http://host:1/x", "a b:1"])
def test_a_wrong_address_is_refused_at_once(address: str) -> None:
    with pytest.raises(ConfigurationError):
        Client(address)


def test_a_busy_server_is_asked_again(registry: RegistryProcess, tmp_path: Path) -> None:
    service = Service(tmp_path / "data", registry=registry.address, max_requests=1, memory_cache_entries=0).start()
    try:
        with Registry(registry.address) as source, Client(service.address) as one:
            serve(source, one, SPAM)
        patient = Client(service.address, timeout=60, retry=RetryPolicy(attempts=1000, base=0.01, cap=0.1))
        labels: list[str | None] = []

        def ask() -> None:
            for _ in range(10):
                labels.append(patient.label("spam", PRIZE).label)  # noqa: PERF401

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        patient.close()
        assert labels == ["spam"] * 80
    finally:
        service.stop()


def test_a_server_that_allows_less_gets_smaller_batches(registry: RegistryProcess, tmp_path: Path) -> None:
    service = Service(tmp_path / "data", registry=registry.address, max_batch_records=30).start()
    try:
        with Registry(registry.address) as source, Client(service.address) as client:
            serve(source, client, SPAM)
            texts = [PRIZE, CHAT] * 100
            outcomes = client.label_batch("spam", texts)
            assert [getattr(outcome, "label", None) for outcome in outcomes] == ["spam", "ham"] * 100
    finally:
        service.stop()
