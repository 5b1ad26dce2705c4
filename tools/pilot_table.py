"""Puts the reports of several pilots into one table: ``python tools/pilot_table.py REPORT_DIR…`` prints Markdown."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

Report = dict[str, Any]
QUALITY = (
    "| set | seed | version | best program of the LLM | commonest label | direct, same model | version less direct, "
    "same rows | direct, calibrated on gold | TF-IDF + regression |"
)
COST = "| set | seed | asked | kept | served | dropped | tokens | direct, tokens a record | ratio at 1 million |"


def main() -> int:
    """Print both tables."""
    reports = [json.loads((Path(folder) / "report.json").read_text(encoding="utf-8")) for folder in sys.argv[1:]]
    for head, row in ((QUALITY, quality), (COST, cost)):
        lines = [head, "|---" * (head.count("|") - 1) + "|", *(f"| {' | '.join(row(report))} |" for report in reports)]
        sys.stdout.write("\n".join(lines) + "\n\n")
    return 0


def quality(report: Report) -> list[str]:
    """Return accuracy with its interval for each way of labeling, and the F1 of spam where there is such a label."""
    written = [item for item in report["programs"] if not item["name"].startswith("student")]
    best = max(written, key=lambda item: item["accuracy_over_all"] or 0, default=None)
    single = f"{best['accuracy_over_all']:.3f} ({best['coverage']:.0%} covered)" if best else "none"
    names = ("ensemble", "majority", "direct", "direct_calibrated", "baseline")
    version, majority, direct, calibrated, baseline = (report[name] for name in names)
    return [
        report["task"],
        str(report["seed"]),
        f"**{figure(version)}**, {version['coverage']:.0%} covered",
        single,
        f"{majority['accuracy']:.3f}",
        f"{figure(direct)}, {direct['rows']} rows",
        difference(direct["ensemble_minus_this"]),
        figure(calibrated),
        figure(baseline),
    ]


def cost(report: Report) -> list[str]:
    """Return what was asked, kept and dropped, and what it took."""
    reasons = Counter(item["reason"].partition(":")[0].replace("_", " ") for item in report["dropped"])
    money = report["cost"]
    return [
        report["task"],
        str(report["seed"]),
        str(report["programs_asked"]),
        str(report["programs_kept"]),
        str(sum(item["serves"] for item in report["programs"])),
        ", ".join(f"{count} {reason}" for reason, count in reasons.items()) or "none",
        f"{money['synthesis']['tokens']:,}",
        f"{money['direct_per_record']['tokens']:.0f}",
        f"{money['ratio_tokens']:,.0f}",
    ]


def figure(measured: Report) -> str:
    """Return "accuracy [low, high]", and the F1 of spam behind it."""
    low, high = measured["interval"]
    spam = measured["f1"].get("spam")
    return f"{measured['accuracy']:.3f} [{low:.3f}, {high:.3f}]" + (f", F1 {spam['f1']:.3f}" if spam else "")


def difference(paired: Report) -> str:
    """Return "+difference [low, high]"."""
    low, high = paired["interval"]
    return f"{paired['difference']:+.3f} [{low:+.3f}, {high:+.3f}]"


if __name__ == "__main__":
    sys.exit(main())
