"""The least sure rows of a file go to a model: real requests over HTTP, real programs, real files."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.parts.command import Command
from tests.parts.example_bundles import SPAM
from tests.parts.row_files import UNLABELED, rows_of, write_rows
from tests.synthesis.faulty_endpoint import FaultyEndpoint, Sent, running

FORMATS = ["jsonl", "csv", "parquet"]
AWAY = Sent.json({"error": {"message": "no such key"}}, 401)


def asked_text(body: dict[str, Any]) -> str:
    return str(body["messages"][-1]["content"])


def slowly(body: dict[str, Any]) -> str:
    time.sleep(0.05)
    return "spam"


@pytest.fixture
def model() -> Iterator[FaultyEndpoint]:
    """It takes everything for spam."""
    with running(lambda body: "spam") as endpoint:
        yield endpoint


@pytest.fixture
def command(model: FaultyEndpoint, tmp_path: Path) -> Command:
    """The command beside that model, and without any other server."""
    return command_of(model, tmp_path)


def command_of(model: FaultyEndpoint, tmp_path: Path, **more: str) -> Command:
    return Command(
        "127.0.0.1:9",
        "127.0.0.1:9",
        OPENAI_BASE_URL=model.url,
        LABELWRIGHT_SYNTHESIS_REPLIES_DIR=str(tmp_path / "replies"),
        LABELWRIGHT_SYNTHESIS_ATTEMPTS="1",
        **more,
    )


def least_sure_first(rows: list[dict[str, Any]]) -> list[int]:
    return sorted(range(len(rows)), key=lambda n: -1.0 if rows[n]["label"] is None else rows[n]["probability"])


@pytest.fixture(scope="module")
def distinct(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's records, each once: equal ones are asked about once, which would upset counts."""
    rows = {row["text"]: row for row in rows_of(UNLABELED)}
    return write_rows(tmp_path_factory.mktemp("rows") / "in.jsonl", list(rows.values())[:200])


@pytest.fixture(scope="module")
def plain(distinct: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What the programs say."""
    output = tmp_path_factory.mktemp("plain") / "out.jsonl"
    Command("127.0.0.1:9", "127.0.0.1:9")("label", "--local", SPAM, "--input", distinct, "--output", output)
    return rows_of(output)


@pytest.mark.parametrize("ending", FORMATS)
def test_the_least_sure_tenth_is_labeled_by_the_model_and_nothing_else_changes(
    command: Command, model: FaultyEndpoint, distinct: Path, plain: list[dict[str, Any]], tmp_path: Path, ending: str
) -> None:
    output = tmp_path / f"out.{ending}"
    arguments = ["label", "--local", SPAM, "--input", distinct, "--output", output, "--escalate", "10%"]
    summary = command.json(*arguments)
    sent = least_sure_first(plain)[:20]
    assert sorted(map(asked_text, model.requests)) == sorted(plain[number]["text"] for number in sent)
    command("label", "--local", SPAM, "--input", output, "--output", tmp_path / "read.jsonl")
    rows = rows_of(tmp_path / "read.jsonl")  # any format, read by the command itself
    for number, (row, before) in enumerate(zip(rows, plain, strict=True)):
        was = before["label"], before["source"]
        assert (row["input_label"] or None, row["input_source"]) == (("spam", "model") if number in sent else was)
    changed = sum(plain[number]["label"] != "spam" for number in sent)
    escalation = summary["escalation"]
    assert (escalation["asked"], escalation["changed"], escalation["left"]) == (20, changed, 0)
    assert (escalation["tokens_in"], escalation["tokens_out"]) == (model.tokens_in, model.tokens_out)
    errors = sum(1 - row["probability"] if row["label"] else 1 for row in plain)
    assert escalation["expected_errors"]["before"] == pytest.approx(errors, abs=0.01)
    assert escalation["expected_errors"]["after"] < errors
    assert summary["labels"]["spam"] == sum(row["input_label"] == "spam" for row in rows)


def test_the_terminal_says_what_it_cost_and_gained_and_that_it_is_an_estimate(
    command: Command, distinct: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.jsonl"
    said = command("label", "--local", SPAM, "--input", distinct, "--output", output, "--escalate", "5").stderr
    assert "sending 5 of 200 rows to" in said
    assert "5 rows were labeled by" in said
    assert "an estimate" in said
    assert "tokens" in said


def test_more_rows_or_a_larger_share_go_on_from_what_is_there(
    command: Command, model: FaultyEndpoint, distinct: Path, tmp_path: Path
) -> None:
    source, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    lines = distinct.read_text().splitlines(keepends=True)
    source.write_text("".join(lines[:100]))
    arguments = ["label", "--local", SPAM, "--input", source, "--output", output, "--escalate"]
    assert command.json(*arguments, "10%")["escalation"]["sent"] == 10
    assert command.json(*arguments, "10%")["escalation"]["sent"] == 0
    assert command.json(*arguments, "20%")["escalation"]["sent"] == 10
    source.write_text("".join(lines))
    summary = command.json(*arguments, "20%")
    assert (summary["resumed"], summary["rows"], summary["escalation"]["sent"]) == (100, 200, 20)
    assert sum(row["source"] == "model" for row in rows_of(output)) == 40 == model.served
    assert summary["escalation"]["tokens_in"] == model.tokens_in


def test_equal_records_are_paid_for_once(command: Command, model: FaultyEndpoint, tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", [{"text": "qwertz"}] * 8)
    output = tmp_path / "out.jsonl"
    command("label", "--local", SPAM, "--input", source, "--output", output, "--escalate", "100%", "--parallel", "8")
    assert [row["source"] for row in rows_of(output)] == ["model"] * 8
    assert model.served == 1


@pytest.mark.parametrize("parallel", [1, 8])
def test_a_budget_holds_to_the_request(
    command: Command, model: FaultyEndpoint, distinct: Path, tmp_path: Path, parallel: int
) -> None:
    """Requests are sent as long as the next one surely fits, and what was spent before an interruption counts."""
    output = tmp_path / "out.jsonl"
    arguments = ["label", "--local", SPAM, "--input", distinct, "--output", output, "--parallel", parallel]
    escalation = command.json(*arguments, "--budget-tokens", "2000")["escalation"]
    spent = model.tokens_in + model.tokens_out
    assert escalation["tokens_in"] + escalation["tokens_out"] == spent <= 2000
    largest = max(len(str(body["messages"])) for body in model.requests)  # a token is a character at the very most
    assert 2000 - spent < largest
    assert escalation["stopped"] == "the budget is used up"
    assert 0 < escalation["asked"] < 200 == escalation["wanted"]
    again = command.json(*arguments, "--budget-tokens", "2000")["escalation"]
    assert model.tokens_in + model.tokens_out == spent
    assert (again["sent"], again["asked"]) == (0, escalation["asked"])
    assert len(rows_of(output)) == 200
    more = command.json(*arguments, "--budget-tokens", "4000")["escalation"]
    assert more["asked"] > escalation["asked"]
    assert spent < model.tokens_in + model.tokens_out <= 4000


def test_a_run_that_is_killed_while_the_model_answers_pays_nothing_twice(
    model: FaultyEndpoint, distinct: Path, tmp_path: Path
) -> None:
    command = command_of(model, tmp_path)
    output = tmp_path / "out.jsonl"
    arguments = ["label", "--local", SPAM, "--input", distinct, "--output", output, "--escalate", "30"]
    reached = model.answer
    for stop in (signal.SIGKILL, signal.SIGINT):
        before = model.served
        model.answer = slowly
        signal.signal(signal.SIGINT, signal.default_int_handler)
        run = subprocess.Popen(
            [sys.executable, "-m", "labelwright.cli", *map(str, arguments), "--parallel", "1"],
            env={**os.environ, **command.environment, **{name: str(value) for name, value in command._more.items()}},
            stderr=subprocess.PIPE,
        )
        while run.poll() is None and model.served < before + 5:
            time.sleep(0.01)
        run.send_signal(stop)
        run.communicate()
        assert not output.exists()
    model.answer = reached
    summary = command.json(*arguments)
    assert summary["escalation"]["asked"] == 30
    texts = list(map(asked_text, model.requests))
    assert len(texts) - len(set(texts)) <= 1, "only the one request that a kill tore may be sent again"
    assert sum(row["source"] == "model" for row in rows_of(output)) == 30
    assert summary["resumed"] == 200
    assert abs(summary["escalation"]["tokens_in"] - model.tokens_in) <= model.tokens_in / len(texts) + 1


@pytest.mark.parametrize("parallel", [1, 4])
def test_without_the_model_the_programs_labels_stay(
    command: Command, model: FaultyEndpoint, distinct: Path, plain: list[dict[str, Any]], tmp_path: Path, parallel: int
) -> None:
    """It stops after ten failures in a row, says so, and goes on once the model is there."""
    output = tmp_path / "out.jsonl"
    arguments = ["label", "--local", SPAM, "--input", distinct, "--output", output, "--escalate", "60"]
    model.refuses = lambda body: AWAY
    result = command(*arguments, "--parallel", parallel, exits=3)
    assert rows_of(output) == plain
    assert 10 <= len(model.requests) < 10 + parallel
    assert "10 requests in a row failed" in result.stderr
    assert "60 rows are left to send" in result.stderr
    model.refuses = lambda body: None
    assert command.json(*arguments)["escalation"]["left"] == 0
    assert sum(row["source"] == "model" for row in rows_of(output)) == 60


def test_single_failures_and_answers_without_a_label_are_counted(
    model: FaultyEndpoint, distinct: Path, plain: list[dict[str, Any]], tmp_path: Path
) -> None:
    first = [plain[number] for number in least_sure_first(plain)[:9]]
    model.answer = lambda body: "neither" if asked_text(body) == first[0]["text"] else "spam"
    model.refuses = lambda body: AWAY if asked_text(body) == first[1]["text"] else None
    command, output = command_of(model, tmp_path), tmp_path / "out.jsonl"
    summary = command.json(
        "label", "--local", SPAM, "--input", distinct, "--output", output, "--escalate", "9", exits=3
    )
    escalation = summary["escalation"]
    assert (escalation["asked"], escalation["unlabeled"], escalation["left"]) == (8, 1, 1)
    assert sum(escalation["unanswered"].values()) == 1
    rows = {row["text"]: row for row in rows_of(output)}
    assert rows[first[0]["text"]] == first[0] | {"source": "asked"}
    assert rows[first[1]["text"]] == first[1]
    assert all(rows[row["text"]]["source"] == "model" for row in first[2:])


def test_a_model_that_says_nothing_in_time_costs_one_row_its_answer(
    model: FaultyEndpoint, distinct: Path, plain: list[dict[str, Any]], tmp_path: Path
) -> None:
    model.script = ["hang"]
    command, output = command_of(model, tmp_path, LABELWRIGHT_SYNTHESIS_SILENCE_SECONDS="0.3"), tmp_path / "out.jsonl"
    arguments = [
        "label",
        "--local",
        SPAM,
        "--input",
        distinct,
        "--output",
        output,
        "--escalate",
        "3",
        "--parallel",
        "1",
    ]
    result = command(*arguments, exits=3)
    assert "1 rows got no answer" in result.stderr
    first, *others = least_sure_first(plain)[:3]
    rows = rows_of(output)
    assert rows[first] == plain[first]
    assert [rows[number]["source"] for number in others] == ["model"] * 2


def test_rows_that_cannot_be_labeled_are_not_sent(command: Command, model: FaultyEndpoint, tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", [{"text": 7}, {"text": "qwertz"}])
    output = tmp_path / "out.jsonl"
    command("label", "--local", SPAM, "--input", source, "--output", output, "--escalate", "100%", exits=1)
    assert [row["source"] for row in rows_of(output)] == [None, "model"]
    assert model.served == 1


def test_the_bundle_s_guide_goes_along(command: Command, model: FaultyEndpoint, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(SPAM, bundle, ignore=shutil.ignore_patterns("__pycache__"))
    (bundle / "guide.md").write_text("Offers of shops are spam.\n")
    source = write_rows(tmp_path / "in.jsonl", [{"text": "qwertz"}])
    command("label", "--local", bundle, "--input", source, "--output", tmp_path / "o.jsonl", "--escalate", "1")
    assert "Offers of shops are spam." in model.requests[0]["messages"][0]["content"]


def test_through_the_service_the_least_sure_rows_are_the_same(
    labelwright: Command, spam: str, model: FaultyEndpoint, distinct: Path, tmp_path: Path
) -> None:
    servers = labelwright.environment
    command = Command(
        servers["LABELWRIGHT_REGISTRY"],
        servers["LABELWRIGHT_SERVICE"],
        OPENAI_BASE_URL=model.url,
        LABELWRIGHT_SYNTHESIS_REPLIES_DIR=str(tmp_path / "replies"),
    )
    sent = []
    for name, source in (("folder.jsonl", ["--local", SPAM]), ("service.jsonl", [spam])):
        command("label", *source, "--input", distinct, "--output", tmp_path / name, "--escalate", "10%")
        sent.append([row["text"] for row in rows_of(tmp_path / name) if row["source"] == "model"])
    assert sent[0] == sent[1]
    assert model.served == 20


@pytest.mark.parametrize("extent", ["0%", "101%", "ten", "-5", "0", "1e2%", "٣%"])
def test_an_extent_that_says_nothing_is_refused_before_anything_is_labeled(
    command: Command, distinct: Path, tmp_path: Path, extent: str
) -> None:
    output = tmp_path / "out.jsonl"
    command("label", "--local", SPAM, "--input", distinct, "--output", output, f"--escalate={extent}", exits=2)
    assert not output.exists()


def test_escalation_needs_a_file_and_an_endpoint(command: Command, distinct: Path, tmp_path: Path) -> None:
    assert "--output" in command("label", "--local", SPAM, "--input", distinct, "--escalate", "5%", exits=2).stderr
    assert "--input" in command("label", "--local", SPAM, "hi", "--escalate", "5%", exits=2).stderr
    alone = Command("127.0.0.1:9", "127.0.0.1:9", OPENAI_API_KEY=None, OPENAI_BASE_URL=None)
    output = tmp_path / "out.jsonl"
    result = alone("label", "--local", SPAM, "--input", distinct, "--output", output, "--escalate", "5%", exits=2)
    assert "OPENAI_API_KEY" in result.stderr
