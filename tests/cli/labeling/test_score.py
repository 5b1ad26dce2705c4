"""Labeled files beside gold, in all formats, without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.parts.command import Command
from tests.parts.example_bundles import SPAM
from tests.parts.row_files import rows_of, write_rows

GOLD: list[dict[str, object]] = [
    {"text": "a", "label": "ham"},
    {"text": "b", "label": "ham"},
    {"text": "c", "label": "spam"},
    {"text": "d", "label": "spam"},
]
LABELED: list[dict[str, object]] = [
    {"text": "d", "label": None, "probability": 0.0},
    {"text": "c", "label": "ham", "probability": 0.55},
    {"text": "b", "label": "ham", "probability": 0.95},
    {"text": "a", "label": "ham", "probability": 0.85},
    {"text": "x", "label": "ham", "probability": 0.99},
]


@pytest.fixture
def command() -> Command:
    return Command("127.0.0.1:9", "127.0.0.1:9")


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return write_rows(tmp_path / "labeled.jsonl", LABELED), write_rows(tmp_path / "gold.jsonl", GOLD)


def test_the_figures_of_a_file(command: Command, files: tuple[Path, Path]) -> None:
    labeled, gold = files
    score: dict[str, Any] = command.json("score", labeled, "--gold", gold)
    assert (score["rows"], score["by"], score["without_gold"], score["missing"]) == (4, ["text"], 1, 0)
    assert (score["accuracy"], score["coverage"]) == (0.5, 0.75)
    assert score["confusion"] == [[2, 0, 0], [1, 0, 1]]
    ham = score["labels"][0]
    assert (ham["label"], ham["rows"], ham["given"], ham["right"], ham["recall"]) == ("ham", 2, 3, 2, 1.0)
    assert ham["precision"] == pytest.approx(2 / 3)
    assert [(band["low"], band["rows"], band["right"]) for band in score["bands"]] == [
        (0.5, 1, 0.0),
        (0.8, 1, 1.0),
        (0.9, 1, 1.0),
    ]
    assert score["calibration_error"] == pytest.approx((0.55 + 0.15 + 0.05) / 3)
    shown = command("score", labeled, "--gold", gold).stdout
    for words in ("accuracy 50.0%", "no label", "off by 0.250", "1 rows of the file have none"):
        assert words in shown


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_formats_may_differ_and_ids_find_rows(command: Command, tmp_path: Path, ending: str) -> None:
    gold = write_rows(
        tmp_path / "gold.jsonl",
        [{"id": n, "label": row["label"]} for n, row in enumerate(rows_of(SPAM / "gold.jsonl"))],
    )
    source = write_rows(
        tmp_path / "in.jsonl", [{"id": n, "text": row["text"]} for n, row in enumerate(rows_of(SPAM / "gold.jsonl"))]
    )
    labeled = tmp_path / f"labeled.{ending}"
    command("label", "--local", SPAM, "--input", source, "--output", labeled)
    score = command.json("score", labeled, "--gold", gold)
    report = command.json("check", SPAM)["report"]["gold"]
    assert score["by"] == ["id"]
    for name in ("rows", "accuracy", "coverage", "covered_accuracy", "macro_f1"):
        assert score[name] == pytest.approx(report[name])


def test_labels_may_be_numbers(command: Command, tmp_path: Path) -> None:
    gold = write_rows(tmp_path / "gold.jsonl", [{"id": 1, "label": 0}, {"id": 2, "label": 1}])
    (tmp_path / "labeled.csv").write_text("id,label\n1,0\n2,0\n")
    score = command.json("score", tmp_path / "labeled.csv", "--gold", gold)
    assert (score["accuracy"], score["coverage"]) == (0.5, 1.0)
    assert score["bands"] is score["calibration_error"] is None
    assert "no column probability" in command("score", tmp_path / "labeled.csv", "--gold", gold).stdout


@pytest.mark.parametrize(
    ("labeled", "gold", "said"),
    [
        ([{"text": "a"}], GOLD, "has no column 'label'"),
        ([], GOLD, "has no column 'label'"),
        (LABELED, [{"text": "a"}], "has no column 'label'"),
        (LABELED, [{"text": "a", "label": ""}], "line 1 has no label"),
        (LABELED, [*GOLD, {"text": "a", "label": "spam"}], "another label than an equal row"),
        (LABELED, [{"text": "z", "label": "ham"}], "no row of"),
        (LABELED, [{"number": 1, "label": "ham"}], "no column in common"),
    ],
)
def test_files_that_cannot_be_compared_are_refused(
    command: Command, tmp_path: Path, labeled: list[dict[str, object]], gold: list[dict[str, object]], said: str
) -> None:
    paths = write_rows(tmp_path / "labeled.jsonl", labeled), write_rows(tmp_path / "gold.jsonl", gold)
    assert said in command("score", paths[0], "--gold", paths[1], exits=2).stderr
