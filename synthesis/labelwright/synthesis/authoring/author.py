"""An author at work: guide, plan, one request a program, each run and mended once, and labels to measure them by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from labelwright.core.bundle import Program
from labelwright.sandbox import Sandbox
from labelwright.synthesis.asking.direct import DirectLessons
from labelwright.synthesis.authoring.answers import read_source
from labelwright.synthesis.authoring.conversation import Conversation
from labelwright.synthesis.authoring.dry_run import odd_findings
from labelwright.synthesis.authoring.edits import apply_edits
from labelwright.synthesis.authoring.judging import judge
from labelwright.synthesis.authoring.planning import PlannedProgram, default_plan, read_plan
from labelwright.synthesis.authoring.revising import Draft, Reviser, present_drafts
from labelwright.synthesis.authoring.side_by_side import Question, Talk, side_by_side
from labelwright.synthesis.llm.completion import Reply, Request
from labelwright.synthesis.llm.endpoint import AskFailed, BudgetExceeded
from labelwright.synthesis.llm.provider import Provider
from labelwright.synthesis.repair.extraction import syntax_fault
from labelwright.synthesis.rows import Rows
from labelwright.synthesis.writing.generation import Attempt, Exchange
from labelwright.synthesis.writing.round import (
    MAX_FAILED_IN_A_ROW,
    NO_BEHAVIOR,
    DroppedProgram,
    KeptProgram,
    ProgramListener,
    Synthesis,
    WritingOptions,
)
from labelwright.synthesis.writing.validation import ProgramFault, TrialResult, Validator, same_behavior, same_source

GUIDE, PLAN, PROGRAM, MEND = "guide", "plan", "program", "mend"
"""Purposes in the ledger."""
_USELESS = frozenset(("cut", "loop", "no_program", "syntax"))
"""Faults of a model that cannot write programs of this kind, rather than of one program."""
_FIRST_ANSWERS = 4
"""Programs by which a model is judged to be too small for this way."""

StepListener = Callable[[str], None]
"""Hears what was done, in words."""


class TooSmall(Exception):
    """The model does not manage to author programs; the message says what went wrong."""


@dataclass(frozen=True, slots=True)
class Authored:
    """The programs with all that came with them.

    ``lessons`` are the model's own labels, to measure by; ``exchanges`` are those about guide and plan.
    """

    synthesis: Synthesis
    guide: str
    plan: tuple[PlannedProgram, ...]
    lessons: DirectLessons
    exchanges: tuple[Exchange, ...] = ()
    revised: bool = False
    """Whether it began from programs that were there already; these are all among the programs, or dropped."""


@dataclass(frozen=True, slots=True)
class Present:
    """Programs to begin from, instead of planning and writing them anew.

    Those that ``fixed`` names stay as they are. ``shown_gold`` are indexes of gold rows that their author has seen.
    """

    programs: Sequence[Program]
    fixed: frozenset[str] = frozenset()
    shown_gold: frozenset[int] = frozenset()


def author(
    rows: Rows,
    provider: Provider,
    sandbox: Sandbox,
    options: WritingOptions,
    listener: ProgramListener = lambda item, asked: None,  # noqa: ARG005 - a listener's parameters
    step_listener: StepListener = lambda words: None,  # noqa: ARG005 - a listener's parameter
    *,
    present: Present | None = None,
) -> Authored:
    """Return the programs that a capable model writes for the task, in the order of its plan.

    From ``present`` programs it begins with a round of revising these.

    Raises AskFailed where the endpoint cannot be used, BudgetExceeded where not even the plan could be paid for, and
    TooSmall where ``options.author`` is "auto" and the model is not up to it.
    """
    return _Authoring(rows, provider, sandbox, options, step_listener, present).run(listener)


class _Authoring:
    """One task's conversation."""

    def __init__(
        self,
        rows: Rows,
        provider: Provider,
        sandbox: Sandbox,
        options: WritingOptions,
        note: StepListener,
        present: Present | None,
    ) -> None:
        self._rows, self._provider, self._sandbox, self._options, self._note = rows, provider, sandbox, options, note
        self._present = present
        self._conversation = Conversation(
            rows,
            seed=options.seed,
            temperature=options.temperature,
            programs=options.programs,
            seen=present.shown_gold if present else frozenset(),
        )
        self._validator = Validator(sandbox, rows, finds_placeholders=False)
        self._exchanges: list[Exchange] = []

    def run(self, listener: ProgramListener) -> Authored:
        guide = self._options.guide or self._written_guide()
        if self._present:
            plan, drafts = self._present_programs(self._present)
            synthesis = self._synthesis([draft.kept for draft in drafts], [], "")
        else:
            plan_answer, plan = self._planned(guide)
            synthesis = self._written_programs(guide, plan_answer, plan, listener)
            planned = {self._name(item, number): item for number, item in enumerate(plan, start=1)}
            drafts = [Draft(kept, planned[kept.program.name]) for kept in synthesis.kept]
        lessons = self._judged(guide)
        rounds = max(self._options.rounds, 1 if self._present else 0)
        if rounds and drafts and not synthesis.stopped:
            synthesis = self._revised(rounds, drafts, synthesis, lessons, guide)
        return Authored(synthesis, guide, tuple(plan), lessons, tuple(self._exchanges), bool(self._present))

    def _present_programs(self, present: Present) -> tuple[list[PlannedProgram], list[Draft]]:
        drafts = present_drafts(
            self._rows, self._validator, present.programs, present.fixed, frozenset(self._conversation.split.shown)
        )
        self._note(f"{len(drafts)} programs to begin from")
        return [draft.planned for draft in drafts], drafts

    def _revised(
        self, rounds: int, drafts: list[Draft], synthesis: Synthesis, lessons: DirectLessons, guide: str
    ) -> Synthesis:
        reviser = Reviser(
            self._rows,
            self._provider,
            self._sandbox,
            self._conversation,
            self._validator,
            lessons,
            guide=guide,
            wish=self._options.wish,
            prefix=self._options.prefix,
            seed=self._options.seed,
            parallel=self._options.parallel,
        )
        stopped = ""
        for number in range(1, rounds + 1):
            revised = reviser.run(number, drafts)
            drafts, stopped = list(revised.drafts), revised.stopped
            self._note(f"{revised.words}{self._spent()}")
            if stopped:
                break
        return replace(synthesis, kept=tuple(draft.kept for draft in drafts), stopped=stopped)

    def _judged(self, guide: str) -> DirectLessons:
        shown = set(self._conversation.unlabeled)
        unshown = [index for index in range(len(self._rows.records)) if index not in shown]
        lessons = judge(
            self._provider, self._rows, self._conversation.split, guide, unshown=unshown, seed=self._options.seed
        )
        answered = int((lessons.records.labels >= 0).sum() + (lessons.gold.labels >= 0).sum())
        self._note(f"judged {answered} records{self._spent()}")
        return lessons

    def _spent(self) -> str:
        total = self._provider.ledger.worth()
        return f" ({total.tokens_in + total.tokens_out:,} tokens so far)"

    def _ask(self, request: Request, purpose: str) -> Reply:
        reply = self._provider.complete(request, purpose)
        self._exchanges.append(Exchange(purpose, request, reply))
        return reply

    def _written_guide(self) -> str:
        reply = self._ask(self._conversation.guide(), GUIDE)
        guide = reply.text.strip()
        if self._options.author == "auto" and (reply.is_cut or not guide):
            raise TooSmall(reply.cut_message if reply.is_cut else "the labeling guide came out empty")
        self._note(f"guide: {len(guide.split()):,} words{self._spent()}")
        return guide

    def _planned(self, guide: str) -> tuple[str, list[PlannedProgram]]:
        """Return the answer that holds the plan, and the plan."""
        task, most = self._rows.task, self._options.programs
        request = self._conversation.plan(guide)
        answer = self._ask(request, PLAN).text
        plan = read_plan(task, answer, most)
        if not plan:
            answer = self._ask(self._conversation.plan_again(guide, answer), PLAN).text
            plan = read_plan(task, answer, most)
        if not plan:
            if self._options.author == "auto":
                raise TooSmall("two answers held no plan")
            answer, plan = "(the common kinds)", default_plan(task, most)
        self._note(f"plan: {', '.join(item.name for item in plan)}{self._spent()}")
        return answer, plan

    def _written_programs(
        self, guide: str, plan_answer: str, plan: list[PlannedProgram], listener: ProgramListener
    ) -> Synthesis:
        kept: list[KeptProgram] = []
        dropped: list[DroppedProgram] = []
        stopped = ""
        failed_in_a_row = 0
        talks = [
            self._write(self._conversation.program(guide, plan_answer, item), item, number)
            for number, item in enumerate(plan, start=1)
        ]
        with closing(side_by_side(self._provider, talks, self._options.parallel)) as results:
            for number, (item, result) in enumerate(zip(plan, results, strict=True), start=1):
                failed_in_a_row = failed_in_a_row + 1 if isinstance(result, AskFailed) else 0
                if isinstance(result, BudgetExceeded):
                    stopped = result.message
                    break
                if isinstance(result, AskFailed):
                    if failed_in_a_row == MAX_FAILED_IN_A_ROW and not kept:
                        raise result
                    outcome: KeptProgram | DroppedProgram = DroppedProgram(
                        self._name(item, number), item.kind, result.kind, result.message, None
                    )
                else:
                    outcome = _kept_or_dropped(result, kept)
                if isinstance(outcome, KeptProgram):
                    kept.append(outcome)
                else:
                    dropped.append(outcome)
                listener(outcome, number)
                self._check_capable(kept, dropped)
        return self._synthesis(kept, dropped, stopped)

    def _synthesis(self, kept: list[KeptProgram], dropped: list[DroppedProgram], stopped: str) -> Synthesis:
        shown = frozenset(self._conversation.split.shown)
        return Synthesis(tuple(kept), tuple(dropped), shown, self._provider.ledger, self._options, stopped)

    def _check_capable(self, kept: list[KeptProgram], dropped: list[DroppedProgram]) -> None:
        if self._options.author != "auto" or len(kept) + len(dropped) != _FIRST_ANSWERS:
            return
        useless = [item for item in dropped if item.reason in _USELESS]
        if len(useless) > _FIRST_ANSWERS // 2:
            raise TooSmall(f"{len(useless)} of its first {_FIRST_ANSWERS} programs: {useless[0].message}")

    def _name(self, planned: PlannedProgram, number: int) -> str:
        return f"{self._options.prefix}{number:02d}_{planned.name}"

    def _write(self, request: Request, planned: PlannedProgram, number: int) -> Talk[Attempt]:
        """Have a program written, run it, and have it mended once where it needs that."""
        exchanges: list[Exchange] = []
        name = self._name(planned, number)

        def ask(request: Request, purpose: str) -> Talk[Reply]:
            reply = yield Question(request, purpose)
            exchanges.append(Exchange(purpose, request, reply))
            return reply

        def attempt(
            source: str | None, changes: tuple[str, ...], fault: ProgramFault | None, trial: TrialResult | None = None
        ) -> Attempt:
            program = None if source is None else Program(name, source)
            shown = frozenset(self._conversation.split.shown)
            return Attempt(name, planned.kind, program, fault, trial, tuple(exchanges), changes, shown)

        reply = yield from ask(request, PROGRAM)
        source, changes, fault = read_source(reply)
        if fault and (source is None or reply.is_cut):
            request = self._conversation.shorter(request, fault.message)
            reply = yield from ask(request, MEND)
            source, changes, fault = read_source(reply)
        if source is None:
            return attempt(None, changes, fault)
        trial = None if fault else self._tried(name, source)
        fault = fault or (trial.fault if trial else None)
        oddities = [] if fault or trial is None else self._oddities(source, trial)
        if not fault and not oddities:
            return attempt(source, changes, None, trial)
        faults = [fault.message] if fault else oddities
        rows = len(self._validator.sample) + len(self._rows.gold)
        mending = self._conversation.mended(request, reply.text, faults, rows=rows, must=bool(fault))
        try:
            answer = yield from ask(mending, MEND)
        except (AskFailed, BudgetExceeded):
            if fault:
                raise
            return attempt(source, changes, None, trial)
        mended, more_changes = _mended_source(source, answer)
        if mended is None or mended == source:
            return attempt(source, changes, fault, trial)
        second = self._tried(name, mended)
        if second.fault is None or fault:
            return attempt(mended, (*changes, *more_changes), second.fault, second)
        return attempt(source, changes, None, trial)

    def _tried(self, name: str, source: str) -> TrialResult:
        return self._validator.try_out(Program(name, source))

    def _oddities(self, source: str, trial: TrialResult) -> list[str]:
        microseconds = trial.behavior.microseconds if trial.behavior else 0.0
        return odd_findings(self._rows.task, source, self._rows.records, microseconds)


def _kept_or_dropped(attempt: Attempt, kept: list[KeptProgram]) -> KeptProgram | DroppedProgram:
    fault = attempt.fault or _double_of(attempt, kept)
    if fault or attempt.program is None or attempt.trial is None:
        fault = fault or ProgramFault("no_program", "the reply holds no program")
        return DroppedProgram(attempt.name, attempt.strategy, fault.kind, fault.message, attempt)
    return KeptProgram(attempt.program, attempt.strategy, attempt.trial.behavior or NO_BEHAVIOR, attempt)


def _mended_source(source: str, reply: Reply) -> tuple[str | None, tuple[str, ...]]:
    """Return the source as the answer to a finding has it: edited, written anew, or None where it is to stay."""
    edited = apply_edits(source, reply.text)
    if edited.applied or edited.refused:
        return (edited.source, ()) if edited.applied and not syntax_fault(edited.source) else (None, ())
    whole, changes, fault = read_source(reply)
    return (None, ()) if fault else (whole, changes)


def _double_of(attempt: Attempt, kept: list[KeptProgram]) -> ProgramFault | None:
    if attempt.program is None or attempt.trial is None:
        return None
    for item in kept:
        if same_source(item.program, attempt.program):
            return ProgramFault("same_source", f"it is the same program as {item.program.name}")
        if item.attempt.trial and same_behavior(item.attempt.trial.sample_votes, attempt.trial.sample_votes):
            return ProgramFault("same_votes", f"it votes like {item.program.name}")
    return None
