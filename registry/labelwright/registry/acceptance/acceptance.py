"""Acceptance: what is wrong with a bundle, how good it is, and what drift will be measured against.

Independent of storage: the registry calls it at a push, and `labelwright check` offline. The stages are: form
(labelwright.core.bundle), static checks, loading in the sandbox, determinism, figures, gates. A program that fails one
stage is left out of the next, so that one report says everything that can be said.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from labelwright.core.bundle import GOLD_FILE, Bundle, Program, open_bundle, read_files
from labelwright.core.caps import Caps
from labelwright.core.errors import DeadlineExceeded, InvalidBundle
from labelwright.core.finding import Finding, Severity, has_errors
from labelwright.core.report import GoldFigures, Reference, Report, labels_without_rows
from labelwright.core.row import Row
from labelwright.core.task import Task, label_findings
from labelwright.core.vote import is_error, is_label
from labelwright.registry.acceptance.evaluation import RowEvaluation, evaluate, pack_rows
from labelwright.registry.acceptance.figures import gold_figures, reference_figures
from labelwright.registry.acceptance.gate import check_gates
from labelwright.sandbox import Executable, Sandbox
from labelwright.sandbox.determinism import check_determinism
from labelwright.sandbox.static_checks import check_program

MAX_FINDINGS = 1000
"""In one report. A gold file in the wrong format has a finding on every line."""

DETERMINISM_RECORDS = 128
"""Rows on which programs are run in several ways, beside made-up ones; half of them gold where there are both."""


def accept_folder(sandbox: Sandbox, folder: Path) -> tuple[Bundle | None, Report]:
    """Return the bundle in ``folder``, or None, and the report. Raises InvalidBundle where there is no such folder."""
    return accept_files(sandbox, *read_files(folder))


def accept_files(
    sandbox: Sandbox,
    files: Sequence[tuple[str, bytes]],
    findings_so_far: Sequence[Finding] = (),
    deadline: float | None = None,
    caps: Caps | None = None,
) -> tuple[Bundle | None, Report]:
    """Return the bundle that the files make, or None, and the report. See ``accept``.

    Nothing of a bundle that is above the operator's ``caps`` is run.
    """
    bundle, form_findings = open_bundle(files)
    findings = [*findings_so_far, *form_findings]
    if bundle is None:
        return None, Report(_sorted([*findings, *_check_rest(sandbox, files, findings, deadline, caps)]))
    if above := _above(caps, bundle):
        return None, Report(_sorted([*findings, *above]))
    findings += label_findings(bundle.task)
    return (None if has_errors(findings) else bundle), accept(sandbox, bundle, findings, deadline)


def judge(
    sandbox: Sandbox, deadline: float, files: Sequence[tuple[str, bytes]], caps: Caps | None = None
) -> tuple[Bundle | None, Report]:
    """Return what ``accept_files`` does, for the pipe of a check process: the bundle without its rows."""
    bundle, report = accept_files(sandbox, files, deadline=deadline, caps=caps)
    return bundle and replace(bundle, gold=(), sample=()), report


def accept(
    sandbox: Sandbox, bundle: Bundle, findings_so_far: Iterable[Finding] = (), deadline: float | None = None
) -> Report:
    """Return the report on a well-formed bundle; it has figures and gates only where no finding refuses the bundle.

    ``deadline`` is a time.monotonic() value. Raises DeadlineExceeded beyond it.
    """
    findings = [*findings_so_far, *_check_programs(sandbox, bundle, deadline)]
    if has_errors(findings):
        return Report(_sorted(findings))
    executable = sandbox.load(bundle.task, bundle.programs, deadline)
    try:
        return _judge(bundle, executable, findings, deadline)
    finally:
        executable.close()


def _check_programs(sandbox: Sandbox, bundle: Bundle, deadline: float | None) -> list[Finding]:
    """Check the programs statically, load them, run them twice; each stage takes those that passed the one before."""
    findings = _duplicates(bundle.programs)
    for program in bundle.programs:
        if deadline is not None and time.monotonic() > deadline:
            raise DeadlineExceeded("the deadline passed while programs were read")
        findings += check_program(bundle.task, program)
    findings += _loading(sandbox, bundle.task, _sound(bundle.programs, findings), deadline)
    findings += _determinism(sandbox, bundle, _sound(bundle.programs, findings), deadline)
    return findings


def _above(caps: Caps | None, bundle: Bundle) -> list[Finding]:
    return caps.findings(bundle.task, len(bundle.programs)) if caps else []


def _check_rest(
    sandbox: Sandbox,
    files: Sequence[tuple[str, bytes]],
    findings: Sequence[Finding],
    deadline: float | None,
    caps: Caps | None,
) -> list[Finding]:
    """Check what remains without the files at fault, so that its faults are not reported only at the next attempt."""
    faulty = {finding.file for finding in findings if finding.severity is Severity.ERROR}
    bundle, _ = open_bundle((path, content) for path, content in files if path not in faulty)
    return (_above(caps, bundle) or _check_programs(sandbox, bundle, deadline)) if bundle else []


def _judge(bundle: Bundle, executable: Executable, findings: list[Finding], deadline: float | None) -> Report:
    gold = _evaluate(bundle, executable, bundle.gold, deadline)
    sample = _evaluate(bundle, executable, bundle.sample, deadline)
    findings += [*_behavior(bundle, gold, sample), *_labels_without_gold(bundle)]
    gold_report = _gold(bundle, gold) if bundle.gold else None
    reference = _reference(bundle.task, sample if bundle.sample else gold)
    return Report(_sorted(findings), gold_report, reference, check_gates(bundle.task.gates, gold_report, reference))


def _evaluate(bundle: Bundle, executable: Executable, rows: Sequence[Row], deadline: float | None) -> RowEvaluation:
    return evaluate(executable, bundle.label_model, pack_rows(bundle.task, rows), deadline)


def _gold(bundle: Bundle, evaluated: RowEvaluation) -> GoldFigures:
    return gold_figures(
        bundle.task,
        bundle.program_names,
        [row.label for row in bundle.gold if row.label is not None],
        evaluated.decisions,
        evaluated.votes,
        {program.name: program.description for program in bundle.programs},
    )


def _reference(task: Task, evaluated: RowEvaluation) -> Reference | None:
    return reference_figures(task.label_names, evaluated.decisions, evaluated.votes) if evaluated.votes else None


def _loading(sandbox: Sandbox, task: Task, programs: Sequence[Program], deadline: float | None) -> Sequence[Finding]:
    if not programs:
        return ()
    try:
        sandbox.load(task, programs, deadline).close()
    except InvalidBundle as error:
        return error.findings
    return ()


def _determinism(
    sandbox: Sandbox, bundle: Bundle, programs: Sequence[Program], deadline: float | None
) -> Sequence[Finding]:
    half = max(DETERMINISM_RECORDS // 2, DETERMINISM_RECORDS - len(bundle.sample))
    gold = bundle.gold[:half]
    rows = gold + bundle.sample[: DETERMINISM_RECORDS - len(gold)]
    return check_determinism(sandbox, bundle.task, programs, pack_rows(bundle.task, rows), deadline)


def _sound(programs: Sequence[Program], findings: Sequence[Finding]) -> tuple[Program, ...]:
    faulty = {finding.file for finding in findings if finding.severity is Severity.ERROR}
    return tuple(program for program in programs if program.path not in faulty)


def _duplicates(programs: Sequence[Program]) -> list[Finding]:
    first: dict[str, str] = {}
    findings = []
    for program in programs:
        twin = first.setdefault(program.source.strip(), program.path)
        if twin != program.path:
            findings.append(
                _warning(program.path, "LW401", f"is the same as {twin}", "remove it: it only doubles the other's vote")
            )
    return findings


def _behavior(bundle: Bundle, *parts: RowEvaluation) -> list[Finding]:
    """Return warnings for programs that fail and for programs that never vote."""
    rows = [votes for part in parts for votes in part.votes]
    messages = {name: message for part in parts for name, message in part.messages.items()}
    findings = []
    for index, program in enumerate(bundle.programs):
        errors = sum(is_error(votes[index]) for votes in rows)
        if errors:
            text = f"fails on {errors} of {len(rows)} rows: {messages.get(program.name, 'no message')}"
            findings.append(_warning(program.path, "LW402", text, "let it return None where it cannot tell"))
        elif rows and not any(is_label(votes[index]) for votes in rows):
            text = f"votes on none of {len(rows)} rows"
            findings.append(_warning(program.path, "LW403", text, "remove it, or look for what does occur"))
    return findings


def _labels_without_gold(bundle: Bundle) -> list[Finding]:
    """Return a warning that names the labels of which no figure on gold says anything."""
    missing = labels_without_rows(bundle.task.label_names, [row.label for row in bundle.gold])
    if not bundle.gold or not missing:
        return []
    text = f"labels without a row: {missing}; no figure on gold tells how well these are given"
    return [
        _warning(GOLD_FILE, "LW405", text, "add rows of each label; macro F1 is the mean over the labels that occur")
    ]


def _warning(file: str, code: str, message: str, advice: str) -> Finding:
    return Finding(file, 0, code, message, advice, Severity.WARNING)


def _sorted(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort by file and line, drop repetitions, and make every text valid UTF-8: a program's may not be."""
    by_content = {(finding.file, finding.line, finding.code, _utf8(finding.message)): finding for finding in findings}
    distinct = [
        Finding(file, line, code, message, _utf8(finding.advice), finding.severity)
        for (file, line, code, message), finding in sorted(by_content.items(), key=lambda item: item[0])
    ]
    if len(distinct) <= MAX_FINDINGS:
        return tuple(distinct)
    errors_first = sorted(distinct, key=lambda finding: finding.severity is not Severity.ERROR)[:MAX_FINDINGS]
    rest = _warning("", "LW404", f"{len(distinct) - MAX_FINDINGS:,} more findings are left out", "correct these first")
    return (*sorted(errors_first, key=lambda finding: (finding.file, finding.line, finding.code)), rest)


def _utf8(text: str) -> str:
    return text.encode(errors="backslashreplace").decode().replace("\0", "\\0")
