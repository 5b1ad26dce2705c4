"""How acceptance reports look to people: findings, figures, gates."""

from __future__ import annotations

from labelwright.cli.screen import Screen, shown
from labelwright.client import Finding, GateResult, GoldFigures, Reference, Report, Severity
from labelwright.core.bundle import Bundle
from labelwright.core.origin import authors
from rich.table import Table
from rich.text import Text


def show_report(screen: Screen, report: Report) -> None:
    """Show all of the report."""
    show_findings(screen, report.findings)
    if report.gold:
        show_gold(screen, report.gold)
    if report.reference:
        _show_reference(screen, report.reference)
    show_gates(screen, report.gates)


def show_findings(screen: Screen, findings: tuple[Finding, ...]) -> None:
    """Show findings, errors in red, each as file:line: code message, with the advice below."""
    for finding in findings:
        style = "red" if finding.severity is Severity.ERROR else "yellow"
        screen.line(f"{shown(str(finding))} [{finding.severity.value}]", style)
        if finding.advice:
            screen.line(f"    {shown(finding.advice)}", "dim")


def show_gold(screen: Screen, gold: GoldFigures) -> None:
    """Show the figures on the gold rows."""
    screen.line("")
    screen.line(
        f"gold: {gold.rows} rows, accuracy {gold.accuracy:.3f} (majority class {gold.majority_accuracy:.3f}), "
        f"coverage {gold.coverage:.3f}, accuracy where labeled {gold.covered_accuracy:.3f}, "
        f"macro F1 {gold.macro_f1:.3f}"
    )
    labels = table("label", "rows", "precision", "recall", "F1")
    for item in gold.labels:
        labels.add_row(
            Text(shown(item.label)), str(item.rows), f"{item.precision:.3f}", f"{item.recall:.3f}", f"{item.f1:.3f}"
        )
    screen.show(labels)
    show_programs(screen, gold)


def show_programs(screen: Screen, gold: GoldFigures) -> None:
    """Show the figures of each program and what it looks for."""
    programs = table("program", "coverage", "overlap", "conflict", "accuracy", "errors", texts=("what it looks for",))
    for item in gold.programs:
        programs.add_row(
            Text(item.program),
            f"{item.coverage:.3f}",
            *("-" if share is None else f"{share:.3f}" for share in (item.overlap, item.conflict)),
            f"{item.accuracy:.3f}",
            str(item.errors),
            Text(shown(item.description.strip().partition("\n")[0])),
        )
    screen.show(programs)


def show_authors(screen: Screen, bundle: Bundle) -> None:
    """Say who wrote which programs."""
    by_author: dict[str, list[str]] = {}
    for program, author in authors(bundle).items():
        by_author.setdefault(author, []).append(program)
    for author, programs in sorted(by_author.items()):
        screen.line(f"{shown(author)}: {', '.join(programs)}")


def show_gates(screen: Screen, gates: tuple[GateResult, ...]) -> None:
    """Show which gates hold."""
    for gate in gates:
        mark, style = ("holds", "green") if gate.passed else ("FAILS", "bold red")
        reason = shown(gate.message) or f"measured {gate.measured:.4g}, required {gate.required:.4g}"
        screen.line(f"gate {gate.gate} {mark}: {reason}", style)


def table(first: str, *figures: str, texts: tuple[str, ...] = ()) -> Table:
    """Return a plain table: the first column holds names, then figures, then texts. Nothing is cut, only folded."""
    result = Table(box=None, pad_edge=False, header_style="bold")
    result.add_column(first, overflow="fold")
    for name in figures:
        result.add_column(name, justify="right", overflow="fold")
    for name in texts:
        result.add_column(name, overflow="fold")
    return result


def _show_reference(screen: Screen, reference: Reference) -> None:
    shares = ", ".join(f"{shown(label)} {share:.1%}" for label, share in reference.label_shares.items())
    screen.line(
        f"reference: {reference.rows} rows, coverage {reference.coverage:.3f}, conflict {reference.conflict:.3f}, "
        f"errors {reference.error:.3f}; {shares}"
    )
