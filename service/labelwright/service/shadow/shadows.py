"""All shadows: begun and ended as versions go live, evaluated by one thread of their own.

A candidate may be anything: its programs may loop, crash, eat memory. It has instances of its own in the sandbox, the
thread rests three times as long as it works, and a backlog that is full drops records; so production's answers do not
depend on it. No cache is asked or filled: a candidate is to be evaluated.
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
"""Of the time that an evaluation took: candidates get a quarter of a core at most."""
_FAILED_SECONDS = 5.0
"""To rest at least after what should not happen, so that the log is not full of it."""
_BATCH_SECONDS = 30.0
"""Above what a task may allow a program for one record, so that a program is blamed before this passes."""


class Shadows(Protocol):
    """Knows which versions have a shadow."""

    alias: str
    """The alias of candidates; empty where there are no shadows."""

    def of(self, version: LiveVersion) -> Shadow | None:
        """Return the version's shadow."""
        ...

    def follow(self, live: LiveTable) -> None:
        """Begin and end shadows as these versions ask for. For one thread."""
        ...

    def start(self) -> None:
        """Begin to evaluate."""
        ...

    def close(self) -> None:
        """End all."""
        ...


class NullShadows(Shadows):
    """There are none."""

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
    """See the module."""

    def __init__(self, alias: str, share: float, metrics: ServiceMetrics) -> None:
        """``share`` is that of production's records that candidates are evaluated on."""
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
        kept = {}
        ended = []
        for production, shadow in self._shadows.items():
            if pairs.get(production) is shadow.candidate:
                kept[production] = shadow
            else:
                ended.append(shadow)
        self._shadows = dict(kept)
        for shadow in ended:
            shadow.end()
        # Only now: what a new shadow shares with an ended one of the same task begins at 0.
        for production, candidate in pairs.items():
            if production not in kept and candidate.acquire():
                kept[production] = self._begin(production, candidate)
        self._shadows = kept

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
        worked = False
        while not self._background.stopping.wait(0.0 if worked else _EVERY_SECONDS):
            worked = False
            # One batch of each in turn: a slow candidate must not starve those of other tasks.
            for shadow in list(self._shadows.values()):
                worked |= self._tend(shadow)

    def _tend(self, shadow: Shadow) -> bool:
        """Evaluate one batch, then rest; False where nothing waits."""
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
    """Return what decides how records are packed: where it is equal, one packed record serves both tasks."""
    return [(field.name, field.type, field.optional) for field in task.fields.values()]
