"""What every server shows over HTTP: its metrics for Prometheus, and whether it serves for whoever starts it."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from urllib.parse import parse_qs

from labelwright.serving.access.access import Access, guarded
from labelwright.serving.access.identity import Scope
from labelwright.serving.http_listener import HttpListener, HttpRequest, HttpResponse, Route
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

METRICS_PATH, HEALTH_PATH = "/metrics", "/healthz"


def open_monitoring(
    access: Access, address: str, variable: str, registry: CollectorRegistry, is_serving: Callable[[], bool]
) -> HttpListener:
    """Return a listener, started, for the metrics of ``registry``, to those who may read, and for health, to all.

    ``is_serving`` says whether the server does now what it is for; then health is status 200, else 503. Raises
    ConfigurationError that names the variable where the address cannot be had.
    """
    metrics = guarded(access, Scope.READ, _metrics(registry))
    routes = {("GET", METRICS_PATH): metrics, ("GET", HEALTH_PATH): _health(is_serving)}
    listener = access.listen_http(address, variable, routes)
    listener.start()
    return listener


def _metrics(registry: CollectorRegistry) -> Route:
    def answer(request: HttpRequest) -> HttpResponse:
        """Answer as prometheus_client's own server does: format, compression and families as they are asked for."""
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        names = parse_qs(request.query).get("name[]")
        body = encode(registry.restricted_registry(names) if names else registry)
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return HttpResponse(200, body, content_type)
        return HttpResponse(200, gzip.compress(body), content_type, {"Content-Encoding": "gzip"})

    return answer


def _health(is_serving: Callable[[], bool]) -> Route:
    return lambda _: HttpResponse(200, b"serving\n") if is_serving() else HttpResponse(503, b"not serving\n")
