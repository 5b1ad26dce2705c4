"""Records on which every program crashes are no abstentions."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from labelwright.client import Client, Registry

from tests.parts.command import Command
from tests.parts.example_bundles import serve
from tests.parts.row_files import rows_of

TASK = """\
[task]
name = "crashing"
instructions = "Tell spam from ham."
[labels]
ham = ""
spam = ""
[fields]
text = "text"
"""
DIVIDES = 'def label(text):\n    """Divides."""\n    return "ham" if 10 // len(text) > 4 else None\n'
LOOKS = 'def label(text):\n    """Looks."""\n    return {"a": "spam"}[text[0]] if "b" not in text else None\n'
DIVIDED = "ZeroDivisionError: division by zero (line 3)"
MISSED = "IndexError: string index out of range (line 3)"
WHY = f"all 2 programs failed: RAISED {DIVIDED}, RAISED {MISSED}"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("crashing")
    (folder / "programs").mkdir()
    (folder / "task.toml").write_text(TASK)
    (folder / "programs" / "divides.py").write_text(DIVIDES)
    (folder / "programs" / "looks.py").write_text(LOOKS)
    return folder


@pytest.fixture(scope="module")
def crashing(registry_client: Registry, client: Client, bundle: Path) -> str:
    return serve(registry_client, client, bundle)


@pytest.fixture(params=["served", "local"])
def target(request: pytest.FixtureRequest, crashing: str, bundle: Path) -> list[str]:
    return [crashing] if request.param == "served" else ["--local", str(bundle)]


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """A label; every program crashes; one crashes and one abstains; both abstain."""
    path = tmp_path / "texts.jsonl"
    path.write_text(
        "".join(json.dumps({"text": text}) + "\n" for text in ("a fine one", "", "nothing", "bbbbb and more"))
    )
    return path


@pytest.mark.parametrize("explain", [[], ["--explain"]])
def test_a_file_names_them_counts_them_and_ends_with_1(
    labelwright: Command, target: list[str], texts: Path, tmp_path: Path, explain: list[str]
) -> None:
    output = tmp_path / "out.jsonl"
    summary = labelwright.json("label", *target, "--input", texts, "--output", output, *explain, exits=1)
    rows = rows_of(output)
    assert [row["label"] for row in rows] == ["spam", None, None, None]
    assert [row.get("error") for row in rows] == [None, f"line 2: PROGRAMS_FAILED: {WHY}", None, None]
    assert all(("votes" in row) == bool(explain) for row in rows)
    assert (summary["labeled"], summary["failed"], summary["abstained"]) == (1, 1, 2)
    assert summary["failures"] == [rows[1]["error"]]
    shown = labelwright("label", *target, "--input", texts, "--output", tmp_path / "again.jsonl", *explain, exits=1)
    assert "1 labeled, 2 abstained, 1 failed" in shown.stderr
    assert "PROGRAMS_FAILED" in shown.stderr


def test_csv_says_the_same(labelwright: Command, target: list[str], texts: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    for _ in range(2):  # the second time nothing is left to do, and what failed still did
        labelwright("label", *target, "--input", texts, "--output", output, exits=1)
        with output.open(newline="") as lines:
            rows = list(csv.DictReader(lines))
        assert [row["error"] for row in rows] == ["", f"line 2: PROGRAMS_FAILED: {WHY}", "", ""]


def test_texts_say_the_same(labelwright: Command, target: list[str]) -> None:
    answers = labelwright.json("label", *target, "a fine one", "", "nothing", exits=1)["answers"]
    assert ["error" in answer for answer in answers] == [False, True, False]
    assert (answers[1]["label"], answers[1]["degraded"], answers[1]["error"]["message"]) == (None, True, WHY)
    assert answers[1]["error"]["reason"] == "PROGRAMS_FAILED"
    assert answers[1]["votes"] == {"divides": "VOTE_ERROR_RAISED", "looks": "VOTE_ERROR_RAISED"}
    assert answers[1]["messages"] == {"divides": DIVIDED, "looks": MISSED}
    shown = labelwright("label", *target, "", exits=1).stdout
    assert "failed" in shown
    assert f"divides: VOTE_ERROR_RAISED {DIVIDED}" in " ".join(shown.split())
    labelwright("label", *target, "bbbbb and more", "nothing")


def test_a_field_says_the_same(labelwright: Command, target: list[str]) -> None:
    assert labelwright.json("label", *target, "--field", "text=", exits=1)["answers"][0]["error"]["message"] == WHY


def test_an_explanation_holds_what_one_of_them_said(labelwright: Command, target: list[str]) -> None:
    (answer,) = labelwright.json("label", *target, "nothing", "--explain")["answers"]
    assert answer["votes"] == {"divides": None, "looks": "VOTE_ERROR_RAISED"}
    assert answer["messages"] == {"looks": "KeyError: 'n' (line 3)"}
    assert "error" not in answer
