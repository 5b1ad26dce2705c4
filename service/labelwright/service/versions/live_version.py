"""A version that is loaded and ready to label, closed after its last request."""

from __future__ import annotations

import threading

from labelwright.core.recent import RecentSample
from labelwright.core.task import Task
from labelwright.sandbox import Executable
from labelwright.service.answer import Answers
from labelwright.service.cost import Cost
from labelwright.service.metrics import VersionMeter
from labelwright.service.target import VersionTarget
from labelwright.v1 import label_service_pb2 as pb
from labelwright.v1 import registry_service_pb2


class LiveVersion:
    """One loaded version. Whoever uses it holds a reference; releasing the last one closes it."""

    def __init__(
        self,
        target: VersionTarget,
        task: Task,
        executable: Executable,
        answers: Answers,
        meter: VersionMeter,
        reference: registry_service_pb2.Reference | None,
    ) -> None:
        self.target = target
        self.task = task
        self.executable = executable
        self.answers = answers
        self.meter = meter
        self.reference = reference
        self.recent = RecentSample.of(task) if task.refresh.sample else None
        """The sample of production's records that the task asks for."""
        self.compute_cost = Cost()
        """Seconds of a sandbox call by batch size."""
        self.key_prefix = bytes.fromhex(target.digest.removeprefix("sha256:"))[:16]
        self._served: dict[tuple[str, str], pb.ServedVersion] = {}
        self._references = 1
        self._lock = threading.Lock()
        self.closed = threading.Event()

    def acquire(self) -> bool:
        """Take a reference; False where the version is closed already."""
        with self._lock:
            if not self._references:
                return False
            self._references += 1
            return True

    def release(self) -> None:
        """Release a reference. The constructor's own is released when the version is taken out of use."""
        with self._lock:
            self._references -= 1
            last = not self._references
        if last:
            self.executable.close()
            self.meter.drop()
            self.closed.set()

    def served(self, alias: str, shadow_alias: str = "") -> pb.ServedVersion:
        """Return the message that names this version. It is shared: copy it, never change it."""
        message = self._served.get((alias, shadow_alias))
        if message is None:
            target = self.target
            message = pb.ServedVersion(
                task=target.task,
                version=target.number,
                digest=target.digest,
                alias=alias,
                shadow_alias=shadow_alias,
            )
            if len(self._served) < 64:
                self._served[alias, shadow_alias] = message
        return message
