"""Wires one process of the label service; the only module that knows all parts."""

from __future__ import annotations

from labelwright.core.errors import ConfigurationError
from labelwright.sandbox import Sandbox
from labelwright.service.answering.admission import Admission
from labelwright.service.answering.label_service import LabelService
from labelwright.service.answering.labeling import Labeling
from labelwright.service.answering.server import LabelServer
from labelwright.service.answering.traffic import Traffic
from labelwright.service.caches.memory_cache import make_memory_cache
from labelwright.service.caches.redis_cache import NullSharedCache, RedisCache, SharedCache
from labelwright.service.caches.redis_pool import RedisPool
from labelwright.service.following.follow import Follower
from labelwright.service.following.reload import Reloader
from labelwright.service.metrics import Metrics
from labelwright.service.processes.live_metrics import LiveMetrics, Parts
from labelwright.service.recent.records import NullRecentRecords, RecentRecords, RedisRecentRecords
from labelwright.service.registry_link import RegistryLink
from labelwright.service.settings import RedisMode, Settings
from labelwright.service.shadow.shadows import EvaluatedShadows, NullShadows, Shadows
from labelwright.service.versions.bundle_source import BundleSource
from labelwright.service.versions.bundle_store import BundleStore
from labelwright.service.versions.directory import Directory
from labelwright.service.versions.loaded_versions import LoadedVersions
from labelwright.service.versions.loading import Loader
from prometheus_client import CollectorRegistry

_REDIS_CONNECTIONS = 16


class App:
    """One process: made, started, drained. Raises ConfigurationError and SandboxUnavailable where it cannot be made."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        metrics = Metrics()
        self._sandbox = Sandbox()
        self._registry = RegistryLink(settings.registry, settings.tasks)
        store = _open_store(settings)
        source = BundleSource(store, self._registry)
        self._versions = LoadedVersions(Loader(source, self._sandbox, metrics), settings.loaded_versions)
        directory = Directory(self._versions, source, settings.tasks)
        memory = make_memory_cache(settings.memory_cache_entries, settings.memory_cache_mb << 20)
        self._shared = _make_shared_cache(settings, metrics)
        self._recent = _make_recent_records(settings, metrics)
        self._shadows = _make_shadows(settings, metrics)
        admission = Admission(settings.max_requests, settings.max_records, settings.max_streams)
        self._service = LabelService(
            directory,
            Labeling(memory, self._shared, metrics),
            Traffic(directory, self._recent, self._shadows),
            admission,
            metrics,
            max_batch_records=settings.max_batch_records,
            max_request_bytes=settings.max_request_mb << 20,
            timeout=settings.request_timeout_s,
        )
        self._server = LabelServer(
            self._service,
            max_requests=settings.max_requests,
            max_streams=settings.max_streams,
            max_request_bytes=settings.max_request_mb << 20,
            share_port=settings.workers > 1,
        )
        self._reloader = Reloader(
            directory,
            self._versions,
            store,
            metrics,
            settings.preload,
            self._shadows,
            on_ready=self._server.set_serving,
        )
        self._follower = Follower(self._registry, on_change=self._reloader.want)
        parts = Parts(
            directory,
            self._versions,
            self._reloader,
            self._follower,
            admission,
            self._server,
            memory,
            self._shared,
            self._shadows,
        )
        metrics.registry.register(LiveMetrics(parts))
        self._metrics = metrics

    @property
    def metrics(self) -> CollectorRegistry:
        """What there is to scrape."""
        return self._metrics.registry

    def start(self, address: str) -> None:
        """Serve at ``address``. Raises ConfigurationError where the port is taken."""
        self._shared.start()
        self._recent.start()
        self._shadows.start()
        self._reloader.start()
        self._server.start(address)
        self._follower.start()

    def drain(self) -> None:
        """Finish what is in flight and let go of everything."""
        self._service.end_streams()
        self._server.drain(self._settings.drain_s)
        self._follower.stop()
        self._reloader.stop()
        self._registry.close()
        self._shadows.close()
        self._recent.close()
        self._versions.close()
        self._shared.close()
        self._sandbox.close()


def _open_store(settings: Settings) -> BundleStore:
    try:
        return BundleStore(settings.data_dir)
    except OSError as error:
        raise ConfigurationError(
            f"LABELWRIGHT_SERVICE_DATA_DIR: cannot use {settings.data_dir}: {error.strerror}",
            advice="name a folder that this user may write to",
        ) from None


def _make_shared_cache(settings: Settings, metrics: Metrics) -> SharedCache:
    if not settings.redis_url or settings.redis_mode is RedisMode.OFF:
        return NullSharedCache()
    try:
        pool = RedisPool(settings.redis_url, settings.redis_timeout_ms / 1000, _REDIS_CONNECTIONS)
    except ValueError:
        raise _no_redis_url() from None
    return RedisCache(
        pool,
        metrics,
        ttl_seconds=settings.redis_ttl_s,
        queue_batches=settings.redis_queue,
        always=settings.redis_mode is RedisMode.ALWAYS,
    )


def _make_recent_records(settings: Settings, metrics: Metrics) -> RecentRecords:
    # Whatever redis_mode says: that is about answers.
    if not settings.redis_url:
        return NullRecentRecords()
    try:
        return RedisRecentRecords(settings.redis_url, metrics)
    except ValueError:
        raise _no_redis_url() from None


def _make_shadows(settings: Settings, metrics: Metrics) -> Shadows:
    if not settings.shadow_alias or not settings.shadow_share:
        return NullShadows()
    return EvaluatedShadows(settings.shadow_alias, settings.shadow_share, metrics)


def _no_redis_url() -> ConfigurationError:
    # Without the URL itself: it may hold a password.
    return ConfigurationError(
        "LABELWRIGHT_SERVICE_REDIS_URL: is not the URL of a Redis", advice="for example redis://127.0.0.1:6379/0"
    )
