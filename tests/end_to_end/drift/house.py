"""Everything that closes the loop, each a real process: what an operator would run, with short times.

Redis, Prometheus with the project's own rules, Alertmanager with its own configuration, which tells the worker by its
webhook, the registry, two label services and the worker. The LLM is whatever address is given.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from labelwright.client import Registry as RegistryClient
from labelwright.client import RunClient
from labelwright.core.bundle import Bundle, open_bundle
from labelwright.core.task import TASK_FILE

from tests.parts.alertmanager import CONFIG, Alertmanager
from tests.parts.prometheus import RULES, Prometheus, hurried
from tests.parts.redis import Redis
from tests.parts.registry import Registry
from tests.parts.repository import EXAMPLES
from tests.parts.service import Service, until
from tests.parts.web_server import free_port
from tests.parts.worker import Worker

TASK = "spam"
REFRESH = """
[refresh]
sample = true
sample_hours = 1
shadow_records = 200
watch_minutes = 1
"""
EXAMPLES_SHOWN = 4
"""Gold rows in each direct-labeling prompt. Without any, so small a model takes every second message for spam."""


@dataclass(frozen=True, slots=True)
class Times:
    """PromQL durations: the rules' window, how long an alert's condition has to hold, how often all is looked at."""

    window: str = "20s"
    hold: str = "2s"
    every: str = "1s"


@dataclass(frozen=True, slots=True)
class House:
    """What runs, and clients to look at it with."""

    registry: RegistryClient
    runs: RunClient
    prometheus: Prometheus
    alertmanager: Alertmanager
    services: tuple[Service, Service]
    worker: Worker


def base_bundle() -> Bundle:
    """Return the example's bundle, whose programs people wrote, told to keep a sample and to be refreshed."""
    folder = EXAMPLES / "spam" / "bundle"
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    files[TASK_FILE] += REFRESH.encode()
    bundle, findings = open_bundle(list(files.items()))
    assert bundle is not None, findings
    return bundle


@contextmanager
def running_house(
    folder: Path, llm_url: str, llm_model: str, times: Times, asking: Mapping[str, object]
) -> Iterator[House]:
    """Start all of it, the base version as production; ``asking`` are more settings of the worker."""
    with ExitStack() as stack:
        redis = Redis(folder).start()
        stack.callback(redis.stop)
        registry = Registry(folder / "registry").start()
        stack.callback(registry.stop)
        client = stack.enter_context(RegistryClient(registry.address))
        _publish(client)
        first, second = (_service(folder / f"service-{number}", registry, redis, stack) for number in (1, 2))
        webhook, metrics = (f"127.0.0.1:{free_port()}" for _ in range(2))
        alertmanager = Alertmanager(folder, _alertmanager_config(webhook)).start()
        stack.callback(alertmanager.stop)
        rules = [
            hurried(path, folder, window=times.window, hold=times.hold, every=times.every)
            for path in sorted(RULES.glob("*.yml"))
        ]
        prometheus = Prometheus(
            folder,
            {
                "labelwright-service": [first.metrics_address, second.metrics_address],
                "labelwright-worker": [metrics],
                "alertmanager": [alertmanager.address],
            },
            rules=rules,
            alertmanagers=[alertmanager.address],
            every=times.every,
        ).start()
        stack.callback(prometheus.stop)
        worker = Worker(
            folder / "worker",
            registry=registry.address,
            prometheus_url=prometheus.url,
            redis_url=redis.url,
            webhook_listen=webhook,
            metrics_listen=metrics,
            poll_s=1,
            retry_s=1,
            direct_examples=EXAMPLES_SHOWN,
            synthesis={"base_url": llm_url, "model": llm_model},
            **asking,
        ).start()
        stack.callback(worker.stop)
        runs = stack.enter_context(RunClient(registry.address))
        yield House(client, runs, prometheus, alertmanager, (first, second), worker)


def _publish(client: RegistryClient) -> None:
    pushed = client.push(base_bundle(), author="a person", message="written by hand")
    assert pushed.version is not None, pushed.report
    client.set_alias(TASK, pushed.version.number, actor="a person", reason="the first version")


def _service(folder: Path, registry: Registry, redis: Redis, stack: ExitStack) -> Service:
    service = Service(folder, registry=registry.address, redis_url=redis.url, shadow_share=1).start()
    stack.callback(service.stop)
    until(lambda: service.total("labelwright_live_version", task=TASK, alias="production") == 1)
    return service


def _alertmanager_config(webhook: str) -> str:
    """Return the project's own configuration, in a hurry."""
    text = re.sub(r"http://[\w.:]+/alerts", f"http://{webhook}/alerts", CONFIG.read_text())
    for name, short in (("group_wait", "0s"), ("group_interval", "1s"), ("repeat_interval", "5s")):
        text = re.sub(rf"\b{name}: \w+", f"{name}: {short}", text)
    return text
