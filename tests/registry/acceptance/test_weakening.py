from __future__ import annotations

import pytest
from labelwright.core.bundle import Bundle, open_bundle
from labelwright.core.task import Gates
from labelwright.registry.acceptance.gate import is_looser, stricter
from labelwright.registry.acceptance.weakening import Weakening, gold_kept, weakening

from tests.registry.bundles import files, gold_rows

ROWS = [("win a prize", "spam"), ("see you", "ham"), ("call now", "spam")]


def bundle(rows: list[tuple[str, str]], gates: str = "", more: str = "") -> Bundle:
    contents = files("spam", gates=gates, gold=gold_rows(*rows) if rows else None)
    contents["task.toml"] = contents["task.toml"].replace(b'text = "text"', f'text = "text"\n{more}'.encode())
    made, findings = open_bundle(sorted(contents.items()))
    assert made is not None, findings
    return made


def found(*arguments: object) -> tuple[int, int, int]:
    weak = weakening(bundle(ROWS), bundle(*arguments))  # type: ignore[arg-type]
    return weak.gold, weak.removed, weak.relabeled


def test_what_is_kept_or_added_weakens_nothing() -> None:
    assert found(ROWS) == (3, 0, 0)
    assert found([("more", "ham"), *reversed(ROWS), ROWS[0]]) == (3, 0, 0)
    assert found(ROWS, "", 'sender = { type = "text", optional = true }') == (3, 0, 0)


def test_rows_that_are_gone_or_relabeled_are_counted() -> None:
    assert found(ROWS[1:]) == (3, 1, 0)
    assert found([("win a prize", "ham"), *ROWS[1:]]) == (3, 0, 1)
    assert found([]) == (3, 3, 0)


@pytest.mark.parametrize(
    ("before", "now", "looser"),
    [
        ("min_accuracy = 0.9", "min_accuracy = 0.9", {}),
        ("min_accuracy = 0.9", "min_accuracy = 0.95", {}),
        ("min_accuracy = 0.9", "min_accuracy = 0.8", {"min_accuracy": (0.9, 0.8)}),
        ("min_accuracy = 0.9", "", {"min_accuracy": (0.9, None)}),
        ("", "min_accuracy = 0.9", {}),
        ("max_accuracy_drop = 0.02", "max_accuracy_drop = 0.05", {"max_accuracy_drop": (0.02, 0.05)}),
        ("max_accuracy_drop = 0.02", "max_accuracy_drop = 0.0", {}),
        ("", "max_error = 0.5", {"max_error": (0.01, 0.5)}),
    ],
)
def test_looser_gates_are_named(before: str, now: str, looser: dict[str, tuple[float, float | None]]) -> None:
    assert weakening(bundle(ROWS, before), bundle(ROWS, now)).gates == looser


def test_a_person_is_told_what_is_weaker() -> None:
    weak = weakening(bundle(ROWS, "min_accuracy = 0.9"), bundle(ROWS[1:]))
    assert [(finding.file, finding.code, finding.message) for finding in weak.findings()] == [
        ("gold.jsonl", "LW406", "of production's 3 gold rows 1 are gone, 0 relabeled"),
        ("task.toml", "LW406", "min_accuracy is not set, and 0.9 in production"),
    ]
    assert list(Weakening().findings()) == []


def test_gold_is_protected() -> None:
    assert gold_kept(Weakening(3)).passed
    assert not gold_kept(Weakening(3, removed=1)).passed
    assert not gold_kept(Weakening(3, relabeled=1)).passed
    assert not gold_kept(Weakening(3), "the old bundle cannot be read").passed


def test_the_stricter_gate_counts() -> None:
    ours = Gates.model_validate({"min_accuracy": 0.9, "max_accuracy_drop": 0.1})
    policy = Gates.model_validate(
        {"min_accuracy": 0.8, "min_coverage": 0.5, "max_accuracy_drop": 0.02, "max_error": None}
    )
    both = stricter(ours, policy)
    assert (both.min_accuracy, both.min_coverage, both.max_accuracy_drop) == (0.9, 0.5, 0.02)
    assert both.max_error == 0.01
    assert "max_error" not in both.model_fields_set
    assert stricter(ours, Gates(max_error=None)) == ours


def test_not_set_is_the_loosest() -> None:
    assert is_looser("min_accuracy", None, 0.0)
    assert not is_looser("min_accuracy", 0.0, None)
    assert not is_looser("min_accuracy", None, None)
