"""One round: programs one after the other, each asked for in its own way, the fit ones kept.

A failed request costs its program, not the run. The run ends early, with what it has, where the budget is used up or
the endpoint cannot be used any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from labelwright.core.bundle import Program
from labelwright.sandbox import Sandbox
from labelwright.synthesis.arrays import Labels, Votes
from labelwright.synthesis.asking.evidence import VotedRows
from labelwright.synthesis.asking.program_prompt import ProgramPrompts
from labelwright.synthesis.asking.strategies import Strategy, plan
from labelwright.synthesis.llm.endpoint import AskFailed, BudgetExceeded
from labelwright.synthesis.llm.ledger import Ledger
from labelwright.synthesis.llm.provider import Provider
from labelwright.synthesis.rows import Rows
from labelwright.synthesis.writing.generation import Attempt, Generator
from labelwright.synthesis.writing.validation import Behavior, ProgramFault, Validator, same_behavior, same_source

Author = Literal["auto", "large", "small"]
MAX_FAILED_IN_A_ROW = 3
"""Each of them was tried as often as the provider retries: after three, more would only cost time."""
NO_BEHAVIOR = Behavior(0.0, 0.0, {}, one_sided=False, microseconds=0.0)


@dataclass(frozen=True, slots=True)
class WritingOptions:
    """``strategies`` are used in turn; empty for a round that fits the task. The seed decides all that is drawn.

    The programs' names begin with ``prefix``: programs of different runs can stand in one version. ``author`` says
    how programs are had: "large" models write whole ones (authoring), "small" ones are asked as ``strategies`` say, and
    "auto" begins large. ``guide`` is a labeling guide to go by instead of one that the model writes; ``parallel`` is
    how many requests go out side by side. ``rounds`` of revising follow, for which ``wish`` is what people want of the
    programs, in their words.
    """

    programs: int = 10
    strategies: tuple[str, ...] = ()
    seed: int = 0
    temperature: float = 0.5
    prefix: str = "p"
    author: Author = "small"
    guide: str = ""
    parallel: int = 4
    rounds: int = 0
    wish: str = ""

    @property
    def is_authored(self) -> bool:
        """Whether the model is asked for whole programs, at first at least."""
        return self.author != "small" and not self.strategies


@dataclass(frozen=True, slots=True)
class KeptProgram:
    """A program that is fit, how it behaves, and how it came about."""

    program: Program
    strategy: str
    behavior: Behavior
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class DroppedProgram:
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

    kept: tuple[KeptProgram, ...]
    dropped: tuple[DroppedProgram, ...]
    shown_gold: frozenset[int]
    ledger: Ledger
    options: WritingOptions
    stopped: str = ""

    @property
    def programs(self) -> tuple[Program, ...]:
        """The kept programs, in the order in which they were made."""
        return tuple(item.program for item in self.kept)

    @property
    def reasons(self) -> dict[str, int]:
        """How many programs were dropped, by reason."""
        return dict(Counter(item.reason for item in self.dropped))


ProgramListener = Callable[[KeptProgram | DroppedProgram, int], None]
"""Hears of each program as it is kept or dropped, and how many were asked for so far."""


def synthesize(
    rows: Rows,
    provider: Provider,
    sandbox: Sandbox,
    options: WritingOptions,
    listener: ProgramListener = lambda item, asked: None,  # noqa: ARG005 - a listener's parameters
) -> Synthesis:
    """Return the programs that the LLM wrote and that are fit to vote.

    Raises ConfigurationError for strategies that cannot be used, AskFailed where nothing was made at all because the
    endpoint cannot be used.
    """
    strategies = plan(rows.task, options.programs, options.strategies, has_gold=bool(rows.gold))
    writing = _Round(rows, provider, sandbox, options)
    failed_in_a_row = 0
    stopped = ""
    for turn, strategy in enumerate(strategies):
        try:
            item = writing.take_turn(strategy, turn)
            failed_in_a_row = 0
        except BudgetExceeded as error:
            stopped = error.message
            break
        except AskFailed as error:
            failed_in_a_row += 1
            if not error.retryable and not writing.kept and turn == 0:
                raise
            name = writing.name(strategy, turn)
            item = writing.drop(DroppedProgram(name, strategy.name, error.kind, error.message, None))
            if failed_in_a_row == MAX_FAILED_IN_A_ROW:
                if not writing.kept:
                    raise
                stopped = f"{MAX_FAILED_IN_A_ROW} programs in a row failed: {error.message}"
        listener(item, turn + 1)
        if stopped:
            break
    shown_gold = frozenset(writing.shown_gold)
    return Synthesis(tuple(writing.kept), tuple(writing.dropped), shown_gold, provider.ledger, options, stopped)


@dataclass
class _Round:
    """The programs so far, and what the next one is made with."""

    rows: Rows
    provider: Provider
    sandbox: Sandbox
    options: WritingOptions
    kept: list[KeptProgram] = field(default_factory=list)
    dropped: list[DroppedProgram] = field(default_factory=list)
    shown_gold: set[int] = field(default_factory=set)
    _votes: list[tuple[Labels, Labels]] = field(default_factory=list)
    """Of each kept program: its votes on the sample and on gold rows."""

    def __post_init__(self) -> None:
        self._validator = Validator(self.sandbox, self.rows)
        prompts = ProgramPrompts(self.rows, seed=self.options.seed, temperature=self.options.temperature)
        self._generator = Generator(self.provider, self._validator, prompts, self.rows.task)

    def name(self, strategy: Strategy, turn: int) -> str:
        return f"{self.options.prefix}{turn + 1:02d}_{strategy.name}"

    def take_turn(self, strategy: Strategy, turn: int) -> KeptProgram | DroppedProgram:
        attempt = self._generator.make(self.name(strategy, turn), strategy, self._voted_rows(), turn)
        self.shown_gold |= attempt.shown_gold
        fault = attempt.fault or self._double(attempt)
        if fault or attempt.program is None or attempt.trial is None:
            fault = fault or ProgramFault("no_program", "")
            return self.drop(DroppedProgram(attempt.name, strategy.name, fault.kind, fault.message, attempt))
        kept = KeptProgram(attempt.program, strategy.name, attempt.trial.behavior or NO_BEHAVIOR, attempt)
        self.kept.append(kept)
        self._votes.append((attempt.trial.sample_votes, attempt.trial.gold_votes))
        return kept

    def drop(self, item: DroppedProgram) -> DroppedProgram:
        self.dropped.append(item)
        return item

    def _voted_rows(self) -> VotedRows:
        sample, gold = self._validator.sample, self.rows.gold
        sample_votes = _side_by_side([votes for votes, _ in self._votes], len(sample))
        gold_votes = _side_by_side([votes for _, votes in self._votes], len(gold))
        return VotedRows(self.rows.task, sample, gold, sample_votes, gold_votes)

    def _double(self, attempt: Attempt) -> ProgramFault | None:
        if attempt.program is None or attempt.trial is None:
            return None
        for kept, (sample_votes, _) in zip(self.kept, self._votes, strict=True):
            if same_source(kept.program, attempt.program):
                return ProgramFault("same_source", f"it is the same program as {kept.program.name}")
            if same_behavior(sample_votes, attempt.trial.sample_votes):
                return ProgramFault("same_votes", f"it votes like {kept.program.name}")
        return None


def _side_by_side(columns: Sequence[Labels], rows: int) -> Votes:
    return np.column_stack(columns) if columns else np.full((rows, 0), -1, dtype=np.int64)
