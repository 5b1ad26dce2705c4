"""One program: asked for, read from the reply, repaired, tried, and asked for once more where it has a fault."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from labelwright.core.bundle import Program
from labelwright.core.task import Task
from labelwright.synthesis.asking.evidence import VotedRows, gather, gather_words
from labelwright.synthesis.asking.program_prompt import ProgramPrompts
from labelwright.synthesis.asking.strategies import Strategy
from labelwright.synthesis.llm.completion import Finish, Message, Reply, Request
from labelwright.synthesis.llm.provider import Provider
from labelwright.synthesis.repair.extraction import extract_source, syntax_fault
from labelwright.synthesis.repair.repair import repair
from labelwright.synthesis.writing.validation import ProgramFault, TrialResult, Validator
from labelwright.synthesis.writing.word_program import clean_words, read_words, write_word_program

FIRST, PROGRAM, WORDS, REPAIR = "first", "program", "words", "repair"
"""Purposes in the ledger."""

_FEWEST_WORDS = 3
"""Words of all lists together, below which a program would be silent but for a few records."""


@dataclass(frozen=True, slots=True)
class Exchange:
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
    fault: ProgramFault | None
    trial: TrialResult | None
    exchanges: tuple[Exchange, ...]
    changes: tuple[str, ...]
    """The automatic repairs, in words."""
    shown_gold: frozenset[int]
    """Indexes of the gold rows that stood in its prompts: the program may know them by heart."""


class Generator:
    """Makes programs of one task."""

    def __init__(self, provider: Provider, validator: Validator, prompts: ProgramPrompts, task: Task) -> None:
        self.provider = provider
        self.validator = validator
        self.prompts = prompts
        self.task = task

    def make(self, name: str, strategy: Strategy, rows: VotedRows, turn: int) -> Attempt:
        """Return the program number ``turn``. Raises AskFailed, BudgetExceeded."""
        generation = _Generation(self, name, strategy, turn)
        return generation.by_words(rows) if strategy.by_words else generation.by_program(rows)


class _Generation:
    """The steps of one program."""

    def __init__(self, generator: Generator, name: str, strategy: Strategy, turn: int) -> None:
        self._provider = generator.provider
        self._validator = generator.validator
        self._prompts = generator.prompts
        self._task = generator.task
        self._name, self._strategy, self._turn = name, strategy, turn
        self._exchanges: list[Exchange] = []
        self._shown_gold: frozenset[int] = frozenset()

    def by_words(self, rows: VotedRows) -> Attempt:
        lists: dict[str, Exchange] = {}
        for index, label in enumerate(self._task.label_names):
            evidence = gather_words(self._strategy, rows, index, self._prompts.seed_of(self._turn))
            self._shown_gold |= evidence.shown_gold
            lists[label] = self._ask(self._prompts.words(self._strategy, evidence, label, self._turn), WORDS)
        attempt = self._counting(lists)
        if attempt.fault is None or attempt.fault.kind not in ("constant", "never_votes"):
            return attempt
        second = self._counting({**lists, **self._other_words(attempt, attempt.fault, lists)})
        return second if second.fault is None else self._with_all_exchanges(attempt)

    def _other_words(self, attempt: Attempt, fault: ProgramFault, lists: Mapping[str, Exchange]) -> dict[str, Exchange]:
        """Ask for other words: of the label that drowns the others, or of all where no word is ever found."""
        constant = fault.kind == "constant"
        behavior = attempt.trial.behavior if attempt.trial else None
        labels = [behavior.top_label] if constant and behavior else list(lists)
        other: dict[str, Exchange] = {}
        for label in labels:
            first = lists[label]
            request = self._prompts.words_again(
                first.request, first.reply.text, label, fault.message, self._turn, constant=constant
            )
            other[label] = self._ask(request, REPAIR)
        return other

    def _counting(self, lists: Mapping[str, Exchange]) -> Attempt:
        """Return the program that counts the words of these lists."""
        words = clean_words(
            self._task, {label: read_words(one.reply.text, cut=one.reply.is_cut) for label, one in lists.items()}
        )
        if sum(map(len, words.values())) < _FEWEST_WORDS:
            fault = ProgramFault("no_words", "the replies hold no words that tell the labels apart")
            return self._attempt(None, fault)
        return self._tried(write_word_program(self._task, words), ())

    def by_program(self, rows: VotedRows) -> Attempt:
        evidence = gather(self._strategy, rows, self._prompts.seed_of(self._turn))
        self._shown_gold = evidence.shown_gold | self._prompts.shown_gold
        before: tuple[Message, ...] = ()
        if self._strategy.asks_first:
            first = self._ask(self._prompts.first(self._strategy, self._turn), FIRST)
            before = (first.request.messages[-1], Message("assistant", first.reply.text))
        request = self._prompts.program(self._strategy, evidence, self._turn, before)
        reply = self._ask(request, PROGRAM).reply
        attempt = self._read(reply)
        if attempt.fault is None:
            return attempt
        useless = reply.is_cut or attempt.program is None
        again = (
            self._prompts.again(request, self._turn, roomier=reply.finish is Finish.LENGTH)
            if useless
            else self._prompts.repaired(request, reply.text, attempt.fault.message, self._turn)
        )
        second = self._read(self._ask(again, REPAIR).reply)
        return second if second.fault is None or attempt.program is None else self._with_all_exchanges(attempt)

    def _read(self, reply: Reply) -> Attempt:
        source = extract_source(reply.text, cut=reply.is_cut)
        if source is None and reply.is_cut:
            return self._attempt(
                None, ProgramFault("loop" if reply.finish is Finish.LOOP else "cut", reply.cut_message)
            )
        if source is None:
            return self._attempt(None, ProgramFault("no_program", "the reply holds no Python code"))
        repaired = repair(self._task, source)
        if not repaired.parses:
            return self._attempt(
                None, ProgramFault("syntax", f"the code is not valid Python: {syntax_fault(repaired.source)}")
            )
        return self._tried(repaired.source, repaired.changes)

    def _tried(self, source: str, changes: tuple[str, ...]) -> Attempt:
        program = Program(self._name, source)
        trial = self._validator.try_out(program)
        return self._attempt(program, trial.fault, trial, changes)

    def _ask(self, request: Request, purpose: str) -> Exchange:
        exchange = Exchange(purpose, request, self._provider.complete(request, purpose))
        self._exchanges.append(exchange)
        return exchange

    def _attempt(
        self,
        program: Program | None,
        fault: ProgramFault | None,
        trial: TrialResult | None = None,
        changes: tuple[str, ...] = (),
    ) -> Attempt:
        return Attempt(
            self._name, self._strategy.name, program, fault, trial, tuple(self._exchanges), changes, self._shown_gold
        )

    def _with_all_exchanges(self, attempt: Attempt) -> Attempt:
        return self._attempt(attempt.program, attempt.fault, attempt.trial, attempt.changes)
