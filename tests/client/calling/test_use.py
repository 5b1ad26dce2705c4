"""Clients used where they cannot be: closed, inherited through a fork, in another event loop. None may hang."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest
from labelwright.client import AsyncClient, AsyncRegistry, Client, Labeling, Registry, RunClient
from labelwright.core.errors import DeadlineExceeded, InvalidRequest

from tests.parts.repository import ROOT
from tests.parts.service import Service

CHAT = "hi mum see you tomorrow"
_Client = TypeVar("_Client", Client, Registry, RunClient)


def forks(address: str, state: str) -> dict[str, set[str]]:
    """Return what the children of a process with an open client said, by what they did."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.client.calling.forks", address, state],
        stdout=subprocess.PIPE,
        text=True,
        timeout=300,
        cwd=ROOT,
        check=True,
    )
    said: dict[str, set[str]] = defaultdict(set)
    for line in done.stdout.splitlines():
        act, words = json.loads(line)
        said[act].add(words)
    return dict(said)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_an_inherited_client_works_after_a_fork_between_calls(service: Service, spam: str) -> None:
    said = forks(service.address, "idle")
    assert said == {
        "label": {"did: ham"},
        "close": {"did: None"},
        "stream": {"did: 3"},
        "leave": {"did: nothing"},
        "parent": {"did: ham"},
    }


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_an_inherited_client_is_refused_in_time_after_a_fork_in_the_midst_of_calls(service: Service, spam: str) -> None:
    said = forks(service.address, "busy")
    (refusal,) = said.pop("label")
    assert refusal.startswith("InvalidRequest: this process was forked from one in which a call was under way")
    assert said == {
        "close": {"did: None"},
        "stream": {refusal},
        "leave": {"did: nothing"},
        "parent": {"did: ham"},
    }


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes connections and says nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"127.0.0.1:{listener.getsockname()[1]}"


async def _async_label(client: AsyncClient) -> None:
    await client.close()
    await client.label("spam", CHAT)


async def _async_stream(client: AsyncClient) -> None:
    await client.close()
    async for _ in client.label_stream("spam", [CHAT]):
        pass


async def _async_watch(registry: AsyncRegistry) -> None:
    await registry.close()
    await anext(registry.watch())


USES: dict[str, Callable[[str], object]] = {
    "label": lambda address: closed(Client(address)).label("spam", CHAT),
    "label_batch": lambda address: closed(Client(address)).label_batch("spam", [CHAT]),
    "label_stream": lambda address: list(closed(Client(address)).label_stream("spam", [CHAT])),
    "tasks": lambda address: closed(Registry(address)).tasks(),
    "watch": lambda address: next(closed(Registry(address)).watch()),
    "runs": lambda address: closed(RunClient(address)).get(1),
    "async label": lambda address: asyncio.run(_async_label(AsyncClient(address))),
    "async label_stream": lambda address: asyncio.run(_async_stream(AsyncClient(address))),
    "async watch": lambda address: asyncio.run(_async_watch(AsyncRegistry(address))),
}


def closed(client: _Client) -> _Client:
    client.close()
    client.close()  # does no harm
    return client


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_closed_client_says_that_it_is_closed(use: Callable[[str], object], service: Service) -> None:
    with pytest.raises(InvalidRequest, match="the client is closed"):
        use(service.address)


def test_a_call_under_way_ends_when_the_client_is_closed(silent: str) -> None:
    client = Client(silent, timeout=60)
    raised: list[BaseException] = []

    def call() -> None:
        try:
            client.label("spam", CHAT)
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    time.sleep(0.3)
    client.close()
    thread.join(10)
    assert [type(error) for error in raised] == [InvalidRequest]


def test_an_awaited_call_ends_when_the_client_is_closed_and_its_task_is_not_cancelled(silent: str) -> None:
    async def work() -> None:
        client = AsyncClient(silent, timeout=60)
        call = asyncio.create_task(client.label("spam", CHAT))
        await asyncio.sleep(0.3)
        await client.close()
        with pytest.raises(InvalidRequest):
            await asyncio.wait_for(call, 10)

    asyncio.run(work())


def test_a_task_that_is_cancelled_hears_just_that(silent: str) -> None:
    async def work() -> None:
        async with AsyncClient(silent, timeout=60) as client:
            call = asyncio.create_task(client.label("spam", CHAT))
            await asyncio.sleep(0.3)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(call, 10)

    asyncio.run(work())


def test_an_asyncio_client_may_be_made_before_the_event_loop_and_serves_one(service: Service, spam: str) -> None:
    client = AsyncClient(service.address)

    async def label() -> str | None:
        return (await client.label(spam, CHAT)).label

    assert asyncio.run(label()) == "ham"
    with pytest.raises(InvalidRequest, match="another event loop"):
        asyncio.run(label())
    asyncio.run(client.close())


@pytest.mark.parametrize("timeout", [1e300, float("inf"), 10**400])
def test_a_very_long_timeout_is_none(timeout: float, client: Client, spam: str) -> None:
    assert client.label(spam, CHAT, timeout=timeout).label == "ham"
    (outcome,) = client.label_stream(spam, [CHAT], timeout=timeout)
    assert isinstance(outcome, Labeling)
    assert outcome.label == "ham"


@pytest.mark.parametrize("timeout", [0, -1, -(10**400), 1e-300])
def test_no_time_is_a_deadline_that_has_passed(timeout: float, client: Client, spam: str) -> None:
    with pytest.raises(DeadlineExceeded):
        client.label(spam, CHAT, timeout=timeout)
    with pytest.raises(DeadlineExceeded):
        list(client.label_stream(spam, [CHAT], timeout=timeout))


@pytest.mark.parametrize("timeout", [float("nan"), "5", b"5", [5], {}])
def test_what_is_no_number_of_seconds_is_refused(timeout: float, client: Client, spam: str) -> None:
    for call in (
        lambda: client.label(spam, CHAT, timeout=timeout),
        lambda: list(client.label_stream(spam, [CHAT], timeout=timeout)),
        lambda: Client("127.0.0.1:1", timeout=timeout),
    ):
        with pytest.raises(InvalidRequest) as caught:
            call()
        assert caught.value.metadata["field"] == "timeout"
