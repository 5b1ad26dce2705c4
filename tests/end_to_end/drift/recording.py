"""Where the real model's replies are, and how they are recorded anew:

    python -m tests.end_to_end.drift.recording http://127.0.0.1:8080/v1

The endpoint must serve the model that the file names in its first line. The scenario is played once against it, then
the model labels every message that a sample may hold: whatever the worker draws, its requests have been recorded.
What the file holds already is not asked again; begin with an empty file for another model.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from labelwright.core.record import Record
from labelwright.synthesis.asking.direct import direct_request
from labelwright.synthesis.asking.sampling import choose_examples

from tests.end_to_end.drift.house import EXAMPLES_SHOWN, base_bundle
from tests.end_to_end.drift.messages import FIXTURES, known, new_spam
from tests.end_to_end.drift.story import play
from tests.parts.replayed_llm import ReplayedLlm, replayed_llm

REPLIES = FIXTURES / "replies.jsonl"
NOTE = (
    "Real replies of Qwen2.5-Coder-1.5B-Instruct (Q4_K_M weights, run locally with llama.cpp) to what the drift worker "
    "asked in tests/end_to_end/drift; python -m tests.end_to_end.drift.recording makes them"
)
ASKING: dict[str, object] = {"programs": 4, "strategies": "words_seen,plain,keywords", "direct_labels": 200}
"""Settings of the worker. These strategies show gold rows only, so their prompts do not depend on the sample."""


def main() -> int:
    """Record what is not there yet."""
    live = sys.argv[1]
    with replayed_llm(REPLIES, live, NOTE) as llm, tempfile.TemporaryDirectory(prefix="labelwright-drift-") as folder:
        for record in _records():
            _label(llm, record)
        play(Path(folder), llm, patience=1200, asking=ASKING)
    return 0


def _records() -> Iterable[Record]:
    yield from (row.record for row in base_bundle().gold)
    (ham, old), (new, _) = known(), new_spam()
    yield from ((message.text,) for message in (*ham, *old, *new))


def _label(llm: ReplayedLlm, record: Record) -> None:
    bundle = base_bundle()
    examples = choose_examples(bundle.task, bundle.gold, EXAMPLES_SHOWN)
    if llm.answer(direct_request(bundle.task, record, examples)) is None:
        raise SystemExit("the endpoint does not answer")


if __name__ == "__main__":
    sys.exit(main())
