"""Makes Grafana's dashboards from the panels below: ``python tools/dashboards.py``. A test fails where they differ.

Grafana's JSON says every panel's place and look anew; here a panel is its title, its queries, and what they mean.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent / "deploy" / "grafana" / "dashboards"
SOURCE = {"type": "prometheus", "uid": "${source}"}
SCHEMA_VERSION = 41
"""Of Grafana 11.6."""
WIDTH, HEIGHT = 24, 8
"""A row's width, a panel's height, in Grafana's grid units."""
HOUSE = "INTERNAL|UNAVAILABLE|SANDBOX_UNAVAILABLE|CORRUPT_ARTIFACT|STORAGE_FULL|CONFIGURATION"
"""Outcomes that are no caller's fault; the alert LabelwrightRequestErrors has the same."""


@dataclass(frozen=True)
class Query:
    """A PromQL expression and how its series are called. ``dashed`` is for what others are compared with."""

    expression: str
    legend: str
    dashed: bool = False


@dataclass(frozen=True)
class Panel:
    """A chart over time, or the latest figures where ``kind`` is stat. ``limit`` draws a line at an alert's limit."""

    title: str
    queries: tuple[Query, ...]
    unit: str = "short"
    meaning: str = ""
    kind: str = "timeseries"
    limit: float | None = None


@dataclass(frozen=True)
class Row:
    """Panels side by side under a heading."""

    title: str
    panels: tuple[Panel, ...]


def rate(metric: str, by: str, matchers: str = "") -> str:
    """Return the rise of a counter a second, summed over servers."""
    return f"sum by ({by}) (rate({metric}{{{matchers}}}[$__rate_interval]))"


def quantile(part: float, metric: str, by: str, matchers: str = "") -> str:
    """Return a quantile of a histogram."""
    return f"histogram_quantile({part}, {rate(f'{metric}_bucket', f'{by}, le', matchers)})"


TASKS = 'task=~"$task"'
TASK = 'task="$task"'

SERVICE = (
    Row(
        "Now",
        (
            Panel("Label servers up", (Query('count(up{job="labelwright-service"} == 1)', "up"),), kind="stat"),
            Panel(
                "Alerts",
                (
                    Query('count(ALERTS{alertstate="firing", kind="ops"}) or vector(0)', "servers"),
                    Query('count(ALERTS{alertstate="firing", kind="drift"}) or vector(0)', "drift"),
                ),
                kind="stat",
                limit=1,
            ),
            Panel(
                "Live versions",
                (Query(f"max by (task, alias) (labelwright_live_version{{{TASKS}}})", "{{task}} {{alias}}"),),
                kind="stat",
            ),
            Panel(
                "Follow the registry",
                (Query("min by (instance) (labelwright_registry_connected)", "{{instance}}"),),
                meaning="1 while the server hears of new versions.",
                kind="stat",
            ),
        ),
    ),
    Row(
        "Traffic",
        (
            Panel("Records by task", (Query(rate("labelwright_records_total", "task", TASKS), "{{task}}"),), "ops"),
            Panel(
                "Requests by outcome",
                (Query(rate("labelwright_requests_total", "method, outcome"), "{{method}} {{outcome}}"),),
                "reqps",
            ),
            Panel(
                "Under way",
                (
                    Query("sum(labelwright_in_flight_records)", "records"),
                    Query("sum(labelwright_waiting_requests)", "requests that wait"),
                    Query("sum(labelwright_open_streams)", "streams"),
                ),
            ),
        ),
    ),
    Row(
        "Latency",
        (
            Panel(
                "Time of a request",
                tuple(
                    Query(quantile(part, "labelwright_request_seconds", "method"), f"{{{{method}}}} {name}")
                    for part, name in ((0.5, "median"), (0.95, "95 %"), (0.99, "99 %"))
                ),
                "s",
                limit=0.5,
            ),
            Panel(
                "Time in the sandbox, 95 %",
                (Query(quantile(0.95, "labelwright_sandbox_seconds", "task", TASKS), "{{task}}"),),
                "s",
                "One call of the sandbox, for a request's records together.",
            ),
            Panel("Time of Redis, 95 %", (Query(quantile(0.95, "labelwright_redis_seconds", "job"), "lookup"),), "s"),
        ),
    ),
    Row(
        "Errors",
        (
            Panel(
                "Requests that fail",
                (
                    Query(
                        f'(sum(rate(labelwright_requests_total{{outcome=~"{HOUSE}"}}[$__rate_interval])) or vector(0))'
                        " / sum(rate(labelwright_requests_total[$__rate_interval]))",
                        "for no fault of the caller",
                    ),
                    Query(
                        '(sum(rate(labelwright_requests_total{outcome=~"OVERLOADED|DEADLINE_EXCEEDED"}[$__rate_interval]))'
                        " or vector(0)) / sum(rate(labelwright_requests_total[$__rate_interval]))",
                        "turned away or late",
                    ),
                ),
                "percentunit",
                limit=0.01,
            ),
            Panel(
                "Records not labeled, by reason",
                (Query(rate("labelwright_record_errors_total", "reason"), "{{reason}}"),),
                "ops",
                "Records of batches and streams that were at fault themselves.",
            ),
            Panel(
                "Programs that fail",
                (
                    Query(
                        rate("labelwright_program_errors_total", "task, program, kind", TASKS),
                        "{{task}} {{program}} {{kind}}",
                    ),
                ),
                "ops",
            ),
            Panel(
                "Benched programs",
                (Query(f"max by (task) (labelwright_benched_programs{{{TASKS}}})", "{{task}}"),),
                limit=1,
            ),
        ),
    ),
    Row(
        "Caches",
        (
            Panel(
                "Where answers come from",
                (
                    Query(
                        f"{rate('labelwright_records_total', 'source', TASKS)} / ignoring (source) group_left ()"
                        f" sum(rate(labelwright_records_total{{{TASKS}}}[$__rate_interval]))",
                        "{{source}}",
                    ),
                ),
                "percentunit",
            ),
            Panel(
                "Lookups",
                (Query(rate("labelwright_cache_lookups_total", "layer, result"), "{{layer}} {{result}}"),),
                "ops",
            ),
            Panel("Memory", (Query("sum by (instance) (labelwright_memory_cache_bytes)", "{{instance}}"),), "bytes"),
            Panel(
                "Redis",
                (
                    Query("max(labelwright_redis_breaker_state)", "breaker: 2 is open"),
                    Query("sum(labelwright_redis_queue_batches)", "batches that wait"),
                    Query(rate("labelwright_redis_writes_total", "result"), "writes {{result}}"),
                ),
            ),
        ),
    ),
    Row(
        "Versions",
        (
            Panel(
                "Live version over time",
                (Query(f"max by (task, alias) (labelwright_live_version{{{TASKS}}})", "{{task}} {{alias}}"),),
            ),
            Panel("Loads", (Query(rate("labelwright_reloads_total", "result"), "{{result}}"),), "ops"),
            Panel(
                "Sample of recent records",
                (Query(rate("labelwright_recent_records_total", "result"), "{{result}}"),),
                "ops",
                "What a refresh is written from; kept are only those that the sample wants.",
            ),
        ),
    ),
)


def share(figure: str, title: str, meaning: str) -> Panel:
    """Return a drift figure with its threshold and its reference."""
    gauge = {"program_error": "error"}.get(figure, figure)
    return Panel(
        title,
        (
            Query(f"labelwright:{figure}:30m{{{TASK}}}", "now"),
            Query(f"max(labelwright_reference_{gauge}{{{TASK}}})", "at acceptance", dashed=True),
            Query(f"labelwright:{figure}_threshold:30m{{{TASK}}}", "threshold", dashed=True),
        ),
        "percentunit",
        meaning,
    )


def shadow(part: str, name: str) -> Query:
    """Return the share of a shadow's records that got a label."""
    return Query(
        f"1 - sum(labelwright_shadow_{part}abstentions_total{{{TASK}}})"
        f" / sum(labelwright_shadow_records_total{{{TASK}}})",
        name,
    )


DRIFT = (
    Row(
        "Labels",
        (
            Panel(
                "Label shares",
                (
                    Query(f"labelwright:label_share:30m{{{TASK}}}", "{{label}}"),
                    Query(
                        f"max by (label) (labelwright_reference_label_share{{{TASK}}})",
                        "{{label}} at acceptance",
                        dashed=True,
                    ),
                ),
                "percentunit",
                "Of the records that got a label, within 30 minutes.",
            ),
            Panel(
                "Records within 30 minutes",
                (
                    Query(f"labelwright:records:30m{{{TASK}}}", "all"),
                    Query(f"labelwright:labeled_records:30m{{{TASK}}}", "labeled"),
                    Query("labelwright:drift_min_records", "fewest for a comparison", dashed=True),
                ),
            ),
            Panel(
                "Version",
                (Query(f"max by (alias) (labelwright_live_version{{{TASK}}})", "{{alias}}"),),
                meaning="A change silences the drift figures for 30 minutes.",
            ),
        ),
    ),
    Row(
        "Drift",
        (
            Panel(
                "Label drift (PSI)",
                (
                    Query(f"labelwright:psi:30m{{{TASK}}}", "PSI"),
                    Query(f"labelwright:psi_threshold:30m{{{TASK}}}", "threshold", dashed=True),
                ),
                meaning="There only where it can be measured: enough records, one version, a reference.",
            ),
            share("coverage", "Coverage", "Share of records that get a label. Below the threshold is drift."),
            share("conflict", "Conflicts", "Share of records on which two programs give different labels."),
            share("program_error", "Program errors", "Share of votes that are errors."),
        ),
    ),
    Row(
        "Alerts and the sample of recent records",
        (
            Panel(
                "Drift alerts",
                (
                    Query(
                        f'sum by (alertname, alertstate) (ALERTS{{kind="drift", {TASK}}}) or vector(0)',
                        "{{alertname}} {{alertstate}}",
                    ),
                ),
            ),
            Panel(
                "What became of alerts",
                (Query("sum by (result) (labelwright_refresh_alerts_total)", "{{result}}"),),
                meaning="Since the worker's start.",
            ),
            Panel(
                "Seconds since the worker last looked",
                (Query("time() - max(labelwright_refresh_last_poll_timestamp_seconds)", "seconds"),),
                "s",
                limit=600,
            ),
        ),
    ),
    Row(
        "Candidate in the shadow",
        (
            Panel(
                "Agreement with production",
                (
                    Query(
                        f"sum(labelwright_shadow_agreements_total{{{TASK}}})"
                        f" / sum(labelwright_shadow_records_total{{{TASK}}})",
                        "same answer",
                    ),
                ),
                "percentunit",
            ),
            Panel(
                "Label shares of both",
                (
                    Query(
                        f"sum by (label) (labelwright_shadow_labels_total{{{TASK}}})"
                        f" / ignoring (label) group_left () sum(labelwright_shadow_labels_total{{{TASK}}})",
                        "{{label}} candidate",
                    ),
                    Query(
                        f"sum by (label) (labelwright_shadow_production_labels_total{{{TASK}}})"
                        f" / ignoring (label) group_left () sum(labelwright_shadow_production_labels_total{{{TASK}}})",
                        "{{label}} production",
                        dashed=True,
                    ),
                ),
                "percentunit",
            ),
            Panel(
                "Coverage of both",
                (shadow("", "candidate"), shadow("production_", "production")),
                "percentunit",
            ),
            Panel(
                "Records of the shadow",
                (
                    Query(f"sum(labelwright_shadow_records_total{{{TASK}}})", "evaluated"),
                    Query(f"sum(labelwright_shadow_dropped_total{{{TASK}}})", "dropped"),
                    Query(f"sum(labelwright_shadow_errors_total{{{TASK}}})", "error votes"),
                ),
            ),
        ),
    ),
    Row(
        "Refresh runs and what they cost",
        (
            Panel(
                "Open runs by state",
                (Query("sum by (state) (max by (task, state) (labelwright_refresh_open))", "{{state}}"),),
            ),
            Panel(
                "Ended runs by outcome",
                (Query("sum by (outcome) (labelwright_refresh_runs_total)", "{{outcome}}"),),
                meaning="Since the worker's start.",
            ),
            Panel(
                "Mean time in a state",
                (
                    Query(
                        "sum by (state) (labelwright_refresh_step_seconds_sum)"
                        " / sum by (state) (labelwright_refresh_step_seconds_count)",
                        "{{state}}",
                    ),
                ),
                "s",
            ),
            Panel(
                "Tokens of the LLM",
                (Query("sum by (task) (labelwright_refresh_tokens_total)", "{{task}}"),),
                meaning="Since the worker's start.",
            ),
            Panel(
                "Cost of the LLM",
                (Query("sum by (task) (labelwright_refresh_dollars_total)", "{{task}}"),),
                "currencyUSD",
                "Since the worker's start. A model without a known price costs nothing here; its tokens are counted.",
            ),
        ),
    ),
)


def dashboard(uid: str, title: str, rows: Sequence[Row], several_tasks: bool) -> dict[str, Any]:
    """Return a dashboard as Grafana imports it."""
    panels: list[dict[str, Any]] = []
    y = 0
    for row in rows:
        panels.append(_row(len(panels) + 1, row.title, y))
        width = WIDTH // len(row.panels)
        for place, panel in enumerate(row.panels):
            panels.append(_panel(len(panels) + 1, panel, {"x": place * width, "y": y + 1, "w": width, "h": HEIGHT}))
        y += 1 + HEIGHT
    return {
        "uid": uid,
        "title": title,
        "tags": ["labelwright"],
        "timezone": "browser",
        "editable": True,
        "graphTooltip": 1,
        "time": {"from": "now-6h", "to": "now"},
        "refresh": "30s",
        "schemaVersion": SCHEMA_VERSION,
        "templating": {"list": [_source_variable(), _task_variable(several_tasks)]},
        "annotations": {"list": [_promotions()]},
        "panels": panels,
    }


def _row(number: int, title: str, y: int) -> dict[str, Any]:
    place = {"x": 0, "y": y, "w": WIDTH, "h": 1}
    return {"id": number, "type": "row", "title": title, "collapsed": False, "gridPos": place, "panels": []}


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.meaning,
        "datasource": SOURCE,
        "gridPos": place,
        "targets": [_target(chr(ord("A") + index), query, panel.kind) for index, query in enumerate(panel.queries)],
        "fieldConfig": _fields(panel),
        "options": _OPTIONS[panel.kind],
    }


def _target(name: str, query: Query, kind: str) -> dict[str, Any]:
    return {
        "refId": name,
        "datasource": SOURCE,
        "expr": query.expression,
        "legendFormat": query.legend,
        "instant": kind == "stat",
        "range": kind != "stat",
    }


_OPTIONS: dict[str, dict[str, Any]] = {
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {
        "graphMode": "none",
        "colorMode": "value",
        "justifyMode": "auto",
        "textMode": "auto",
        "wideLayout": True,
        "showPercentChange": False,
        "percentChangeColorMode": "standard",
        "orientation": "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "values": False},
    },
}


def _fields(panel: Panel) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"value": None, "color": "green"}]
    if panel.limit is not None:
        steps.append({"value": panel.limit, "color": "red"})
    defaults: dict[str, Any] = {"unit": panel.unit, "thresholds": {"mode": "absolute", "steps": steps}}
    if panel.kind == "timeseries":
        line = "off" if panel.limit is None else "dashed"
        defaults["custom"] = {"lineWidth": 1, "fillOpacity": 0, "thresholdsStyle": {"mode": line}}
        # A quiet counter should not fill the chart with the noise of its last digits.
        defaults["min"] = 0
    dashes = {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [8, 8]}}
    overrides = [
        {"matcher": {"id": "byFrameRefID", "options": chr(ord("A") + index)}, "properties": [dashes]}
        for index, query in enumerate(panel.queries)
        if query.dashed
    ]
    return {"defaults": defaults, "overrides": overrides}


def _source_variable() -> dict[str, Any]:
    return {
        "type": "datasource",
        "name": "source",
        "label": "Prometheus",
        "query": "prometheus",
        "regex": "",
        "multi": False,
        "includeAll": False,
    }


def _task_variable(several: bool) -> dict[str, Any]:
    every = {"includeAll": True, "allValue": ".*"} if several else {"includeAll": False}
    return {
        "type": "query",
        "name": "task",
        "label": "Task",
        "datasource": SOURCE,
        "query": "label_values(labelwright_live_version, task)",
        "refresh": 2,
        "sort": 1,
        "multi": False,
        **every,
    }


def _promotions() -> dict[str, Any]:
    expression = (
        'changes(max by (task) (labelwright_live_version{alias="production", task=~"$task"})[$__interval:]) > 0'
    )
    return {
        "name": "New version in production",
        "datasource": SOURCE,
        "enable": True,
        "iconColor": "blue",
        "expr": expression,
    }


def dashboards() -> dict[Path, str]:
    """Return each file with its content."""
    made = (
        ("service", dashboard("labelwright-service", "Labelwright: label servers", SERVICE, several_tasks=True)),
        ("drift", dashboard("labelwright-drift", "Labelwright: drift and refresh", DRIFT, several_tasks=False)),
    )
    return {FOLDER / f"{name}.json": json.dumps(content, indent=2) + "\n" for name, content in made}


if __name__ == "__main__":
    for path, text in dashboards().items():
        path.write_text(text, encoding="utf-8")
