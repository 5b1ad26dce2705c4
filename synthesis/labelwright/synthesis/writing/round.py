"""Synthesis: programs one after the other, each asked for in its own way, the fit ones kept.

A failed request costs its program, not the run. The run ends early, with what it has, where the budget is used up or
the endpoint cannot be used any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from labelwright.core.bundle import Program
from labelwright.core.record import Record
from labelwright.core.row import Row
from labelwright.core.task import Task
from labelwright.sandbox import Sandbox
from labelwright.synthesis.asking.evidence import Material
from labelwright.synthesis.asking.program_prompt import ProgramPrompts
from labelwright.synthesis.asking.strategies import Strategy, plan
from labelwright.synthesis.llm.endpoint import AskFailed, BudgetExceeded
from labelwright.synthesis.llm.ledger import Ledger
from labelwright.synthesis.llm.provider import Provider
from labelwright.synthesis.writing.generation import Attempt, Generator
from labelwright.synthesis.writing.validation import Behavior, Column, Fault, Validator, same_behavior, same_source

MAX_FAILED_IN_A_ROW = 3
_NO_BEHAVIOR = Behavior(0.0, 0.0, {}, one_sided=False, microseconds=0.0)


@dataclass(frozen=True, slots=True)
class SynthesisSettings:
    """``strategies`` are used in turn; empty for a round that fits the task. The seed decides all that is drawn.

    The programs' names begin with ``prefix``: programs of different runs can stand in one version.
    """

    programs: int = 10
    strategies: tuple[str, ...] = ()
    seed: int = 0
    temperature: float = 0.5
    prefix: str = "p"


@dataclass(frozen=True, slots=True)
class Kept:
    """A program that is fit, how it behaves, and how it came about."""

    program: Program
    strategy: str
    behavior: Behavior
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Dropped:
    """A program that was asked for and not kept. ``reason`` is a short stable word, ``message`` says more."""

    name: str
    strategy: str
    reason: str
    message: str
    attempt: Attempt | None


@dataclass(frozen=True, slots=True)
class Synthesis:
    """What a run made. ``shown_gold`` are indexes of gold rows that stood in prompts: programs may know them by heart.

    ``stopped`` says why the run ended before all programs were asked for; empty where it did not.
    """

    kept: tuple[Kept, ...]
    dropped: tuple[Dropped, ...]
    shown_gold: frozenset[int]
    ledger: Ledger
    settings: SynthesisSettings
    stopped: str = ""

    @property
    def programs(self) -> tuple[Program, ...]:
        """The kept programs, in the order in which they were made."""
        return tuple(item.program for item in self.kept)

    @property
    def reasons(self) -> dict[str, int]:
        """How many programs were dropped, by reason."""
        return dict(Counter(item.reason for item in self.dropped))


Progress = Callable[[Kept | Dropped, int], None]
"""Told each program as it is kept or dropped, and how many were asked for so far."""


def synthesize(
    task: Task,
    records: Sequence[Record],
    gold: Sequence[Row],
    provider: Provider,
    sandbox: Sandbox,
    settings: SynthesisSettings,
    progress: Progress = lambda item, asked: None,  # noqa: ARG005 - a listener's parameters
) -> Synthesis:
    """Return the programs that the LLM wrote and that are fit to vote.

    Raises ConfigurationError for strategies that cannot be used, AskFailed where nothing was made at all because the
    endpoint cannot be used.
    """
    steps = plan(task, settings.programs, settings.strategies, has_gold=bool(gold))
    run = _Synthesis(task, records, gold, provider, sandbox, settings)
    failed_in_a_row = 0
    stopped = ""
    for turn, strategy in enumerate(steps):
        try:
            item = run.step(strategy, turn)
            failed_in_a_row = 0
        except BudgetExceeded as error:
            stopped = error.message
            break
        except AskFailed as error:
            failed_in_a_row += 1
            if not error.retryable and not run.kept and turn == 0:
                raise
            item = run.drop(Dropped(run.name(strategy, turn), strategy.name, error.kind, error.message, None))
            if failed_in_a_row == MAX_FAILED_IN_A_ROW:
                if not run.kept:
                    raise
                stopped = f"{MAX_FAILED_IN_A_ROW} programs in a row failed: {error.message}"
        progress(item, turn + 1)
        if stopped:
            break
    return Synthesis(tuple(run.kept), tuple(run.dropped), frozenset(run.shown), provider.ledger, settings, stopped)


@dataclass
class _Synthesis:
    task: Task
    records: Sequence[Record]
    gold: Sequence[Row]
    provider: Provider
    sandbox: Sandbox
    settings: SynthesisSettings
    kept: list[Kept] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)
    shown: set[int] = field(default_factory=set)
    _columns: list[tuple[Column, Column]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._validator = Validator(self.sandbox, self.task, self.records, self.gold)
        prompts = ProgramPrompts(
            self.task, self.records, self.gold, seed=self.settings.seed, temperature=self.settings.temperature
        )
        self._generator = Generator(self.provider, self._validator, prompts, self.task)

    def name(self, strategy: Strategy, turn: int) -> str:
        return f"{self.settings.prefix}{turn + 1:02d}_{strategy.name}"

    def step(self, strategy: Strategy, turn: int) -> Kept | Dropped:
        attempt = self._generator.make(self.name(strategy, turn), strategy, self._material(), turn)
        self.shown |= attempt.shown_gold
        fault = attempt.fault or self._double(attempt)
        if fault or attempt.program is None or attempt.verdict is None:
            fault = fault or Fault("no_program", "")
            return self.drop(Dropped(attempt.name, strategy.name, fault.kind, fault.message, attempt))
        kept = Kept(attempt.program, strategy.name, attempt.verdict.behavior or _NO_BEHAVIOR, attempt)
        self.kept.append(kept)
        self._columns.append((attempt.verdict.sample_votes, attempt.verdict.gold_votes))
        return kept

    def drop(self, item: Dropped) -> Dropped:
        self.dropped.append(item)
        return item

    def _material(self) -> Material:
        sample = self._validator.sample
        return Material(
            self.task,
            sample,
            self.gold,
            _matrix([columns[0] for columns in self._columns], len(sample)),
            _matrix([columns[1] for columns in self._columns], len(self.gold)),
        )

    def _double(self, attempt: Attempt) -> Fault | None:
        if attempt.program is None or attempt.verdict is None:
            return None
        for kept, (votes, _) in zip(self.kept, self._columns, strict=True):
            if same_source(kept.program, attempt.program):
                return Fault("same_source", f"it is the same program as {kept.program.name}")
            if same_behavior(votes, attempt.verdict.sample_votes):
                return Fault("same_votes", f"it votes like {kept.program.name}")
        return None


def _matrix(columns: list[Column], rows: int) -> Column:
    return np.column_stack(columns) if columns else np.full((rows, 0), -1, dtype=np.int64)
