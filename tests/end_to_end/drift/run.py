"""Plays the scenario by hand, tells what happened, and draws it:

    python -m tests.end_to_end.drift.run                              # with the recorded replies
    python -m tests.end_to_end.drift.run http://127.0.0.1:8080/v1     # with a real model, nothing recorded

The first one writes docs/images/drift.json, what was measured, and docs/images/drift.svg, its picture.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from labelwright.core.run import RunState

from tests.end_to_end.drift.chronicle import write_chronicle
from tests.end_to_end.drift.messages import HAM, NEW_SPAM, OLD_SPAM
from tests.end_to_end.drift.recording import ASKING, REPLIES
from tests.end_to_end.drift.story import Story, play
from tests.end_to_end.drift.traffic import accuracy
from tests.parts.replayed_llm import ReplayedLlm, replayed_llm
from tests.parts.repository import ROOT

IMAGES = ROOT / "docs" / "images"
ASKING_LIVE = {"direct_labels": ASKING["direct_labels"]}
"""A real model is asked for as many programs, and in the ways, that the worker's defaults say."""


def main() -> int:
    """Play it."""
    live = sys.argv[1] if len(sys.argv) > 1 else ""
    with tempfile.TemporaryDirectory(prefix="labelwright-drift-") as name:
        folder = Path(name)
        with replayed_llm(folder / "replies.jsonl" if live else REPLIES, live) as llm:
            story = play(folder, llm, patience=1800, asking=ASKING_LIVE if live else ASKING)
        tell(story, llm)
        if not live and story.run and story.run.state is RunState.SUCCEEDED:
            write_chronicle(story, llm.model, IMAGES / "drift.json")
            draw = [ROOT / "tools" / "drift_picture.py", IMAGES / "drift.json", IMAGES / "drift.svg"]
            subprocess.run([sys.executable, *map(str, draw)], check=True)
    return 0


def tell(story: Story, llm: ReplayedLlm) -> None:
    """Print what happened."""
    print(f"alerts: {', '.join(sorted(story.alerts))}; requests: {len(story.answers):,}, failed: {len(story.failures)}")
    print(f"drift at {story.drifted - story.began:.0f} s, alert at {story.fired - story.began:.0f} s")
    if story.run is None:
        return
    for step in story.run.steps:
        print(f"{step.at.timestamp() - story.began:6.0f} s  {step.state.value:12} {step.message}")
    cost = story.run.cost
    print(f"cost: {cost.calls} calls, {cost.tokens_in:,} + {cost.tokens_out:,} tokens; served {llm.calls} calls")
    promoted = story.at(RunState.PROMOTED) or story.ended
    stretches = {"before": (story.began, story.drifted), "drifted": (story.fired, promoted)}
    stretches["after"] = (promoted + 2, story.ended)
    for name, (begin, end) in stretches.items():
        answers = story.between(begin, end)
        kinds = {
            kind: [answer for answer in answers if answer.message.kind == kind] for kind in (HAM, OLD_SPAM, NEW_SPAM)
        }
        told = ", ".join(f"{kind} {accuracy(found):.3f} of {len(found):,}" for kind, found in kinds.items() if found)
        print(f"right answers {name}: {accuracy(answers):.3f} of {len(answers):,} ({told})")


if __name__ == "__main__":
    sys.exit(main())
