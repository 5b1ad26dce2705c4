"""Wires one process of the label service; the only module that knows all parts."""

from __future__ import annotations

from labelwright.core.errors import ConfigurationError
from labelwright.sandbox import Sandbox
from labelwright.service.answering.admission import Admission
from labelwright.service.answering.label_service import LabelServicer
from labelwright.service.answering.labeling import CachedLabeling
from labelwright.service.answering.server import SERVICE, make_label_server
from labelwright.service.answering.traffic import Traffic
from labelwright.service.caches.memory_cache import make_memory_cache
from labelwright.service.caches.redis_cache import NullSharedCache, RedisCache, SharedCache
from labelwright.service.caches.redis_pool import RedisPool
from labelwright.service.following.follow import Follower
from labelwright.service.following.reload import Reloader
from labelwright.service.metrics import ServiceMetrics
from labelwright.service.processes.live_metrics import LiveMetrics, LiveParts
from labelwright.service.recent.records import NullRecentWriter, RecentWriter, RedisRecentWriter
from labelwright.service.registry_link import RegistryLink
from labelwright.service.settings import RedisMode, ServiceSettings
from labelwright.service.shadow.shadows import EvaluatedShadows, NullShadows, Shadows
from labelwright.service.versions.bundle_fetcher import BundleFetcher
from labelwright.service.versions.bundle_store import BundleStore
from labelwright.service.versions.directory import Directory
from labelwright.service.versions.loaded_versions import LoadedVersions
from labelwright.service.versions.loading import Loader
from labelwright.serving.access.access import Access
from labelwright.serving.data_folder import unusable_folder
from labelwright.serving.rpc_server import Health
from prometheus_client import CollectorRegistry

_REDIS_CONNECTIONS = 16


class App:
    """One process of the service. Raises ConfigurationError, SandboxUnavailable where a part cannot be made."""

    def __init__(self, settings: ServiceSettings, access: Access) -> None:
        self._settings = settings
        metrics = ServiceMetrics()
        self._sandbox = Sandbox(memory_mb=settings.sandbox_memory_mb, judges_late=True)
        self._registry = RegistryLink(settings.registry, settings.tasks)
        store = _open_store(settings)
        source = BundleFetcher(store, self._registry)
        loader = Loader(source, self._sandbox, metrics, settings.caps)
        self._versions = LoadedVersions(loader, settings.loaded_versions)
        directory = Directory(self._versions, source, settings.tasks)
        memory = make_memory_cache(settings.memory_cache_entries, settings.memory_cache_mb << 20)
        self._shared = _make_shared_cache(settings, metrics)
        self._recent = _make_recent_records(settings, metrics)
        self._shadows = _make_shadows(settings, metrics)
        admission = Admission(settings.max_requests, settings.max_records, settings.max_streams)
        self._servicer = LabelServicer(
            directory,
            CachedLabeling(memory, self._shared, metrics),
            Traffic(directory, self._recent, self._shadows),
            admission,
            metrics,
            max_batch_records=settings.max_batch_records,
            max_request_bytes=settings.max_request_mb << 20,
            timeout=settings.request_timeout_s,
        )
        self._health = Health((SERVICE,))
        self._server = make_label_server(
            self._servicer,
            self._health,
            access,
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
            on_ready=lambda: self._health.set_serving(serving=True),
        )
        self._follower = Follower(self._registry, source, store, on_change=self._reloader.want)
        parts = LiveParts(
            directory,
            self._versions,
            self._reloader,
            self._follower,
            admission,
            self._server,
            memory,
            self._shared,
            self._shadows,
            self._sandbox,
        )
        metrics.registry.register(LiveMetrics(parts))
        self._metrics = metrics

    @property
    def metrics(self) -> CollectorRegistry:
        """The metrics to expose."""
        return self._metrics.registry

    @property
    def serving(self) -> bool:
        """Whether requests are welcome."""
        return self._health.serving

    def start(self, address: str) -> str:
        """Serve at ``address`` and return it with its real port. Raises ConfigurationError where the port is taken."""
        self._shared.start()
        self._recent.start()
        self._shadows.start()
        self._reloader.start()
        listening = self._server.start(address, self._settings.variable("listen"))
        self._follower.start()
        return listening

    def drain(self) -> None:
        """Finish what is in flight and release everything."""
        self._servicer.end_streams()
        self._server.stop(self._settings.drain_s).wait()
        self._follower.stop()
        self._reloader.stop()
        self._registry.close()
        self._shadows.close()
        self._recent.close()
        self._versions.close()
        self._shared.close()
        self._sandbox.close()


def _open_store(settings: ServiceSettings) -> BundleStore:
    try:
        return BundleStore(settings.data_dir)
    except OSError as error:
        raise unusable_folder(settings.data_dir, settings.variable("data_dir"), error) from None


def _make_shared_cache(settings: ServiceSettings, metrics: ServiceMetrics) -> SharedCache:
    if not settings.redis_url or settings.redis_mode is RedisMode.OFF:
        return NullSharedCache()
    try:
        pool = RedisPool(settings.redis_url, settings.redis_timeout_ms / 1000, _REDIS_CONNECTIONS)
    except ValueError:
        raise _no_redis_url(settings) from None
    return RedisCache(
        pool,
        metrics,
        ttl_seconds=settings.redis_ttl_s,
        queue_batches=settings.redis_queue,
        always=settings.redis_mode is RedisMode.ALWAYS,
    )


def _make_recent_records(settings: ServiceSettings, metrics: ServiceMetrics) -> RecentWriter:
    # Whatever redis_mode is: that concerns answers only.
    if not settings.redis_url:
        return NullRecentWriter()
    try:
        return RedisRecentWriter(settings.redis_url, metrics)
    except ValueError:
        raise _no_redis_url(settings) from None


def _make_shadows(settings: ServiceSettings, metrics: ServiceMetrics) -> Shadows:
    if not settings.shadow_alias or not settings.shadow_share:
        return NullShadows()
    return EvaluatedShadows(settings.shadow_alias, settings.shadow_share, metrics)


def _no_redis_url(settings: ServiceSettings) -> ConfigurationError:
    # Without the URL itself: it may hold a password.
    return ConfigurationError(
        f"{settings.variable('redis_url')}: is not the URL of a Redis", advice="for example redis://127.0.0.1:6379/0"
    )
