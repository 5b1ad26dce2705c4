"""All shadows: begun and ended as versions go live, evaluated by one separate thread.

A candidate's programs may loop, crash or use up memory. It has its own instances in the sandbox, the thread rests three
times as long as it works, and a full backlog drops records; so production's answers do not depend on it. No cache is
read or filled: the point is to evaluate the candidate.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Protocol

import structlog
from labelwright.core.alias import PRODUCTION
from labelwright.core.errors import DeadlineExceeded
from labelwright.core.task import FieldType, Task
from labelwright.service.metrics import ServiceMetrics
from labelwright.service.shadow.meter import ShadowMeter
from labelwright.service.shadow.shadow import Shadow
from labelwright.service.versions.directory import LiveTable
from labelwright.service.versions.live_version import LiveVersion
from labelwright.serving.background import Background
from typing_extensions import override

_log = structlog.get_logger(__name__)
_EVERY_SECONDS = 0.05
_REST = 3.0
"""Times the duration of an evaluation: candidates get at most a quarter of a core."""
_FAILED_SECONDS = 5.0
"""The least rest after an unforeseen error, so that it does not fill the log."""
_BATCH_SECONDS = 30.0
"""More than a task may allow a program for one record, so that the program is blamed before this has passed."""


class Shadows(Protocol):
    """Knows which versions have a shadow."""

    alias: str
    """The alias of candidates; empty where there are no shadows."""

    def of(self, version: LiveVersion) -> Shadow | None:
        """Return the version's shadow."""
        ...

    def follow(self, live: LiveTable) -> None:
        """Begin and end shadows as these versions require. Only for one thread."""
        ...

    def start(self) -> None:
        """Start to evaluate."""
        ...

    def close(self) -> None:
        """End all shadows."""
        ...


class NullShadows(Shadows):
    """There are no shadows."""

    alias = ""

    @override
    def of(self, version: LiveVersion) -> Shadow | None:
        return None

    @override
    def follow(self, live: LiveTable) -> None:
        pass

    @override
    def start(self) -> None:
        pass

    @override
    def close(self) -> None:
        pass


class EvaluatedShadows(Shadows):
    """Evaluates candidates in one thread."""

    def __init__(self, alias: str, share: float, metrics: ServiceMetrics) -> None:
        """Candidates are evaluated on this share of production's records."""
        self.alias = alias
        self._share = share
        self._metrics = metrics
        self._shadows: Mapping[LiveVersion, Shadow] = {}
        """By production version; replaced whole."""
        self._unfit: set[str] = set()
        self._background = Background("shadow", self._run)

    @override
    def of(self, version: LiveVersion) -> Shadow | None:
        return self._shadows.get(version)

    @override
    def follow(self, live: LiveTable) -> None:
        pairs = dict(self._pairs(live))
        shadows = {}
        outdated = []
        for production, shadow in self._shadows.items():
            if pairs.get(production) is shadow.candidate:
                shadows[production] = shadow
            else:
                outdated.append(shadow)
        self._shadows = dict(shadows)
        for shadow in outdated:
            shadow.end()
        # Only after the outdated ones: the series that a new shadow shares with them begin at 0.
        for production, candidate in pairs.items():
            if production not in shadows and candidate.acquire():
                shadows[production] = self._begin(production, candidate)
        self._shadows = shadows

    @override
    def start(self) -> None:
        self._background.start()

    @override
    def close(self) -> None:
        self._background.stop()
        self.follow({})

    def _pairs(self, live: LiveTable) -> Iterator[tuple[LiveVersion, LiveVersion]]:
        """Yield each production version with the candidate to evaluate beside it."""
        unfit = set()
        for task, named in live.items():
            production, candidate = named.get(PRODUCTION), named.get(self.alias)
            if not production or not candidate or candidate.target.digest == production.target.digest:
                continue
            if _packing(production.task) == _packing(candidate.task):
                yield production, candidate
                continue
            unfit.add(candidate.target.digest)
            if candidate.target.digest not in self._unfit:
                _log.warning("candidate takes other fields than production; it gets no shadow", task=task)
        self._unfit = unfit

    def _begin(self, production: LiveVersion, candidate: LiveVersion) -> Shadow:
        task = production.target.task
        _log.info("shadow begins", task=task, version=candidate.target.number, production=production.target.number)
        return Shadow(self.alias, self._share, candidate, ShadowMeter(self._metrics, production, candidate))

    def _run(self) -> None:
        busy = False
        while not self._background.stopping.wait(0.0 if busy else _EVERY_SECONDS):
            busy = False
            # One batch of each in turn, so that a slow candidate does not starve those of other tasks.
            for shadow in list(self._shadows.values()):
                busy |= self._tend(shadow)

    def _tend(self, shadow: Shadow) -> bool:
        """Evaluate one batch, then rest; False where none waits."""
        batch = shadow.next_batch()
        if not batch or self._background.stopping.is_set() or not shadow.candidate.acquire():
            return False
        started = time.monotonic()
        rest = 0.0
        try:
            shadow.evaluate(batch, started + _BATCH_SECONDS)
        except DeadlineExceeded:
            shadow.drop(len(batch))
        except Exception as error:
            shadow.drop(len(batch))
            rest = _FAILED_SECONDS
            _log.error("shadow not evaluated", task=shadow.candidate.target.task, error=type(error).__name__)
        finally:
            shadow.candidate.release()
        self._background.stopping.wait(max(rest, (time.monotonic() - started) * _REST))
        return True


def _packing(task: Task) -> list[tuple[str, FieldType, bool]]:
    """Return what determines how records are packed: where it is equal, one packed record serves both tasks."""
    return [(field.name, field.type, field.optional) for field in task.fields.values()]
