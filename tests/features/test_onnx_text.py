from __future__ import annotations

import hashlib
import math
from pathlib import Path

import pytest
from labelwright.core.errors import ConfigurationError
from labelwright.features.onnx_text import OnnxText

from tests.features.tiny_encoder import write_encoder

VECTORS = {"good": (3.0, 0.0), "bad": (0.0, 2.0)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_encoder(tmp_path / "tiny", VECTORS)


def test_the_mean_of_the_words_has_length_one(folder: Path) -> None:
    good, mixed = OnnxText.open(str(folder)).extract(["good good", "good bad"])
    assert good == [1.0, 0.0]
    assert mixed == [round(3 / math.sqrt(13), 4), round(2 / math.sqrt(13), 4)]


@pytest.mark.parametrize("text", ["", "words it has never seen", "\0 \ud800".encode("utf-8", "replace").decode()])
def test_a_text_without_known_words_has_numbers_too(folder: Path, text: str) -> None:
    assert OnnxText.open(str(folder)).extract([text]) == [[0.0, 0.0]]


def test_a_text_has_the_same_numbers_in_any_company(folder: Path) -> None:
    encoder = OnnxText.open(str(folder))
    texts = ["good", "bad bad good", "good bad"]
    assert encoder.extract(texts) == [encoder.extract([text])[0] for text in texts]


def test_a_long_text_is_read_to_its_256th_token(folder: Path) -> None:
    encoder = OnnxText.open(str(folder))
    assert encoder.extract(["good " * 256 + "bad " * 50]) == [[1.0, 0.0]]


def test_a_relative_model_lies_where_models_lie(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABELWRIGHT_MODELS", str(folder.parent))
    assert OnnxText.open("tiny").extract(["bad"]) == [[0.0, 1.0]]


def test_another_model_than_the_task_names_is_refused(folder: Path) -> None:
    digest = f"sha256:{hashlib.sha256((folder / 'model.onnx').read_bytes()).hexdigest()}"
    assert OnnxText.open(str(folder), digest).extract(["good"]) == [[1.0, 0.0]]
    write_encoder(folder, {"good": (1.0, 1.0)})
    with pytest.raises(ConfigurationError, match="is not the model that the task names"):
        OnnxText.open(str(folder), digest)


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_what_is_missing_or_damaged_is_named(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"not what it says")
    with pytest.raises(ConfigurationError, match="cannot be loaded"):
        OnnxText.open(str(folder))
    (folder / name).unlink()
    with pytest.raises(ConfigurationError, match=name):
        OnnxText.open(str(folder))
