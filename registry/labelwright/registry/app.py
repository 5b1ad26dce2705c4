"""Wires the registry's process: settings in, a running server out."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import ExitStack

import structlog
from labelwright.core.errors import ConfigurationError, LabelwrightError
from labelwright.registry.answering.server import Health, Server, remove_address, split_address, write_address
from labelwright.registry.answering.servicer import RegistryServicer
from labelwright.registry.changes.comparison import Comparison
from labelwright.registry.changes.feed import Feed
from labelwright.registry.changes.promotion import Promotion
from labelwright.registry.changes.push import Pusher
from labelwright.registry.changes.turns import Turns
from labelwright.registry.metrics import Metrics, NullMetrics, PrometheusMetrics
from labelwright.registry.runs.files import RunFileStore
from labelwright.registry.runs.runs import RunStore
from labelwright.registry.runs.servicer import RunServicer
from labelwright.registry.settings import Settings
from labelwright.registry.store.aliases import AliasStore
from labelwright.registry.store.artifacts import FolderArtifacts
from labelwright.registry.store.database import Database
from labelwright.registry.store.migration import migrate, newest_step
from labelwright.registry.store.sweep import sweep_orphans
from labelwright.registry.store.versions import VersionStore
from labelwright.sandbox import Sandbox
from labelwright.serving.stop_signal import stop_on_signal, wait_for_stop

_log = structlog.get_logger(__name__)


def serve(settings: Settings) -> None:
    """Run the registry until SIGTERM or SIGINT, then let the calls under way finish.

    Raises ConfigurationError, SandboxUnavailable, Unavailable where it cannot start.
    """
    stop = stop_on_signal()
    with ExitStack() as stack:
        address_file = settings.data_dir / "registry.address"
        artifacts = FolderArtifacts(settings.data_dir / "artifacts")
        address_file.unlink(missing_ok=True)
        database = open_database(settings)
        stack.callback(database.close)
        versions, aliases, runs = VersionStore(database), AliasStore(database), RunStore(database)
        sweep_orphans(database, artifacts, settings.orphan_hours * 3600)
        sandbox = stack.enter_context(Sandbox())
        health = Health()
        feed = Feed(
            database,
            poll_seconds=settings.poll_seconds,
            heartbeat_seconds=settings.heartbeat_seconds,
            max_watchers=settings.max_watchers,
            on_reachable=health.set_serving,
        )
        metrics = _start_metrics(settings.metrics_listen, stack)
        metrics.gauges(lambda: feed.watchers, lambda: _count(versions.count), lambda: _count(runs.count_open))
        comparison = Comparison(versions, artifacts, sandbox)
        # Pushes that wait may take half of the threads, so that the other half answers everything else.
        turns = Turns(settings.max_pushes, max(1, settings.threads // 2 - settings.max_pushes))
        pusher = Pusher(sandbox, artifacts, versions, comparison, metrics, turns, max_seconds=settings.push_seconds)
        promotion = Promotion(aliases, versions, artifacts, comparison, feed, metrics)
        servicer = RegistryServicer(pusher, promotion, versions, aliases, artifacts, feed)
        run_servicer = RunServicer(runs, RunFileStore(database))
        server = Server(servicer, run_servicer, health, threads=settings.max_watchers + settings.threads)
        feed.start()
        stack.callback(feed.close)
        address = server.start(settings.listen)
        health.set_serving(serving=True)
        write_address(address_file, address)
        stack.callback(remove_address, address_file, address)
        _log.info("ready", address=address)
        wait_for_stop(stop)
        _log.info("stopping")
        health.shut_down()
        stopped = server.stop(settings.drain_seconds)
        feed.close()
        stopped.wait()
    _log.info("stopped")


def open_database(settings: Settings) -> Database:
    """Return the database with its schema up to date. Raises ConfigurationError, Unavailable."""
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"the data folder {settings.data_dir} cannot be made: {error.strerror}") from error
    database = Database(settings.url)
    migrate(database)
    return database


def migrate_only(settings: Settings) -> None:
    """Bring the database up to date. Raises ConfigurationError, Unavailable."""
    database = open_database(settings)
    try:
        _log.info("migrated", step=newest_step())
    finally:
        database.close()


def _start_metrics(listen: str, stack: ExitStack) -> Metrics:
    if not listen:
        return NullMetrics()
    metrics = PrometheusMetrics()
    host, port = split_address("LABELWRIGHT_REGISTRY_METRICS_LISTEN", listen)
    port, stop = metrics.serve(host, port)
    stack.callback(stop)
    _log.info("metrics", address=f"{host}:{port}")
    return metrics


def _count(count: Callable[[], int]) -> float:
    """Return how many there are; not a number while the database is away, so that a scrape still works."""
    try:
        return count()
    except LabelwrightError:
        return math.nan
