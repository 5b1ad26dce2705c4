"""The two bands of a scorer, clear answers and close ones: to the label model they are different evidence."""

from __future__ import annotations

import numpy as np
from labelwright.core.vote import ABSTAIN
from labelwright.synthesis.arrays import Floats, Labels, Votes

POINTS = 100
"""Points per unit of log-odds: 100 points make a label e (2.7) times as likely."""
_CLEAR_SHARES = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
"""Quantiles of the margin that are tried in turn: the clear band holds 80% to 20% of the gold rows, so neither band is
judged by a handful. The last is taken where none halves the error.
"""


def band_votes(scores: Floats, clear: int) -> Votes:
    """Return the votes of the two programs, clear and close: rows x 2.

    ``scores`` is rows x labels, ``clear`` the margin from which on an answer is clear.
    """
    margin = _margins(scores)
    best = scores.argmax(axis=1)
    is_clear = np.where(margin >= clear, best, ABSTAIN)
    is_close = np.where((margin >= 1) & (margin < clear), best, ABSTAIN)
    return np.stack([is_clear, is_close], axis=1).astype(np.int64)


def clear_margin(unseen: Floats, gold: Labels) -> int:
    """Return the least margin tried, in points, from which on the error is half of what it is overall or less.

    ``unseen`` is repeats x gold rows x labels.
    """
    margins = np.concatenate([_margins(scores) for scores in unseen])
    right = (unseen.argmax(axis=2) == gold).ravel()
    margin = 0.0
    for share in _CLEAR_SHARES:
        margin = float(np.quantile(margins, share))
        if 1 - right[margins >= margin].mean() <= (1 - right.mean()) / 2:
            break
    return max(1, round(margin))


def _margins(scores: Floats) -> Floats:
    ordered = np.sort(scores, axis=1)
    return np.asarray(ordered[:, -1] - ordered[:, -2], dtype=np.float64)
