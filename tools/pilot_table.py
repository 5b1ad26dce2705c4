"""Puts the reports of several pilots into one table: ``python tools/pilot_table.py REPORT_DIR…`` prints Markdown."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from labelwright.synthesis.pilot.report import PilotReport, ReportedLabeling
from labelwright.synthesis.statistics.evaluation import PairedComparison

QUALITY = (
    "| set | seed | version | best program of the LLM | commonest label | direct, same model | version less direct, "
    "same rows | direct, calibrated on gold | TF-IDF + regression |"
)
COST = "| set | seed | asked | kept | served | dropped | tokens | direct, tokens a record | ratio at 1 million |"


def main() -> int:
    """Print both tables."""
    reports = [
        PilotReport.model_validate_json((Path(folder) / "report.json").read_text(encoding="utf-8"))
        for folder in sys.argv[1:]
    ]
    for head, row in ((QUALITY, quality), (COST, cost)):
        lines = [head, "|---" * (head.count("|") - 1) + "|", *(f"| {' | '.join(row(report))} |" for report in reports)]
        sys.stdout.write("\n".join(lines) + "\n\n")
    return 0


def quality(report: PilotReport) -> list[str]:
    """Return accuracy with its interval for each way of labeling, and the F1 of spam where there is such a label."""
    written = [item for item in report.programs if not item.name.startswith("student")]
    best = max(written, key=lambda item: item.accuracy_over_all, default=None)
    direct = report.direct
    return [
        report.task,
        str(report.seed),
        f"**{figure(report.ensemble)}**, {report.ensemble.coverage:.0%} covered",
        f"{best.accuracy_over_all:.3f} ({best.coverage:.0%} covered)" if best else "none",
        f"{report.majority.accuracy:.3f}",
        f"{figure(direct)}, {direct.rows} rows" if direct else "none",
        difference(direct.ensemble_minus_this) if direct and direct.ensemble_minus_this else "none",
        figure(report.direct_calibrated),
        figure(report.baseline),
    ]


def cost(report: PilotReport) -> list[str]:
    """Return what was asked, kept and dropped, and what it took."""
    reasons = Counter(item.reason.partition(":")[0].replace("_", " ") for item in report.dropped)
    money = report.cost
    return [
        report.task,
        str(report.seed),
        str(report.programs_asked),
        str(report.programs_kept),
        str(sum(item.serves for item in report.programs)),
        ", ".join(f"{count} {reason}" for reason, count in reasons.items()) or "none",
        f"{money.synthesis.tokens:,}",
        f"{money.direct_per_record.tokens or 0:.0f}",
        f"{money.ratio_tokens or 0:,.0f}",
    ]


def figure(measured: ReportedLabeling | None) -> str:
    """Return "accuracy [low, high]", and the F1 of spam behind it; "none" where it was not measured."""
    if measured is None:
        return "none"
    low, high = measured.interval
    spam = measured.f1.get("spam")
    return f"{measured.accuracy:.3f} [{low:.3f}, {high:.3f}]" + (f", F1 {spam.f1:.3f}" if spam else "")


def difference(paired: PairedComparison) -> str:
    """Return "+difference [low, high]"."""
    low, high = paired.interval
    return f"{paired.difference:+.3f} [{low:+.3f}, {high:+.3f}]"


if __name__ == "__main__":
    sys.exit(main())
