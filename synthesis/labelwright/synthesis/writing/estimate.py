"""About what a run will take, before anything is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from labelwright.synthesis.arrays import Votes
from labelwright.synthesis.asking.evidence import VotedRows, gather, gather_words
from labelwright.synthesis.asking.program_prompt import ProgramPrompts
from labelwright.synthesis.asking.strategies import Strategy, plan
from labelwright.synthesis.llm.completion import Message, Request, estimate_tokens_in
from labelwright.synthesis.llm.prices import Price
from labelwright.synthesis.rows import Rows
from labelwright.synthesis.writing.generation import FIRST, PROGRAM, REPAIR, WORDS
from labelwright.synthesis.writing.round import WritingOptions

# Measured on 178 replies of Qwen2.5-Coder-1.5B-Instruct (Q4_K_M) to four tasks, three seeds each: how much of its cap a
# reply takes, by purpose; how many programs are asked for a second time; and how many tokens a prompt has of those that
# the budget reserves for it. A larger model has fewer faults: for it this is rather too much.
_SHARE_OF_CAP = {WORDS: 0.73, PROGRAM: 0.45, FIRST: 0.61, REPAIR: 0.48}
_ASKED_AGAIN = 0.79
_SHARE_OF_TOKENS_IN = 0.9


@dataclass(frozen=True, slots=True)
class Estimate:
    """``dollars`` is None where the model's price is not known."""

    requests: int
    tokens_in: int
    tokens_out: int
    dollars: float | None


def estimate(rows: Rows, options: WritingOptions, price: Price | None) -> Estimate:
    """Return about what the programs will take. Raises ConfigurationError for strategies that cannot be used."""
    prompts = ProgramPrompts(rows, seed=options.seed, temperature=options.temperature)
    unvoted = VotedRows(rows.task, rows.records, rows.gold, _no_votes(len(rows.records)), _no_votes(len(rows.gold)))
    requests, tokens_in, tokens_out = 0.0, 0.0, 0.0
    for turn, strategy in enumerate(plan(rows.task, options.programs, options.strategies, has_gold=bool(rows.gold))):
        for purpose, request, weight in _requests(strategy, prompts, unvoted, turn):
            requests += weight
            tokens_in += weight * _SHARE_OF_TOKENS_IN * estimate_tokens_in(request)
            tokens_out += weight * _SHARE_OF_CAP[purpose] * request.max_tokens
    dollars = price.cost(tokens_in, tokens_out) if price else None
    return Estimate(round(requests), round(tokens_in), round(tokens_out), dollars)


def _requests(
    strategy: Strategy, prompts: ProgramPrompts, rows: VotedRows, turn: int
) -> Iterator[tuple[str, Request, float]]:
    """Yield the requests for one program with their purposes, and how often each will about be made."""
    if strategy.by_words:
        for index, label in enumerate(rows.task.label_names):
            evidence = gather_words(strategy, rows, index, prompts.seed_of(turn))
            yield WORDS, prompts.words(strategy, evidence, label, turn), 1.0
        return
    before: tuple[Message, ...] = ()
    if strategy.asks_first:
        question = prompts.first(strategy, turn)
        yield FIRST, question, 1.0
        answer = Message("assistant", "word " * round(_SHARE_OF_CAP[FIRST] * question.max_tokens))
        before = (question.messages[-1], answer)
    request = prompts.program(strategy, gather(strategy, rows, prompts.seed_of(turn)), turn, before)
    yield PROGRAM, request, 1.0
    # The same again, or the same with the faulty program behind it: about as long.
    yield REPAIR, request, _ASKED_AGAIN


def _no_votes(rows: int) -> Votes:
    return np.full((rows, 0), -1, dtype=np.int64)
