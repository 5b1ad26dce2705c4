"""What a pilot will about take, before anything is asked: programs, direct labels to learn from and to compare with."""

from __future__ import annotations

from labelwright.synthesis.asking.direct import direct_request
from labelwright.synthesis.asking.sampling import choose_examples, random_order
from labelwright.synthesis.llm.completion import estimate_tokens_in
from labelwright.synthesis.llm.prices import Price
from labelwright.synthesis.pilot.result import PilotMaterial, PilotOptions
from labelwright.synthesis.writing.estimate import Estimate, estimate
from labelwright.synthesis.writing.round import SynthesisSettings

_SAMPLE = 50
# Measured on 2,709 replies to four tasks (see estimate.py): an answer's tokens, and a prompt's tokens of those that it
# is guarded against when there is a budget.
_ANSWER_TOKENS = 2
_SHARE_OF_TOKENS_IN = 0.82


def estimate_pilot(
    material: PilotMaterial, settings: SynthesisSettings, options: PilotOptions, price: Price | None
) -> Estimate:
    """Return about what the whole run will take. Raises ConfigurationError for strategies that cannot be used."""
    programs = estimate(material.task, material.records, material.gold, settings, price)
    chosen = min(options.direct_labels, len(material.records))
    labels = (chosen + len(material.gold) if chosen else 0) + min(options.direct_sample, len(material.measured_rows))
    tokens_in = programs.tokens_in + round(labels * _tokens_per_record(material, options))
    tokens_out = programs.tokens_out + labels * _ANSWER_TOKENS
    dollars = price.cost(tokens_in, tokens_out) if price else None
    return Estimate(programs.requests + labels, tokens_in, tokens_out, dollars)


def _tokens_per_record(material: PilotMaterial, options: PilotOptions) -> float:
    """Return the mean length of a direct labeling prompt over a sample of the records."""
    examples = choose_examples(material.task, material.gold, options.direct_examples)
    sample = random_order(len(material.records), options.seed)[:_SAMPLE]
    lengths = [estimate_tokens_in(direct_request(material.task, material.records[row], examples)) for row in sample]
    return _SHARE_OF_TOKENS_IN * sum(lengths) / max(1, len(lengths))
