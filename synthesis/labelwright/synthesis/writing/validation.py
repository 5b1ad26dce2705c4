"""Whether a program is fit to be kept: tried out in the sandbox on a sample of the records."""

from __future__ import annotations

import ast
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from labelwright.core.bundle import Program
from labelwright.core.errors import InvalidBundle
from labelwright.core.finding import Finding, Severity
from labelwright.core.record import pack
from labelwright.core.vote import is_error
from labelwright.sandbox import Sandbox
from labelwright.sandbox.static_checks import check_program
from labelwright.synthesis.arrays import Labels
from labelwright.synthesis.asking.sampling import random_distinct
from labelwright.synthesis.repair.extraction import parse_source
from labelwright.synthesis.repair.placeholders import find_placeholder
from labelwright.synthesis.rows import Rows

_SAMPLE = 600
"""Records of a trial: seconds in the sandbox, and a share of 5% is known to within 2 points."""
_MAX_ERRORS = 0.05
"""Share of records that a program may fail on: fewer are odd ones that it did not foresee, more are its own fault."""
_ONE_SIDED = 0.95
"""Share of its votes for one label from which on a program is marked as one-sided."""
_CONSTANT = 0.98
"""Coverage, and share of one label, from which on a program says the same of everything; 2% is for the odd record."""
_SAME_VOTES = 0.98
"""Agreement from which on the second of two programs is a double: it would count the first one's evidence twice."""


@dataclass(frozen=True, slots=True)
class Behavior:
    """How a program behaves on the sample. Shares are 0 to 1.

    ``label_shares`` are shares of its votes. ``one_sided`` programs vote for nearly one label only: that is worth
    knowing, but such a program can be the most precise one.
    """

    coverage: float
    errors: float
    label_shares: dict[str, float]
    one_sided: bool
    microseconds: float
    """Per record, in processor time, the sandbox's own part included: it varies with the machine."""

    @property
    def top_label(self) -> str:
        """The label that it gives most."""
        return max(self.label_shares, key=lambda name: self.label_shares[name])


@dataclass(frozen=True, slots=True)
class ProgramFault:
    """Why a program cannot be kept. ``kind`` is a short stable word, ``message`` is fit to be shown to the LLM."""

    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class TrialResult:
    """A fault, or behavior and votes on sample and gold; a faulty program has these too where it ran.

    Votes are one a record; errors count as abstentions.
    """

    fault: ProgramFault | None
    behavior: Behavior | None
    sample_votes: Labels
    gold_votes: Labels


class Validator:
    """Tries out programs of one task on one sample.

    ``finds_placeholders`` for programs of small models, which copy the dots of a prompt's example.
    """

    def __init__(self, sandbox: Sandbox, rows: Rows, *, finds_placeholders: bool = True) -> None:
        self._finds_placeholders = finds_placeholders
        # Distinct ones: a record that repeats would hide what programs do with the others.
        self.sample_indexes = random_distinct(rows.records, 0)[:_SAMPLE]
        self.sample = [rows.records[index] for index in self.sample_indexes]
        self._sandbox = sandbox
        self._task = rows.task
        limit = rows.task.limits.record_bytes
        self._packed = [pack(record, limit) for record in (*self.sample, *rows.gold_records)]

    def try_out(self, program: Program) -> TrialResult:
        """Return how the program does on its own, whatever other programs there are."""
        errors = [item for item in check_program(self._task, program) if item.severity is Severity.ERROR]
        if errors:
            return _refused("static", _in_words(errors))
        if self._finds_placeholders and (place := find_placeholder(program.source)):
            return _refused("placeholder", place)
        try:
            executable = self._sandbox.load(self._task, [program])
        except InvalidBundle as refusal:
            return _refused("load", _in_words(refusal.findings))
        with closing(executable):
            start = time.thread_time()
            evaluation = executable.evaluate(self._packed)
            seconds = time.thread_time() - start
        votes = np.array([vote for (vote,) in evaluation.votes], dtype=np.int64)
        return self._result(votes, evaluation.messages.get(program.name, ""), seconds)

    def _result(self, votes: Labels, message: str, seconds: float) -> TrialResult:
        errors = float(np.mean([is_error(int(vote)) for vote in votes])) if len(votes) else 0.0
        votes = np.maximum(votes, -1)
        cast = votes[votes >= 0]
        counts = np.bincount(cast, minlength=len(self._task.labels))
        shares = {name: float(count / max(1, len(cast))) for name, count in zip(self._task.labels, counts, strict=True)}
        behavior = Behavior(
            coverage=len(cast) / max(1, len(votes)),
            errors=errors,
            label_shares=shares,
            one_sided=max(shares.values()) >= _ONE_SIDED,
            microseconds=1e6 * seconds / max(1, len(votes)),
        )
        split = len(self.sample)
        return TrialResult(_fault(behavior, message), behavior, votes[:split], votes[split:])


def _in_words(findings: Sequence[Finding]) -> str:
    return "; ".join(f"line {item.line}: {item.message}" if item.line else item.message for item in findings[:3])


def _refused(kind: str, message: str) -> TrialResult:
    no_votes = np.full(0, -1, dtype=np.int64)
    return TrialResult(ProgramFault(kind, message), None, no_votes, no_votes)


def same_behavior(one: Labels, other: Labels) -> bool:
    """Whether two programs vote alike on 98% of the records that either votes on."""
    either = (one >= 0) | (other >= 0)
    return bool(either.any()) and float((one == other)[either].mean()) >= _SAME_VOTES


def same_source(one: Program, other: Program) -> bool:
    """Whether two programs differ in nothing but names, docstring, comments and spacing."""
    return _shape(one) == _shape(other)


def _shape(program: Program) -> list[object]:
    """Return the parts of the syntax tree in order. Not ``ast.dump``: it recurses, and some programs are deep."""
    tree = parse_source(program.source)
    if tree is None:
        return [program.source]
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    parts: list[object] = []
    waiting: list[object] = [tree]
    while waiting:
        part = waiting.pop()
        if isinstance(part, ast.AST):
            parts.append(type(part))
            waiting += [getattr(part, name, None) for name in part._fields]
        elif isinstance(part, list):
            parts.append(len(part))
            waiting += part
        else:
            parts.append((type(part), part))
    return parts


def _fault(behavior: Behavior, message: str) -> ProgramFault | None:
    if behavior.errors > _MAX_ERRORS:
        return ProgramFault("errors", f"it fails on {behavior.errors:.0%} of the records: {message}")
    if behavior.coverage == 0:
        return ProgramFault("never_votes", "it returns None for every record")
    top = behavior.top_label
    if behavior.coverage >= _CONSTANT and behavior.label_shares[top] >= _CONSTANT:
        return ProgramFault("constant", f'it returns "{top}" for nearly every record')
    return None
