"""The path of a record: memory, then Redis, then the programs, each only for what the one before did not know."""

from __future__ import annotations

import time
from collections.abc import Sequence

from labelwright.core.record import record_key
from labelwright.service.answer import LabelAnswer
from labelwright.service.caches.memory_cache import MemoryCache
from labelwright.service.caches.redis_cache import SharedCache
from labelwright.service.metrics import ServiceMetrics
from labelwright.service.versions.live_version import LiveVersion
from labelwright.v1 import label_service_pb2 as pb

COMPUTED = int(pb.SOURCE_COMPUTED)
MEMORY = int(pb.SOURCE_MEMORY)
REDIS = int(pb.SOURCE_REDIS)


class CachedLabeling:
    """Answers packed records with one version. Safe to use from several threads."""

    def __init__(self, memory: MemoryCache, shared: SharedCache, metrics: ServiceMetrics) -> None:
        self._memory = memory
        self._shared = shared
        self._hits = metrics.cache_lookups.labels("memory", "hit")
        self._misses = metrics.cache_lookups.labels("memory", "miss")

    def label(
        self, version: LiveVersion, packed: Sequence[str], deadline: float
    ) -> tuple[Sequence[LabelAnswer], Sequence[int]]:
        """Return an answer for each record and its source.

        ``deadline`` is a ``time.monotonic()`` value. Raises DeadlineExceeded.
        """
        prefix = version.key_prefix
        keys = [prefix + record_key(text) for text in packed]
        from_memory = self._memory.get_many(keys)
        # Equal records of a batch are looked up and computed once.
        missing = {key: text for key, text, answer in zip(keys, packed, from_memory, strict=True) if answer is None}
        self._hits.inc(len(keys) - len(missing))
        if not missing:
            return from_memory, [MEMORY] * len(keys)  # type: ignore[return-value]
        self._misses.inc(len(missing))
        others = self._fill(version, missing, deadline)
        answers: list[LabelAnswer] = []
        sources: list[int] = []
        for key, answer in zip(keys, from_memory, strict=True):
            if answer is not None:
                answers.append(answer)
                sources.append(MEMORY)
            else:
                answers.append(others[key][0])
                sources.append(others[key][1])
        return answers, sources

    def _fill(
        self, version: LiveVersion, missing: dict[bytes, str], deadline: float
    ) -> dict[bytes, tuple[LabelAnswer, int]]:
        shared = self._shared.get_many(version, list(missing))
        answers = {key: (answer, REDIS) for key, answer in shared.items()}
        if len(answers) < len(missing):
            keys = [key for key in missing if key not in answers]
            new_answers = list(zip(keys, self._compute(version, [missing[key] for key in keys], deadline), strict=True))
            answers |= {key: (answer, COMPUTED) for key, answer in new_answers}
            if lasting := [(key, answer) for key, answer in new_answers if answer.cacheable]:
                self._shared.put_many(version, lasting)
        self._memory.put_many((key, answer) for key, (answer, _) in answers.items() if answer.cacheable)
        return answers

    @staticmethod
    def _compute(version: LiveVersion, packed: Sequence[str], deadline: float) -> list[LabelAnswer]:
        started = time.perf_counter()
        votes = version.executable.evaluate(packed, deadline=deadline).votes
        seconds = time.perf_counter() - started
        version.compute_cost.add(len(packed), seconds)
        version.meter.sandbox_seconds.observe(seconds)
        answer = version.answers.of
        return [answer(row) for row in votes]
