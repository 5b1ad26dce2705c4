"""Reports to and from the contract's messages."""

from __future__ import annotations

from labelwright.core.report import GateResult, GoldFigures, LabelFigures, ProgramFigures, Reference, Report
from labelwright.core.wire.messages import finding_from_message, finding_to_message
from labelwright.v1 import registry_service_pb2 as pb


def report_to_message(report: Report) -> pb.Report:
    """Return the message."""
    return pb.Report(
        findings=[finding_to_message(finding) for finding in report.findings],
        gold=_gold_to_message(report.gold) if report.gold else None,
        reference=reference_to_message(report.reference) if report.reference else None,
        gates=[gate_to_message(gate) for gate in report.gates],
    )


def report_from_message(message: pb.Report) -> Report:
    """Return the report that the message carries."""
    return Report(
        tuple(finding_from_message(finding) for finding in message.findings),
        _gold_from_message(message.gold) if message.HasField("gold") else None,
        reference_from_message(message.reference) if message.HasField("reference") else None,
        tuple(gate_from_message(gate) for gate in message.gates),
    )


def reference_to_message(reference: Reference) -> pb.Reference:
    """Return the message."""
    return pb.Reference(
        rows=reference.rows,
        label_shares=reference.label_shares,
        coverage=reference.coverage,
        conflict=reference.conflict,
        error=reference.error,
    )


def reference_from_message(message: pb.Reference) -> Reference:
    """Return the reference that the message carries."""
    return Reference(message.rows, dict(message.label_shares), message.coverage, message.conflict, message.error)


def gate_to_message(gate: GateResult) -> pb.GateResult:
    """Return the message."""
    return pb.GateResult(
        gate=gate.gate, passed=gate.passed, measured=gate.measured, required=gate.required, message=gate.message
    )


def gate_from_message(message: pb.GateResult) -> GateResult:
    """Return the gate's result that the message carries."""
    return GateResult(message.gate, message.passed, message.measured, message.required, message.message)


def _gold_to_message(gold: GoldFigures) -> pb.GoldReport:
    return pb.GoldReport(
        rows=gold.rows,
        accuracy=gold.accuracy,
        coverage=gold.coverage,
        covered_accuracy=gold.covered_accuracy,
        macro_f1=gold.macro_f1,
        majority_accuracy=gold.majority_accuracy,
        labels=[
            pb.LabelReport(label=item.label, rows=item.rows, precision=item.precision, recall=item.recall, f1=item.f1)
            for item in gold.labels
        ],
        programs=[
            pb.ProgramReport(
                program=item.program,
                coverage=item.coverage,
                accuracy=item.accuracy,
                errors=item.errors,
                description=item.description,
                overlap=item.overlap,
                conflict=item.conflict,
            )
            for item in gold.programs
        ],
    )


def _gold_from_message(message: pb.GoldReport) -> GoldFigures:
    return GoldFigures(
        message.rows,
        message.accuracy,
        message.coverage,
        message.covered_accuracy,
        message.macro_f1,
        message.majority_accuracy,
        tuple(LabelFigures(item.label, item.rows, item.precision, item.recall, item.f1) for item in message.labels),
        tuple(
            ProgramFigures(
                item.program,
                item.coverage,
                item.accuracy,
                item.errors,
                item.description,
                item.overlap if item.HasField("overlap") else None,
                item.conflict if item.HasField("conflict") else None,
            )
            for item in message.programs
        ),
    )
