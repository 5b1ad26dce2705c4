"""The dashboards: as Grafana's schema wants them, and every query with an answer from a house at work."""

from __future__ import annotations

import itertools
import json
import math
import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from labelwright.client import Client, Registry, RunClient
from labelwright.core.run import RunState
from pydantic import ConfigDict, TypeAdapter, ValidationError

from tests.parts.prometheus import RULES, Prometheus, hurried
from tests.parts.redis import Redis
from tests.parts.registry import Registry as RegistryProcess
from tests.parts.repository import ROOT
from tests.parts.service import Service, until
from tests.parts.worker import Worker
from tests.worker.recorded_llm import ANSWERS, RECORDS, recorded_llm
from tests.worker.tasks import bundle_files, new_name, serve
from tests.worker.waiting import refresh, wait_for
from tools.dashboards import dashboards

FILES = sorted(ROOT.glob("deploy/grafana/dashboards/*.json"))
RAISES = b'def label(text):\n    if "win" in text.lower():\n        raise ValueError(text)\n    return None\n'
SPAM_TEXTS = [text for text in RECORDS if ANSWERS[text] == "spam"]
WINDOW = "40s"


def test_the_files_are_what_their_source_makes() -> None:
    assert {path: path.read_text() for path in FILES} == dashboards(), "run: python tools/dashboards.py"


def read(content: dict[str, Any]) -> Dashboard:
    register_default_plugins()
    return Dashboard.from_json(content)


def unknown(given: Any, kept: Any, place: str = "") -> Iterator[str]:
    """Name what Grafana's schema has no place for."""
    if isinstance(given, dict) and isinstance(kept, dict):
        for key, value in given.items():
            yield from unknown(value, kept[key], f"{place}.{key}") if key in kept else (f"{place}.{key}",)
    elif isinstance(given, list) and isinstance(kept, list) and len(given) == len(kept):
        for index, pair in enumerate(zip(given, kept, strict=True)):
            yield from unknown(*pair, f"{place}[{index}]")
    elif given != kept:
        yield place


def mistyped(value: Any, place: str = "") -> Iterator[str]:
    """Name the values that are not of the schema's types."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from mistyped(item, f"{place}[{index}]")
    elif type(value).__module__.startswith("grafana_foundation_sdk.models"):
        for name, hint in typing.get_type_hints(type(value)).items():
            if name in vars(value):
                yield from _mistyped(getattr(value, name), hint, f"{place}.{name}")


def _mistyped(value: Any, hint: Any, place: str) -> Iterator[str]:
    try:
        TypeAdapter(hint, config=ConfigDict(arbitrary_types_allowed=True)).validate_python(value)
    except ValidationError as error:
        yield f"{place}: {error.errors()[0]['msg']}"
    yield from mistyped(value, place)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_schema_has_a_place_for_everything(path: Path) -> None:
    given = json.loads(path.read_text())
    dashboard = read(given)
    assert list(unknown(given, json.loads(JSONEncoder().encode(dashboard)))) == []
    assert list(mistyped(dashboard)) == []


def test_the_schema_would_notice() -> None:
    given = json.loads(FILES[0].read_text())
    given["panels"][1]["tpye"] = "timeseries"
    assert list(unknown(given, json.loads(JSONEncoder().encode(read(given))))) == [".panels[1].tpye"]
    given["panels"][1]["title"] = 5
    assert [place.partition(":")[0] for place in mistyped(read(given))] == [".panels[1].title"]


def panels(path: Path) -> list[dict[str, Any]]:
    return [panel for panel in json.loads(path.read_text())["panels"] if panel["type"] != "row"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_two_panels_lie_over_each_other(path: Path) -> None:
    content = json.loads(path.read_text())
    cells = [
        (x, y)
        for panel in content["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24
    numbers = [panel["id"] for panel in content["panels"]]
    assert len(set(numbers)) == len(numbers)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Prometheus, str]]:
    """Everything at work: a task that drifts, its refresh in the shadow, another refresh that has ended."""
    folder = tmp_path_factory.mktemp("house")
    registry_process = RegistryProcess(folder / "registry").start()
    redis = Redis(folder).start()
    service = Service(
        folder / "service",
        registry=registry_process.address,
        redis_url=redis.url,
        redis_mode="always",
        shadow_share=1,
    ).start(serving=False)
    rules = [hurried(RULES / name, folder, window=WINDOW) for name in ("drift.yml", "service.yml")]
    prometheus = Prometheus(
        folder, {"labelwright-service": [service.metrics_address], "labelwright-worker": []}, rules=rules
    )
    prometheus.start()
    with recorded_llm() as llm, Registry(registry_process.address) as registry:
        worker = Worker(
            folder / "worker",
            synthesis=llm.settings,
            registry=registry_process.address,
            redis_url=redis.url,
            prometheus_url=prometheus.url,
            poll_s=1,
            programs=4,
            author="small",
        ).start()
        prometheus.scrape("labelwright-worker", worker.metrics_address)
        try:
            yield prometheus, work(registry, registry_process.address, service, prometheus)
        finally:
            worker.stop()
            prometheus.stop()
            service.stop()
            redis.stop()
            registry_process.stop()


def work(registry: Registry, address: str, service: Service, prometheus: Prometheus) -> str:
    """Let traffic drift until a run that the alert opened shadows its candidate; return the task."""
    files = bundle_files(new_name(), shadow_records="1000000")
    task = serve(registry, files | {"programs/raises.py": RAISES}).task
    other = serve(registry, bundle_files(new_name())).task
    with RunClient(address) as runs, Client(service.address) as labels:
        until(lambda: {task, other} <= {found["task"] for found, _ in service.scrape()["labelwright_live_version"]})
        labels.label_batch(other, RECORDS)
        ended = refresh(runs, other)

        rounds = itertools.count()

        def drifted() -> bool:
            # Half of them are in the caches, half are new.
            fresh = next(rounds)
            labels.label_batch(task, [*SPAM_TEXTS, *(f"{text} {fresh}" for text in SPAM_TEXTS)])
            labels.label(task, SPAM_TEXTS[0])
            labels.label_batch(task, [{"text": "x" * 100_000}])
            open_runs = [run for run in runs.list(task=task, open=True) if run.state is RunState.SHADOWING]
            return bool(open_runs) and service.total("labelwright_shadow_records_total", task=task) > 0

        until(drifted, 240)
        wait_for(runs, ended.id)
        # Until the candidate has labeled traffic that Prometheus has seen twice.
        until(
            lambda: drifted() and prometheus.query(f'rate(labelwright_shadow_records_total{{task="{task}"}}[5s]) > 0')
        )
    return task


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_query_has_an_answer(path: Path, house: tuple[Prometheus, str]) -> None:
    prometheus, task = house
    silent = []
    for panel in panels(path):
        for target in panel["targets"]:
            expression = target["expr"].replace("$__rate_interval", WINDOW).replace("$task", task)
            found = prometheus.query(expression)
            names = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            if not any(names <= labels.keys() and math.isfinite(value) for labels, value in found):
                silent.append(f"{panel['title']}: {expression} -> {found[:3]}")
    assert silent == []
    for annotation in json.loads(path.read_text())["annotations"]["list"]:
        expression = annotation["expr"].replace("$__interval", "1m").replace("$task", task)
        assert {found["task"] for found, _ in prometheus.query(expression.partition(" >")[0])} == {task}
    assert prometheus.failures() == []
