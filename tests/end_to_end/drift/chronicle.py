"""A story as a small JSON document, for the picture: times in seconds since the traffic began."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from labelwright.core.run import RunState

from tests.end_to_end.drift.story import Story
from tests.end_to_end.drift.traffic import Answer, accuracy

BIN_SECONDS = 4
SHOWN = ("spam_share", "reference_spam_share", "psi", "psi_threshold", "version")


def write_chronicle(story: Story, model: str, path: Path) -> None:
    """Write the document."""
    assert story.run is not None
    events = {
        "drift": story.drifted,
        "alert": story.fired,
        "shadow": story.at(RunState.SHADOWING),
        "promoted": story.at(RunState.PROMOTED),
        "succeeded": story.at(RunState.SUCCEEDED),
    }
    document = {
        "model": model,
        "answers": len(story.answers),
        "seconds": round(story.ended - story.began, 1),
        "events": {name: round(at - story.began, 1) for name, at in events.items() if at},
        "steps": [[step.state.value, step.message] for step in story.run.steps],
        "tokens": [story.run.cost.tokens_in, story.run.cost.tokens_out],
        "series": {name: _points(story, points) for name, points in story.series.items() if name in SHOWN},
        "accuracy": _accuracy(story, lambda answer: True),
        "spam_accuracy": _accuracy(story, lambda answer: answer.message.label == "spam"),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_compact(document), encoding="utf-8")


def _points(story: Story, points: list[tuple[float, float]]) -> list[list[float]]:
    return [[round(at - story.began, 1), round(value, 4)] for at, value in points]


def _accuracy(story: Story, chosen: Any) -> list[list[float]]:
    """Return the share of right answers every few seconds, at the middle of each stretch."""
    found = []
    begin = story.began
    while begin + BIN_SECONDS <= story.ended:
        answers: list[Answer] = [answer for answer in story.between(begin, begin + BIN_SECONDS) if chosen(answer)]
        if answers:
            found.append([round(begin - story.began + BIN_SECONDS / 2, 1), round(accuracy(answers), 4)])
        begin += BIN_SECONDS
    return found


def _compact(document: dict[str, Any]) -> str:
    """One line for each key: small, and changes are seen."""
    lines = (f"  {json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}" for key, value in document.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"
