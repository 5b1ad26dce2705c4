"""The way of a run: in each open state, the step that is taken next."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from assay.core.run import RunState
from assay.worker.candidate import push_candidate
from assay.worker.deciding import decide_on_candidate
from assay.worker.held import Held
from assay.worker.outcome import Outcome
from assay.worker.parts import Parts
from assay.worker.promoting import promote
from assay.worker.sampling import take_sample
from assay.worker.watching import watch
from assay.worker.writing import write_programs

Step = Callable[[Parts, Held], Outcome]
"""Takes a run one step further. A step that is taken again, after a kill at any point of it, does no more harm than the
first time, and what it paid for is not paid for again.
"""

STEPS: Mapping[RunState, Step] = {
    RunState.TRIGGERED: take_sample,
    RunState.SAMPLED: write_programs,
    RunState.SYNTHESIZED: push_candidate,
    RunState.SHADOWING: decide_on_candidate,
    RunState.APPROVED: promote,
    RunState.PROMOTED: watch,
}
