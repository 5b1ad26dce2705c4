"""The worker's queries to Prometheus."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import httpx
from labelwright.core.errors import ConfigurationError, Unavailable
from labelwright.core.proxies import find_route

_TIMEOUT_SECONDS = 10.0
# The time at which each firing alert became active.
_FIRING = 'ALERTS_FOR_STATE{kind="drift"} and ignoring (alertstate) ALERTS{alertstate="firing",kind="drift"}'


@dataclass(frozen=True, slots=True)
class Alert:
    """A firing alert: its name, its task, and the Unix time in whole seconds at which it became active."""

    name: str
    task: str
    since: int


class Prometheus:
    """One Prometheus server."""

    def __init__(self, url: str) -> None:
        """Raise ConfigurationError where ``url`` is not an HTTP URL, or cannot be reached through a proxy variable."""
        try:
            address = httpx.URL(url.strip())
        except (httpx.InvalidURL, ValueError):
            address = httpx.URL()
        if address.scheme not in ("http", "https") or not address.host:
            # Not the URL itself: it may hold a password.
            raise ConfigurationError(
                "LABELWRIGHT_WORKER_PROMETHEUS_URL: is not the URL of a Prometheus",
                advice="such as http://127.0.0.1:9090",
            )
        route = find_route(str(address))
        self._where = f"the Prometheus at {address.host}:{address.port or ''}".rstrip(":") + route.way
        self._url = f"{str(address).rstrip('/')}/api/v1/query"
        # Its own reading of the proxy variables is turned off: see labelwright.core.proxies.
        self._client = httpx.Client(timeout=_TIMEOUT_SECONDS, trust_env=False, proxy=route.proxy, verify=route.verify)

    def alerts(self) -> list[Alert]:
        """Return the drift alerts that fire, except those without a task. Raises Unavailable."""
        alerts = [
            Alert(labels["alertname"], labels["task"], int(value))
            for labels, value in self._query(_FIRING)
            if "task" in labels and "alertname" in labels and math.isfinite(value)
        ]
        return sorted(set(alerts), key=lambda alert: (alert.since, alert.name, alert.task))

    def value(self, query: str) -> float | None:
        """Return the value of a query that gives one series, None where it gives none. Raises Unavailable.

        NaN, such as a share of zero records, counts as no series.
        """
        values = [value for _, value in self._query(query) if not math.isnan(value)]
        return values[0] if values else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def _query(self, query: str) -> list[tuple[Mapping[str, str], float]]:
        try:
            reply = self._client.get(self._url, params={"query": query})
            reply.raise_for_status()
            data: Any = reply.json()["data"]
            return [(series["metric"], float(series["value"][1])) for series in data["result"]]
        except (httpx.HTTPError, ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
            raise Unavailable(
                f"{self._where} does not answer",
                advice="is it running, and is LABELWRIGHT_WORKER_PROMETHEUS_URL right?",
                part="prometheus",
                kind=type(error).__name__,
            ) from error
