"""What ``labelwright synth`` shows: the programs, those dropped, and the cost beside its estimate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelwright.cli.command_name import command_name
from labelwright.cli.screen import Screen, shown
from labelwright.cli.views.reports import show_report
from labelwright.client import PushResult
from rich.table import Table

if TYPE_CHECKING:
    from labelwright.synthesis.combining.run import SynthesisResult
    from labelwright.synthesis.writing.estimate import Estimate


def show_estimate(screen: Screen, estimated: Estimate) -> None:
    """Show the estimated cost of a run."""
    if screen.json:
        screen.document({"estimate": estimated})
        return
    screen.line(
        f"about {estimated.requests:,} requests, {estimated.tokens_in:,} tokens in and {estimated.tokens_out:,} out: "
        f"{_money(estimated.dollars)}"
    )


def show_outcome(
    screen: Screen, outcome: SynthesisResult, estimated: Estimate, out: Path | None, pushed: PushResult | None
) -> None:
    """Show the programs of a run, and what they cost."""
    if screen.json:
        screen.document(_document(outcome, estimated, out, pushed))
        return
    if outcome.version.warning:
        screen.line(outcome.version.warning, "bold red")
    screen.show(_programs(outcome))
    for item in outcome.synthesis.dropped:
        screen.line(f"dropped {item.name}: {shown(item.message, 120)}", "yellow")
    for stopped in filter(None, (outcome.synthesis.stopped, outcome.version.stopped)):
        screen.line(f"ended early: {shown(stopped)}", "bold yellow")
    if outcome.version.gold_note:
        screen.line(shown(outcome.version.gold_note), "bold yellow")
    spent, worth = outcome.synthesis.ledger.spent(), outcome.synthesis.ledger.worth()
    screen.line(
        f"cost: {worth.tokens_in + worth.tokens_out:,} tokens ({_money(worth.dollars)}), "
        f"{spent.tokens_in + spent.tokens_out:,} of them paid now; "
        f"estimated: {estimated.tokens_in + estimated.tokens_out:,}"
    )
    if pushed:
        show_report(screen, pushed.report)
        state = f"{pushed.version.task}@{pushed.version.number} accepted" if pushed.version else "refused"
        screen.line(state, "bold green" if pushed.version else "bold red")
    if out:
        screen.line(f"the bundle is in {out}", "bold green")
        command = command_name()
        screen.note(f"next: read {out / 'programs'}, then {command} check {out} and {command} push {out}")


def _programs(outcome: SynthesisResult) -> Table:
    serving = {program.name for program in outcome.version.ensemble.programs}
    table = Table("program", "asked by", "votes on", "label most given", "serves")
    for item in outcome.synthesis.kept:
        shares = item.behavior.label_shares
        top = max(shares, key=lambda name: shares[name])
        table.add_row(
            item.program.name,
            item.strategy,
            f"{item.behavior.coverage:.0%}",
            f"{shown(top)} {shares[top]:.0%}",
            "yes" if item.program.name in serving else "no, adds nothing",
        )
    own = [program.name for program in outcome.version.ensemble.programs if program.name not in _written(outcome)]
    for name in own:
        table.add_row(name, "learned from the rows", "", "", "yes")
    return table


def _written(outcome: SynthesisResult) -> set[str]:
    return {item.program.name for item in outcome.synthesis.kept}


def _document(
    outcome: SynthesisResult, estimated: Estimate, out: Path | None, pushed: PushResult | None
) -> dict[str, Any]:
    synthesis = outcome.synthesis
    return {
        "programs_asked": len(synthesis.kept) + len(synthesis.dropped),
        "programs_kept": len(synthesis.kept),
        "kept": [
            {
                "name": item.program.name,
                "strategy": item.strategy,
                "behavior": item.behavior,
                "repairs": item.attempt.changes,
            }
            for item in synthesis.kept
        ],
        "dropped": [
            {"name": item.name, "strategy": item.strategy, "reason": item.reason, "message": item.message}
            for item in synthesis.dropped
        ],
        "serves": [program.name for program in outcome.version.ensemble.programs],
        "label_model": outcome.version.ensemble.choice.fit.method,
        "stopped": synthesis.stopped or outcome.version.stopped,
        "gold_note": outcome.version.gold_note,
        "warning": outcome.version.warning,
        "measured": outcome.version.ensemble.measured,
        "guide": outcome.authored.guide if outcome.authored else "",
        "plan": outcome.authored.plan if outcome.authored else (),
        "cost": synthesis.ledger.to_json(),
        "estimate": estimated,
        "digest": outcome.version.bundle.digest,
        "out": str(out) if out else None,
        "version": pushed.version if pushed else None,
        "report": pushed.report if pushed else None,
    }


def _money(dollars: float | None) -> str:
    return "price not known" if dollars is None else f"${dollars:.4f}"
