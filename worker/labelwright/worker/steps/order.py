"""The course of a run: the next step in each open state."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from labelwright.core.run import RunState
from labelwright.worker.runs.lease import RunLease
from labelwright.worker.runs.outcome import StepOutcome
from labelwright.worker.runs.parts import RunParts
from labelwright.worker.steps.candidate import push_candidate
from labelwright.worker.steps.deciding import decide_on_candidate
from labelwright.worker.steps.promoting import promote
from labelwright.worker.steps.sampling import take_sample
from labelwright.worker.steps.watching import watch
from labelwright.worker.steps.writing import write_programs

Step = Callable[[RunParts, RunLease], StepOutcome]
"""Takes a run one step further. A step that is repeated after a kill, at whatever point, has the same effect as if it
were taken once, and pays for nothing twice.
"""

STEPS: Mapping[RunState, Step] = {
    RunState.TRIGGERED: take_sample,
    RunState.SAMPLED: write_programs,
    RunState.SYNTHESIZED: push_candidate,
    RunState.SHADOWING: decide_on_candidate,
    RunState.APPROVED: promote,
    RunState.PROMOTED: watch,
}
