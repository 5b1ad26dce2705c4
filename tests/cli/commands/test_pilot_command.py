from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from labelwright.cli.exits import ExitCode
from labelwright.cli.main import app
from labelwright.core.bundle import read_folder
from labelwright.synthesis.pilot.result import PilotOptions
from labelwright.synthesis.pilot.run import run_pilot
from labelwright.synthesis.writing.round import WritingOptions
from typer.testing import CliRunner

from tests.synthesis.pilot.reviews_pilot import answer, pilot_rows
from tests.synthesis.scripted import scripted_provider

OPTIONS = PilotOptions(direct_labels=30, direct_sample=20)


@pytest.fixture(scope="module")
def inputs(sandbox, tmp_path_factory) -> Path:
    """A task's folder, its rows, and the replies of one run."""
    folder: Path = tmp_path_factory.mktemp("task")
    given = pilot_rows(test_rows=60)
    (folder / "task.toml").write_text(given.task.toml)
    (folder / "records.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for (text,) in given.records))
    for name, rows in (("gold", given.gold), ("test", given.test)):
        lines = [{"text": row.record[0], "label": given.task.label_names[row.label or 0]} for row in rows]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    provider = scripted_provider(answer, replies=folder / "replies.jsonl")
    run_pilot(sandbox, provider, given, WritingOptions(programs=2), OPTIONS)
    return folder


def run(inputs: Path, report: Path, *more: str):
    words = ["pilot", str(inputs), "--report", str(report), "--programs", "2", "--author", "small"]
    words += [
        "--direct-labels",
        "30",
        "--direct-sample",
        "20",
        "--recorded",
        "--replies",
        str(inputs / "replies.jsonl"),
    ]
    for name in ("records", "gold", "test"):
        words += [f"--{name}", str(inputs / f"{name}.jsonl")]
    return CliRunner().invoke(app, [*words, *more], prog_name="labelwright")


@pytest.mark.parametrize("option", ["gold", "test"])
def test_a_file_without_labeled_rows_is_refused(inputs, tmp_path, option):
    (tmp_path / "none.jsonl").touch()
    result = run(inputs, tmp_path / "out", f"--{option}", str(tmp_path / "none.jsonl"))
    assert result.exit_code == ExitCode.USAGE
    assert "none.jsonl holds no labeled rows" in result.output
    assert not (tmp_path / "out").exists()


def test_writes_the_report_the_page_and_the_bundle(inputs, tmp_path):
    result = run(inputs, tmp_path / "out")
    assert result.exit_code == ExitCode.OK, result.output
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert f"{report['ensemble']['accuracy']:.1%}" in result.output
    assert "programs asked for" in result.output
    assert "reviews" in (tmp_path / "out" / "report.html").read_text()
    bundle, findings = read_folder(tmp_path / "out" / "bundle")
    assert bundle is not None, findings
    assert {program["name"] for program in report["programs"] if program["serves"]} == set(bundle.program_names)


def test_a_baseline_without_scikit_learn_is_refused_in_a_line_that_names_the_extra(inputs, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    result = run(inputs, tmp_path / "out", "--baseline")
    assert result.exit_code == ExitCode.USAGE
    assert "labelwright[baseline]" in result.stderr
    assert len(result.stderr.strip().splitlines()) <= 2
    assert "Traceback" not in result.output


def test_json_is_the_report(inputs, tmp_path):
    result = run(inputs, tmp_path / "out", "--json")
    assert json.loads(result.stdout) == json.loads((tmp_path / "out" / "report.json").read_text())


def test_refuses_a_report_folder_in_use_before_any_money_is_spent(inputs, tmp_path):
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "task.toml").write_text("mine")
    result = run(inputs, tmp_path)
    assert result.exit_code == ExitCode.USAGE
    assert "not empty" in result.output
    assert (tmp_path / "bundle" / "task.toml").read_text() == "mine"


def test_records_that_do_not_fit_are_left_out_and_named(inputs, tmp_path):
    bad = tmp_path / "bad.jsonl"
    bad.write_text((inputs / "records.jsonl").read_text() + '{"text": 3}\n')
    result = run(inputs, tmp_path / "out", "--records", str(bad))
    assert result.exit_code == ExitCode.OK, result.output
    assert "left out: " in result.output


def test_gold_rows_that_do_not_fit_are_refused(inputs, tmp_path):
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"text": "fine", "label": "good"}\n{"text": "fine", "label": "superb"}\n')
    result = run(inputs, tmp_path / "out", "--gold", str(bad))
    assert result.exit_code == ExitCode.NO
    assert "bad.jsonl:2" in result.output


def test_a_dry_run_asks_nothing_and_writes_nothing(inputs, tmp_path):
    result = run(inputs, tmp_path / "out", "--dry-run", "--replies", str(tmp_path / "none.jsonl"))
    assert result.exit_code == ExitCode.OK, result.output
    assert "tokens" in result.output
    assert list(tmp_path.iterdir()) == []


def test_the_estimate_stands_beside_what_it_took(inputs, tmp_path):
    run(inputs, tmp_path / "out")
    cost = json.loads((tmp_path / "out" / "report.json").read_text())["cost"]
    assert cost["estimated"]["requests"] > 0
    assert "estimated before" in (tmp_path / "out" / "report.html").read_text()
