"""Runs the label models that ours are compared with, and writes down what they say.

They are heavy (snorkel needs PyTorch), so they live in an environment of their own, and the tests read what is
written here. To write it again:

    python -m venv oracles && oracles/bin/pip install crowd-kit==1.4.2 snorkel==0.10.0
    oracles/bin/pip install --no-deps flyingsquid==0.0.0a0 pgmpy==0.1.19
    oracles/bin/pip install "setuptools<80" networkx statsmodels
    oracles/bin/python tests/synthesis/statistics/oracles/record.py
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

# FlyingSquid is older than NumPy 2, which no longer has this name.
np.product = np.prod

from crowdkit.aggregation import DawidSkene, MajorityVote  # noqa: E402
from flyingsquid.label_model import LabelModel as FlyingSquid  # noqa: E402
from snorkel.labeling.model import LabelModel as Snorkel  # noqa: E402

RECORDS, PROGRAMS = 400, 6


def random_votes(seed: int, labels: int, coverage: tuple[float, float] = (0.25, 0.8)) -> np.ndarray:
    """Programs of differing accuracy, coverage and bias; some records without any vote."""
    generator = np.random.default_rng(seed)
    truth = generator.choice(labels, size=RECORDS, p=generator.dirichlet(np.full(labels, 8.0)))
    votes = np.full((RECORDS, PROGRAMS), -1)
    for program in range(PROGRAMS):
        confusion = generator.dirichlet(np.ones(labels), size=labels) * 0.45 + 0.55 * np.eye(labels)
        said = np.array([generator.choice(labels, p=confusion[label]) for label in truth])
        covered = generator.random(RECORDS) < generator.uniform(*coverage)
        votes[covered, program] = said[covered]
    return votes


def crowdkit_says(votes: np.ndarray, labels: int) -> dict[str, Any]:
    """Dawid-Skene's posteriors, null where there is no vote, and majority vote's label shares."""
    rows, columns = np.nonzero(votes >= 0)
    answers = pd.DataFrame({"task": rows, "worker": columns, "label": votes[rows, columns]})
    # A tolerance below zero: all rounds are run, though rounding makes the bound fall by a hair on the way.
    fitted = DawidSkene(n_iter=300, tol=-1.0).fit(answers)
    shares = MajorityVote().fit(answers).probas_
    return {
        "dawid_skene": _by_record(fitted.probas_, labels),
        "majority_shares": _by_record(shares, labels),
    }


def snorkel_says(votes: np.ndarray, labels: int) -> dict[str, Any]:
    """What it learned, P(vote | label), and the posteriors that it draws from it."""
    model = Snorkel(cardinality=labels, verbose=False)
    model.fit(votes, n_epochs=300, seed=0, log_freq=1000, progress_bar=False)
    return {
        "likelihood": model.get_conditional_probs()[:, 1:, :].tolist(),
        "prior": np.asarray(model.p).tolist(),
        "posteriors": model.predict_proba(votes).tolist(),
    }


def flyingsquid_says(votes: np.ndarray) -> list[float]:
    """P(program votes and is right), from the median over triplets."""
    signed = np.where(votes < 0, 0, 2 * votes - 1)
    model = FlyingSquid(PROGRAMS)
    model.fit(signed, class_balance=np.array([0.5, 0.5]), solve_method="triplet_median")
    return [float(value) for value in model.estimated_accuracies()]


def _by_record(frame: pd.DataFrame, labels: int) -> list[list[float] | None]:
    full = frame.reindex(index=range(RECORDS), columns=range(labels))
    return [None if row.isna().all() else row.fillna(0).tolist() for _, row in full.iterrows()]


def main() -> None:
    """Write says.json beside this file."""
    logging.disable(logging.INFO)
    cases = []
    for seed, labels in ((0, 2), (1, 2), (2, 3), (3, 4)):
        votes = random_votes(seed, labels)
        case: dict[str, Any] = {"labels": labels, "votes": votes.tolist()}
        case["crowdkit"] = crowdkit_says(votes, labels)
        case["snorkel"] = snorkel_says(votes, labels)
        if labels == 2:
            case["flyingsquid"] = flyingsquid_says(votes)
            everywhere = random_votes(seed, labels, coverage=(1.0, 1.0))
            case["full_votes"] = everywhere.tolist()
            case["flyingsquid_full"] = flyingsquid_says(everywhere)
        cases.append(case)
    rounded = json.loads(json.dumps(cases), parse_float=lambda text: round(float(text), 9))
    Path(__file__).with_name("says.json").write_text(json.dumps(rounded, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
