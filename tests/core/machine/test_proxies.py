"""A proxy stands between here and other machines, never between here and here."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from labelwright.core.errors import ConfigurationError
from labelwright.core.machine.proxies import channel_options, find_route, grpc_way, is_direct

from tests.parts.repository import ROOT

DIRECT = (("grpc.enable_http_proxy", 0),)


@pytest.fixture(autouse=True)
def no_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


def test_tests_do_not_see_the_proxies_of_the_machine() -> None:
    code = "import os, tests.conftest; print([name for name in os.environ if name.lower().endswith('_proxy')])"
    machine = {**os.environ, "http_proxy": "http://proxy:3128", "NO_PROXY": "*", "ALL_PROXY": "socks5://proxy:1080"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=machine, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "target",
    [
        *(
            "127.0.0.1:7400",
            "127.8.9.1:1",
            "[::1]:7400",
            "localhost:7400",
            "LOCALHOST:1",
            "localhost.:1",
            "a.localhost:1",
        ),
        *("0.0.0.0:1", "[::]:1", "[::ffff:127.0.0.1]:1", "[::1%25lo]:1", "ip6-localhost:1"),
        *("dns:localhost:7400", "dns:///localhost:7400", "dns://8.8.8.8/localhost:7400"),
        *("ipv4:127.0.0.1:7400", "ipv4:127.0.0.1:1,127.0.0.2:1", "ipv6:[::1]:7400", "ipv6:%5B::1%5D:7400"),
        *("unix:/tmp/socket", "unix:///tmp/socket", "unix-abstract:name"),
    ],
)
def test_this_machine_is_reached_directly(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy:3128")
    assert channel_options(target) == DIRECT
    assert grpc_way(target) == ""


@pytest.mark.parametrize(
    "target",
    [
        "registry:7420",
        "10.0.0.1:1",
        "128.0.0.1:1",
        "localhost.example.com:1",
        "ipv4:127.0.0.1:1,10.0.0.1:1",
        "xds:///x",
    ],
)
def test_other_machines_are_reached_as_the_environment_says(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert grpc_way(target) == ""
    monkeypatch.setenv("http_proxy", "http://user:secret@proxy:3128")
    assert channel_options(target) == ()
    assert grpc_way(target) == " through the proxy of http_proxy"
    monkeypatch.setenv("https_proxy", "socks5://proxy:1080")
    assert grpc_way(target) == "", "gRPC takes the first and leaves it out, as it speaks no SOCKS"
    monkeypatch.setenv("grpc_proxy", "proxy:3128")
    assert grpc_way(target) == " through the proxy of grpc_proxy"


@pytest.mark.parametrize("variable", ["no_proxy", "NO_PROXY"])
@pytest.mark.parametrize(
    ("listed", "host", "port"),
    [
        ("*", "anything", 1),
        ("corp.com", "corp.com", 1),
        ("corp.com", "a.corp.com", 1),
        (".corp.com", "corp.com", 1),
        ("*.corp.com", "a.b.corp.com", 1),
        ("corp.com:8080", "a.corp.com", 8080),
        ("http://corp.com/", "corp.com", 1),
        ("x, corp.com y", "corp.com", 1),
        ("10.0.0.0/8", "10.1.2.3", 1),
        ("10.1.2.3", "10.1.2.3", 1),
        ("fd00::/8", "fd00::1", 1),
        ("[fd00::1]", "[fd00::1]", 1),
        ("fd00::1,[::1]", "fd00::1", 1),
    ],
)
def test_no_proxy_counts_in_either_case(
    monkeypatch: pytest.MonkeyPatch, variable: str, listed: str, host: str, port: int
) -> None:
    assert not is_direct(host, port)
    monkeypatch.setenv(variable, listed)
    monkeypatch.setenv("http_proxy", "http://proxy:3128")
    assert is_direct(host, port)
    assert channel_options(f"{host}:{port}" if "::" not in host else f"[{host.strip('[]')}]:{port}") == DIRECT
    shown = f"[{host.strip('[]')}]" if "::" in host else host
    assert find_route(f"http://{shown}:{port}/v1").proxy is None


@pytest.mark.parametrize(
    "listed", ["", ",, ,", "[", "::/x", "/", "corp.com:80", "acorp.com", "b.corp.com", "11.0.0.0/8", "."]
)
def test_no_proxy_covers_nothing_else(monkeypatch: pytest.MonkeyPatch, listed: str) -> None:
    monkeypatch.setenv("NO_PROXY", listed)
    assert not is_direct("corp.com", 1)
    assert not is_direct("10.0.0.1", 1)


@pytest.mark.parametrize(
    ("variable", "value", "url", "proxy"),
    [
        ("http_proxy", "http://proxy:3128", "http://llm.corp/v1", "http://proxy:3128"),
        ("HTTP_PROXY", "proxy:3128", "http://llm.corp/v1", "http://proxy:3128"),
        ("https_proxy", "http://user:pw@proxy", "https://llm.corp/v1", "http://user:pw@proxy"),
        ("ALL_PROXY", "http://proxy", "https://llm.corp/v1", "http://proxy"),
        ("https_proxy", "http://proxy", "http://llm.corp/v1", None),
        ("http_proxy", " ", "http://llm.corp/v1", None),
        ("http_proxy", "http://proxy", "http://127.0.0.1:8000/v1", None),
        ("ALL_PROXY", "socks5://proxy", "http://[::1]:8000/v1", None),
    ],
)
def test_a_proxy_is_taken_for_what_it_is_for(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, url: str, proxy: str | None
) -> None:
    monkeypatch.setenv(variable, value)
    route = find_route(url)
    assert route.proxy == proxy
    assert route.way == (f" through the proxy of {variable}" if proxy else "")


@pytest.mark.parametrize(
    "value",
    [
        "http://proxy:port",
        "http://proxy:99999",
        "://",
        "::::",
        "ftp://proxy",
        "http://a b",
        "http://[::1",
        "http://pr\u00fc",
        "http://",
    ],
)
@pytest.mark.parametrize("variable", ["https_proxy", "ALL_PROXY"])
def test_a_proxy_that_is_none_is_named_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value.replace("proxy", "secret@proxy"))
    with pytest.raises(ConfigurationError, match=variable) as failure:
        find_route("https://llm.corp/v1")
    assert "secret" not in failure.value.message
    assert find_route("https://localhost/v1").proxy is None


@pytest.mark.parametrize(("variable", "value"), [("SSL_CERT_FILE", "/nowhere"), ("SSL_CERT_FILE", os.devnull)])
def test_certificates_that_cannot_be_read_are_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    assert find_route("http://llm.corp/v1").verify is True
    with pytest.raises(ConfigurationError, match=variable):
        find_route("https://llm.corp/v1")
