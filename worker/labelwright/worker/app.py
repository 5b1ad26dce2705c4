"""Wires the worker's process; the only module that knows all parts."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import structlog
from labelwright.client import Registry, RunClient
from labelwright.core.errors import ConfigurationError
from labelwright.core.whole_file import write_whole
from labelwright.serving.http_listener import Answer, HttpListener, Route
from labelwright.serving.stop_signal import stop_on_signal
from labelwright.synthesis.settings import read_settings as read_synthesis_settings
from labelwright.worker.metrics import Metrics
from labelwright.worker.prometheus import HttpPrometheus
from labelwright.worker.runs.heartbeat import Heartbeat
from labelwright.worker.runs.llm import OpenAILlm
from labelwright.worker.runs.opening import Opener
from labelwright.worker.runs.parts import Asking, Parts
from labelwright.worker.runs.recent_records import NoRecords, RedisRecords
from labelwright.worker.settings import PREFIX, Settings
from labelwright.worker.work.crew import Crew
from labelwright.worker.work.polling import Poller
from labelwright.worker.work.webhook import PATH, Webhook
from labelwright.worker.work.work import Patience
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

ADDRESS_FILE, WEBHOOK_FILE = "worker.address", "webhook.address"
_CLAIM_SECONDS = 5.0
"""How often runs are claimed where alerts are looked at less often: a person who asked for a run is waiting."""

_log = structlog.get_logger(__name__)


def run(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT, then let go of all runs. Raises ConfigurationError where it cannot start."""
    stop = stop_on_signal()
    with ExitStack() as stack:
        metrics = Metrics()
        parts = _open_parts(settings, stack)
        beat = RunClient(settings.registry, timeout=max(settings.lease_s / 3, 0.5))
        heartbeat = Heartbeat(stack.enter_context(beat), settings.lease_s)
        patience = Patience(settings.poll_s, settings.retry_s, settings.give_up_h * 3600)
        crew = Crew(
            parts, heartbeat, patience, metrics, metrics.spent, lease_seconds=settings.lease_s, most=settings.runs
        )
        opener = Opener(parts.registry, parts.runs, settings.name, settings.max_failures, metrics.alert)
        poller = Poller(parts.registry, parts.runs, parts.prometheus, opener, crew, metrics)
        heartbeat.start()
        stack.callback(heartbeat.stop)
        stack.callback(crew.stop)
        _listen(settings, metrics.registry, opener, stack)
        tick = min(settings.poll_s, _CLAIM_SECONDS)
        left = 0.0
        while not stop.is_set():
            if left <= 0:
                poller.poll()
                left = settings.poll_s
            else:
                poller.claim()
            stop.wait(tick)
            left -= tick
        _log.info("stopping")
    _log.info("stopped")


def _open_parts(settings: Settings, stack: ExitStack) -> Parts:
    recent = stack.enter_context(RedisRecords(settings.redis_url)) if settings.redis_url else NoRecords()
    prometheus = stack.enter_context(HttpPrometheus(settings.prometheus_url)) if settings.prometheus_url else None
    parts = Parts(
        name=settings.name,
        registry=stack.enter_context(Registry(settings.registry)),
        runs=stack.enter_context(RunClient(settings.registry)),
        recent=recent,
        prometheus=prometheus,
        llm=OpenAILlm(read_synthesis_settings()),
        asking=Asking(
            settings.programs,
            settings.strategies,
            settings.direct_labels,
            settings.direct_examples,
            settings.judged_records,
        ),
        shadow_seconds=settings.shadow_minutes * 60,
    )
    stack.callback(parts.close)
    return parts


def _listen(settings: Settings, registry: CollectorRegistry, opener: Opener, stack: ExitStack) -> None:
    """Serve metrics, health and the webhook where they are asked for, and leave the addresses in files."""
    routes: dict[tuple[str, str], Route] = {
        ("GET", "/metrics"): lambda _: Answer(200, generate_latest(registry), CONTENT_TYPE_LATEST),
        ("GET", "/healthz"): lambda _: Answer(200, b"ok\n"),
    }
    hook: dict[tuple[str, str], Route] = {("POST", PATH): Webhook(opener.consider)}
    metrics = _serve(settings, "metrics_listen", ADDRESS_FILE, routes, stack)
    webhook = _serve(settings, "webhook_listen", WEBHOOK_FILE, hook, stack)
    _log.info("ready", address=metrics, webhook_address=webhook)


def _serve(settings: Settings, name: str, file: str, routes: dict[tuple[str, str], Route], stack: ExitStack) -> str:
    path, address = settings.data_dir / file, getattr(settings, name)
    _clear(path)
    if not address:
        return ""
    listener = HttpListener(address, f"{PREFIX}{name.upper()}", routes)
    listener.start()
    stack.callback(listener.stop)
    write_whole(path, f"{listener.address}\n".encode())
    stack.callback(_clear, path)
    return listener.address


def _clear(path: Path) -> None:
    """Remove an address file; one from before would name a worker that is gone."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"{PREFIX}DATA_DIR: cannot use {path.parent}: {error.strerror}",
            advice="name a folder that this user may write to",
        ) from None
