"""The parts that the steps of a run use."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime

from labelwright.client import Registry, RunClient
from labelwright.core.run import Run
from labelwright.core.task import Refresh
from labelwright.sandbox import Sandbox
from labelwright.synthesis.writing.round import Author
from labelwright.worker.policy import newest, tokens_left
from labelwright.worker.prometheus import Prometheus
from labelwright.worker.runs.llm import RunLlm
from labelwright.worker.runs.recent_records import RecentReader


@dataclass(frozen=True, slots=True)
class Asking:
    """How much the LLM is asked for, and how.

    ``strategies`` of asking a small model are used in turn; empty means a round that fits the task.
    """

    programs: int = 10
    strategies: tuple[str, ...] = ()
    direct_labels: int = 100
    direct_examples: int = 8
    judged_records: int = 100
    author: Author = "auto"


@dataclass(frozen=True)
class RunParts:
    """Everything that a step may use. ``prometheus`` is None where none is set; times are in seconds."""

    name: str
    registry: Registry
    runs: RunClient
    recent: RecentReader
    prometheus: Prometheus | None
    llm: RunLlm
    asking: Asking
    shadow_seconds: float
    _sandboxes: list[Sandbox] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def sandbox(self) -> Sandbox:
        """The process's sandbox, opened by the first run. Raises SandboxUnavailable."""
        with self._lock:
            if not self._sandboxes:
                self._sandboxes.append(Sandbox())
            return self._sandboxes[0]

    def tokens_left(self, refresh: Refresh, run: Run) -> int:
        """Return how many tokens of the LLM the task's runs, this one included, may still use today."""
        return tokens_left(refresh, newest(self.runs.list(run.task)), datetime.now(UTC))

    def close(self) -> None:
        """Free the sandbox."""
        with self._lock:
            while self._sandboxes:
                self._sandboxes.pop().close()
