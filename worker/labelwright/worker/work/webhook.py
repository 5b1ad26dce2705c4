"""Alertmanager's webhook: takes its JSON and opens runs. A repeated message opens no further run."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal

from labelwright.core.errors import LabelwrightError
from labelwright.serving.http_listener import HttpRequest, HttpResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

PATH = "/alerts"
MAX_ALERTS = 1000

Consider = Callable[[str, str, str], str]
"""Takes a task, an occasion and a reason, and returns the result."""


class _Labels(BaseModel):
    model_config = ConfigDict(extra="ignore")

    alertname: Annotated[str, Field(max_length=200)]
    kind: Annotated[str, Field(max_length=200)] = ""
    task: Annotated[str, Field(max_length=200)] = ""


class _Alert(BaseModel):
    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    status: Literal["firing", "resolved"]
    labels: _Labels
    starts_at: Annotated[datetime, Field(alias="startsAt")]
    fingerprint: Annotated[str, Field(pattern="^[0-9a-f]{1,64}$")]


class _Message(BaseModel):
    """See https://prometheus.io/docs/alerting/latest/configuration/#webhook_config ."""

    model_config = ConfigDict(extra="ignore")

    version: Literal["4"]
    alerts: Annotated[list[_Alert], Field(max_length=MAX_ALERTS)]


class Webhook:
    """The route that takes Alertmanager's messages."""

    def __init__(self, consider: Consider) -> None:
        self._consider = consider

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer 200 where every alert was handled, 400 where the body is no such message, 503 to be called again."""
        try:
            message = _Message.model_validate_json(request.body)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            place = ".".join(map(str, first["loc"]))
            return HttpResponse(
                400, f"this is no message of Alertmanager, version 4: {place} {first['msg']}\n".encode()
            )
        alerts = [item for item in message.alerts if item.status == "firing" and item.labels.kind == "drift"]
        results: dict[str, str] = {}
        for alert in alerts:
            try:
                results[alert.fingerprint] = self._take(alert)
            except LabelwrightError as error:
                return HttpResponse(503, f"{error.message}\n".encode())
        return HttpResponse(200, json.dumps(results).encode() + b"\n", "application/json")

    def _take(self, alert: _Alert) -> str:
        labels = alert.labels
        occasion = f"{alert.fingerprint}@{alert.starts_at.timestamp():.0f}"
        return self._consider(
            labels.task, occasion, f"{labels.alertname} fires since {alert.starts_at:%Y-%m-%d %H:%M %Z}"
        )
