"""The sandbox of a process: one engine, one compiled runtime, and what makes executables out of programs."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import TracebackType

from labelwright.core.bundle import Program
from labelwright.core.errors import AboveCaps, DeadlineExceeded, InvalidBundle, Overloaded
from labelwright.core.finding import Finding
from labelwright.core.task import TASK_FILE, Task
from labelwright.sandbox.backend.answers import LoadFailure
from labelwright.sandbox.backend.bench import Bench
from labelwright.sandbox.backend.executable import Executable
from labelwright.sandbox.backend.family import Family
from labelwright.sandbox.backend.kept import KeptSnapshot
from labelwright.sandbox.backend.pool import InstancePool
from labelwright.sandbox.backend.program_run import ProgramRun
from labelwright.sandbox.backend.snapshot import LoadFailed, Snapshot, with_base
from labelwright.sandbox.host.aot_cache import CompiledCache
from labelwright.sandbox.host.clock import EpochClock
from labelwright.sandbox.host.engine import make_engine
from labelwright.sandbox.host.instance import FaultKind, InstanceFault, Machine
from labelwright.sandbox.made_up import made_up_records
from labelwright.sandbox.static_checks.plain import is_plain
from labelwright.sandbox.tracing import Deciding, trace_program

_LOAD_SECONDS = 3.0
"""What loading one program may take. One of 20 kB with large patterns loads in 0.1 to 0.3 s of processor time; this is
time by the clock, on machines with other work to do."""
_MOST_LOAD_SECONDS = 30.0
"""Of all programs of a version together."""
_LOADS_AT_ONCE = 2
"""Of programs that are loaded again, in the background of calls."""
_WARM_UP = 8
"""Made-up records that a program sees before its first call, so that what it compiles then is there in each one."""


class Sandbox:
    """Loads programs. Make one per process, after any fork; it is safe to use from several threads."""

    def __init__(
        self,
        cache_dir: Path | None = None,
        *,
        bench_after: int = 5,
        bench_cooldown: float = 60.0,
        memory_mb: int = 2048,
        judges_late: bool = False,
    ) -> None:
        """Compile the runtime, or take it from the cache in ``cache_dir`` (default: LABELWRIGHT_CACHE_DIR or per user).

        ``bench_after`` costly failures among four times as many runs bench a program for ``bench_cooldown`` seconds.
        ``memory_mb`` bounds the memory of all instances and loaded programs together. ``judges_late`` has what a
        deadline cut short judged in the background: for a server whose callers send a record again. Raises
        SandboxUnavailable.
        """
        self._bench_after = bench_after
        self._bench_cooldown = bench_cooldown
        self._pool = InstancePool(memory_mb << 20)
        self._judging = ThreadPoolExecutor(1, thread_name_prefix="labelwright-judge") if judges_late else None
        self._loading = ThreadPoolExecutor(_LOADS_AT_ONCE, thread_name_prefix="labelwright-load")
        engine = make_engine()
        self.machine = with_base(Machine(engine, CompiledCache(cache_dir).runtime(engine), EpochClock(engine)))

    @property
    def memory_used_bytes(self) -> int:
        """How much of the budget of memory is in use."""
        return self._pool.used_bytes

    def load(
        self, task: Task, programs: Sequence[Program], deadline: float | None = None, *, beside: Program | None = None
    ) -> Executable:
        """Return the programs, ready to run. ``deadline`` is a ``time.monotonic()`` value.

        Plain ones are loaded together, each other one apart; with ``beside``, which only takes up memory, each after
        that. Raises InvalidBundle where one does not load, AboveCaps where they can never have the memory that they
        need, DeadlineExceeded, Overloaded.
        """
        self._require_memory(task, [])
        loaded: list[Snapshot] = []
        try:
            return self._executable(task, programs, deadline, beside, loaded)
        except BaseException:
            for snapshot in loaded:
                self._pool.retire(snapshot)
            raise

    def trace(self, task: Task, program: Program, records: Sequence[str]) -> list[Deciding]:
        """Return what decided the program's vote on each packed record. It must load. Slow: not for many records."""
        return trace_program(self.machine, task, program, records, _LOAD_SECONDS)

    def _executable(
        self,
        task: Task,
        programs: Sequence[Program],
        deadline: float | None,
        beside: Program | None,
        loaded: list[Snapshot],
    ) -> Executable:
        """Do what ``load`` does, and add to ``loaded`` what is loaded."""
        until = time.monotonic() + _MOST_LOAD_SECONDS
        plain = [place for place, program in enumerate(programs) if beside is None and is_plain(program.source)]
        shared: Snapshot | None = None
        if len(plain) > 1:
            try:
                chosen = [programs[place] for place in plain]
                shared = self._load(task, chosen, _LOAD_SECONDS + len(chosen) - 1, until, deadline)
                loaded.append(shared)
            except (LoadFailed, InstanceFault):
                # Alone it shows which.
                plain = []
        runs, findings = [], []
        for place, program in enumerate(programs):
            own = None
            together = [program] if beside is None else [beside, program]
            if shared is None or place not in plain:
                try:
                    own = self._load(task, together, _LOAD_SECONDS, until, deadline)
                    loaded.append(own)
                except LoadFailed as failed:
                    findings += [_finding(program, failure) for failure in failed.failures.values()]
                except InstanceFault as fault:
                    findings.append(_fault_finding(program.path, fault, _LOAD_SECONDS))
            bench = Bench(self._bench_after, self._bench_cooldown)
            runs.append(ProgramRun(program.name, self._kept(task, together, own), task.limits, bench, self._pool))
            if time.monotonic() >= until:
                findings.append(_fault_finding("programs", InstanceFault(FaultKind.TIME, 0.0, ""), _MOST_LOAD_SECONDS))
                break
        if findings:
            raise InvalidBundle("the programs do not load", findings=findings)
        self._require_memory(task, loaded)

        def some(places: Sequence[int], snapshot: Snapshot | None = None) -> KeptSnapshot:
            return self._kept(task, [programs[place] for place in places], snapshot)

        limit = task.limits.time_ms / 1000
        family = Family(runs, plain, some(plain, shared), some, limit, self._pool)
        return Executable(runs, family, limit, self._judging, self._bench_cooldown)

    def _load(
        self, task: Task, programs: Sequence[Program], limit: float, until: float, deadline: float | None
    ) -> Snapshot:
        """Load programs together within ``limit`` seconds, and until then.

        Raises LoadFailed, InstanceFault, DeadlineExceeded, Overloaded.
        """
        now = time.monotonic()
        seconds = max(0.0, min(limit, until - now))
        remaining = seconds if deadline is None else min(seconds, deadline - now)
        if deadline is not None and remaining <= 0:
            raise _late()
        memory = task.limits.memory_mb << 20
        try:
            with self._pool.room(memory, deadline):
                snapshot = Snapshot(self.machine, task, programs, remaining)
                self._pool.keep(snapshot)
        except InstanceFault as fault:
            if fault.kind is FaultKind.TIME and remaining < seconds:
                raise _late() from None
            raise
        try:
            with self._pool.room(memory, deadline):
                snapshot.warm_up(made_up_records(task, programs)[: 2 * _WARM_UP : 2])
                self._pool.keep(snapshot)
        except BaseException:
            self._pool.retire(snapshot)
            raise
        return snapshot

    def _kept(self, task: Task, programs: Sequence[Program], snapshot: Snapshot | None) -> KeptSnapshot:
        return KeptSnapshot(self._pool, snapshot, partial(self._load_again, task, programs), self._loading)

    def _load_again(self, task: Task, programs: Sequence[Program]) -> Snapshot:
        seconds = _LOAD_SECONDS + len(programs) - 1
        try:
            return self._load(task, programs, seconds, math.inf, None)
        except LoadFailed:
            raise InstanceFault(FaultKind.CRASH, 0.0, "a program that loaded before does not load again") from None
        except InstanceFault as fault:
            if fault.kind is FaultKind.TIME and fault.cpu_seconds < seconds / 2:
                raise Overloaded("the machine is too busy to load programs again", retry_after=1.0) from None
            raise InstanceFault(FaultKind.CRASH, 0.0, f"loading again: {fault.reason}") from None

    def _require_memory(self, task: Task, loaded: Sequence[Snapshot]) -> None:
        """Raise AboveCaps where the programs could not be called without loading some of them anew each time."""
        needed = task.limits.memory_mb + -(-sum(snapshot.held_bytes for snapshot in loaded) >> 20)
        budget = self._pool.budget_bytes >> 20
        if needed > budget:
            said = f"the version needs {needed:,} MiB at once, and all versions together have {budget:,}"
            advice = "lower limits.memory_mb, keep less at the top level of programs, or give the sandbox more memory"
            raise AboveCaps(said, advice=advice, findings=[Finding(TASK_FILE, 0, "LW113", said, advice)])

    def close(self) -> None:
        """Stop the clock. Close executables first."""
        if self._judging is not None:
            self._judging.shutdown(cancel_futures=True)
        self._loading.shutdown(cancel_futures=True)
        self.machine.clock.close()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _late() -> DeadlineExceeded:
    return DeadlineExceeded("the deadline passed while programs were loaded")


def _finding(program: Program, failure: LoadFailure) -> Finding:
    return Finding(
        program.path,
        failure.line,
        "LW301",
        f"does not load: {failure.kind}: {failure.message}",
        "run the file with Python to see the error",
    )


def _fault_finding(path: str, fault: InstanceFault, seconds: float) -> Finding:
    if fault.kind is FaultKind.TIME:
        advice = "keep to constants, patterns and functions at the top level"
        return Finding(path, 0, "LW302", f"loading takes longer than {seconds:.0f} s", advice)
    return Finding(path, 0, "LW303", f"loading ends the sandbox: {fault.reason}", "make its top-level code smaller")
