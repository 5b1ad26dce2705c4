"""Runs that begin where programs are written already: with a bundle of the test's own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from labelwright.client import Registry, RunClient, Version
from labelwright.core.bundle import open_bundle
from labelwright.core.record import pack
from labelwright.core.run import Run, RunState
from labelwright.core.wire.messages import bundle_to_message
from labelwright.worker.runs.recent_records import SAMPLE_FILE
from labelwright.worker.steps.writing import BUNDLE_FILE, LESSON_FILE

from tests.worker.recorded_llm import RECORDS
from tests.worker.waiting import refresh


def hand_over(
    runs: RunClient,
    base: Version,
    files: Mapping[str, bytes],
    texts: Sequence[str] = RECORDS,
    *,
    unseen: Sequence[int] = (),
) -> Run:
    """Return a run in SYNTHESIZED that nobody holds, with this bundle. No worker may be running."""
    bundle, findings = open_bundle(files.items())
    assert bundle is not None, findings
    opened = refresh(runs, base.task)
    claimed = runs.claim("by hand", 600)
    assert claimed is not None
    run, lease = claimed
    assert run.id == opened.id
    runs.put_file(run.id, lease, SAMPLE_FILE, "".join(f"{pack((text,), 1 << 20)}\n" for text in texts).encode())
    runs.advance(run.id, lease, RunState.TRIGGERED, RunState.SAMPLED, "by hand", base_version=base.number)
    lesson = {"unseen_gold": list(unseen), "direct_labels": 0}
    runs.put_file(run.id, lease, LESSON_FILE, json.dumps(lesson).encode())
    runs.put_file(run.id, lease, BUNDLE_FILE, bundle_to_message(bundle).SerializeToString())
    runs.advance(run.id, lease, RunState.SAMPLED, RunState.SYNTHESIZED, "by hand")
    runs.renew(run.id, lease, 0)
    return runs.get(run.id)


def production(registry: Registry, task: str) -> int:
    """Return the production version."""
    return registry.version(task)[0].number


def aliases(registry: Registry, task: str) -> dict[str, int]:
    """Return the task's aliases."""
    return {alias.name: alias.version for alias in registry.aliases(task)}
