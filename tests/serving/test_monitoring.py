from __future__ import annotations

import gzip
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest
from labelwright.core.errors import ConfigurationError
from labelwright.serving.addresses import split_address
from labelwright.serving.http_listener import MAX_BODY, HttpListener, HttpRequest, HttpResponse
from labelwright.serving.monitoring import open_monitoring
from prometheus_client import CollectorRegistry, Counter

from tests.parts.access import open_access
from tests.parts.healthz import healthz


class Server:
    """Metrics with one counter, and health that a test sets."""

    def __init__(self) -> None:
        self.serving = False
        registry = CollectorRegistry()
        Counter("example_events", "Events.", registry=registry).inc(3)
        Counter("other_events", "Others.", registry=registry).inc()
        self.listener = open_monitoring(
            open_access(), "127.0.0.1:0", "EXAMPLE_METRICS_LISTEN", registry, lambda: self.serving
        )
        self.address = self.listener.address


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.listener.stop()


def get(address: str, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(f"http://{address}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return reply.status, dict(reply.headers), reply.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


def test_metrics_come_in_the_format_that_is_asked_for(server: Server) -> None:
    status, headers, body = get(server.address, "/metrics")
    assert (status, headers["Content-Type"].split(";")[0]) == (200, "text/plain")
    assert b"example_events_total 3.0" in body
    status, headers, body = get(server.address, "/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert headers["Content-Type"].startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")


def test_metrics_are_compressed_where_the_caller_takes_that(server: Server) -> None:
    _, headers, body = get(server.address, "/metrics", **{"Accept-Encoding": "gzip"})
    assert headers["Content-Encoding"] == "gzip"
    assert b"example_events_total 3.0" in gzip.decompress(body)


def test_metrics_can_be_chosen_by_name(server: Server) -> None:
    body = get(server.address, "/metrics?name[]=other_events_total")[2]
    assert b"other_events_total" in body
    assert b"example_events" not in body


def test_health_is_what_the_server_says(server: Server) -> None:
    for serving, status in ((False, 503), (True, 200), (False, 503)):
        server.serving = serving
        assert healthz(server.address) == status


def test_nothing_else_is_there(server: Server) -> None:
    assert get(server.address, "/")[0] == 404
    connection = HTTPConnection(server.address, timeout=10)
    connection.request("POST", "/metrics", body=b"{}")
    assert connection.getresponse().status == 405
    connection.close()


def test_a_taken_address_is_named(server: Server) -> None:
    with pytest.raises(ConfigurationError, match=f"^EXAMPLE_LISTEN: cannot listen on {server.address}: "):
        HttpListener(server.address, "EXAMPLE_LISTEN", {})


@pytest.fixture
def echo() -> Iterator[str]:
    def fail(_: HttpRequest) -> HttpResponse:
        raise ValueError("a record")

    routes = {
        ("POST", "/echo"): lambda request: HttpResponse(200, request.body + request.query.encode()),
        ("GET", "/fail"): fail,
    }
    listener = HttpListener("127.0.0.1:0", "EXAMPLE_LISTEN", routes)
    listener.start()
    yield listener.address
    listener.stop()


def test_a_route_gets_body_and_query(echo: str) -> None:
    connection = HTTPConnection(echo, timeout=10)
    connection.request("POST", "/echo?again", body=b"hello ")
    assert connection.getresponse().read() == b"hello again"
    connection.close()


def test_a_route_that_fails_says_nothing_about_why(echo: str) -> None:
    assert get(echo, "/fail")[::2] == (500, b"failed\n")


def test_a_body_that_is_too_large_is_refused_and_the_caller_hears_so(echo: str) -> None:
    connection = HTTPConnection(echo, timeout=10)
    connection.request("POST", "/echo", body=b"x" * (MAX_BODY + 1))
    assert connection.getresponse().status == 413
    connection.close()


def test_it_listens_on_ipv6() -> None:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            pass
    except OSError:
        pytest.skip("no IPv6 here")
    listener = open_monitoring(open_access(), "[::1]:0", "EXAMPLE_METRICS_LISTEN", CollectorRegistry(), lambda: True)
    assert split_address(listener.address)[0] == "::1"
    assert healthz(listener.address) == 200
    listener.stop()
