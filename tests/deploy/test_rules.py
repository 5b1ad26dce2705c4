"""The rules and alerts, by the tools that come with Prometheus and Alertmanager."""

from __future__ import annotations

import re
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.parts.alertmanager import CONFIG
from tests.parts.prometheus import RULES
from tests.parts.repository import ROOT
from tests.parts.server_process import find_program
from tools import runbooks

RUNBOOKS = "{{ with $externalLabels.runbooks }}{{ . }}{{ else }}{{ $externalURL }}/consoles/operations.html{{ end }}"
CASES = sorted(Path(__file__).parent.joinpath("rules").glob("*.yml"))
PAGE = (ROOT / "docs" / "operations.md").read_text()


@lru_cache
def rules(name: str) -> list[dict[str, Any]]:
    """Return the rules of a file."""
    parsed = YAML(typ="safe").load((RULES / name).read_text())
    return [rule for group in parsed["groups"] for rule in group["rules"]]


FILES = [path.name for path in sorted(RULES.glob("*.yml"))]
ALERTS = [(file, rule["alert"]) for file in FILES for rule in rules(file) if "alert" in rule]
EXPRESSION = re.compile(r"(- alert: [^\n]*\n(?:\s+#[^\n]*\n)*\s+expr: ).*?\n(?=\s+(?:for|labels): )", re.DOTALL)


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


def test_prometheus_takes_the_rules_and_the_configuration() -> None:
    promtool = find_program("promtool")
    for done in (
        run(promtool, "check", "rules", *sorted(RULES.glob("*.yml"))),
        run(promtool, "check", "config", "--syntax-only", RULES.parent / "prometheus.yml"),
    ):
        assert done.returncode == 0, done.stdout


def test_alertmanager_takes_its_configuration() -> None:
    done = run(find_program("amtool"), "check-config", CONFIG)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_cases(path: Path) -> None:
    done = run(find_program("promtool"), "test", "rules", path)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize(
    ("expression", "told_by"), [("vector(1)", "got"), ("vector(1) > 1", "exp")], ids=["always", "never"]
)
def test_the_cases_notice_alerts_that_fire(file: str, expression: str, told_by: str, tmp_path: Path) -> None:
    """Each alert has a case in which it must fire and one in which it must not."""
    alerts = {alert for other, alert in ALERTS if other == file}
    text = (RULES / file).read_text()
    changed, times = EXPRESSION.subn(rf"\g<1>{expression}\n", text)
    assert times == len(alerts)
    (tmp_path / file).write_text(changed)
    noticed: set[str] = set()
    for path in CASES:
        cases = path.read_text()
        if f"/{file}]" in cases:
            copy = tmp_path / f"cases-{path.name}"
            copy.write_text(re.sub(r"rule_files: \[.*\]", f"rule_files: [{file}]", cases))
            said = run(find_program("promtool"), "test", "rules", copy).stdout
            noticed |= {
                name for line in re.findall(rf"{told_by}: .*", said) for name in re.findall(r"Labelwright\w+", line)
            }
    assert alerts <= noticed


@pytest.mark.parametrize(("file", "alert"), ALERTS, ids=[alert for _, alert in ALERTS])
def test_every_alert_says_what_to_do(file: str, alert: str) -> None:
    rule = next(rule for rule in rules(file) if rule.get("alert") == alert)
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    assert rule["annotations"]["runbook_url"] == RUNBOOKS + f"#{alert.lower()}"
    assert f'id="{alert.lower()}"' in runbooks.PAGE.read_text()
    assert rule["labels"] == {"kind": "drift" if file == "drift.yml" else "ops", "severity": rule["labels"]["severity"]}
    assert rule["labels"]["severity"] in ("info", "warning", "critical")
    section = re.search(rf"^### {alert}\n(.*?)(?=^#|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert section, "docs/operations.md has no section for it"
    for part in ("**Means**", "**Look at**", "**Do**"):
        assert part in section[1], part


def test_the_page_has_no_section_for_an_alert_that_is_not_there() -> None:
    assert set(re.findall(r"^### (Labelwright\w+)$", PAGE, re.MULTILINE)) == {alert for _, alert in ALERTS}


def test_the_page_gives_every_setting_its_value() -> None:
    """The table of thresholds against the file."""
    found = {
        rule["record"]: float(value[1])
        for rule in rules("drift.yml")
        if (value := re.fullmatch(r"vector\((.*)\)", rule.get("expr", ""))) and "record" in rule
    }
    rows = re.findall(r"^\| `(labelwright:drift_\w+)` \| ([\d.]+) \|", PAGE, re.MULTILINE)
    assert {name: float(value) for name, value in rows} == found


def test_every_recorded_series_is_described() -> None:
    page = (ROOT / "docs" / "drift.md").read_text()
    recorded = {rule["record"] for rule in rules("drift.yml") if "record" in rule}
    assert {name for name in recorded if f"`{name}`" not in page + PAGE} == set()


def test_a_hurried_copy_leaves_no_long_time(tmp_path: Path) -> None:
    """Other tests count on it that the window is written in one way only."""
    text = (RULES / "drift.yml").read_text()
    assert set(re.findall(r"\[(\w+)\]", text)) == {"30m"}
    assert set(re.findall(r"for: (\w+)$", text, re.MULTILINE)) == {"10m"}
