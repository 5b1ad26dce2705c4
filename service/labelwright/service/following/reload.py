"""Hot reload: makes the versions that serve follow the registry's aliases, one preloaded alias after the other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import structlog
from labelwright.core.errors import AboveCaps, LabelwrightError
from labelwright.service.metrics import ServiceMetrics, reason_of
from labelwright.service.shadow.shadows import Shadows
from labelwright.service.target import Aliases, VersionTarget
from labelwright.service.versions.bundle_store import BundleStore
from labelwright.service.versions.directory import Directory, LiveTable
from labelwright.service.versions.live_version import LiveVersion
from labelwright.service.versions.loaded_versions import LoadedVersions
from labelwright.serving.background import Background
from labelwright.serving.backoff import Backoff

_log = structlog.get_logger(__name__)
_LOAD_SECONDS = 120.0
_CANDIDATE_SECONDS = 10.0
"""How long to wait for a candidate's load, as versions that are to serve must not wait behind it. The load goes on."""
_RETRIES = Backoff(1.0, 60.0)
"""Between attempts at a version that does not load."""


@dataclass(frozen=True, slots=True)
class LoadFailure:
    """A version that did not load, and when to try again."""

    target: VersionTarget
    reason: str
    attempts: int
    retry_at: float


class Reloader:
    """Applies aliases: at the start in the caller's thread, then in a thread of its own."""

    def __init__(
        self,
        directory: Directory,
        versions: LoadedVersions,
        store: BundleStore,
        metrics: ServiceMetrics,
        preload: Sequence[str],
        shadows: Shadows,
        on_ready: Callable[[], None],
    ) -> None:
        self._directory = directory
        self._versions = versions
        self._store = store
        self._metrics = metrics
        self._preload = tuple(preload)
        self._candidates = (shadows.alias,) if shadows.alias and shadows.alias not in preload else ()
        self._shadows = shadows
        self._on_ready = on_ready
        self.failures: dict[tuple[str, str], LoadFailure] = {}
        """Versions that do not load at present, by task and alias."""
        self._wanted: Aliases | None = None
        self._followed: Aliases | None = None
        self._wake = threading.Event()
        self._background = Background("reload", self._run)

    def start(self) -> None:
        """Serve what the disk holds, then follow ``want``."""
        if aliases := self._store.read_aliases():
            self._wanted = self._followed = aliases
            _log.info("starting from the last good versions", revision=aliases.revision)
            self._apply(aliases)
            if self._directory.live:
                self._on_ready()
        self._background.start()

    def want(self, aliases: Aliases) -> None:
        """Ask for these aliases; of several calls in a row, the last counts."""
        self._wanted = aliases
        self._wake.set()

    def stop(self) -> None:
        """End the thread."""
        self._background.stopping.set()
        self._wake.set()
        self._background.stop(None)

    def _run(self) -> None:
        if self._followed is not None:
            self._load_candidates(self._followed)
        while not self._background.stopping.is_set():
            self._wake.wait(self._until_retry())
            self._wake.clear()
            if self._wanted is not None and not self._background.stopping.is_set():
                self._follow(self._wanted)

    def _follow(self, aliases: Aliases) -> None:
        if aliases is self._followed and not self._due():
            return
        self._followed = aliases
        try:
            self._apply(aliases)
            self._keep(aliases)
            self._on_ready()
        except Exception as error:
            # This thread must live to apply the next change. The error's text may quote what must not be logged.
            _log.error("reload failed", error=type(error).__name__)
        self._load_candidates(aliases)

    def _load_candidates(self, aliases: Aliases) -> None:
        try:
            self._load(aliases, self._candidates, _CANDIDATE_SECONDS)
        except Exception as error:
            _log.error("candidates not loaded", error=type(error).__name__)

    def _apply(self, aliases: Aliases) -> None:
        """Make the directory follow ``aliases``, as far as the versions load; candidates come later."""
        # Aliases that are not preloaded change now; a preloaded one changes when its version is ready.
        self._directory.aliases = aliases
        loaded = (*self._preload, *self._candidates)
        self._drop({(task, alias) for task, named in aliases.table.items() for alias in loaded if alias in named})
        self._load(aliases, self._preload, _LOAD_SECONDS)
        self._versions.pin(self._serving(), aliases.table.keys())

    def _load(self, aliases: Aliases, names: Sequence[str], seconds: float) -> None:
        """Serve the versions that the aliases of these names have, waiting at most ``seconds`` for each to load."""
        for task, named in aliases.table.items():
            for alias in names:
                # Candidates must not delay newer aliases of what is to serve.
                outdated = names is self._candidates and self._wanted is not aliases
                if outdated or self._background.stopping.is_set():
                    return
                if alias in named:
                    self._serve(task, alias, named[alias], seconds)

    def _serve(self, task: str, alias: str, target: VersionTarget, seconds: float) -> None:
        serving = self._directory.live.get(task, {}).get(alias)
        if serving and serving.target == target:
            self.failures.pop((task, alias), None)
            return
        failure = self.failures.get((task, alias))
        if failure and failure.target == target and time.monotonic() < failure.retry_at:
            return
        try:
            version = self._versions.acquire(target, time.monotonic() + seconds)
        except LabelwrightError as error:
            self._failed(task, alias, target, error)
            return
        self._swap(task, alias, version)
        version.release()
        self.failures.pop((task, alias), None)
        self._metrics.reloads.labels("ok").inc()
        _log.info("version live", task=task, alias=alias, version=target.number, digest=target.digest)

    def _swap(self, task: str, alias: str, version: LiveVersion) -> None:
        live = {name: dict(named) for name, named in self._directory.live.items()}
        live.setdefault(task, {})[alias] = version
        # Pinned before it serves, so that nothing takes it out of use in between.
        self._versions.pin(
            {item.target.digest for named in live.values() for item in named.values()} | self._serving(),
            {*live, *(self._directory.aliases.table if self._directory.aliases else ())},
        )
        self._show(live)

    def _show(self, live: LiveTable) -> None:
        self._directory.live = live
        self._shadows.follow(live)

    def _serving(self) -> set[str]:
        return {version.target.digest for named in self._directory.live.values() for version in named.values()}

    def _drop(self, keep: set[tuple[str, str]]) -> None:
        live = {
            task: kept_versions
            for task, named in self._directory.live.items()
            if (kept_versions := {alias: version for alias, version in named.items() if (task, alias) in keep})
        }
        self._show(live)
        for pair in self.failures.keys() - keep:
            del self.failures[pair]

    def _failed(self, task: str, alias: str, target: VersionTarget, error: LabelwrightError) -> None:
        earlier = self.failures.get((task, alias))
        attempts = earlier.attempts + 1 if earlier and earlier.target == target else 1
        delay = _RETRIES.pause(attempts)
        self.failures[task, alias] = LoadFailure(target, reason_of(error), attempts, time.monotonic() + delay)
        self._metrics.reloads.labels("failed").inc()
        _log.error(
            "version does not load; the one before goes on serving",
            task=task,
            alias=alias,
            version=target.number,
            reason=error.reason,
            # Made of numbers and settings alone; other errors may quote what must not be logged.
            above=error.message if isinstance(error, AboveCaps) else "",
            retry_seconds=delay,
        )

    def _keep(self, aliases: Aliases) -> None:
        """Write to disk what a start without the registry should serve: the versions that did load."""
        table = {task: dict(named) for task, named in aliases.table.items()}
        for task, alias in self.failures:
            serving = self._directory.live.get(task, {}).get(alias)
            if serving:
                table[task][alias] = serving.target
        last_good = replace(aliases, table=table)
        try:
            self._store.write_aliases(last_good)
            self._store.prune({target.digest for target in (*aliases.targets(), *last_good.targets())})
        except OSError as error:
            _log.error("cannot keep the state on disk", error=error.strerror)

    def _due(self) -> bool:
        now = time.monotonic()
        return any(failure.retry_at <= now for failure in list(self.failures.values()))

    def _until_retry(self) -> float | None:
        times = [failure.retry_at for failure in self.failures.values()]
        return max(min(times) - time.monotonic(), 0.01) if times else None
