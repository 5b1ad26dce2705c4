"""What versions of a capable model are worth on rows that it was shown and on rows that it was not.

``python tools/shown_and_unseen.py GOLD TEST BUNDLE…`` prints a Markdown table: the majority's accuracy on gold rows
that stood in prompts, on the others, on the records that the model labeled to measure by, and on test rows; and the
expected calibration error on test rows of vote shares, of a label model fitted to unseen gold alone, and to judged
records too.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from labelwright.client.messages.registry import open_folder
from labelwright.core.bundle import Bundle
from labelwright.core.origin import origins
from labelwright.sandbox import Sandbox
from labelwright.synthesis.app import read_gold
from labelwright.synthesis.arrays import Labels, Votes
from labelwright.synthesis.combining.authored import fit_authored
from labelwright.synthesis.combining.fitting import judged_rows
from labelwright.synthesis.combining.written import gold_keys
from labelwright.synthesis.rows import Rows, labels_of, records_of
from labelwright.synthesis.statistics.label_models import Fit, decide, fit_majority
from labelwright.synthesis.statistics.reliability import calibration_error, reliability
from labelwright.synthesis.writing.voting import cast_votes

HEAD = (
    "| version | shown gold | unseen gold | judged | test | error of shares | by unseen gold | by judged records too |"
)


def main() -> int:
    """Print the table."""
    gold, test, *folders = map(Path, sys.argv[1:])
    lines = [HEAD, "|---" * (HEAD.count("|") - 1) + "|"]
    with Sandbox() as sandbox:
        for folder in folders:
            cells = row(sandbox, open_folder(folder), gold, test)
            lines.append(f"| {folder} | {' | '.join(cells)} |")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def row(sandbox: Sandbox, bundle: Bundle, gold_file: Path, test_file: Path) -> list[str]:
    """Return one version's figures."""
    task, programs = bundle.task, bundle.programs
    gold, test, judged = read_gold(task, gold_file), read_gold(task, test_file), judged_rows(bundle)
    seen = frozenset().union(*(origin.seen_gold for origin in origins(bundle).values()))
    is_shown = np.array([key in seen for key in gold_keys(Rows(task, (), gold))], dtype=bool)
    on_gold, on_judged, on_test = (
        np.maximum(cast_votes(sandbox, task, programs, records_of(rows)), -1) for rows in (gold, judged, test)
    )
    truth, judged_truth, test_truth = labels_of(gold), labels_of(judged), labels_of(test)
    prior = (np.bincount(truth, minlength=len(task.labels)) + 1.0) / (len(truth) + len(task.labels))
    held_votes, held_truth = on_gold[~is_shown], truth[~is_shown]
    all_votes, all_truth = np.vstack([held_votes, on_judged]), np.concatenate([held_truth, judged_truth])
    fits = [
        fit_majority(),
        fit_authored(held_votes, held_truth, prior, seed=0)[0][0],
        fit_authored(all_votes, all_truth, prior, seed=0)[0][0],
    ]
    return [
        accuracy(on_gold[is_shown], truth[is_shown], len(prior)),
        accuracy(held_votes, held_truth, len(prior)),
        accuracy(on_judged, judged_truth, len(prior)),
        accuracy(on_test, test_truth, len(prior)),
        *(f"{error_of_probabilities(fit, on_test, test_truth, len(prior)):.3f}" for fit in fits),
    ]


def accuracy(votes: Votes, truth: Labels, label_count: int) -> str:
    """Return how often the majority is right, with the number of rows."""
    labels, _ = decide(fit_majority(), votes, label_count)
    return f"{(labels == truth).mean():.3f} of {len(truth)}" if len(truth) else ""


def error_of_probabilities(fit: Fit, votes: Votes, truth: Labels, label_count: int) -> float:
    """Return the expected calibration error over ten bins of equal width, of the rows that got a label."""
    labels, probabilities = decide(fit, votes, label_count)
    labeled = labels >= 0
    return calibration_error(reliability((labels == truth)[labeled], probabilities[labeled]))


if __name__ == "__main__":
    sys.exit(main())
