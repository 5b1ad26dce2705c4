"""docs/bundle.md is true: its example is a bundle and gives what the page says, its tables are those of the code."""

from __future__ import annotations

import json
import re

import pytest
from labelwright.core import bundle as limits_of
from labelwright.core.bundle import Bundle, open_bundle, program_digests
from labelwright.core.label_model import parse_label_model
from labelwright.core.task import FieldType, Gates, Limits, Refresh, parse_task
from labelwright.registry.acceptance.acceptance import accept
from labelwright.sandbox import Labeler, Sandbox

from tests.parts.repository import ROOT

PAGE = (ROOT / "docs/bundle.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    files = {
        name: content.encode()
        for name, content in re.findall(r"^`([\w/.]+)`:\n\n```\w+\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    }
    assert sorted(files) == ["gold.jsonl", "programs/planned_stay.py", "programs/words.py", "task.toml"]
    bundle, findings = open_bundle(files.items())
    assert findings == []
    assert bundle is not None
    return bundle


def table(*columns: str) -> list[list[str]]:
    """Return the rows of the page's table with this head."""
    head = re.escape(f"| {' | '.join(columns)} |") + r"\n\|[-|]+\n((?:\|.*\n)+)"
    found = re.search(head, PAGE)
    assert found, columns
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in found[1].splitlines()]


def test_the_example_votes_as_the_page_says(bundle: Bundle) -> None:
    with Sandbox() as sandbox:
        labeler = Labeler.open(sandbox, bundle)
        packed = [json.dumps(row.record) for row in bundle.gold]
        labeled = labeler.label(packed)
        labeler.close()
    said = table("record", "planned_stay", "words", "label")

    def shown(index: int) -> str:
        return bundle.task.label_names[index] if index >= 0 else "none"

    assert [[*map(shown, item.votes), shown(item.decision.label)] for item in labeled] == [row[1:] for row in said]


def test_the_example_is_accepted_with_the_figures_of_the_page(bundle: Bundle) -> None:
    with Sandbox() as sandbox:
        report = accept(sandbox, bundle, [])
    assert list(report.findings) == []
    assert report.gold is not None
    assert (report.gold.accuracy, report.gold.accuracy - report.gold.majority_accuracy) == pytest.approx((0.8, 0.4))
    assert [(gate.gate, gate.passed) for gate in report.gates][:2] == [
        ("min_accuracy", True),
        ("min_gain_over_majority", True),
    ]


def test_the_label_model_gives_the_probability_of_the_page(bundle: Bundle) -> None:
    found = re.search(r"```json\n(\{\n  \"kind\": \"weighted\".*?)```", PAGE, re.DOTALL)
    assert found
    model, findings = parse_label_model(found[1], bundle.task.label_names, program_digests(bundle.programs))
    assert findings == []
    assert model is not None
    said = re.search(r"= (0\.\d+)\.\n", PAGE)
    assert said
    assert model.decide((0, 0)).probability == pytest.approx(float(said[1]), abs=0.0005)


def test_every_limit_stands_in_its_table_with_its_default() -> None:
    said = {row[0].strip("`"): (int(row[1]), int(row[2])) for row in table("limit", "default", "at most", "unit")}
    real = {}
    for name, field in Limits.model_fields.items():
        most = next(rule.le for rule in field.metadata if hasattr(rule, "le"))
        real[name] = (field.default, most)
    assert said == real


def test_every_gate_and_field_type_stands_in_its_table() -> None:
    assert [row[0].strip("`") for row in table("gate", "what is compared")] == list(Gates.model_fields)
    assert [row[0].strip("`") for row in table("type", "in Python", "in JSON")] == [kind.value for kind in FieldType]


def test_every_refresh_setting_stands_in_its_table_with_its_default() -> None:
    said = table("setting", "default", "meaning")
    assert [row[0].strip("`") for row in said] == list(Refresh.model_fields)
    example = re.search(r"`task.toml`:\n\n```\w+\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert example
    settings = "\n".join(f"{name.strip('`')} = {value.strip('`')}" for name, value, _ in said)
    task, findings = parse_task(f"{example[1]}\n[refresh]\n{settings}")
    assert findings == []
    assert task is not None
    assert task.refresh == Refresh()


def test_the_sizes_are_those_of_the_code() -> None:
    assert f"at most {limits_of.MAX_PROGRAMS}\nprograms, each at most {limits_of.MAX_PROGRAM_BYTES >> 10} KiB" in PAGE
    assert f"{limits_of.MAX_BUNDLE_BYTES >> 20} MiB in all" in PAGE
