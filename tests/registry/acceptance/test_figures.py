from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelwright.core.report import Report, report_from_json, report_to_json
from labelwright.core.task import Task, parse_task
from labelwright.core.vote import ABSTAIN, VoteError
from labelwright.core.wire.reports import report_from_message, report_to_message
from labelwright.registry.acceptance.figures import gold_figures, reference_figures
from labelwright.v1 import registry_service_pb2 as pb

from tests.registry.bundles import TASK

VOTES = st.integers(min_value=min(VoteError), max_value=1)


def two_labels() -> Task:
    task, findings = parse_task(TASK.format(name="spam", gates=""))
    assert task is not None, findings
    return task


def test_figures_counted_by_hand() -> None:
    gold = [0, 0, 0, 1, 1]
    decisions = [0, 1, ABSTAIN, 1, ABSTAIN]
    votes = [(0, 0), (1, ABSTAIN), (ABSTAIN, VoteError.RAISED), (1, 0), (VoteError.TIMEOUT, ABSTAIN)]
    figures = gold_figures(two_labels(), ("a", "b"), gold, decisions, votes, {"a": "looks for prizes"})
    assert (figures.accuracy, figures.coverage, figures.majority_accuracy) == (0.4, 0.6, 0.6)
    assert figures.covered_accuracy == pytest.approx(2 / 3)
    ham, spam = figures.labels
    assert (ham.rows, ham.precision, ham.recall, ham.f1) == pytest.approx((3, 1.0, 1 / 3, 0.5))
    assert (spam.rows, spam.precision, spam.recall, spam.f1) == (2, 0.5, 0.5, 0.5)
    assert figures.macro_f1 == 0.5
    a, b = figures.programs
    assert (a.coverage, a.accuracy) == pytest.approx((0.6, 2 / 3))
    assert (a.errors, a.description) == (1, "looks for prizes")
    assert (b.coverage, b.accuracy, b.errors, b.description) == (0.4, 0.5, 1, "")
    assert (a.overlap, a.conflict) == (b.overlap, b.conflict) == (0.4, 0.2)
    reference = reference_figures(two_labels().label_names, decisions, votes)
    assert reference.label_shares == {"ham": pytest.approx(1 / 3), "spam": pytest.approx(2 / 3)}
    assert (reference.rows, reference.coverage, reference.conflict, reference.error) == (5, 0.6, 0.2, 0.2)


def test_a_version_that_never_labels_has_figures_of_zero() -> None:
    figures = gold_figures(two_labels(), ("a",), [1, 1], [ABSTAIN, ABSTAIN], [(ABSTAIN,), (ABSTAIN,)], {})
    assert (figures.accuracy, figures.covered_accuracy, figures.macro_f1) == (0.0, 0.0, 0.0)
    reference = reference_figures(two_labels().label_names, [ABSTAIN], [(ABSTAIN,)])
    assert reference.label_shares == {"ham": 0.0, "spam": 0.0}


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(-1, 1), st.tuples(VOTES, VOTES)), min_size=1, max_size=30))
def test_shares_are_shares_and_reports_survive_storage_and_the_wire(
    rows: list[tuple[int, int, tuple[int, int]]],
) -> None:
    gold, decisions, votes = (list(column) for column in zip(*rows, strict=True))
    figures = gold_figures(two_labels(), ("a", "b"), gold, decisions, votes, {})
    reference = reference_figures(two_labels().label_names, decisions, votes)
    assert figures.accuracy == pytest.approx(figures.covered_accuracy * figures.coverage)
    assert figures.coverage == reference.coverage
    assert sum(reference.label_shares.values()) == pytest.approx(1.0 if figures.coverage else 0.0)
    assert all(0 <= share <= 1 for label in figures.labels for share in (label.precision, label.recall, label.f1))
    report = Report((), figures, reference, ())
    assert report_from_json(report_to_json(report)) == report
    message = pb.Report.FromString(report_to_message(report).SerializeToString())
    assert report_from_message(message) == report
