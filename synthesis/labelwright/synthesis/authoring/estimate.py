"""About what authoring will take, before anything is asked."""

from __future__ import annotations

from labelwright.synthesis.authoring.conversation import (
    GUIDE_TOKENS,
    PLAN_TOKENS,
    PROGRAM_TOKENS,
    Conversation,
)
from labelwright.synthesis.authoring.judging import MOST_HELD, RANDOM_RECORDS
from labelwright.synthesis.authoring.planning import PlannedProgram
from labelwright.synthesis.authoring.revising import MOST_DISPUTED
from labelwright.synthesis.llm.completion import Request, estimate_tokens_in
from labelwright.synthesis.llm.prices import Price
from labelwright.synthesis.rows import Rows
from labelwright.synthesis.writing.estimate import Estimate
from labelwright.synthesis.writing.round import WritingOptions

# Measured on eleven runs of a large model over nine tasks, 102 programs: how much of its cap an answer takes, how many
# programs go back, and how many tokens a prompt has of those that the budget reserves for it.
_GUIDE_SHARE, _PLAN_SHARE, _PROGRAM_SHARE, _MEND_SHARE = 0.48, 0.39, 0.56, 0.07
_ASKED_AGAIN = 0.16
_SHARE_OF_TOKENS_IN = 0.87
_TOKENS_OF_A_JUDGED_RECORD = 59
"""Both ways, the guide in each prompt included."""
# Measured on two rounds each of two tasks: a program with the rows that it is shown, and how much of its cap an answer
# takes.
_TOKENS_OF_A_REVISED_PROGRAM = 5000
_REVISION_SHARE = 0.27


def estimate_authoring(rows: Rows, options: WritingOptions, price: Price | None) -> Estimate:
    """Return about what the conversation will take."""
    talk = Conversation(rows, seed=options.seed, temperature=options.temperature, programs=options.programs)
    # Stand-ins as long as the answers usually are: they are part of all later requests.
    guide = "word " * round(GUIDE_TOKENS * _GUIDE_SHARE * 0.8)
    plan = "word " * round(PLAN_TOKENS * _PLAN_SHARE * 0.8)
    one = talk.program(guide, plan, PlannedProgram("a", "a", "word " * 40, rows.task.label_names))
    revision = talk.addition(guide, {"programs": [], "gaps": [], "wish": options.wish})
    weighed: list[tuple[float, Request, float]] = [
        (0.0 if options.guide else 1.0, talk.guide(), GUIDE_TOKENS * _GUIDE_SHARE),
        (1.0, talk.plan(guide), PLAN_TOKENS * _PLAN_SHARE),
        (options.programs, one, PROGRAM_TOKENS * _PROGRAM_SHARE),
        (options.programs * _ASKED_AGAIN, one, PROGRAM_TOKENS * _MEND_SHARE),
        (options.rounds * (options.programs + 1), revision, PROGRAM_TOKENS * _REVISION_SHARE),
    ]
    judged = min(MOST_HELD, len(talk.split.held)) + min(RANDOM_RECORDS, len(rows.records))
    judged += options.rounds * MOST_DISPUTED
    requests = sum(count for count, _, _ in weighed) + judged / 50
    tokens_in = sum(count * estimate_tokens_in(request) * _SHARE_OF_TOKENS_IN for count, request, _ in weighed)
    tokens_in += options.rounds * options.programs * _TOKENS_OF_A_REVISED_PROGRAM
    tokens_in += judged * _TOKENS_OF_A_JUDGED_RECORD
    tokens_out = sum(count * tokens for count, _, tokens in weighed)
    dollars = price.cost(tokens_in, tokens_out) if price else None
    return Estimate(round(requests), round(tokens_in), round(tokens_out), dollars)
