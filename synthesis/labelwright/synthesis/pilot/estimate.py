"""About what a pilot will take, before anything is asked: programs, direct labels to learn from and to compare with."""

from __future__ import annotations

from labelwright.synthesis.asking.direct import direct_request
from labelwright.synthesis.asking.sampling import choose_examples, random_order
from labelwright.synthesis.combining.run import estimate_run
from labelwright.synthesis.llm.completion import estimate_tokens_in
from labelwright.synthesis.llm.prices import Price
from labelwright.synthesis.pilot.result import PilotOptions, PilotRows
from labelwright.synthesis.writing.estimate import Estimate
from labelwright.synthesis.writing.round import WritingOptions

_SAMPLE = 50
"""Records whose prompts are measured: instructions and examples are the same in all, so their lengths differ little."""
# Measured on 2,709 replies to four tasks (see writing/estimate.py): an answer's tokens, and how many tokens a prompt
# has of those that the budget reserves for it.
_ANSWER_TOKENS = 2
_SHARE_OF_TOKENS_IN = 0.82


def estimate_pilot(rows: PilotRows, writing: WritingOptions, options: PilotOptions, price: Price | None) -> Estimate:
    """Return about what the whole run will take. Raises ConfigurationError for strategies that cannot be used."""
    programs = estimate_run(rows, writing, price)
    learned_from = 0 if writing.is_authored else min(options.direct_labels, len(rows.records))
    labels = (learned_from + len(rows.gold) if learned_from else 0) + min(options.direct_sample, len(rows.measured))
    tokens_in = programs.tokens_in + round(labels * _tokens_per_record(rows, options, writing.guide))
    tokens_out = programs.tokens_out + labels * _ANSWER_TOKENS
    dollars = price.cost(tokens_in, tokens_out) if price else None
    return Estimate(programs.requests + labels, tokens_in, tokens_out, dollars)


def _tokens_per_record(rows: PilotRows, options: PilotOptions, guide: str) -> float:
    """Return the mean length of a direct labeling prompt over a sample of the records."""
    examples = choose_examples(rows.task, rows.gold, options.direct_examples)
    sample = random_order(len(rows.records), options.seed)[:_SAMPLE]
    lengths = [estimate_tokens_in(direct_request(rows.task, rows.records[index], examples, guide)) for index in sample]
    return _SHARE_OF_TOKENS_IN * sum(lengths) / max(1, len(lengths))
