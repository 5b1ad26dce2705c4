from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.parts.command import Command
from tests.parts.example_bundles import SPAM, changed, renamed


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return renamed(SPAM, "fitted", tmp_path)


def codes(offline: Command, bundle: Path, exits: int = 0) -> list[str]:
    return [finding["code"] for finding in offline.json("check", bundle, exits=exits)["report"]["findings"]]


def test_weights_that_are_stale_are_found_and_fitted_again(offline: Command, bundle: Path) -> None:
    assert "there were no weights before" in offline("fit", bundle).stdout
    assert "LW131" not in codes(offline, bundle)
    changed(bundle, "corrected")
    assert "LW131" in codes(offline, bundle)
    shown = offline("check", bundle).stdout
    assert "programs were changed since the fit, and their weights were not: prize" in shown
    assert "labelwright fit" in shown
    told = offline.json("fit", bundle)
    assert told["changes"] == {"changed": ["prize"], "added": [], "removed": []}
    assert told["before"]["interval"][0] < told["after"]["accuracy"] < told["after"]["interval"][1]
    assert "LW131" not in codes(offline, bundle)


def test_a_program_added_and_one_removed(offline: Command, bundle: Path) -> None:
    offline("fit", bundle)
    (bundle / "programs" / "prize.py").rename(bundle / "programs" / "prizes.py")
    assert codes(offline, bundle, exits=1).count("LW111") == 2
    shown = offline("fit", bundle).stdout
    assert "added since the last fit: prizes; removed since the last fit: prize" in shown
    assert "LW111" not in codes(offline, bundle)


def test_it_says_what_is_missing_and_leaves_the_file(offline: Command, bundle: Path, tmp_path: Path) -> None:
    offline("fit", bundle)
    before = (bundle / "label_model.json").read_bytes()
    gold = (bundle / "gold.jsonl").rename(tmp_path / "gold.jsonl")
    error = offline.json("fit", bundle, exits=2)["error"]
    assert (error["reason"], "no gold rows" in error["message"]) == ("CONFIGURATION", True)
    assert "gold.jsonl" in error["advice"]
    assert (bundle / "label_model.json").read_bytes() == before
    assert offline.json("fit", bundle, "--gold", gold)["gold_rows"] == 90
    (bundle / "programs" / "prize.py").write_text("def label(text:\n")
    assert offline.json("fit", bundle, "--gold", gold, exits=1)["error"]["reason"] == "INVALID_BUNDLE"
    assert (bundle / "label_model.json").read_bytes() == before


def test_few_rows_are_said_to_be_few(offline: Command, bundle: Path) -> None:
    gold = bundle / "gold.jsonl"
    gold.write_text("".join(gold.read_text().splitlines(keepends=True)[:20]))
    assert "20 rows are few" in offline("fit", bundle).stdout


def test_a_version_that_is_no_better_than_the_commonest_label(offline: Command, bundle: Path) -> None:
    for program in (bundle / "programs").glob("*.py"):
        program.write_text('"""Never."""\n\n\ndef label():\n    return None\n')
    assert "no better than always saying the commonest label" in offline("fit", bundle, exits=6).stdout


def test_what_stood_in_the_file_before_is_never_in_the_way(offline: Command, bundle: Path) -> None:
    model = bundle / "label_model.json"
    model.write_text("no JSON")
    assert "label_model.json could not be read" in offline("fit", bundle).stdout
    fitted = json.loads(model.read_text())
    fitted["likelihood"]["\x1b[31m"] = fitted["likelihood"]["prize"]
    model.write_text(json.dumps(fitted))
    said = offline("fit", bundle).stdout
    assert "removed since the last fit" in said
    assert "\x1b" not in said
    assert json.loads(model.read_text())["likelihood"].keys() == fitted["likelihood"].keys() - {"\x1b[31m"}
