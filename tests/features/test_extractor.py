from __future__ import annotations

import json
from pathlib import Path

import pytest
from labelwright.core.errors import ConfigurationError
from labelwright.core.task import Task, parse_task
from labelwright.features import Features

from tests.features.tiny_encoder import write_encoder

TASK = """
[task]
name = "reviews"
instructions = "Is it for or against?"
[labels]
bad = ""
good = ""
[fields]
text = "text"
meaning = "numbers"
[features.meaning]
extractor = "onnx-text"
source = "text"
model = '{folder}'
"""


def make_task(folder: Path, old: str = "", new: str = "") -> Task:
    task, findings = parse_task(TASK.replace("{folder}", str(folder)).replace(old, new))
    assert task is not None, findings
    return task


@pytest.fixture
def features(tmp_path: Path) -> Features:
    return Features.open(make_task(write_encoder(tmp_path / "tiny", {"good": (1.0, 0.0), "bad": (0.0, 1.0)})))


def test_rows_get_what_they_lack(features: Features) -> None:
    rows = [{"text": "good"}, {"text": "bad", "meaning": None, "id": 7}, {"text": "bad", "meaning": ""}]
    numbers = [row["meaning"] for row in features.fill(rows)]
    assert numbers == [[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]
    assert "meaning" not in rows[0]


def test_numbers_that_a_row_brings_along_stay(features: Features) -> None:
    assert features.fill([{"text": "good", "meaning": [0.5, 0.5]}])[0]["meaning"] == [0.5, 0.5]


def test_a_row_without_a_text_is_left_to_the_check_of_rows(features: Features) -> None:
    assert features.fill([{"meaning": None}, {"text": 3}]) == [{"meaning": None}, {"text": 3}]


def test_a_file_is_filled_line_by_line(features: Features) -> None:
    filled = features.fill_lines('{"text": "good", "label": "good"}\n\nno object\n[1]\n').split("\n")
    assert json.loads(filled[0]) == {"text": "good", "label": "good", "meaning": [1.0, 0.0]}
    assert filled[1:] == ["", "no object", "[1]", ""]


def test_a_task_without_features_needs_no_model(tmp_path: Path) -> None:
    task, _ = parse_task(TASK.partition("[features")[0])
    assert task is not None
    assert Features.open(task).fill([{"text": "good"}]) == [{"text": "good"}]


def test_an_unknown_extractor_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no extractor 'onnx-sound'"):
        Features.open(make_task(tmp_path, "onnx-text", "onnx-sound"))
