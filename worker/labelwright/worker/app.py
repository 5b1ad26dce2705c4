"""Wires the worker's process; the only module that knows all parts."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack

import structlog
from labelwright.client import Registry, RunClient
from labelwright.serving.access.access import Access, guarded
from labelwright.serving.access.identity import Scope
from labelwright.serving.data_folder import AddressFile
from labelwright.serving.monitoring import open_monitoring
from labelwright.serving.stop_signal import stop_on_signal
from labelwright.synthesis.settings import read_settings as read_synthesis_settings
from labelwright.worker.dispatch.crew import Crew
from labelwright.worker.dispatch.polling import Poller
from labelwright.worker.dispatch.webhook import PATH, Webhook
from labelwright.worker.dispatch.work import Patience
from labelwright.worker.metrics import WorkerMetrics
from labelwright.worker.prometheus import Prometheus
from labelwright.worker.runs.heartbeat import Heartbeat
from labelwright.worker.runs.llm import RunLlm
from labelwright.worker.runs.opening import Opener
from labelwright.worker.runs.parts import Asking, RunParts
from labelwright.worker.runs.recent_records import NullRecentReader, RedisRecentReader
from labelwright.worker.settings import WorkerSettings

ADDRESS_FILE, WEBHOOK_FILE = "worker.address", "webhook.address"
_CLAIM_SECONDS = 5.0
"""How often runs are claimed where alerts are polled less often: a person who asked for a run is waiting."""

_log = structlog.get_logger(__name__)


def serve(settings: WorkerSettings) -> None:
    """Work until SIGTERM or SIGINT, then release all runs. Raises ConfigurationError where it cannot start."""
    stop = stop_on_signal()
    # At INFO it logs every request to Prometheus.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with ExitStack() as stack:
        address_file, webhook_file = (
            AddressFile(settings.data_dir, name, settings.variable("data_dir")) for name in (ADDRESS_FILE, WEBHOOK_FILE)
        )
        stack.callback(address_file.remove)
        stack.callback(webhook_file.remove)
        access = Access(settings)
        metrics = WorkerMetrics()
        parts = _open_parts(settings, stack)
        opener = Opener(parts.registry, parts.runs, settings.name, settings.max_failures, metrics.alert)
        # Opened before the work starts, so closed after it: /healthz says 503 while runs are released.
        metrics_address = _monitor(settings, access, metrics, lambda: not stop.is_set(), stack)
        poller = _start_work(settings, parts, opener, metrics, stack)
        webhook_address = _open_webhook(settings, access, opener, metrics, stack)
        address_file.write(metrics_address)
        webhook_file.write(webhook_address)
        _log.info("ready", address=metrics_address, webhook_address=webhook_address)
        tick = min(settings.poll_s, _CLAIM_SECONDS)
        until_poll = 0.0
        while not stop.is_set():
            if until_poll <= 0:
                poller.poll()
                until_poll = settings.poll_s
            else:
                poller.claim()
            stop.wait(tick)
            until_poll -= tick
        _log.info("stopping")
    _log.info("stopped")


def _open_parts(settings: WorkerSettings, stack: ExitStack) -> RunParts:
    recent = stack.enter_context(RedisRecentReader(settings.redis_url)) if settings.redis_url else NullRecentReader()
    prometheus = stack.enter_context(Prometheus(settings.prometheus_url)) if settings.prometheus_url else None
    parts = RunParts(
        name=settings.name,
        registry=stack.enter_context(Registry(settings.registry)),
        runs=stack.enter_context(RunClient(settings.registry)),
        recent=recent,
        prometheus=prometheus,
        llm=RunLlm(read_synthesis_settings()),
        asking=Asking(
            settings.programs,
            settings.strategies,
            settings.direct_labels,
            settings.direct_examples,
            settings.judged_records,
            settings.author,
        ),
        shadow_seconds=settings.shadow_minutes * 60,
    )
    stack.callback(parts.close)
    return parts


def _start_work(
    settings: WorkerSettings, parts: RunParts, opener: Opener, metrics: WorkerMetrics, stack: ExitStack
) -> Poller:
    """Start the threads that renew leases and work on runs; the poller gives them runs."""
    beat = stack.enter_context(RunClient(settings.registry, timeout=max(settings.lease_s / 3, 0.5)))
    heartbeat = Heartbeat(beat, settings.lease_s)
    patience = Patience(settings.poll_s, settings.retry_s, settings.give_up_h * 3600)
    crew = Crew(parts, heartbeat, patience, metrics, lease_seconds=settings.lease_s, most=settings.runs)
    heartbeat.start()
    stack.callback(heartbeat.stop)
    stack.callback(crew.stop)
    return Poller(parts.registry, parts.runs, parts.prometheus, opener, crew, metrics)


def _monitor(
    settings: WorkerSettings, access: Access, metrics: WorkerMetrics, is_working: Callable[[], bool], stack: ExitStack
) -> str:
    """Serve metrics and health where that is asked for and return the address."""
    if not settings.metrics_listen:
        return ""
    variable = settings.variable("metrics_listen")
    listener = open_monitoring(access, settings.metrics_listen, variable, metrics.registry, is_working)
    stack.callback(listener.stop)
    return listener.address


def _open_webhook(
    settings: WorkerSettings, access: Access, opener: Opener, metrics: WorkerMetrics, stack: ExitStack
) -> str:
    """Take Alertmanager's webhook, from those who may promote, where that is asked for and return the address."""
    if not settings.webhook_listen:
        return ""
    routes = {("POST", PATH): guarded(access, Scope.PROMOTE, Webhook(opener.consider, metrics.alert))}
    listener = access.listen_http(settings.webhook_listen, settings.variable("webhook_listen"), routes)
    listener.start()
    stack.callback(listener.stop)
    return listener.address
