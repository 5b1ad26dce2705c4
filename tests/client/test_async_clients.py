from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator

import pytest
from labelwright.client import AsyncClient, AsyncRegistry, Failure, Labeling
from labelwright.core.errors import DeadlineExceeded, TaskNotFound, Unavailable

from tests.parts.example_bundles import CHAT, PRIZE, SPAM
from tests.parts.registry import Registry
from tests.parts.service import Service


def run(work: Coroutine[None, None, None]) -> None:
    asyncio.run(work)


def test_many_calls_share_one_connection(service: Service, spam: str) -> None:
    async def work() -> None:
        async with AsyncClient(service.address) as client:
            answers = await asyncio.gather(*(client.label(spam, f"{PRIZE} {number}") for number in range(50)))
            assert {answer.label for answer in answers} == {"spam"}
            outcomes = await client.label_batch(spam, [CHAT, "\ud800", PRIZE] * 200, explain=True)
            assert [isinstance(outcome, Failure) for outcome in outcomes] == [False, True, False] * 200

    run(work())


def test_a_stream_takes_both_kinds_of_iterables(service: Service, spam: str) -> None:
    async def records() -> AsyncIterator[str]:
        for text in (PRIZE, "\ud800", CHAT):
            yield text

    async def work() -> None:
        async with AsyncClient(service.address) as client:
            for source in (records(), [PRIZE, "\ud800", CHAT]):
                outcomes = [outcome async for outcome in client.label_stream(spam, source)]
                assert [item.label if isinstance(item, Labeling) else None for item in outcomes] == [
                    "spam",
                    None,
                    "ham",
                ]

    run(work())


class OwnError(BaseException):
    """Of the caller's, and no Exception."""


RAISED = [LookupError("x"), SystemExit(3), KeyboardInterrupt(), GeneratorExit(), asyncio.CancelledError(), OwnError()]


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("kind", ["asynchronous", "plain"])
def test_a_stream_raises_what_its_records_raise(kind: str, error: BaseException, service: Service, spam: str) -> None:
    async def asynchronous() -> AsyncIterator[str]:
        yield PRIZE
        raise error

    def plain() -> Iterator[str]:
        yield PRIZE
        raise error

    async def work() -> None:
        async with AsyncClient(service.address) as client:
            stream = client.label_stream(spam, asynchronous() if kind == "asynchronous" else plain(), timeout=20)
            assert isinstance(await anext(stream), Labeling)
            with pytest.raises(type(error)) as caught:
                await anext(stream)
            assert caught.value is error

    run(work())


def test_a_stream_whose_records_do_not_come_keeps_its_deadline_and_may_be_left(service: Service, spam: str) -> None:
    async def records() -> AsyncIterator[str]:
        yield PRIZE
        await asyncio.sleep(60)

    async def work() -> None:
        async with AsyncClient(service.address) as client:
            with pytest.raises(DeadlineExceeded):
                [outcome async for outcome in client.label_stream(spam, records(), timeout=0.5)]
            reading = asyncio.ensure_future(anext(client.label_stream(spam, _later(records()))))
            await asyncio.sleep(0.3)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(reading, 10)

    run(work())


async def _later(records: AsyncIterator[str]) -> AsyncIterator[str]:
    await asyncio.sleep(60)
    async for text in records:
        yield text


def test_errors_have_the_same_types(service: Service) -> None:
    async def work() -> None:
        async with AsyncClient(service.address) as client:
            with pytest.raises(TaskNotFound) as caught:
                await client.label("nosuch", CHAT)
            assert caught.value.advice
        async with AsyncClient("127.0.0.1:9", timeout=0.5) as client:
            with pytest.raises(Unavailable, match="cannot be reached"):
                await client.label("spam", CHAT)

    run(work())


def test_the_registry_answers_the_same(registry: Registry, spam: str) -> None:
    async def work() -> None:
        async with AsyncRegistry(registry.address) as source:
            assert spam in [entry.name for entry in await source.tasks()]
            again = await source.push(SPAM)
            assert again.version
            assert not again.created
            assert [version.number for version in await source.versions(spam)][-1] == 1
            _, report = await source.version(spam, version=1)
            assert report.gates_hold
            assert (await source.download(spam, version=1)).version.digest == again.version.digest
            assert (await source.aliases(spam))[0].name == "production"
            assert (await source.history(spam))[-1].to_version == 1
            async for state in source.watch([spam]):
                assert state.full
                break

    run(work())
