"""What a run will about take, before anything is asked: compared with what it took in the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from assay.core.record import Record
from assay.core.row import Row
from assay.core.task import Task
from assay.synthesis.completion import Message, Request, estimate_tokens_in
from assay.synthesis.evidence import Material, gather, gather_words
from assay.synthesis.prices import Price
from assay.synthesis.program_prompt import ProgramPrompts
from assay.synthesis.strategies import Strategy, plan
from assay.synthesis.synthesis import SynthesisSettings

# Rough guesses from the first replies of a model of 1.5 billion parameters. Reports show the estimate beside what a run
# really took.
_SHARE_OF_CAP = 0.6
_ASKED_AGAIN = 0.33


@dataclass(frozen=True, slots=True)
class Estimate:
    """``dollars`` is None where the model's price is not known."""

    requests: int
    tokens_in: int
    tokens_out: int
    dollars: float | None


def estimate(
    task: Task, records: Sequence[Record], gold: Sequence[Row], settings: SynthesisSettings, price: Price | None
) -> Estimate:
    """Return about what the programs will take. Raises ConfigurationError for strategies that cannot be used."""
    prompts = ProgramPrompts(task, records, gold, seed=settings.seed, temperature=settings.temperature)
    material = Material(task, records, gold, _no_votes(len(records)), _no_votes(len(gold)))
    steps = plan(task, settings.programs, settings.strategies, has_gold=bool(gold))
    requests, tokens_in, tokens_out = 0.0, 0.0, 0.0
    for turn, strategy in enumerate(steps):
        for request, weight in _requests(task, strategy, prompts, material, turn):
            requests += weight
            tokens_in += weight * estimate_tokens_in(request)
            tokens_out += weight * _SHARE_OF_CAP * request.max_tokens
    dollars = price.cost(tokens_in, tokens_out) if price else None
    return Estimate(round(requests), round(tokens_in), round(tokens_out), dollars)


def _requests(
    task: Task, strategy: Strategy, prompts: ProgramPrompts, material: Material, turn: int
) -> Iterator[tuple[Request, float]]:
    """Yield the requests for one program, and how often each will about be made."""
    if strategy.by_words:
        for index, label in enumerate(task.label_names):
            evidence = gather_words(strategy, material, index, prompts.seed_of(turn))
            yield prompts.words(strategy, evidence, label, turn), 1.0
        return
    before: tuple[Message, ...] = ()
    if strategy.asks_first:
        question = prompts.first(strategy, turn)
        yield question, 1.0
        before = (question.messages[-1], Message("assistant", "word " * round(_SHARE_OF_CAP * question.max_tokens)))
    evidence = gather(strategy, material, prompts.seed_of(turn))
    yield prompts.program(strategy, evidence, turn, before), 1.0 + _ASKED_AGAIN


def _no_votes(rows: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return np.full((rows, 0), -1, dtype=np.int64)
