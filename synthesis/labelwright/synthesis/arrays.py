"""The arrays that synthesis calculates with, named for what they hold."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.int64]
"""One label's index a row; negative where there is none."""
Votes = npt.NDArray[np.int64]
"""Rows x programs: a label's index, or a negative number where there is no vote."""
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
"""One truth value a row."""

HIDDEN = -1000
"""A vote that may not be looked at, as the row stood in the program's own prompt: neither a vote nor a silence."""
