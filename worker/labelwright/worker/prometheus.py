"""The worker's queries to Prometheus."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

import httpx
from labelwright.core.errors import ConfigurationError, Unavailable
from labelwright.core.machine.proxies import find_route

_TIMEOUT_SECONDS = 10.0
_MALFORMED = (ValueError, KeyError, TypeError, IndexError, OverflowError)
# The time at which each firing alert became active.
_FIRING = 'ALERTS_FOR_STATE{kind="drift"} and ignoring (alertstate) ALERTS{alertstate="firing",kind="drift"}'


_LATEST = 253_402_300_800
"""The end of the year 9999, the last that a time can be written in, as a Unix time."""


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
        # Its own reading of the proxy variables is turned off: see labelwright.core.machine.proxies.
        self._client = httpx.Client(timeout=_TIMEOUT_SECONDS, trust_env=False, proxy=route.proxy, verify=route.verify)

    def alerts(self) -> tuple[list[Alert], list[str]]:
        """Return the drift alerts that fire, except those without a task, and what is wrong with those left out.

        A series that cannot be read costs the others nothing. Raises Unavailable.
        """
        alerts: set[Alert] = set()
        left_out: list[str] = []
        for index, series in enumerate(self._query(_FIRING)):
            try:
                if "task" in series["metric"]:
                    alerts.add(_alert(series))
            except _MALFORMED as error:
                left_out.append(f"series {index}: {type(error).__name__}")
        return sorted(alerts, key=lambda alert: (alert.since, alert.name, alert.task)), left_out

    def value(self, query: str) -> float | None:
        """Return the value of a query that gives one series, None where it gives none. Raises Unavailable.

        NaN, such as a share of zero records, counts as no series. A series that cannot be read does not: it is no
        figure to decide on.
        """
        try:
            values = [value for value in map(_value, self._query(query)) if not math.isnan(value)]
        except _MALFORMED as error:
            raise self._unavailable(error) from error
        return values[0] if values else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def _query(self, query: str) -> list[Any]:
        try:
            reply = self._client.get(self._url, params={"query": query})
            reply.raise_for_status()
            result: Any = reply.json()["data"]["result"]
            if not isinstance(result, list):
                raise TypeError(type(result))
        except (httpx.HTTPError, RecursionError, *_MALFORMED) as error:
            raise self._unavailable(error) from error
        return result

    def _unavailable(self, error: Exception) -> Unavailable:
        return Unavailable(
            f"{self._where} does not answer",
            advice="is it running, and is LABELWRIGHT_WORKER_PROMETHEUS_URL right?",
            part="prometheus",
            kind=type(error).__name__,
        )


def _value(series: Any) -> float:
    return float(series["value"][1])


def _alert(series: Any) -> Alert:
    """Raise one of _MALFORMED where the series is no alert."""
    name, task, since = series["metric"]["alertname"], series["metric"]["task"], _value(series)
    if not (isinstance(name, str) and isinstance(task, str)):
        raise TypeError(name)
    if not 0 <= since < _LATEST:  # NaN is not either
        raise ValueError(since)
    return Alert(name, task, int(since))
