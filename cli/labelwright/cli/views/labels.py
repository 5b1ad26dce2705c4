"""How answers and labeling runs look to people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from labelwright.cli.labeling.run import RunCounts
from labelwright.cli.rows.failing import failure_of
from labelwright.cli.screen import VOTE_ERROR_PREFIX, Screen, shown
from labelwright.cli.views.reports import table
from labelwright.client import Failure, Labeling, Outcome, ProgramVote, VoteError
from rich.text import Text

if TYPE_CHECKING:
    from labelwright.cli.labeling.escalation import EscalationResult

_RECORD_WIDTH = 60
_SAID_WIDTH = 200


def show_answers(
    screen: Screen, records: list[str], outcomes: list[Outcome], deciding: Sequence[Mapping[str, str]] = ()
) -> None:
    """Show the answers to a few records, with distribution and votes where there are any.

    ``deciding`` says for each record, by program, what decided its vote.
    """
    rows = table("label", "probability", "version", texts=("source", "record"))
    for record, outcome, decided in zip(records, outcomes, deciding or [{}] * len(records), strict=True):
        text = Text(shown(record, _RECORD_WIDTH))
        if isinstance(outcome, Failure):
            rows.add_row(Text("error", "red"), "", "", outcome.reason, Text(shown(outcome.message)))
            continue
        rows.add_row(*_labeling_cells(outcome), text)
        if outcome.distribution:
            shares = ", ".join(f"{shown(name)} {share:.3f}" for name, share in outcome.distribution.items())
            rows.add_row("", "", "", "", Text(f"  {shares}"))
        for program, vote in outcome.votes.items():
            said = shown(f" {outcome.messages[program]}", _SAID_WIDTH) if program in outcome.messages else ""
            rows.add_row("", "", "", "", Text(f"  {program}: ").append(vote_text(vote)).append(said))
            if vote is not None and decided.get(program):
                rows.add_row("", "", "", "", Text(f"    {shown(decided[program], _SAID_WIDTH)}", "dim"))
    screen.show(rows)


def vote_text(vote: ProgramVote) -> Text:
    """Return a vote as it is shown: the label, a dash for an abstention, or the error's code."""
    match vote:
        case None:
            return Text("-", "dim")
        case VoteError():
            return Text(VOTE_ERROR_PREFIX + vote.name, "red")
        case _:
            return Text(shown(vote))


def show_run(screen: Screen, counts: RunCounts, output: str, seconds: float) -> None:
    """Say what a run did, on standard error, so that rows may go to standard output."""
    fresh = counts.rows - counts.resumed
    speed = f", {fresh / seconds:,.0f} rows/s" if fresh and seconds > 0 else ""
    screen.note(f"{counts.rows:,} rows in {output} ({counts.resumed:,} were there before{speed})", "bold")
    screen.note(f"  {counts.labeled:,} labeled, {counts.abstained:,} abstained, {counts.failed:,} failed", "")
    for label, count in counts.labels.most_common():
        screen.note(f"  {count:>9,} {shown(label)}", "")
    for failure in counts.failures:
        screen.note(f"  {shown(failure)}", "red")
    if counts.failed > len(counts.failures):
        screen.note(f"  and {counts.failed - len(counts.failures):,} more: see the column error", "red")


def show_escalation(screen: Screen, result: EscalationResult) -> None:
    """Say what the model was asked, what came of it, and what it cost, over all runs with the output."""
    totals = result.totals
    none = f"; for {totals.unlabeled:,} it named no label" if totals.unlabeled else ""
    screen.note(f"{totals.asked:,} rows were labeled by {shown(result.model)}, the least sure ones", "bold")
    screen.note(f"  {totals.changed:,} got another label than the programs'{none}", "")
    cost = f"{totals.tokens_in + totals.tokens_out:,} tokens"
    screen.note(f"  cost: {cost}{'' if result.dollars is None else f' (${result.dollars:.4f})'}", "")
    before, after = result.errors
    estimate = "an estimate, by each label's probability"
    screen.note(f"  wrong or missing labels: about {before:,.0f} before, {after:,.0f} now ({estimate})", "")
    for kind, count in result.unanswered.items():
        screen.note(f"  {count:,} rows got no answer ({kind}): the programs' labels stay", "red")
    if result.stopped:
        screen.note(f"  stopped: {shown(result.stopped)}", "yellow")
    if result.left:
        how = "the same command goes on, with a larger budget where that ran out"
        screen.note(f"  {result.left:,} rows are left to send; {how}", "yellow")


def _labeling_cells(answer: Labeling) -> tuple[Text, str, str, str]:
    label = Text("abstained", "dim") if answer.label is None else Text(shown(answer.label), "bold")
    if failure_of(answer):
        label = Text("failed", "red")
    version = str(answer.version) if answer.version else "-"
    return label, f"{answer.probability:.3f}", version, answer.source + (" degraded" if answer.degraded else "")
