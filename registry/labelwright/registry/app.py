"""Wires the registry's process: settings in, a running server out."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import structlog
from labelwright.core.errors import ConfigurationError, LabelwrightError
from labelwright.registry.acceptance.check_processes import CheckProcesses
from labelwright.registry.answering.server import SERVICES, make_server
from labelwright.registry.answering.servicer import RegistryServicer
from labelwright.registry.backup import backing_up, restoring
from labelwright.registry.backup.archive import Manifest
from labelwright.registry.changes.comparison import ProductionComparison
from labelwright.registry.changes.feed import Feed
from labelwright.registry.changes.policy import Policies
from labelwright.registry.changes.promotion import Promotion
from labelwright.registry.changes.push import Pusher
from labelwright.registry.changes.turns import Turns
from labelwright.registry.metrics import RegistryMetrics
from labelwright.registry.runs.files import RunFileStore
from labelwright.registry.runs.runs import RunStore
from labelwright.registry.runs.servicer import RunServicer
from labelwright.registry.settings import RegistrySettings
from labelwright.registry.store.aliases import AliasStore
from labelwright.registry.store.artifacts import FolderArtifacts, sweep_orphans
from labelwright.registry.store.database import Database
from labelwright.registry.store.migration import migrate, newest_step
from labelwright.registry.store.versions import VersionStore
from labelwright.serving.access.access import Access
from labelwright.serving.addresses import require_free
from labelwright.serving.data_folder import AddressFile, make_folder, unusable_folder
from labelwright.serving.monitoring import open_monitoring
from labelwright.serving.rpc_server import Health
from labelwright.serving.stop_signal import stop_on_signal, wait_for_stop

ADDRESS_FILE = "registry.address"

_log = structlog.get_logger(__name__)


def serve(settings: RegistrySettings) -> None:
    """Run the registry until SIGTERM or SIGINT, then let the calls in progress finish.

    Raises ConfigurationError, SandboxUnavailable, Unavailable where it cannot start.
    """
    stop = stop_on_signal()
    with ExitStack() as stack:
        access = Access(settings)
        address_file = AddressFile(settings.data_dir, ADDRESS_FILE, settings.variable("data_dir"))
        require_free(settings.listen, settings.variable("listen"))
        artifacts = _open_artifacts(settings)
        database = open_database(settings)
        stack.callback(database.close)
        versions, aliases, runs = VersionStore(database), AliasStore(database), RunStore(database)
        sweep_orphans(database, artifacts, settings.orphan_hours * 3600, settings.bin_days * 86_400)
        checks = CheckProcesses(settings.max_pushes, settings.push_seconds)
        stack.callback(checks.close)
        checks.start()
        health = Health(SERVICES)
        feed = Feed(
            database,
            poll_seconds=settings.poll_seconds,
            heartbeat_seconds=settings.heartbeat_seconds,
            max_watchers=settings.max_watchers,
            on_reachable=health.set_serving,
        )
        metrics = RegistryMetrics()
        metrics.gauges(lambda: feed.watchers, lambda: _count(versions.count), lambda: _count(runs.count_open))
        _open_monitoring(settings, access, metrics, health, stack)
        policies = _open_policies(settings)
        comparison = ProductionComparison(versions, artifacts, checks, policies)
        # Pushes that wait may take half of the threads, so that the other half answers everything else.
        turns = Turns(settings.max_pushes, max(1, settings.threads // 2 - settings.max_pushes))
        pusher = Pusher(checks, artifacts, versions, comparison, metrics, turns, settings.caps)
        promotion = Promotion(aliases, versions, artifacts, comparison, policies, feed, metrics)
        servicer = RegistryServicer(pusher, promotion, versions, aliases, artifacts, feed)
        run_servicer = RunServicer(runs, RunFileStore(database))
        server = make_server(servicer, run_servicer, health, access, threads=settings.max_watchers + settings.threads)
        feed.start()
        stack.callback(feed.close)
        address = server.start(settings.listen, settings.variable("listen"))
        health.set_serving(serving=True)
        address_file.write(address)
        stack.callback(address_file.remove)
        _log.info("ready", address=address)
        wait_for_stop(stop)
        _log.info("stopping")
        stopped = server.stop(settings.drain_seconds)
        feed.close()
        stopped.wait()
    _log.info("stopped")


def open_database(settings: RegistrySettings) -> Database:
    """Return the database with its schema up to date. Raises ConfigurationError, Unavailable."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    make_folder(settings.data_dir, settings.variable("data_dir"))
    database = Database(settings.url)
    migrate(database)
    return database


def migrate_only(settings: RegistrySettings) -> None:
    """Bring the database up to date. Raises ConfigurationError, Unavailable."""
    database = open_database(settings)
    try:
        _log.info("migrated", step=newest_step())
    finally:
        database.close()


def back_up(settings: RegistrySettings, path: Path) -> Manifest:
    """Write a backup of the registry, which may be running. Raises as ``backing_up.back_up``."""
    with closing(Database(settings.url)) as database:
        if database.is_missing():
            raise ConfigurationError(
                f"there is no registry in {settings.data_dir}", advice="name the registry's data folder"
            )
        return backing_up.back_up(database, _open_artifacts(settings), path)


def restore(settings: RegistrySettings, path: Path, *, overwrite: bool) -> Manifest:
    """Restore a backup into the registry, which must not be running. Raises as ``restoring.restore``."""
    artifacts = _open_artifacts(settings)
    with closing(Database(settings.url)) as database:
        return restoring.restore(database, artifacts, path, overwrite=overwrite)


def _open_artifacts(settings: RegistrySettings) -> FolderArtifacts:
    try:
        return FolderArtifacts(settings.data_dir / "artifacts")
    except OSError as error:
        raise unusable_folder(settings.data_dir, settings.variable("data_dir"), error) from None


def _open_policies(settings: RegistrySettings) -> Policies:
    try:
        return Policies(Path(settings.policy_file) if settings.policy_file else None)
    except ConfigurationError as error:
        raise ConfigurationError(
            f"{settings.variable('policy_file')}: {error.message}", advice="docs/registry.md shows a policy"
        ) from None


def _open_monitoring(
    settings: RegistrySettings, access: Access, metrics: RegistryMetrics, health: Health, stack: ExitStack
) -> None:
    if settings.metrics_listen:
        variable = settings.variable("metrics_listen")
        listener = open_monitoring(access, settings.metrics_listen, variable, metrics.registry, lambda: health.serving)
        stack.callback(listener.stop)
        _log.info("metrics", address=listener.address)


def _count(count: Callable[[], int]) -> float:
    """Return the count; NaN while the database is unavailable, so that a scrape still works."""
    try:
        return count()
    except LabelwrightError:
        return math.nan
