"""The second step: the LLM writes programs, and a bundle is made of them and of those that are there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labelwright.core.bundle import Bundle
from labelwright.core.errors import InvalidBundle
from labelwright.core.record import unpack
from labelwright.core.run import Run, RunState
from labelwright.core.wire.messages import bundle_from_message, bundle_to_message
from labelwright.synthesis.combining.version import VersionOptions
from labelwright.synthesis.rows import Rows
from labelwright.synthesis.writing.round import WritingOptions
from labelwright.v1 import registry_service_pb2
from labelwright.worker.runs.held import Held
from labelwright.worker.runs.outcome import Advance
from labelwright.worker.runs.parts import Parts
from labelwright.worker.runs.production import moved_meanwhile
from labelwright.worker.runs.recent_records import SAMPLE_FILE, kept_records

if TYPE_CHECKING:
    from labelwright.synthesis.app import SynthesisResult

BUNDLE_FILE = "bundle/bundle.binpb"
"""One file, a Bundle message, so that it is there whole or not at all."""
LESSON_FILE = "bundle/lesson.json"


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is known of how a candidate was made: ``unseen_gold`` is what it says of each gold row that was held back
    from it (a label's index, -1 for none), ``direct_labels`` how many records the LLM labeled itself.
    """

    unseen_gold: tuple[int, ...]
    direct_labels: int


def write_programs(parts: Parts, held: Held) -> Advance:
    """Have the programs written, and keep the bundle as a file of the run."""
    run = held.run
    if cancelled := moved_meanwhile(parts.registry, run):
        return cancelled
    base = parts.registry.download(run.task, version=run.base_version).bundle
    packed = kept_records(held, SAMPLE_FILE) or []
    tokens = parts.tokens_left(base.task.refresh, run)
    written = _write(parts, held, base, packed, tokens)
    ensemble = written.version.ensemble
    if why := _nothing_new(written):
        return Advance(RunState.FAILED, why, _facts(written, base))
    labels = len(base.task.label_names)
    unseen = ensemble.unseen_labels(labels, _seed(run)).tolist() if base.gold else []
    lesson = {"unseen_gold": unseen, "direct_labels": parts.asking.direct_labels}
    held.put(LESSON_FILE, json.dumps(lesson).encode())
    held.put(BUNDLE_FILE, bundle_to_message(written.version.bundle).SerializeToString(deterministic=True))
    return Advance(RunState.SYNTHESIZED, _told(written, base), _facts(written, base))


def kept_bundle(held: Held) -> Bundle:
    """Return the bundle that was made. Raises InvalidBundle where there is none."""
    content = held.get(BUNDLE_FILE)
    if content is None:
        raise InvalidBundle("the bundle that the run made is not there any more")
    return bundle_from_message(registry_service_pb2.Bundle.FromString(content))[0]


def kept_lesson(held: Held) -> Lesson:
    """Return how the candidate was made."""
    found = json.loads(held.get(LESSON_FILE) or b"{}")
    return Lesson(tuple(found.get("unseen_gold", ())), found.get("direct_labels", 0))


def _write(parts: Parts, held: Held, base: Bundle, packed: Sequence[str], tokens: int) -> SynthesisResult:
    from labelwright.synthesis.app import run_synthesis  # see llm.py

    asking, seed = parts.asking, _seed(held.run)
    return run_synthesis(
        Rows(base.task, [unpack(base.task, line) for line in packed], base.gold),
        parts.llm.open(held, tokens),
        parts.sandbox,
        WritingOptions(asking.programs, asking.strategies, seed, prefix=f"r{held.run.id}_"),
        VersionOptions(asking.direct_labels, asking.direct_examples, seed=seed),
        lambda _item, _asked: held.check(),
        lambda _name, _share: held.check(),
        earlier_programs=base.programs,
    )


def _seed(run: Run) -> int:
    """Return the seed of all that is drawn: the same each time the run is taken up, another for each run."""
    return run.id


def _nothing_new(written: SynthesisResult) -> str:
    """Return why the LLM added nothing to what there was, empty where it did."""
    synthesis = written.synthesis
    # A student that learned from the LLM's own labels is new; one that had to do without them is not worth a version.
    if synthesis.kept or (written.version.ensemble.student is not None and not synthesis.stopped):
        return ""
    reasons = ", ".join(f"{count} {reason}" for reason, count in synthesis.reasons.items())
    return f"The LLM wrote no program that can be used: {synthesis.stopped or reasons or 'none was asked for'}."


def _told(written: SynthesisResult, base: Bundle) -> str:
    made, old = len(written.version.bundle.programs), len(_of_production(written, base))
    early = f" It ended early: {written.synthesis.stopped}." if written.synthesis.stopped else ""
    return f"A version of {made} programs is made: {made - old} new, {old} of production's {len(base.programs)}.{early}"


def _of_production(written: SynthesisResult, base: Bundle) -> list[str]:
    """Return the names of production's programs that are in the new version as they were."""
    return [program.name for program in base.programs if program in written.version.bundle.programs]


def _facts(written: SynthesisResult, base: Bundle) -> dict[str, Any]:
    spent = written.synthesis.ledger.spent()
    return {
        "programs": list(written.version.bundle.program_names),
        "of_production": _of_production(written, base),
        "written": len(written.synthesis.kept),
        "dropped": written.synthesis.reasons,
        "stopped": written.synthesis.stopped,
        "direct_labels_stopped": written.version.stopped,
        "student": written.version.ensemble.student is not None,
        "calls": spent.calls,
        "tokens": spent.tokens_in + spent.tokens_out,
    }
