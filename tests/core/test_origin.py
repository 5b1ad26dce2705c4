from __future__ import annotations

import json

import pytest
from labelwright.core.bundle import Bundle, Program, open_bundle
from labelwright.core.origin import Origin, authors, by_hand, origins

TASK = b'[task]\nname = "t"\ninstructions = "Say which."\n[labels]\na = ""\nb = ""\n[fields]\ntext = "text"\n'
SOURCE = "def label(text):\n    return 'a'\n"


def bundle_of(written: object, **programs: str) -> Bundle:
    files = {"task.toml": TASK, "provenance.json": json.dumps({"written": written}).encode()}
    files |= {f"programs/{name}.py": source.encode() for name, source in programs.items()}
    bundle, findings = open_bundle(files.items())
    assert bundle is not None, findings
    return bundle


def test_what_reads_as_it_was_made_is_its_makers_and_all_else_a_persons() -> None:
    made = Origin(digest=Program("x", SOURCE).digest, by="some-model", at="2026-11-27T21:00:00+00:00")
    learned = made.model_copy(update={"by": ""})
    written = {name: item.model_dump() for name, item in (("one", made), ("two", made), ("three", learned))}
    bundle = bundle_of(written, one=SOURCE, two=SOURCE + "# corrected\n", three=SOURCE, four=SOURCE)
    assert authors(bundle) == {
        "one": "by some-model, 2026-11-27",
        "two": "by hand",
        "three": "learned from rows, 2026-11-27",
        "four": "by hand",
    }
    assert by_hand(bundle) == {"two", "four"}
    assert set(origins(bundle)) == {"one", "two", "three"}


def test_another_systems_line_ends_are_no_change() -> None:
    assert Program("x", SOURCE.replace("\n", "\r\n")).digest == Program("x", SOURCE).digest


@pytest.mark.parametrize("written", [None, [], 1, {"one": None}, {"one": {}}, {"one": {"digest": 1}}])
def test_what_cannot_be_read_says_nothing(written: object) -> None:
    assert by_hand(bundle_of(written, one=SOURCE)) == {"one"}
