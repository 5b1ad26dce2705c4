from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from labelwright.core.bundle import Program, read_folder
from labelwright.synthesis.settings import PREFIX, SynthesisSettings, read_settings
from typer.testing import Result

from tests.parts.command import Command
from tests.parts.repository import ROOT, SMALL_MODEL_REPLIES
from tests.synthesis.faulty_endpoint import running

SPAM = ROOT / "examples" / "spam"
RECORDED = ("--recorded", "--replies", str(SMALL_MODEL_REPLIES))


INPUT = ("--author", "small", "--records", str(SPAM / "unlabeled.jsonl"), "--gold", str(SPAM / "bundle" / "gold.jsonl"))


def synth(*arguments: str, exits: int = 0, **environment: str) -> Result:
    """Run the command in this process, with no setting of synthesis but these."""
    unset = {name: None for name in os.environ if name.startswith(("OPENAI_", PREFIX))}
    command = Command("127.0.0.1:1", "127.0.0.1:1", **{**unset, **environment})
    return command("synth", SPAM / "bundle", *arguments, exits=exits)


def test_writes_a_bundle_and_says_what_it_cost(tmp_path: Path) -> None:
    words = ("synth", str(SPAM / "bundle"), *INPUT, *RECORDED, "--out", str(tmp_path / "bundle"), "--json")
    done = subprocess.run(
        [sys.executable, "-m", "labelwright.cli", *words],
        capture_output=True,
        text=True,
        timeout=200,
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "HOME": str(Path.home())},
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["programs_asked"] == 10
    assert told["programs_kept"] == len(told["kept"]) >= 6
    assert len(told["dropped"]) == told["programs_asked"] - told["programs_kept"]
    assert told["cost"]["spent"]["calls"] == 0
    assert told["cost"]["worth"]["tokens_in"] > 1000
    assert told["estimate"]["tokens_in"] > 1000
    bundle, findings = read_folder(tmp_path / "bundle")
    assert bundle is not None, findings
    assert bundle.digest == told["digest"]


def test_a_dry_run_asks_nothing_and_needs_no_key() -> None:
    done = synth(*INPUT, "--dry-run", "--json", LABELWRIGHT_SYNTHESIS_MODEL="gpt-4o-mini")
    assert json.loads(done.stdout)["estimate"]["dollars"] > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--out", "OUT"), "no key"),
        (("--out", "OUT", "--recorded"), "need their file"),
        ((), "would go nowhere"),
        (("--concepts",), "no key"),
        ((*RECORDED, "--out", "OUT", "--strategies", "magic"), "no strategy"),
        ((*RECORDED, "--out", str(SPAM)), "not empty"),
        (("--out", "OUT", "--wish", "more"), "--wish is said when programs are revised"),
        (("--out", "OUT", "--revise", str(SPAM / "bundle")), "needs a model that writes whole programs"),
    ],
)
def test_wrong_use_is_one_clear_line(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    words = (str(tmp_path / "new") if argument == "OUT" else argument for argument in arguments)
    assert said in synth(*INPUT, *words, exits=2).stderr


def test_suggests_what_to_measure(tmp_path: Path) -> None:
    with running(lambda body: "1. Shouting: capital letters, speaks for spam") as endpoint:
        replies = ("--replies", str(tmp_path / "replies.jsonl"))
        done = synth("--concepts", *replies, OPENAI_BASE_URL=endpoint.url)
    assert 'shouting = { type = "number"' in done.stdout


def test_needs_records() -> None:
    assert "--records FILE" in synth("--dry-run", exits=2).stderr


def test_records_that_fit_nothing_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_text('{"words": "x"}\nnot JSON\n')
    done = synth("--records", str(path), *RECORDED, "--out", str(tmp_path / "new"), exits=2)
    assert "no record that fits" in done.stderr
    assert "the file has: 'words'" in done.stderr


def test_gold_without_a_row_is_no_gold(tmp_path: Path) -> None:
    gold = tmp_path / "gold.jsonl"
    gold.write_text("\n")
    done = synth("--records", str(SPAM / "unlabeled.jsonl"), "--gold", str(gold), "--dry-run", exits=2)
    assert f"{gold} holds no labeled rows" in done.stderr


def test_a_bundles_programs_are_revised_by_a_wish(tmp_path: Path) -> None:
    bundle, out = tmp_path / "bundle", tmp_path / "new"
    shutil.copytree(SPAM / "bundle", bundle)
    prize = (bundle / "programs" / "prize.py").read_text(encoding="utf-8")
    table = (bundle / "programs" / "shouting.py").read_text(encoding="utf-8") + "\n# A table that somebody corrected.\n"
    (bundle / "programs" / "student_clear.py").write_text(table, encoding="utf-8")
    (bundle / "guide.md").write_text("Ads are spam.\n")
    origin = {"digest": Program("prize", prize).digest, "by": "m", "at": "2026-11-27T00:00:00+00:00"}
    (bundle / "provenance.json").write_text(json.dumps({"written": {"prize": origin}}))

    def answer(body: dict[str, Any]) -> str:
        asked = body["messages"][-1]["content"]
        if asked.startswith("Label each"):
            return "{}"
        asked_for.append(asked)
        line = "def label(text):\n"
        return f"<<<<<<< SEARCH\n{line}=======\n# Wider now.\n{line}>>>>>>> REPLACE"

    asked_for: list[str] = []
    words = ["--records", str(SPAM / "unlabeled.jsonl"), "--gold", str(bundle / "gold.jsonl"), "--out", str(out)]
    words += ["--author", "large", "--no-student", "--revise", str(bundle), "--wish", "It takes raffles for ham."]
    words += ["--replies", str(tmp_path / "replies.jsonl")]
    with running(answer) as endpoint:
        synth(*words, OPENAI_BASE_URL=endpoint.url)
    (asked,) = [asked for asked in asked_for if asked.startswith("Your program")]
    assert asked.startswith('Your program "prize"'), "the other ones are by hand"
    assert "It takes raffles for ham." in asked
    assert "# Wider now." in (out / "programs" / "prize.py").read_text(encoding="utf-8")
    assert (out / "guide.md").read_text(encoding="utf-8") == "Ads are spam.\n"
    for path in (bundle / "programs").glob("*.py"):
        if path.stem != "prize":
            assert (out / "programs" / path.name).read_bytes() == path.read_bytes()


def test_gold_rows_of_one_label_are_told_to_teach_nothing(tmp_path: Path) -> None:
    gold = tmp_path / "gold.jsonl"
    gold.write_text('{"text": "see you tomorrow", "label": "ham"}\n{"text": "ok", "label": "ham"}\n')
    program = 'def label(text):\n    """Prizes."""\n    return "spam" if "free" in text.lower() else None\n'
    words = ["--records", str(SPAM / "unlabeled.jsonl"), "--gold", str(gold), "--out", str(tmp_path / "new")]
    words += ["--programs", "1", "--strategies", "plain", "--direct-labels", "0"]
    words += ["--replies", str(tmp_path / "replies.jsonl")]
    with running(lambda body: f"```python\n{program}```") as endpoint:
        done = synth(*words, OPENAI_BASE_URL=endpoint.url)
    assert "all gold rows have the label ham: they say nothing of the others" in " ".join(done.output.split())


def test_gold_of_another_shape_says_once_what_is_there(tmp_path: Path) -> None:
    gold = tmp_path / "gold.jsonl"
    gold.write_text('{"Text": "x", "label": "ham"}\n' * 300)
    done = synth("--records", str(SPAM / "unlabeled.jsonl"), "--gold", str(gold), "--dry-run", exits=1)
    assert "none of its 300 rows fits the task" in done.stderr
    assert done.stderr.count("field 'text' is missing; is it the column 'Text'?") == 1


def test_settings_are_documented() -> None:
    page = (ROOT / "docs" / "synthesis.md").read_text(encoding="utf-8")
    for name, field in SynthesisSettings.model_fields.items():
        assert f"`{PREFIX}{name.upper()}`" in page
        assert field.description
        assert field.description in page


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    settings = read_settings()
    assert settings.base_url == "http://127.0.0.1:9/v1"
    assert "sk-secret" not in repr(settings)
    monkeypatch.setenv("LABELWRIGHT_SYNTHESIS_BUDGET_TOKENS", "many")
    with pytest.raises(Exception, match="LABELWRIGHT_SYNTHESIS_BUDGET_TOKENS"):
        read_settings()
