"""The sandbox of a process: one engine, one compiled runtime, and what makes executables out of programs."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from labelwright.core.bundle import Program
from labelwright.core.errors import DeadlineExceeded, InvalidBundle
from labelwright.core.finding import Finding
from labelwright.core.task import Task
from labelwright.sandbox.backend.bench import Bench
from labelwright.sandbox.backend.executable import Executable, load_seconds
from labelwright.sandbox.host.aot_cache import CompiledCache
from labelwright.sandbox.host.clock import EpochClock
from labelwright.sandbox.host.engine import make_engine
from labelwright.sandbox.host.instance import FaultKind, InstanceFault, LoadedInstance, Machine, version_text
from labelwright.sandbox.tracing import Deciding, trace_program


class Sandbox:
    """Loads programs. Make one per process, after any fork; it is safe to use from several threads."""

    def __init__(
        self,
        cache_dir: Path | None = None,
        *,
        bench_after: int = 5,
        bench_cooldown: float = 60.0,
        pool_size: int | None = None,
    ) -> None:
        """Compile the runtime, or take it from the cache in ``cache_dir`` (default: LABELWRIGHT_CACHE_DIR or per user).

        ``bench_after`` costly failures in a row bench a program for ``bench_cooldown`` seconds. ``pool_size``
        bounds the instances per version (default: the number of processors). Raises SandboxUnavailable.
        """
        self._bench_after = bench_after
        self._bench_cooldown = bench_cooldown
        self._pool_size = pool_size or max(2, os.cpu_count() or 1)
        engine = make_engine()
        self.machine = Machine(engine, CompiledCache(cache_dir).component(engine), EpochClock(engine))

    def load(self, task: Task, programs: Sequence[Program], deadline: float | None = None) -> Executable:
        """Return the programs, ready to run. ``deadline`` is a ``time.monotonic()`` value.

        Raises InvalidBundle where one does not load, DeadlineExceeded.
        """
        try:
            instance, errors = self._load(task, programs, deadline)
        except InstanceFault as fault:
            findings = self._find_fault(task, programs, fault, deadline)
        else:
            if not any(errors):
                bench = Bench(self._bench_after, self._bench_cooldown)
                return Executable(self.machine, task, programs, bench, self._pool_size, instance)
            instance.close()
            findings = [_finding(program, error) for program, error in zip(programs, errors, strict=True) if error]
        raise InvalidBundle("the programs do not load", findings=findings)

    def trace(self, task: Task, program: Program, records: Sequence[str]) -> list[Deciding]:
        """Return what decided the program's vote on each packed record. It must load. Slow: not for many records."""
        return trace_program(self.machine, task, program, records)

    def close(self) -> None:
        """Stop the clock. Close executables first."""
        self.machine.clock.close()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _find_fault(
        self, task: Task, programs: Sequence[Program], together: InstanceFault, deadline: float | None
    ) -> Sequence[Finding]:
        """Return what is wrong with these programs, of which ``together`` is known: which of them it is, if any is."""
        if len(programs) == 1:
            return [_fault_finding(programs[0].path, together, 1)]
        alone = [finding for program in programs for finding in self._findings_alone(task, program, deadline)]
        return alone or [_fault_finding("programs", together, len(programs))]

    def _findings_alone(self, task: Task, program: Program, deadline: float | None) -> Sequence[Finding]:
        try:
            self.load(task, [program], deadline).close()
        except InvalidBundle as error:
            return error.findings
        return ()

    def _load(
        self, task: Task, programs: Sequence[Program], deadline: float | None
    ) -> tuple[LoadedInstance, list[dict[str, Any] | None]]:
        """Return a new instance, and for each program None or what is wrong with it.

        Raises InstanceFault, DeadlineExceeded.
        """
        seconds = load_seconds(len(programs))
        remaining = seconds if deadline is None else min(seconds, deadline - time.monotonic())
        if remaining <= 0:
            raise DeadlineExceeded("the deadline passed while programs were loaded")
        instance = LoadedInstance(self.machine, task.limits.memory_mb << 20)
        try:
            return instance, instance.load(version_text(task, programs), remaining)
        except InstanceFault as fault:
            if fault.kind is FaultKind.TIME and remaining < seconds:
                raise DeadlineExceeded("the deadline passed while programs were loaded") from None
            raise


def _finding(program: Program, error: dict[str, Any]) -> Finding:
    return Finding(
        program.path,
        int(error["line"]),
        "LW301",
        f"does not load: {error['type']}: {error['message']}",
        "run the file with Python to see the error",
    )


def _fault_finding(path: str, fault: InstanceFault, programs: int) -> Finding:
    if fault.kind is FaultKind.TIME:
        advice = "keep to constants, patterns and functions at the top level"
        return Finding(path, 0, "LW302", f"loading takes longer than {load_seconds(programs):.0f} s", advice)
    return Finding(path, 0, "LW303", f"loading ends the sandbox: {fault.reason}", "make its top-level code smaller")
