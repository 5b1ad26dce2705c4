"""Acceptance: what is wrong with a bundle, how good it is, and what drift will be measured against.

Pure of storage: the registry asks it at push, `labelwright check` asks it offline, synthesis asks it of its own work.
The stages are: shape (labelwright.core.bundle), static checks, loading in the sandbox, determinism, figures, gates. A
program that fails one stage is left out of the next, so that everything that can be said is said in one go.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from pathlib import Path

from labelwright.core.bundle import Bundle, Program, open_bundle, read_files
from labelwright.core.errors import InvalidBundle
from labelwright.core.finding import Finding, Severity, has_errors
from labelwright.core.report import GoldFigures, Reference, Report
from labelwright.core.row import Row
from labelwright.core.task import Task
from labelwright.core.vote import is_error, is_label
from labelwright.registry.acceptance.evaluation import Evaluated, evaluate, pack_rows
from labelwright.registry.acceptance.figures import gold_figures, reference_figures
from labelwright.registry.acceptance.gate import check_gates
from labelwright.sandbox import Sandbox
from labelwright.sandbox.determinism import check_determinism
from labelwright.sandbox.interface import Executable
from labelwright.sandbox.static_checks import check_program

MAX_FINDINGS = 1000
"""Of a report. A gold file in the wrong format has one a line."""

DETERMINISM_RECORDS = 128
"""Rows on which programs are run in several ways, beside made-up ones; half of them gold where there are both."""


def accept_folder(sandbox: Sandbox, folder: Path) -> tuple[Bundle | None, Report]:
    """Return the bundle in ``folder``, None where there is none, and the report. Raises InvalidBundle for no folder."""
    return accept_files(sandbox, *read_files(folder))


def accept_files(
    sandbox: Sandbox,
    files: Sequence[tuple[str, bytes]],
    findings_so_far: Sequence[Finding] = (),
    deadline: float | None = None,
) -> tuple[Bundle | None, Report]:
    """Return the bundle that the files make, None where they make none, and the report. See ``accept``."""
    bundle, found = open_bundle(files)
    findings = [*findings_so_far, *found]
    if bundle is None:
        return None, Report(_sorted([*findings, *_check_rest(sandbox, files, findings, deadline)]))
    return (None if has_errors(findings) else bundle), accept(sandbox, bundle, findings, deadline)


def accept(
    sandbox: Sandbox, bundle: Bundle, findings_so_far: Iterable[Finding] = (), deadline: float | None = None
) -> Report:
    """Return the report on a well-formed bundle; figures and gates only where no finding refuses it.

    ``deadline`` is a time.monotonic() value. Raises DeadlineExceeded beyond it.
    """
    findings = [*findings_so_far, *_check_programs(sandbox, bundle, deadline)]
    if has_errors(findings):
        return Report(_sorted(findings))
    executable = sandbox.load(bundle.task, bundle.programs)
    try:
        return _judge(bundle, executable, findings, deadline)
    finally:
        executable.close()


def describe(program: Program) -> str:
    """Return the program's docstring, its function's or else its file's: what it looks for, in plain words."""
    try:
        module = ast.parse(program.source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    for node in module.body:
        if isinstance(node, ast.FunctionDef) and node.name == "label" and (found := ast.get_docstring(node)):
            return found
    return ast.get_docstring(module) or ""


def _check_programs(sandbox: Sandbox, bundle: Bundle, deadline: float | None) -> list[Finding]:
    """Check the programs without rows, load them, run them twice: each stage with those that passed the one before."""
    findings = _duplicates(bundle.programs)
    for program in bundle.programs:
        findings += check_program(bundle.task, program)
    findings += _loading(sandbox, bundle.task, _sound(bundle.programs, findings))
    findings += _determinism(sandbox, bundle, _sound(bundle.programs, findings), deadline)
    return findings


def _check_rest(
    sandbox: Sandbox, files: Sequence[tuple[str, bytes]], findings: Sequence[Finding], deadline: float | None
) -> list[Finding]:
    """Check what can be checked once the files at fault are left out, so that it need not be said at the next try."""
    faulty = {finding.file for finding in findings if finding.severity is Severity.ERROR}
    bundle, _ = open_bundle((path, content) for path, content in files if path not in faulty)
    return _check_programs(sandbox, bundle, deadline) if bundle else []


def _judge(bundle: Bundle, executable: Executable, findings: list[Finding], deadline: float | None) -> Report:
    gold = _evaluate(bundle, executable, bundle.gold, deadline)
    sample = _evaluate(bundle, executable, bundle.sample, deadline)
    findings += _behavior(bundle, gold, sample)
    gold_report = _gold(bundle, gold) if bundle.gold else None
    reference = _reference(bundle.task, sample if bundle.sample else gold)
    return Report(_sorted(findings), gold_report, reference, check_gates(bundle.task.gates, gold_report, reference))


def _evaluate(bundle: Bundle, executable: Executable, rows: Sequence[Row], deadline: float | None) -> Evaluated:
    return evaluate(executable, bundle.label_model, pack_rows(bundle.task, rows), deadline)


def _gold(bundle: Bundle, evaluated: Evaluated) -> GoldFigures:
    return gold_figures(
        bundle.task,
        bundle.program_names,
        [row.label for row in bundle.gold if row.label is not None],
        evaluated.decisions,
        evaluated.votes,
        {program.name: describe(program) for program in bundle.programs},
    )


def _reference(task: Task, evaluated: Evaluated) -> Reference | None:
    return reference_figures(task, evaluated.decisions, evaluated.votes) if evaluated.votes else None


def _loading(sandbox: Sandbox, task: Task, programs: Sequence[Program]) -> Sequence[Finding]:
    if not programs:
        return ()
    try:
        sandbox.load(task, programs).close()
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
                _warning(program.path, "AS401", f"is the same as {twin}", "remove it: it only doubles the other's vote")
            )
    return findings


def _behavior(bundle: Bundle, *parts: Evaluated) -> list[Finding]:
    """Say which programs fail and which never vote."""
    rows = [votes for part in parts for votes in part.votes]
    messages = {name: message for part in parts for name, message in part.messages.items()}
    findings = []
    for index, program in enumerate(bundle.programs):
        errors = sum(is_error(votes[index]) for votes in rows)
        if errors:
            text = f"fails on {errors} of {len(rows)} rows: {messages.get(program.name, 'no message')}"
            findings.append(_warning(program.path, "AS402", text, "let it return None where it cannot tell"))
        elif rows and not any(is_label(votes[index]) for votes in rows):
            text = f"votes on none of {len(rows)} rows"
            findings.append(_warning(program.path, "AS403", text, "remove it, or look for what does occur"))
    return findings


def _warning(file: str, code: str, message: str, advice: str) -> Finding:
    return Finding(file, 0, code, message, advice, Severity.WARNING)


def _sorted(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort by file and line, say each thing once, and keep every text valid UTF-8: a program's may not be."""
    plain = {(finding.file, finding.line, finding.code, _utf8(finding.message)): finding for finding in findings}
    found = [
        Finding(file, line, code, message, _utf8(finding.advice), finding.severity)
        for (file, line, code, message), finding in sorted(plain.items(), key=lambda item: item[0])
    ]
    if len(found) <= MAX_FINDINGS:
        return tuple(found)
    errors_first = sorted(found, key=lambda finding: finding.severity is not Severity.ERROR)[:MAX_FINDINGS]
    rest = _warning("", "AS404", f"{len(found) - MAX_FINDINGS:,} more findings are left out", "correct these first")
    return (*sorted(errors_first, key=lambda finding: (finding.file, finding.line, finding.code)), rest)


def _utf8(text: str) -> str:
    return text.encode(errors="backslashreplace").decode().replace("\0", "\\0")
