"""From texts through a real encoder to a version and its labels, by the command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.features.tiny_encoder import write_encoder
from tests.synthesis.faulty_endpoint import running
from tests.synthesis.made_up import TELLING, reviews

TASK = """
[task]
name = "reviews"
instructions = "Is it for or against?"
[labels]
bad = "speaks against"
good = "speaks for"
[fields]
text = "text"
meaning = "numbers"
[features.meaning]
extractor = "onnx-text"
source = "text"
model = "tiny"
"""
ENDS = [one + other for one in "abcdefghij" for other in "klmnopqrst"]
PROGRAM = '```python\ndef label(text):\n    """Praise."""\n    return "good" if "lovely" in text.lower() else None\n```'


def labelwright(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "labelwright.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=200,
        env={"PATH": os.defpath, "HOME": str(Path.home()), **environment},
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A task whose encoder knows what its words mean, and rows that hardly share a word: these teach no table."""
    folder = tmp_path_factory.mktemp("features")
    generator = np.random.default_rng(0)
    vectors = {
        word + end: tuple(float(number) for number in (sign, *generator.normal(size=3)))
        for sign, words in zip((-2.0, 2.0), TELLING, strict=True)
        for word in words
        for end in ENDS
    }
    write_encoder(folder / "models" / "tiny", vectors)
    (folder / "task").mkdir()
    (folder / "task" / "task.toml").write_text(TASK)
    for name, count, seed in (("gold", 60, 0), ("records", 200, 1)):
        texts, truth = reviews(count, seed)
        texts = [" ".join(word + ENDS[generator.integers(len(ENDS))] for word in text.split()) for text in texts]
        rows = ({"text": text, "label": ("bad", "good")[label]} for text, label in zip(texts, truth, strict=True))
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_synth_and_label_make_the_numbers_themselves(folder: Path) -> None:
    models = {"LABELWRIGHT_MODELS": str(folder / "models")}
    bundle = folder / "bundle"
    with running(lambda body: PROGRAM) as endpoint:
        done = labelwright(
            *("synth", str(folder / "task"), "--records", str(folder / "records.jsonl")),
            *("--gold", str(folder / "gold.jsonl"), "--programs", "1", "--strategies", "plain", "--out", str(bundle)),
            *("--replies", str(folder / "replies.jsonl"), "--json"),
            OPENAI_BASE_URL=endpoint.url,
            **models,
        )
    assert done.returncode == 0, done.stderr
    assert {"head_clear", "head_close"} <= set(json.loads(done.stdout)["serves"])
    assert "meaning" not in str(endpoint.requests)
    labeled = labelwright(
        "label", "--local", str(bundle), "superbak warmbl film", "the awfulck dullak messjt", "--json", **models
    )
    assert labeled.returncode == 0, labeled.stderr
    assert [answer["label"] for answer in json.loads(labeled.stdout)["answers"]] == ["good", "bad"]


def test_an_encoder_is_added_to_a_task_that_names_none(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "task.toml").write_text(TASK[: TASK.index("meaning")])
    model = folder / "models" / "tiny"
    with running(lambda body: PROGRAM) as endpoint:
        done = labelwright(
            *("synth", str(tmp_path), "--records", str(folder / "records.jsonl"), "--encoder", str(model)),
            *("--gold", str(folder / "gold.jsonl"), "--programs", "1", "--strategies", "plain", "--json"),
            *("--out", str(tmp_path / "bundle")),
            OPENAI_BASE_URL=endpoint.url,
        )
    assert done.returncode == 0, done.stderr
    assert {"head_clear", "head_close"} <= set(json.loads(done.stdout)["serves"])
    labeled = labelwright("label", "--local", str(tmp_path / "bundle"), "superbak warmbl film", "--json")
    assert [answer["label"] for answer in json.loads(labeled.stdout)["answers"]] == ["good"]


@pytest.mark.parametrize(
    ("task", "model", "said"),
    [(TASK, "models/tiny", "cannot have an encoder added"), (TASK[: TASK.index("meaning")], "task", "is missing")],
)
def test_an_encoder_that_cannot_be_added_is_one_clear_line(
    folder: Path, tmp_path: Path, task: str, model: str, said: str
) -> None:
    (tmp_path / "task.toml").write_text(task)
    words = ("synth", str(tmp_path), "--records", str(folder / "records.jsonl"), "--dry-run")
    done = labelwright(*words, "--encoder", str(folder / model))
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_model_that_is_not_there_is_one_clear_line(folder: Path) -> None:
    done = labelwright("synth", str(folder / "task"), "--records", str(folder / "records.jsonl"), "--dry-run")
    assert done.returncode == 2
    assert "model.onnx is not there" in done.stderr
    assert "Traceback" not in done.stderr
