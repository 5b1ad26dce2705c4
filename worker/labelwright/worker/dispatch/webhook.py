"""Alertmanager's webhook: takes its JSON and opens runs. A repeated message opens no further run.

An alert that cannot be read costs the others of its message nothing: it is left out, counted, and named in the answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any, Literal

import structlog
from labelwright.core.errors import LabelwrightError, Unavailable
from labelwright.serving.http_listener import HttpRequest, HttpResponse
from labelwright.worker.metrics import MALFORMED
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

PATH = "/alerts"
MAX_ALERTS = 1000

Consider = Callable[[str, str, str], str]
"""Takes a task, an occasion and a reason, and returns the result."""

_NAMED = 10
"""Alerts left out that the log and the answer name; all are counted."""

_log = structlog.get_logger(__name__)


class _Labels(BaseModel):
    model_config = ConfigDict(extra="ignore")

    alertname: Annotated[str, Field(max_length=200)]
    kind: Annotated[str, Field(max_length=200)] = ""
    task: Annotated[str, Field(max_length=200)] = ""


class _Alert(BaseModel):
    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    status: Literal["firing", "resolved"]
    labels: _Labels
    starts_at: Annotated[AwareDatetime, Field(alias="startsAt")]
    fingerprint: Annotated[str, Field(pattern="^[0-9a-f]{1,64}$")]


class _Message(BaseModel):
    """See https://prometheus.io/docs/alerting/latest/configuration/#webhook_config ."""

    model_config = ConfigDict(extra="ignore")

    version: Literal["4"]
    alerts: Annotated[list[Any], Field(max_length=MAX_ALERTS)]


class Webhook:
    """The route that takes Alertmanager's messages."""

    def __init__(self, consider: Consider, count: Callable[[str, str], None]) -> None:
        """``count`` is called with an empty task and the result of each alert that cannot be read."""
        self._consider = consider
        self._count = count

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer 200 where every alert that can be read was handled, 503 to be called again.

        400 where the body is no such message, or has alerts and none can be read. ``left_out`` in the answer, no
        fingerprint, has the index of each that cannot, and why.
        """
        try:
            message = _Message.model_validate_json(request.body)
        except ValidationError as error:
            return _refusal(_reason(error))
        alerts, left_out = self._read(message.alerts)
        if left_out and not alerts:
            return _refusal(f"alerts.{left_out[0]['index']} {left_out[0]['reason']}")
        results: dict[str, object] = {}
        failure: LabelwrightError | None = None
        for alert in alerts:
            if alert.status != "firing" or alert.labels.kind != "drift":
                continue
            try:
                results[alert.fingerprint] = self._take(alert)
            except LabelwrightError as error:
                failure = error
                if isinstance(error, Unavailable):  # for the others too
                    break
        if failure is not None:
            return HttpResponse(503, f"{failure.message}\n".encode())
        if left_out:
            results["left_out"] = left_out[:_NAMED]
        return HttpResponse(200, json.dumps(results).encode() + b"\n", "application/json")

    def _read(self, items: list[Any]) -> tuple[list[_Alert], list[dict[str, object]]]:
        """Return the alerts that can be read, and index and reason of the others, which are counted and logged."""
        alerts: list[_Alert] = []
        left_out: list[dict[str, object]] = []
        for index, item in enumerate(items):
            try:
                alerts.append(_Alert.model_validate(item))
            except ValidationError as error:
                left_out.append({"index": index, "reason": _reason(error)})
                self._count("", MALFORMED)
        if left_out:
            _log.warning("malformed alerts left out", count=len(left_out), left_out=left_out[:_NAMED])
        return alerts, left_out

    def _take(self, alert: _Alert) -> str:
        labels = alert.labels
        occasion = f"{alert.fingerprint}@{alert.starts_at.timestamp():.0f}"
        return self._consider(
            labels.task, occasion, f"{labels.alertname} fires since {alert.starts_at:%Y-%m-%d %H:%M %Z}"
        )


def _reason(error: ValidationError) -> str:
    """Return the first thing that is wrong, without what was sent."""
    first = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(map(str, first['loc']))} {first['msg']}".strip()


def _refusal(reason: str) -> HttpResponse:
    return HttpResponse(400, f"this is no message of Alertmanager, version 4: {reason}\n".encode())
