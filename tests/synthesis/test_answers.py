"""From answers of every kind to a bundle: what an endpoint sends, through the command, into programs that run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from labelwright.core.bundle import read_folder

from tests.parts.native import native_label
from tests.parts.repository import ROOT
from tests.synthesis.faulty_endpoint import FaultyEndpoint, Sent, running

TASK = """
[task]
name = "reviews"
instructions = "Is it for or against?"
[labels]
bad = "speaks against"
good = "speaks for"
[fields]
text = "text"
"""
GOOD = ["great", "fine", "lovely", "superb", "brilliant", "charming", "delightful", "splendid"]
BAD = ["dull", "slow", "awful", "boring", "dreadful", "tedious", "clumsy", "shallow"]
RECORDS = [f"{word} number {number}" for number in range(8) for word in (*GOOD, *BAD, "film", "plot")]


def program(turn: int, docstring: str = "Looks for two words.") -> str:
    """Return a program that no other is like."""
    return (
        f'def label(text):\n    """{docstring}"""\n    if "{GOOD[turn]}" in text:\n        return "good"\n'
        f'    return "bad" if "{BAD[turn]}" in text else None\n'
    )


def fenced(source: str) -> str:
    return f"```python\n{source}```\n"


def deep(turn: int, body: str) -> str:
    """Return a program whose syntax tree is deep, and that has something to repair."""
    return f'def label(text):\n    """Looks for many words."""\n    print(text)\n{body}'.replace("WORD", GOOD[turn])


ELIF = "    if 'WORD' in text:\n        return 'Good'\n" + "".join(
    f"    elif 'word{number}' in text:\n        return 'bad'\n" for number in range(250)
)
TERMS = " + ".join(f"('word{number}' in text)" for number in range(1000))
SUM = f"    found = {TERMS} + ('WORD' in text)\n    return 'Good' if found else None\n"
CHOICES = "".join(f"'bad' if 'word{number}' in text else " for number in range(400))
CHOICE = f"    return 'Good' if 'WORD' in text else {CHOICES}None\n"


def synth(
    folder: Path, endpoint: FaultyEndpoint, programs: int, **environment: str
) -> subprocess.CompletedProcess[str]:
    (folder / "task.toml").write_text(TASK)
    (folder / "records.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in RECORDS))
    options = {
        "records": "records.jsonl",
        "programs": programs,
        "strategies": "plain",
        "replies": "kept.jsonl",
        "out": "made",
    }
    return subprocess.run(
        [sys.executable, "-m", "labelwright.cli", "synth", ".", "--json"]
        + [str(word) for name, value in options.items() for word in (f"--{name}", value)],
        capture_output=True,
        text=True,
        timeout=400,
        cwd=folder,
        check=False,
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(Path.home()),
            "PYTHONPATH": str(ROOT),
            "OPENAI_BASE_URL": endpoint.url,
            **environment,
        },
    )


def made(
    folder: Path, script: list[str | Sent], programs: int
) -> tuple[dict[str, Any], dict[str, str], FaultyEndpoint]:
    """Return what the command told, the sources that it wrote, and the endpoint, which sent just these answers."""
    with running(lambda body: "nothing is left to say") as endpoint:
        endpoint.script = list(script)
        done = synth(folder, endpoint, programs)
    assert done.returncode == 0, done.stderr
    assert endpoint.script == []
    bundle, findings = read_folder(folder / "made")
    assert bundle is not None, findings
    return json.loads(done.stdout), {item.name: item.source for item in bundle.programs}, endpoint


def test_thinking_and_fences_cost_no_program_and_no_second_request(tmp_path: Path) -> None:
    draft = fenced(program(7, "A first draft that is a good deal longer than what the model comes to in the end."))
    with_fence = program(2, "Looks for two words.\n\n    ```\n    label(text)\n    ```\n    ")
    told, sources, endpoint = made(
        tmp_path,
        [
            Sent.text(f"<think>\n{draft}\nno\n</think>\n{fenced(program(0))}"),
            Sent.text(f"{draft}\nno\n</think>\n{fenced(program(1))}"),
            Sent.text(fenced(with_fence)),
            Sent.text(f'```json\n{{"labels": ["bad", "good"]}}\n```\n~~~{{python}}\n{program(3)}~~~\n'),
            Sent.text(
                f"{draft}\nBetter:\n{fenced(program(4))}\n{fenced('def label_all(texts):' + chr(10) + '    return 1')}"
            ),
        ],
        programs=5,
    )
    assert told["programs_kept"] == 5, told["dropped"]
    assert len(endpoint.requests) == 5
    assert set(sources.values()) <= {program(0), program(1), with_fence, program(3), program(4)}


def test_what_was_cut_is_asked_for_again_with_more_room_and_never_published(tmp_path: Path) -> None:
    whole = [fenced(program(turn)) for turn in range(8)]
    told, sources, endpoint = made(
        tmp_path,
        [
            Sent.text(f"```python\n{program(0)}", finish="length"),
            Sent.text(whole[1]),
            Sent.text(f"{whole[2]}It looks for", finish="MAX_TOKENS"),
            Sent.text(f"```python\n{program(3)}", finish="pause_turn"),
            Sent.text(f"```python\n{program(4)}", finish="pause_turn"),
            Sent.text(whole[5], finish="tool_calls"),
        ],
        programs=4,
    )
    assert {item["reason"]: item["message"] for item in told["dropped"]}.keys() == {"cut"}
    assert "pause_turn" in told["dropped"][0]["message"]
    assert set(sources.values()) <= {program(1), program(2), program(5)}
    limits = [request["max_tokens"] for request in endpoint.requests]
    assert limits[1] > limits[0] == limits[2]


@pytest.mark.parametrize("body", [ELIF, SUM, CHOICE], ids=["elif", "sum", "choice"])
def test_a_deep_program_is_repaired_and_runs(tmp_path: Path, body: str) -> None:
    told, sources, _ = made(tmp_path, [Sent.text(fenced(deep(0, body))), Sent.text(fenced(program(1)))], programs=2)
    assert told["programs_kept"] == 2, told["dropped"]
    source = next(source for source in sources.values() if "word99" in source)
    assert "print" not in source
    assert native_label(source, f"a {GOOD[0]} film") == "good"
    assert native_label(source, "nothing") is None


def test_a_program_beyond_all_depth_is_dropped_with_its_reason(tmp_path: Path) -> None:
    too_deep = f"def label(text):\n    return {' + '.join(str(number) for number in range(20_000))}\n"
    whole = {"choices": [{"message": {"content": fenced(too_deep)}, "finish_reason": "stop"}]}
    told, _, _ = made(tmp_path, [Sent.json(whole), Sent.json(whole), Sent.text(fenced(program(1)))], 2)
    assert [item["reason"] for item in told["dropped"]] == ["syntax"]
    assert "nested too deeply" in told["dropped"][0]["message"]


def test_a_wrong_key_is_told_once_and_shown_nowhere(tmp_path: Path) -> None:
    secret = "sk-very-secret-5678"
    message = f"Incorrect API key provided: {secret}"
    with running(lambda body: "") as endpoint:
        endpoint.script = [Sent.json({"error": {"message": message, "code": "invalid_api_key"}})]
        done = synth(tmp_path, endpoint, 2, OPENAI_API_KEY=f"{secret}\n", LABELWRIGHT_DEBUG="1", OPENAI_LOG="debug")
        assert len(endpoint.requests) == 1
        broken = synth(tmp_path, endpoint, 2, OPENAI_API_KEY=secret.replace("-", "\n"), LABELWRIGHT_DEBUG="1")
        assert len(endpoint.requests) == 1
    assert "Incorrect API key" in done.stderr
    assert "OPENAI_API_KEY" in broken.stderr
    assert broken.returncode != 0
    assert not any("secret" in text for text in (done.stdout, done.stderr, broken.stdout, broken.stderr))
