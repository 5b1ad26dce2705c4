"""Two bands of one scorer: clear answers and close ones, so that the label model sees them as different evidence."""

from __future__ import annotations

import numpy as np
from labelwright.core.vote import ABSTAIN
from labelwright.synthesis.statistics.label_models import Floats, Labels, Votes

POINTS = 100
"""Points per unit of log-odds: 100 points make a label e (2.7) times as likely."""


def band_votes(scores: Floats, clear: int) -> Votes:
    """Return what the two programs, clear and close, say: rows x 2. ``scores`` is rows x labels, ``clear`` a margin."""
    margin = _margins(scores)
    best = scores.argmax(axis=1)
    is_clear = np.where(margin >= clear, best, ABSTAIN)
    is_close = np.where((margin >= 1) & (margin < clear), best, ABSTAIN)
    return np.stack([is_clear, is_close], axis=1).astype(np.int64)


def clear_margin(unseen: Floats, gold: Labels) -> int:
    """Return the least margin, in points, from which on the error is half of what it is overall or less.

    ``unseen`` is repeats x gold rows x labels. At least a fifth of the gold rows are clear, and a fifth are not.
    """
    margins = np.concatenate([_margins(scores) for scores in unseen])
    right = (unseen.argmax(axis=2) == gold).ravel()
    for share in (0.2, 0.3, 0.4, 0.5, 0.6, 0.7):
        margin = np.quantile(margins, share)
        if 1 - right[margins >= margin].mean() <= (1 - right.mean()) / 2:
            return max(1, round(float(margin)))
    return max(1, round(float(np.quantile(margins, 0.8))))


def _margins(scores: Floats) -> Floats:
    ordered = np.sort(scores, axis=1)
    return np.asarray(ordered[:, -1] - ordered[:, -2], dtype=np.float64)
