from __future__ import annotations

from pathlib import Path

import pytest
from labelwright.client import Client, Registry
from labelwright.core.bundle import write_folder

from tests.features.tiny_encoder import write_encoder
from tests.parts.command import Command
from tests.parts.example_bundles import PRIZE, SPAM, serve
from tests.parts.repository import EXAMPLES


def test_the_distribution_is_shown_where_it_is_asked_for(labelwright: Command, spam: str) -> None:
    for where in ((spam,), ("--local", SPAM)):
        (answer,) = labelwright.json("label", *where, PRIZE, "--distribution")["answers"]
        assert answer["distribution"] == {"ham": 0.0, "spam": 1.0}
        assert labelwright.json("label", *where, PRIZE)["answers"][0]["distribution"] == {}
        assert "ham 0.000, spam 1.000" in labelwright("label", *where, PRIZE, "--distribution").stdout


def test_texts(labelwright: Command, spam: str) -> None:
    result = labelwright("label", spam, PRIZE, "hi mum, see you")
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["label", "spam", "ham"]
    answers = labelwright.json("label", f"{spam}@1", PRIZE, "--explain")["answers"]
    assert answers[0]["label"] == "spam"
    assert answers[0]["votes"]["prize"] == "spam"
    assert answers[0]["votes"]["small_talk"] is None
    assert (answers[0]["version"], answers[0]["degraded"]) == (1, False)


def test_fields(labelwright: Command, sensors: str) -> None:
    fields = {
        "speed_rpm": 1493,
        "vibration": 2.04,
        "temperature": 72.3,
        "pressure": 5.44,
        "current": 18.2,
        "spectrum": "[0.679, 0.313, 0.176, 0.155, 0.061, 0.042, 0.05, 0.028]",
        "running": "yes",
    }
    options = [word for name, value in fields.items() for word in ("--field", f"{name}={value}")]
    served = labelwright.json("label", sensors, *options)["answers"][0]
    local = labelwright.json("label", "--local", EXAMPLES / "sensors" / "bundle", *options)["answers"][0]
    assert served["label"] == local["label"] == "overheating"
    assert (served["version"], local["version"]) == (1, None)
    assert served["digest"] == local["digest"]


REVIEWS = """
[task]
name = "reviews"
instructions = "Is it for or against?"
[labels]
bad = "speaks against"
good = "speaks for"
[fields]
text = "text"
meaning = { type = "numbers", optional = OPTIONAL }
[features.meaning]
extractor = "onnx-text"
source = "text"
model = "tiny"
"""
SIGN = '''\
def label(meaning):
    """What the encoder knows."""
    return meaning and ("good" if meaning[0] > 0 else "bad")
'''


@pytest.mark.parametrize("optional", ["false", "true"])
def test_a_text_means_the_same_with_features_by_the_service_and_locally(
    labelwright: Command,
    registry_client: Registry,
    client: Client,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    optional: str,
) -> None:
    write_encoder(tmp_path / "models" / "tiny", {"fine": (1.0, 0.0), "poor": (-1.0, 0.0)})
    monkeypatch.setenv("LABELWRIGHT_MODELS", str(tmp_path / "models"))
    bundle, task = tmp_path / "bundle", f"reviews-{optional}"
    write_folder(
        {
            "task.toml": REVIEWS.replace("OPTIONAL", optional).replace('"reviews"', f'"{task}"').encode(),
            "programs/sign.py": SIGN.encode(),
        },
        bundle,
    )
    serve(registry_client, client, bundle)
    served = labelwright.json("label", task, "fine fine", "poor", "--explain")["answers"]
    local = labelwright.json("label", "--local", bundle, "fine fine", "poor", "--explain")["answers"]
    assert [answer["label"] for answer in served] == ["good", "bad"]
    same = ("label", "probability", "digest", "degraded", "votes")
    assert [[answer[key] for key in same] for answer in served] == [[answer[key] for key in same] for answer in local]


def test_a_text_alone_is_refused_alike_where_a_task_needs_more(labelwright: Command, sensors: str) -> None:
    served = labelwright("label", sensors, "hot", exits=2).stderr
    assert "takes more than one text" in served
    assert served == labelwright("label", "--local", EXAMPLES / "sensors" / "bundle", "hot", exits=2).stderr


def test_texts_need_no_registry(labelwright: Command, spam: str) -> None:
    result = labelwright("label", spam, PRIZE, "--registry", "127.0.0.1:9")
    assert result.stdout.splitlines()[1].split()[0] == "spam"
    assert "the registry at 127.0.0.1:9 cannot be reached; the texts were sent as they are" in result.stderr


def test_half_of_a_surrogate_pair_is_refused_alike(labelwright: Command, spam: str) -> None:
    """As a shell passes on bytes that are no UTF-8."""
    served = labelwright.json("label", spam, "caf\udce9", exits=1)["answers"]
    assert served == labelwright.json("label", "--local", SPAM, "caf\udce9", exits=1)["answers"]


def test_a_folder_says_its_task_itself_and_may_be_named_all_the_same(labelwright: Command) -> None:
    for words in ([PRIZE], ["spam", PRIZE]):
        answers = labelwright.json("label", "--local", SPAM, *words)["answers"]
        assert [answer["label"] for answer in answers] == ["spam"]


def test_a_record_that_cannot_be_labeled_ends_with_1(labelwright: Command, spam: str) -> None:
    answers = labelwright.json("label", spam, "x" * 100_000, PRIZE, exits=1)["answers"]
    assert answers[0]["error"]["reason"] == "RECORD_TOO_LARGE"
    assert answers[1]["label"] == "spam"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 2),
        (["spam"], 2),
        (["spam@", "x"], 2),
        (["spam@1@2", "x"], 2),
        (["@", "x"], 2),
        (["nosuch", "x"], 4),
        (["spam@99", "x"], 4),
        (["spam:nosuch", "x"], 4),
        (["spam", "--field", "text"], 2),
        (["spam", "--field", "nonsense=1"], 2),
        (["spam", "x", "--field", "text=x"], 2),
        (["--local", "nosuch", "x"], 2),
        (["--local", str(EXAMPLES), "x"], 1),
        (["--local", str(EXAMPLES / "sensors" / "bundle"), "x"], 2),
        (["spam", "x", "--trace"], 2),
        (["--local", str(SPAM), "--trace", "--input", "-"], 2),
        (["spam", "x", "--service", "nowhere"], 2),
        (["spam", "x", "--service", "127.0.0.1:9"], 3),
        (["spam", "x", "--nonsense"], 2),
    ],
)
def test_wrong_uses_end_with_one_clear_line(labelwright: Command, spam: str, arguments: list[str], code: int) -> None:
    result = labelwright("label", *arguments, exits=code)
    assert result.stderr.lower().count("error: ") == 1


def test_a_trace_says_what_decided_each_vote(labelwright: Command) -> None:
    (answer,) = labelwright.json("label", "--local", SPAM, "--trace", "are u free tonight?")["answers"]
    assert answer["votes"]["small_talk"] == "ham"
    assert answer["deciding"]["small_talk"] == 'line 18: return "ham" if FAMILIAR.search(text) else None'
    shown = labelwright("label", "--local", SPAM, "--trace", "are u free tonight?").stdout
    cast = [vote for vote in answer["votes"].values() if vote is not None]
    assert shown.count(" line ") == len(cast), "programs that abstained decided nothing"


def test_an_error_is_a_json_document_too(labelwright: Command, spam: str) -> None:
    error = labelwright.json("label", "nosuch", "x", exits=4)["error"]
    assert error["reason"] == "TASK_NOT_FOUND"
    assert error["advice"]


def test_control_characters_do_not_reach_the_terminal(offline: Command, tmp_path: Path) -> None:
    result = offline("label", "--local", SPAM, "\x1b[31mred\x07 hi\nmum")
    assert "\x1b" not in result.stdout
    assert "\x07" not in result.stdout
