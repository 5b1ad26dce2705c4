"""Clients where the environment names a proxy: it stands before other machines, never before this one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest
from labelwright.client import AsyncClient, AsyncRegistry, Client, Registry, RetryPolicy, RunClient
from labelwright.core.errors import Unavailable

from tests.parts.recording_proxy import RecordingProxy, recording_proxy
from tests.parts.registry import Registry as RegistryProcess
from tests.parts.service import Service

ONCE = RetryPolicy(attempts=1)
TEXT = "URGENT! You have won a prize, call now"


@pytest.fixture(params=[str.lower, str.upper])
def proxy(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordingProxy]:
    """A proxy for everything, named in small letters or in capitals."""
    spelled: Callable[[str], str] = request.param
    with recording_proxy() as made:
        for name, value in made.variables(spelled).items():
            monkeypatch.setenv(name, value)
        yield made


def test_servers_on_this_machine_are_reached_directly(
    registry: RegistryProcess, service: Service, spam: str, proxy: RecordingProxy
) -> None:
    async def ask() -> None:
        async with AsyncClient(service.address, retry=ONCE) as client:
            assert (await client.label(spam, {"text": TEXT})).label
        async with AsyncRegistry(registry.address, retry=ONCE) as client:
            assert spam in {task.name for task in await client.tasks()}

    by_name = service.address.replace("127.0.0.1", "localhost")
    for address in (service.address, by_name):
        with Client(address, retry=ONCE) as client:
            assert client.label(spam, {"text": TEXT}).label
    with Registry(registry.address, retry=ONCE) as versions:
        assert spam in {task.name for task in versions.tasks()}
    with RunClient(registry.address, retry=ONCE) as runs:
        assert list(runs.list(spam)) == []
    asyncio.run(ask())
    assert proxy.asked == []


@pytest.mark.parametrize("kind", [Client, Registry])
def test_other_machines_are_reached_through_it_and_an_error_names_it(
    kind: type[Client | Registry], monkeypatch: pytest.MonkeyPatch
) -> None:
    with recording_proxy() as proxy:
        for name, value in proxy.variables().items():
            monkeypatch.setenv(name, value)
        with kind("labels.invalid:7400", timeout=5, retry=ONCE) as client, pytest.raises(Unavailable) as raised:
            ask(client)
        assert set(proxy.asked) == {"CONNECT labels.invalid:7400"}
    assert "labels.invalid:7400 through the proxy of https_proxy" in str(raised.value)


@pytest.mark.parametrize("variable", ["no_proxy", "NO_PROXY"])
@pytest.mark.parametrize("kind", [Client, Registry])
def test_what_no_proxy_lists_is_reached_directly(
    kind: type[Client | Registry], variable: str, proxy: RecordingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, ".invalid")
    with kind("labels.invalid:7400", timeout=5, retry=ONCE) as client, pytest.raises(Unavailable) as raised:
        ask(client)
    assert "proxy" not in str(raised.value)
    assert proxy.asked == []


def ask(client: Client | Registry) -> None:
    if isinstance(client, Client):
        client.label("spam", {"text": TEXT})
    else:
        client.tasks()
