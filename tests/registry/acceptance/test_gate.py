from __future__ import annotations

import grpc
import pytest
from labelwright.core import errors
from labelwright.core.report import GoldFigures, Reference
from labelwright.core.task import Gates
from labelwright.core.wire.status import from_rpc_error
from labelwright.registry.acceptance.gate import check_drop, check_gates, require
from labelwright.v1 import registry_service_pb2 as pb
from labelwright.v1 import registry_service_pb2_grpc as pb_grpc

from tests.parts.registry import Registry, push
from tests.registry.bundles import ALWAYS_HAM, GOLD, PRIZE, SHORT, files, gold_rows, new_name, variant

FIGURES = GoldFigures(rows=10, accuracy=0.8, coverage=0.9, covered_accuracy=0.88, macro_f1=0.7, majority_accuracy=0.6)
REFERENCE = Reference(rows=20, label_shares={}, coverage=0.5, conflict=0.1, error=0.02)


def promote(stub: pb_grpc.RegistryServiceStub, task: str, version: int, **fields: object) -> pb.SetAliasResponse:
    request = pb.SetAliasRequest(task=task, alias="production", version=version, **fields)  # type: ignore[arg-type]
    return stub.SetAlias(request)


def refused(stub: pb_grpc.RegistryServiceStub, task: str, version: int, **fields: object) -> errors.LabelwrightError:
    with pytest.raises(grpc.RpcError) as caught:
        promote(stub, task, version, **fields)
    return from_rpc_error(caught.value)


@pytest.mark.parametrize(
    ("gate", "required", "measured", "passed"),
    [
        ("min_accuracy", 0.8, 0.8, True),
        ("min_accuracy", 0.81, 0.8, False),
        ("min_covered_accuracy", 0.88, 0.88, True),
        ("min_coverage", 0.5, 0.5, True),
        ("min_coverage", 0.9, 0.5, False),
        ("min_gain_over_majority", 0.2, 0.2, True),
        ("min_gain_over_majority", 0.3, 0.2, False),
        ("max_error", 0.02, 0.02, True),
        ("max_error", 0.01, 0.02, False),
    ],
)
def test_each_gate(gate: str, required: float, measured: float, passed: bool) -> None:
    gates = Gates.model_validate({"max_error": None, gate: required})
    (result,) = check_gates(gates, FIGURES, REFERENCE)
    assert (result.gate, result.passed, result.required) == (gate, passed, required)
    assert result.measured == pytest.approx(measured)


@pytest.mark.parametrize(
    "gate", ["min_accuracy", "min_covered_accuracy", "min_gain_over_majority", "max_accuracy_drop"]
)
def test_a_gate_that_needs_gold_fails_without(gate: str) -> None:
    gates = Gates.model_validate({"max_error": None, gate: 0.0})
    (result,) = check_gates(gates, None, REFERENCE) + check_drop(gates, None, 0.9)
    assert not result.passed
    assert "needs gold rows" in result.message


def test_the_default_gate_is_not_asked_of_a_bundle_without_rows_but_a_set_one_is() -> None:
    assert check_gates(Gates(), None, None) == ()
    (result,) = check_gates(Gates(max_error=0.5), None, None)
    assert not result.passed


@pytest.mark.parametrize(("present", "passed"), [(0.85, True), (0.9, True), (0.95, False), (0.1, True), (None, True)])
def test_the_drop(present: float | None, passed: bool) -> None:
    (result,) = check_drop(Gates(max_accuracy_drop=0.1), FIGURES, present)
    assert result.passed is passed


def test_all_failed_gates_are_in_the_error() -> None:
    results = check_gates(Gates(min_accuracy=0.9, min_coverage=0.9), FIGURES, REFERENCE)
    with pytest.raises(errors.GateFailed, match=r"min_accuracy: .*; min_coverage: .*; max_error: ") as caught:
        require(results)
    assert caught.value.metadata["gates"] == "min_accuracy,min_coverage,max_error"


def test_production_moves_through_the_gate_only(registry: Registry) -> None:
    task, stub = new_name(), registry.stub()
    answer = push(stub, files(task, gates="min_accuracy = 0.9"))
    assert [(gate.gate, gate.passed) for gate in answer.report.gates] == [("min_accuracy", False), ("max_error", True)]
    error = refused(stub, task, 1)
    assert isinstance(error, errors.GateFailed)
    assert "accuracy is 0.600; at least 0.9 is asked for" in error.message
    assert stub.SetAlias(pb.SetAliasRequest(task=task, alias="candidate", version=1)).changed


def test_an_override_needs_a_reason_and_is_audited(registry: Registry) -> None:
    task, stub = new_name(), registry.stub()
    push(stub, files(task, gates="min_accuracy = 0.9"))
    push(stub, variant(task, 1))
    assert isinstance(refused(stub, task, 1, override_gate=True), errors.InvalidRequest)
    assert isinstance(refused(stub, task, 1, override_gate=True, reason=" \n"), errors.InvalidRequest)
    answer = promote(stub, task, 1, override_gate=True, reason="gold is wrong", actor="ada")
    assert [gate.passed for gate in answer.gates] == [False, True]
    promote(stub, task, 2, override_gate=True, reason="not needed")
    history = stub.ListAliasHistory(pb.ListAliasHistoryRequest(task=task)).changes
    assert [(change.overridden, change.reason) for change in history] == [
        (False, "not needed"),
        (True, "gold is wrong"),
    ]


def test_a_drop_is_measured_on_the_new_gold_rows(registry: Registry) -> None:
    """The old version has 0.6 on its own rows and 0.0 on the new ones; the new version has 0.5 there."""
    task, stub = new_name(), registry.stub()
    push(stub, files(task))
    promote(stub, task, 1)
    new_gold = gold_rows(("a prize", "ham"), ("no surprise in this, only a long text of some forty letters", "spam"))
    gates = "max_accuracy_drop = 0.05"
    answer = push(stub, files(task, gates=gates, gold=new_gold, ham=ALWAYS_HAM))
    drop = next(gate for gate in answer.report.gates if gate.gate == "max_accuracy_drop")
    assert drop.passed
    assert drop.measured == -0.5
    assert promote(stub, task, 2).changed


def test_a_drop_beyond_the_gate_is_refused(registry: Registry) -> None:
    task, stub = new_name(), registry.stub()
    push(stub, files(task))
    worse = push(
        stub, files(task, gates="max_accuracy_drop = 0.05", ham="def label(text):\n    return None\n", s=SHORT)
    )
    assert all(gate.passed for gate in worse.report.gates)
    promote(stub, task, 1)
    error = refused(stub, task, 2)
    assert error.metadata["gates"] == "max_accuracy_drop"
    assert "production has 0.600" in error.message


def test_a_drop_cannot_be_measured_where_fields_differ(registry: Registry) -> None:
    task, stub = new_name(), registry.stub()
    push(stub, files(task))
    promote(stub, task, 1)
    other = files(task, gates="max_accuracy_drop = 0.5", p="def label(body):\n    return 'ham'\n")
    other["task.toml"] = other["task.toml"].replace(b'text = "text"', b'body = "text"')
    other["gold.jsonl"] = GOLD.replace(b'"text"', b'"body"')
    assert push(stub, other).version.number == 2
    error = refused(stub, task, 2)
    assert isinstance(error, errors.GateFailed)
    assert "needs field 'text'" in error.message
    assert promote(stub, task, 2, override_gate=True, reason="new fields").changed


def test_programs_that_fail_too_often_do_not_become_production(registry: Registry) -> None:
    task, stub = new_name(), registry.stub()
    answer = push(stub, files(task, bad="def label(text):\n    return str(1 // (len(text) - 2))\n", prize=PRIZE))
    assert answer.created
    assert refused(stub, task, 1).metadata["gates"] == "max_error"
