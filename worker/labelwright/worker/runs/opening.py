"""From alerts to runs: whether an alert opens a run, by the task's settings and its runs so far."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from datetime import UTC, datetime

import structlog
from labelwright.client import Registry, RunClient
from labelwright.core.errors import InvalidRequest, NotFound
from labelwright.core.run import Trigger
from labelwright.core.task import Refresh
from labelwright.worker.metrics import OPENED, UNKNOWN
from labelwright.worker.policy import newest, obstacle, trigger_key

_LONGEST_OCCASION = 160
"""Characters; a key has room for 200."""

_log = structlog.get_logger(__name__)


class Opener:
    """Opens runs. Safe to use from several threads, and together with other workers."""

    def __init__(
        self, registry: Registry, runs: RunClient, name: str, max_failures: int, count: Callable[[str, str], None]
    ) -> None:
        """``count`` is called with the task and the result of each alert."""
        self._registry = registry
        self._runs = runs
        self._name = name
        self._max_failures = max_failures
        self._count = count
        self._settings: dict[str, tuple[int, Refresh]] = {}
        self._last_results: dict[str, str] = {}
        self._lock = threading.Lock()

    def consider(self, task: str, occasion: str, reason: str) -> str:
        """Open a run for this occasion unless there is an obstacle; return the result.

        Raises LabelwrightError where the registry cannot be asked.
        """
        with self._lock:
            try:
                result, message = self._open(task, occasion, reason)
            except (NotFound, InvalidRequest):
                # Possibly made up by a stranger: neither in the log nor, by name, in the metrics.
                self._count("", UNKNOWN)
                return UNKNOWN
            self._count(task, result)
            if self._last_results.get(task) != result:
                self._last_results[task] = result
                _log.info("alert", task=task, result=result, message=message)
        return result

    def _open(self, task: str, occasion: str, reason: str) -> tuple[str, str]:
        runs = newest(self._runs.list(task))
        if block := obstacle(self._refresh(task), runs, datetime.now(UTC), self._max_failures):
            return block.kind, block.message
        run, created = self._runs.start(
            task, trigger=Trigger.ALERT, key=trigger_key(_short(occasion), runs), reason=reason, actor=self._name
        )
        return (OPENED, f"run {run.id} is opened") if created else ("open", f"run {run.id} is open")

    def _refresh(self, task: str) -> Refresh:
        """Return the settings of the task's production version. Raises NotFound."""
        number = self._registry.version(task)[0].number
        cached = self._settings.get(task)
        if cached is None or cached[0] != number:
            cached = number, self._registry.download(task, version=number).bundle.task.refresh
            self._settings[task] = cached
        return cached[1]


def _short(occasion: str) -> str:
    """Return the occasion, or its digest where it is long or has characters that a key must not have."""
    plain = len(occasion) <= _LONGEST_OCCASION and occasion.isprintable()
    return occasion if plain else hashlib.sha256(occasion.encode("utf-8", "replace")).hexdigest()
