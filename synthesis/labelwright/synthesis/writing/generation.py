"""One program: asked for, read out of the reply, repaired, judged, and once more asked for where it has a fault."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from labelwright.core.bundle import Program
from labelwright.core.task import Task
from labelwright.synthesis.asking.evidence import Material, gather, gather_words
from labelwright.synthesis.asking.program_prompt import ProgramPrompts
from labelwright.synthesis.asking.strategies import Strategy
from labelwright.synthesis.llm.completion import Finish, Message, Reply, Request
from labelwright.synthesis.llm.provider import Provider
from labelwright.synthesis.repair.extraction import extract_source, syntax_fault
from labelwright.synthesis.repair.repair import repair
from labelwright.synthesis.writing.validation import Fault, Validator, Verdict
from labelwright.synthesis.writing.word_program import clean_words, read_words, write_word_program

FIRST, PROGRAM, WORDS, REPAIR = "first", "program", "words", "repair"
"""Purposes in the ledger."""

_FEWEST_WORDS = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """One question and its answer, for provenance."""

    purpose: str
    request: Request
    reply: Reply


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of one program that was asked for. ``program`` is None where no reply held one."""

    name: str
    strategy: str
    program: Program | None
    fault: Fault | None
    verdict: Verdict | None
    asked: tuple[Asked, ...]
    changes: tuple[str, ...]
    """The automatic repairs, in words."""
    shown_gold: frozenset[int]
    """Indexes of the gold rows that stood in its prompts: the program may know them by heart."""


class Generator:
    """Makes programs of one task."""

    def __init__(self, provider: Provider, validator: Validator, prompts: ProgramPrompts, task: Task) -> None:
        self._provider = provider
        self._validator = validator
        self._prompts = prompts
        self._task = task

    def make(self, name: str, strategy: Strategy, material: Material, turn: int) -> Attempt:
        """Return the program number ``turn``. Raises AskFailed, BudgetExceeded."""
        run = _Run(self, name, strategy, turn)
        return run.by_words(material) if strategy.by_words else run.by_program(material)


class _Run:
    """The steps of one program."""

    def __init__(self, generator: Generator, name: str, strategy: Strategy, turn: int) -> None:
        self._provider = generator._provider
        self._validator = generator._validator
        self._prompts = generator._prompts
        self._task = generator._task
        self._name, self._strategy, self._turn = name, strategy, turn
        self._asked: list[Asked] = []
        self._shown: frozenset[int] = frozenset()

    def by_words(self, material: Material) -> Attempt:
        said: dict[str, Asked] = {}
        for index, label in enumerate(self._task.label_names):
            evidence = gather_words(self._strategy, material, index, self._prompts.seed_of(self._turn))
            self._shown |= evidence.shown_gold
            request = self._prompts.words(self._strategy, evidence, label, self._turn)
            said[label] = Asked(WORDS, request, self._ask(request, WORDS))
        attempt = self._counting(said)
        if attempt.fault is None or attempt.fault.kind not in ("constant", "never_votes"):
            return attempt
        second = self._counting({**said, **self._other_words(attempt, attempt.fault, said)})
        return second if second.fault is None else self._with_all_asked(attempt)

    def _other_words(self, attempt: Attempt, fault: Fault, said: Mapping[str, Asked]) -> dict[str, Asked]:
        """Ask for other words: of the label that drowns the others, or of all where none is ever found."""
        constant = fault.kind == "constant"
        behavior = attempt.verdict.behavior if attempt.verdict else None
        labels = [behavior.top_label] if constant and behavior else list(said)
        other: dict[str, Asked] = {}
        for label in labels:
            before = said[label]
            request = self._prompts.words_again(
                before.request, before.reply.text, label, fault.message, self._turn, constant=constant
            )
            other[label] = Asked(REPAIR, request, self._ask(request, REPAIR))
        return other

    def _counting(self, said: Mapping[str, Asked]) -> Attempt:
        """Return the program that counts the words that were said."""
        listed = clean_words(
            self._task, {label: read_words(asked.reply.text, cut=asked.reply.is_cut) for label, asked in said.items()}
        )
        if sum(map(len, listed.values())) < _FEWEST_WORDS:
            return self._attempt(None, Fault("no_words", "the replies hold no words that tell the labels apart"))
        return self._judged(write_word_program(self._task, listed), ())

    def by_program(self, material: Material) -> Attempt:
        evidence = gather(self._strategy, material, self._prompts.seed_of(self._turn))
        self._shown = evidence.shown_gold | self._prompts.shown_gold
        before: tuple[Message, ...] = ()
        if self._strategy.asks_first:
            question = self._prompts.first(self._strategy, self._turn)
            answer = self._ask(question, FIRST)
            before = (question.messages[-1], Message("assistant", answer.text))
        request = self._prompts.program(self._strategy, evidence, self._turn, before)
        reply = self._ask(request, PROGRAM)
        attempt = self._read(reply)
        if attempt.fault is None:
            return attempt
        useless = reply.is_cut or attempt.program is None
        again = (
            self._prompts.again(request, self._turn, roomier=reply.finish is Finish.LENGTH)
            if useless
            else self._prompts.repaired(request, reply.text, attempt.fault.message, self._turn)
        )
        second = self._read(self._ask(again, REPAIR))
        return second if second.fault is None or attempt.program is None else self._with_all_asked(attempt)

    def _read(self, reply: Reply) -> Attempt:
        source = extract_source(reply.text, cut=reply.is_cut)
        if source is None and reply.is_cut:
            return self._attempt(None, Fault("loop" if reply.finish is Finish.LOOP else "cut", reply.cut_message))
        if source is None:
            return self._attempt(None, Fault("no_program", "the reply holds no Python code"))
        repaired = repair(self._task, source)
        if not repaired.parses:
            return self._attempt(
                None, Fault("syntax", f"the code is not valid Python: {syntax_fault(repaired.source)}")
            )
        return self._judged(repaired.source, repaired.changes)

    def _judged(self, source: str, changes: tuple[str, ...]) -> Attempt:
        program = Program(self._name, source)
        verdict = self._validator.judge(program)
        return self._attempt(program, verdict.fault, verdict, changes)

    def _ask(self, request: Request, purpose: str) -> Reply:
        reply = self._provider.complete(request, purpose)
        self._asked.append(Asked(purpose, request, reply))
        return reply

    def _attempt(
        self,
        program: Program | None,
        fault: Fault | None,
        verdict: Verdict | None = None,
        changes: tuple[str, ...] = (),
    ) -> Attempt:
        return Attempt(
            self._name, self._strategy.name, program, fault, verdict, tuple(self._asked), changes, self._shown
        )

    def _with_all_asked(self, attempt: Attempt) -> Attempt:
        return self._attempt(attempt.program, attempt.fault, attempt.verdict, attempt.changes)
