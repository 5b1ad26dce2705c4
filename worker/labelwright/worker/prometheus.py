"""What the worker asks Prometheus."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import httpx
from labelwright.core.errors import ConfigurationError, Unavailable
from labelwright.core.proxies import find_route

_TIMEOUT_SECONDS = 10.0
# When an alert became active; only of those that fire.
_FIRING = 'ALERTS_FOR_STATE{kind="drift"} and ignoring (alertstate) ALERTS{alertstate="firing",kind="drift"}'


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert that fires: its name, its task, and since when, as a Unix time in whole seconds."""

    name: str
    task: str
    since: int


class Prometheus:
    """Answers PromQL."""

    def __init__(self, url: str) -> None:
        """Raise ConfigurationError where ``url`` is none, or where the proxy that leads to it is none."""
        try:
            parsed = httpx.URL(url.strip())
        except (httpx.InvalidURL, ValueError):
            parsed = httpx.URL()
        if parsed.scheme not in ("http", "https") or not parsed.host:
            # Not the URL itself: it may hold a password.
            raise ConfigurationError(
                "LABELWRIGHT_WORKER_PROMETHEUS_URL: is not the URL of a Prometheus",
                advice="such as http://127.0.0.1:9090",
            )
        route = find_route(str(parsed))
        self._where = f"the Prometheus at {parsed.host}:{parsed.port or ''}".rstrip(":") + route.way
        self._url = f"{str(parsed).rstrip('/')}/api/v1/query"
        # Its own reading of the proxy variables is turned off: see labelwright.core.proxies.
        self._client = httpx.Client(timeout=_TIMEOUT_SECONDS, trust_env=False, proxy=route.proxy, verify=route.verify)

    def alerts(self) -> list[Alert]:
        """Return the drift alerts that fire; those without a task are left out. Raises Unavailable."""
        found = [
            Alert(labels["alertname"], labels["task"], int(value))
            for labels, value in self._query(_FIRING)
            if "task" in labels and "alertname" in labels and math.isfinite(value)
        ]
        return sorted(set(found), key=lambda alert: (alert.since, alert.name, alert.task))

    def value(self, query: str) -> float | None:
        """Return the value of a query that gives one series, None where it gives none. Raises Unavailable.

        What is not a number, such as a share of nothing, counts as none.
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
