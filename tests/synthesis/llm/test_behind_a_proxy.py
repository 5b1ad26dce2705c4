"""The endpoint where the environment names a proxy."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from labelwright.synthesis.llm.endpoint import AskFailed
from labelwright.synthesis.llm.openai_endpoint import OpenAIEndpoint

from tests.parts.recording_proxy import recording_proxy
from tests.synthesis.faulty_endpoint import FaultyEndpoint
from tests.synthesis.llm.provider_of import KEY, ask

SPELLED = pytest.mark.parametrize("spelled", [str.lower, str.upper])


def opened(url: str) -> OpenAIEndpoint:
    return OpenAIEndpoint("m", api_key=KEY, base_url=url, silence=10.0, patience=20)


@SPELLED
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_an_endpoint_on_this_machine_is_asked_directly(
    endpoint: FaultyEndpoint, host: str, spelled: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with recording_proxy() as proxy:
        for name, value in proxy.variables(spelled).items():
            monkeypatch.setenv(name, value)
        assert opened(endpoint.url.replace("127.0.0.1", host)).ask(ask()).text == "echo of hello"
        assert proxy.asked == []


@SPELLED
def test_one_elsewhere_is_asked_through_the_proxy(
    endpoint: FaultyEndpoint, spelled: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The endpoint stands in for a proxy: it is asked for another host's answer, and has one."""
    monkeypatch.setenv(spelled("http_proxy"), endpoint.url.removesuffix("/v1"))
    assert opened("http://llm.invalid/v1").ask(ask()).text == "echo of hello"
    assert [headers["Host"] for headers in endpoint.headers] == ["llm.invalid"]


@SPELLED
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_refuses_is_named(
    scheme: str, spelled: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = spelled("all_proxy")
    with recording_proxy() as proxy:
        monkeypatch.setenv(variable, proxy.url)
        endpoint = opened(f"{scheme}://llm.invalid/v1")
        with pytest.raises(AskFailed) as raised:
            endpoint.ask(ask())
    asked = {"http": "POST http://llm.invalid/v1/chat/completions", "https": "CONNECT llm.invalid:443"}
    assert set(proxy.asked) == {asked[scheme]}
    assert f"through the proxy of {variable}" in str(raised.value)
    assert KEY not in str(raised.value)


@pytest.mark.parametrize("variable", ["no_proxy", "NO_PROXY"])
def test_one_that_no_proxy_lists_is_asked_directly(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with recording_proxy() as proxy:
        for name, value in {**proxy.variables(), variable: "llm.invalid"}.items():
            monkeypatch.setenv(name, value)
        endpoint = opened("http://llm.invalid/v1")
        with pytest.raises(AskFailed) as raised:
            endpoint.ask(ask())
    assert proxy.asked == []
    assert "proxy" not in str(raised.value)
