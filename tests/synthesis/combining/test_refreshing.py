"""A version made beside an earlier one: what people wrote or changed stays as it is."""

from __future__ import annotations

import json

import pytest
from labelwright.core.bundle import Bundle
from labelwright.core.label_model import LABEL_MODEL_FILE
from labelwright.core.origin import authors, by_hand
from labelwright.sandbox import Sandbox
from labelwright.synthesis.learning.sources import HEAD_CLEAR, HEAD_NAMES

from tests.synthesis.combining.sensors_version import bundle_of, write

ALWAYS_WRONG = b'"""A person\'s, right less often than chance."""\n\n\ndef label():\n    return "cavitation"\n'
NOTE = b"\n# corrected\n"


@pytest.fixture(scope="module")
def corrected(written: Bundle) -> Bundle:
    """The version after people: one of the model's programs changed, a table changed, a bad program added."""
    changed = ["programs/p01_" in path or HEAD_CLEAR in path for path in written.files]
    files = {
        path: content + NOTE if is_changed else content
        for (path, content), is_changed in zip(written.files.items(), changed, strict=True)
        if path != LABEL_MODEL_FILE
    }
    assert sum(changed) == 2
    return bundle_of({**files, "programs/own.py": ALWAYS_WRONG})


@pytest.fixture(scope="module")
def refreshed(sandbox: Sandbox, corrected: Bundle) -> Bundle:
    return write(sandbox, corrected, prefix="r7_")


def test_every_program_of_a_run_is_its_models_and_has_seen_what_it_was_shown(written: Bundle) -> None:
    assert by_hand(written) == frozenset()
    story = json.loads(written.files["provenance.json"])
    model = [name for name in written.program_names if name not in HEAD_NAMES]
    assert {authors(written)[name] for name in model} == {f"by {story['model']}, {story['made_at'][:10]}"}
    assert {len(story["written"][name]["shown_gold"]) for name in model} == {len(story["shown_gold"])}


def test_what_people_wrote_or_changed_serves_as_they_left_it(corrected: Bundle, refreshed: Bundle) -> None:
    (first,) = (name for name in corrected.program_names if name.startswith("p01_"))
    theirs = {"own", first, HEAD_CLEAR}
    assert by_hand(corrected) == by_hand(refreshed) == theirs
    assert {item for item in corrected.programs if item.name in theirs} <= set(refreshed.programs)
    assert any(name.startswith("r7_") for name in refreshed.program_names)


def test_the_programs_of_models_keep_their_origin(corrected: Bundle, refreshed: Bundle) -> None:
    before, after = (json.loads(bundle.files["provenance.json"])["written"] for bundle in (corrected, refreshed))
    stayed = [name for name in refreshed.program_names if name.startswith("p0")]
    assert stayed
    assert [after[name] for name in stayed] == [before[name] for name in stayed]
