"""The second step: the LLM writes programs, and a bundle is made of them and of production's programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labelwright.core.bundle import Bundle, Program
from labelwright.core.errors import InvalidBundle
from labelwright.core.origin import BY_HAND, authors
from labelwright.core.record import unpack
from labelwright.core.run import Run, RunState
from labelwright.core.wire.messages import bundle_from_message, bundle_to_message
from labelwright.synthesis.combining.version import VersionOptions
from labelwright.synthesis.learning.sources import LEARNED_NAMES
from labelwright.synthesis.rows import Rows
from labelwright.synthesis.writing.round import WritingOptions
from labelwright.v1 import registry_service_pb2
from labelwright.worker.runs.lease import RunLease
from labelwright.worker.runs.outcome import Advance
from labelwright.worker.runs.parts import RunParts
from labelwright.worker.runs.production import moved_meanwhile
from labelwright.worker.runs.recent_records import SAMPLE_FILE, kept_records

if TYPE_CHECKING:
    from labelwright.synthesis.combining.run import SynthesisResult

BUNDLE_FILE = "bundle/bundle.binpb"
"""One file, a Bundle message, so that it exists whole or not at all."""
LESSON_FILE = "bundle/lesson.json"


@dataclass(frozen=True, slots=True)
class Lesson:
    """How a candidate was made.

    ``unseen_gold`` are its labels of gold rows that were held back from it (indices, -1 for none), ``direct_labels`` is
    how many records the LLM labeled itself.
    """

    unseen_gold: tuple[int, ...]
    direct_labels: int


def write_programs(parts: RunParts, lease: RunLease) -> Advance:
    """Have programs written, and keep the bundle as a file of the run."""
    run = lease.run
    if cancelled := moved_meanwhile(parts.registry, run):
        return cancelled
    base = parts.registry.download(run.task, version=run.base_version).bundle
    packed = kept_records(lease, SAMPLE_FILE) or []
    tokens = parts.tokens_left(base.task.refresh, run)
    result = _write(parts, lease, base, packed, tokens)
    ensemble = result.version.ensemble
    if why := _nothing_new(result, base):
        return Advance(RunState.FAILED, why, _facts(result, base))
    labels = len(base.task.label_names)
    unseen = ensemble.unseen_labels(labels, _seed(run)).tolist() if base.gold else []
    lesson = {"unseen_gold": unseen, "direct_labels": parts.asking.direct_labels}
    lease.put(LESSON_FILE, json.dumps(lesson).encode())
    lease.put(BUNDLE_FILE, bundle_to_message(result.version.bundle).SerializeToString(deterministic=True))
    return Advance(RunState.SYNTHESIZED, _summary(result, base), _facts(result, base))


def kept_bundle(lease: RunLease) -> Bundle:
    """Return the bundle that was made. Raises InvalidBundle where there is none."""
    content = lease.get(BUNDLE_FILE)
    if content is None:
        raise InvalidBundle("the bundle that the run made is not there any more")
    return bundle_from_message(registry_service_pb2.Bundle.FromString(content))[0]


def kept_lesson(lease: RunLease) -> Lesson:
    """Return how the candidate was made."""
    lesson = json.loads(lease.get(LESSON_FILE) or b"{}")
    return Lesson(tuple(lesson.get("unseen_gold", ())), lesson.get("direct_labels", 0))


def _write(parts: RunParts, lease: RunLease, base: Bundle, packed: Sequence[str], tokens: int) -> SynthesisResult:
    from labelwright.synthesis.combining.run import run_synthesis  # imported late, as in runs/llm.py

    asking, seed = parts.asking, _seed(lease.run)
    return run_synthesis(
        Rows(base.task, [unpack(base.task, line) for line in packed], base.gold),
        parts.llm.open(lease, tokens),
        parts.sandbox,
        WritingOptions(
            asking.programs,
            asking.strategies,
            seed,
            prefix=f"r{lease.run.id}_",
            author=asking.author,
            # People may have corrected it: what they say about the labels holds for new programs too.
            guide=base.guide,
        ),
        VersionOptions(asking.direct_labels, asking.direct_examples, seed=seed),
        lambda _item, _asked: lease.check(),
        lambda _name, _share: lease.check(),
        lambda _words: lease.check(),
        earlier=base,
        # Where people wrote all programs there is nothing that a model may revise: it writes others beside them.
        revises=any(author != BY_HAND for name, author in authors(base).items() if name not in LEARNED_NAMES),
    )


def _seed(run: Run) -> int:
    """Return the seed of all random draws: the same each time the run is resumed, a different one for each run."""
    return run.id


def _nothing_new(result: SynthesisResult, base: Bundle) -> str:
    """Return why the LLM added nothing to production's programs, empty where it did."""
    synthesis = result.synthesis
    # A student that learned from the LLM's own labels is new; one without them is not worth a version.
    if _written(result, base) or (result.version.ensemble.student is not None and not synthesis.stopped):
        return ""
    reasons = ", ".join(f"{count} {reason}" for reason, count in synthesis.reasons.items())
    return f"The LLM wrote no program that can be used: {synthesis.stopped or reasons or 'none was asked for'}."


def _written(result: SynthesisResult, base: Bundle) -> list[Program]:
    """Return the programs that the LLM wrote or changed."""
    return [program for program in result.synthesis.programs if program not in base.programs]


def _summary(result: SynthesisResult, base: Bundle) -> str:
    total, old = len(result.version.bundle.programs), len(_of_production(result, base))
    early = f" It ended early: {result.synthesis.stopped}." if result.synthesis.stopped else ""
    origin = f"{total - old} new, {old} of production's {len(base.programs)}"
    return f"A version of {total} programs is made: {origin}.{early}"


def _of_production(result: SynthesisResult, base: Bundle) -> list[str]:
    """Return the names of production's programs that are unchanged in the new version."""
    return [program.name for program in base.programs if program in result.version.bundle.programs]


def _facts(result: SynthesisResult, base: Bundle) -> dict[str, Any]:
    cost = result.synthesis.ledger.spent()
    return {
        "programs": list(result.version.bundle.program_names),
        "of_production": _of_production(result, base),
        "written": len(_written(result, base)),
        "dropped": result.synthesis.reasons,
        "stopped": result.synthesis.stopped,
        "direct_labels_stopped": result.version.stopped,
        "student": result.version.ensemble.student is not None,
        "calls": cost.calls,
        "tokens": cost.tokens_in + cost.tokens_out,
    }
