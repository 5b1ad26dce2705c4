"""A round of revising: the model sees what its programs say of rows that it may see, and mends, drops and adds.

What it answers counts only where the set is no worse by it on rows that stand in no prompt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np
from labelwright.core.bundle import Program
from labelwright.core.record import Record, pack
from labelwright.core.vote import ABSTAIN
from labelwright.sandbox import Sandbox
from labelwright.synthesis.arrays import Labels, Mask, Votes
from labelwright.synthesis.asking.direct import DirectLessons
from labelwright.synthesis.asking.record_text import joined_texts, one_line
from labelwright.synthesis.authoring.answers import read_source
from labelwright.synthesis.authoring.conversation import Conversation
from labelwright.synthesis.authoring.dry_run import plain, table_words
from labelwright.synthesis.authoring.edits import apply_edits
from labelwright.synthesis.authoring.judging import judge_records
from labelwright.synthesis.authoring.planning import PlannedProgram
from labelwright.synthesis.authoring.side_by_side import Question, Talk, side_by_side
from labelwright.synthesis.llm.completion import Reply
from labelwright.synthesis.llm.endpoint import AskFailed, BudgetExceeded
from labelwright.synthesis.llm.provider import Provider
from labelwright.synthesis.repair.extraction import parse_source, syntax_fault
from labelwright.synthesis.rows import Rows
from labelwright.synthesis.statistics.label_models import decide, fit_majority
from labelwright.synthesis.writing.generation import Attempt, Exchange
from labelwright.synthesis.writing.round import NO_BEHAVIOR, KeptProgram
from labelwright.synthesis.writing.validation import TrialResult, Validator
from labelwright.synthesis.writing.voting import cast_votes

REVISE, ADD = "revise", "add"
"""Purposes in the ledger."""
MOST_DISPUTED = 40
"""Records that the model judges in a round because its programs do not agree on them."""
_ALWAYS_VOTES = 0.95
"""Coverage from which on a program counts as the fallback."""
_MOST_WRONG, _MOST_SILENT, _MOST_GAPS, _MOST_WORDS = 25, 10, 30, 12
_FEWEST_GAPS = 3
"""Rows below which one more program is not asked for."""
_WRONG_CHARACTERS, _SILENT_CHARACTERS, _DECIDING_CHARACTERS = 400, 300, 200
_VERDICT = re.compile(r"\W*(KEEP|DROP|NONE)\b")


@dataclass(frozen=True, slots=True)
class Draft:
    """A program of the set and what it was meant to do. What ``is_fixed`` stays as it is."""

    kept: KeptProgram
    planned: PlannedProgram
    is_fixed: bool = False

    @property
    def program(self) -> Program:
        """The program as it is now."""
        return self.kept.program

    @property
    def trial(self) -> TrialResult:
        """How it does; a program that was kept has been tried."""
        if self.kept.attempt.trial is None:
            raise ValueError(f"{self.program.name} was never tried")
        return self.kept.attempt.trial

    @property
    def is_fallback(self) -> bool:
        """Whether it votes on nearly everything."""
        return self.kept.behavior.coverage >= _ALWAYS_VOTES


@dataclass(frozen=True, slots=True)
class Revised:
    """The set after a round, in words what became of it, and why it ended early if it did."""

    drafts: tuple[Draft, ...]
    words: str
    stopped: str = ""


@dataclass(frozen=True, slots=True)
class _ShownRows:
    """Rows that prompts may show, with the votes of all programs: rows x programs."""

    records: Sequence[Record]
    truth: Labels
    by_people: Mask
    votes: Votes


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the model says of a program: ``source`` is None where it is to stay as it is."""

    exchanges: tuple[Exchange, ...]
    source: str | None = None
    trial: TrialResult | None = None
    is_drop: bool = False


class Reviser:
    """Revises the programs of one task, round by round."""

    def __init__(
        self,
        rows: Rows,
        provider: Provider,
        sandbox: Sandbox,
        conversation: Conversation,
        validator: Validator,
        lessons: DirectLessons,
        *,
        guide: str,
        wish: str = "",
        prefix: str = "p",
        seed: int = 0,
        parallel: int = 4,
    ) -> None:
        """``lessons`` are the model's labels to measure by: no prompt shows these rows. ``wish`` is a person's."""
        self._rows, self._provider, self._sandbox = rows, provider, sandbox
        self._conversation, self._validator = conversation, validator
        self._guide, self._wish, self._prefix, self._seed, self._parallel = guide, wish, prefix, seed, parallel
        self._held = list(conversation.split.held)
        self._judged = np.flatnonzero(lessons.records.labels >= 0)
        self._measured = np.concatenate([rows.gold_labels[self._held], lessons.records.labels[self._judged]])
        self._disputed: dict[int, int] = {}
        """Judged labels by place in the validator's sample."""

    def run(self, number: int, drafts: Sequence[Draft]) -> Revised:
        """Return the set after round ``number``, which counts from 1."""
        stopped = ""
        try:
            self._judge_disputed(number, drafts)
        except (AskFailed, BudgetExceeded) as error:
            return Revised(tuple(drafts), f"round {number}: nothing was asked", error.message)
        shown = self._shown_rows(drafts)
        before = after = list(drafts)
        columns = {draft.program.name: self._measured_votes(draft.program, draft.trial) for draft in drafts}
        counts = {"mended": 0, "dropped": 0, "refused": 0, "added": 0}
        asked = [draft for draft in before if not draft.is_fixed]
        talks: list[Talk[_Answer]] = [self._revise(draft, before, shown) for draft in asked]
        gaps = self._gaps(before, shown)
        if len(gaps) >= _FEWEST_GAPS:
            talks.append(self._add(number, before, shown, gaps))
        with closing(side_by_side(self._provider, talks, self._parallel)) as results:
            for draft, answer in zip([*asked, None], results, strict=False):
                if isinstance(answer, BudgetExceeded):
                    stopped = answer.message
                elif isinstance(answer, AskFailed):
                    counts["unanswered"] = counts.get("unanswered", 0) + 1
                else:
                    outcome, after = self._taken(number, draft, answer, after, columns)
                    counts[outcome] = counts.get(outcome, 0) + 1
        words = ", ".join(f"{count} {name}" for name, count in counts.items() if name != "kept")
        return Revised(tuple(after), f"round {number}: {words} of {len(before)} programs", stopped)

    def _judge_disputed(self, number: int, drafts: Sequence[Draft]) -> None:
        """Have the model label records on which the programs do not agree, or only the fallback votes."""
        hidden = {*self._conversation.unlabeled, *self._judged.tolist()}
        votes = np.column_stack([draft.trial.sample_votes for draft in drafts])
        opinions = votes[:, [not draft.is_fallback for draft in drafts]]
        doubts = [
            (_doubt(votes[place], opinions[place]), place)
            for place, index in enumerate(self._validator.sample_indexes)
            if index not in hidden and place not in self._disputed
        ]
        chosen = [place for doubt, place in sorted(doubts, key=lambda item: -item[0]) if doubt > 0][:MOST_DISPUTED]
        if chosen:
            records = [self._validator.sample[place] for place in chosen]
            found = judge_records(self._provider, self._rows.task, self._guide, records, self._seed + number)
            self._disputed |= {place: label for place, label in zip(chosen, found, strict=True) if label >= 0}

    def _shown_rows(self, drafts: Sequence[Draft]) -> _ShownRows:
        gold, disputed = list(self._conversation.split.shown), list(self._disputed)
        votes = [np.concatenate([draft.trial.gold_votes[gold], draft.trial.sample_votes[disputed]]) for draft in drafts]
        return _ShownRows(
            [
                *(self._rows.gold[index].record for index in gold),
                *(self._validator.sample[place] for place in disputed),
            ],
            np.concatenate([self._rows.gold_labels[gold], np.array(list(self._disputed.values()), dtype=np.int64)]),
            np.array([True] * len(gold) + [False] * len(disputed), dtype=bool),
            np.column_stack(votes),
        )

    def _gaps(self, drafts: Sequence[Draft], shown: _ShownRows) -> list[int]:
        """Return the rows on which the set is wrong or has only the fallback's word."""
        said, _ = decide(fit_majority(), shown.votes, self._rows.label_count)
        opinions = shown.votes[:, [not draft.is_fallback for draft in drafts]]
        return np.flatnonzero((said != shown.truth) | (opinions < 0).all(axis=1)).tolist()

    def _revise(self, draft: Draft, drafts: Sequence[Draft], shown: _ShownRows) -> Talk[_Answer]:
        column = [item.program.name for item in drafts].index(draft.program.name)
        request = self._conversation.revision(self._guide, self._feedback(draft, column, drafts, shown))
        reply = yield Question(request, REVISE)
        exchanges = [Exchange(REVISE, request, reply)]
        source, applied, problems = self._read(draft.program.source, reply)
        trial = None if problems or source is None else self._tried(draft.program.name, source)
        if trial and trial.fault:
            problems = [f"it cannot be used any more: {trial.fault.message}"]
        if problems:
            request = self._conversation.revision_again(request, reply.text, applied, problems)
            reply = yield Question(request, REVISE)
            exchanges.append(Exchange(REVISE, request, reply))
            second, _, _ = self._read(source or draft.program.source, reply)
            source = second if second is not None else source
            trial = self._tried(draft.program.name, source) if source is not None else None
        if source is None or trial is None or trial.fault or source == draft.program.source:
            return _Answer(tuple(exchanges), is_drop=source is None and _verdict(reply) == "DROP")
        return _Answer(tuple(exchanges), source, trial)

    def _add(self, number: int, drafts: Sequence[Draft], shown: _ShownRows, gaps: Sequence[int]) -> Talk[_Answer]:
        rows = [
            self._row(index, range(0), shown, _SILENT_CHARACTERS) for index in self._drawn(gaps, number)[:_MOST_GAPS]
        ]
        feedback = {"programs": [draft.planned for draft in drafts], "gaps": rows, "wish": self._wish}
        request = self._conversation.addition(self._guide, feedback)
        reply = yield Question(request, ADD)
        source, _, fault = read_source(reply)
        exchanges = (Exchange(ADD, request, reply),)
        if source is None or fault or _verdict(reply) == "NONE":
            return _Answer(exchanges)
        return _Answer(exchanges, source, self._tried(self._added_name(number), source))

    def _added_name(self, number: int) -> str:
        return f"{self._prefix}_added_{number}"

    def _taken(
        self, number: int, draft: Draft | None, answer: _Answer, drafts: list[Draft], columns: dict[str, Labels]
    ) -> tuple[str, list[Draft]]:
        """Return what becomes of an answer, and the set with it: only where it labels no fewer measured rows rightly.

        ``columns`` has each program's votes on these, and is kept up to date.
        """
        names = [item.program.name for item in drafts]
        if draft is not None and answer.is_drop:
            rest = [name for name in names if name != draft.program.name]
            if len(rest) < 2 or self._right(columns, rest) < self._right(columns, names):
                return "refused", drafts
            return "dropped", [item for item in drafts if item.program.name != draft.program.name]
        if answer.source is None or answer.trial is None or answer.trial.fault:
            return "kept", drafts
        name = draft.program.name if draft else self._added_name(number)
        program = Program(name, answer.source)
        changed = {**columns, name: self._measured_votes(program, answer.trial)}
        if self._right(changed, [*dict.fromkeys([*names, name])]) < self._right(columns, names):
            return "refused", drafts
        columns |= changed
        behavior = answer.trial.behavior or NO_BEHAVIOR
        shown_gold = frozenset(self._conversation.split.shown)
        if draft is None:
            planned = PlannedProgram(name, "addition", program.description, self._rows.task.label_names)
            attempt = Attempt(name, "addition", program, None, answer.trial, answer.exchanges, (), shown_gold)
            return "added", [*drafts, Draft(KeptProgram(program, "addition", behavior, attempt), planned)]
        old = draft.kept.attempt
        attempt = replace(
            old,
            program=program,
            trial=answer.trial,
            exchanges=(*old.exchanges, *answer.exchanges),
            changes=(*old.changes, f"revised in round {number}"),
        )
        new = replace(draft, kept=replace(draft.kept, program=program, behavior=behavior, attempt=attempt))
        return "mended", [new if item.program.name == name else item for item in drafts]

    def _tried(self, name: str, source: str) -> TrialResult:
        return self._validator.try_out(Program(name, source))

    def _measured_votes(self, program: Program, trial: TrialResult) -> Labels:
        records = [self._rows.records[index] for index in self._judged.tolist()]
        on_judged = cast_votes(self._sandbox, self._rows.task, [program], records)[:, 0]
        return np.concatenate([trial.gold_votes[self._held], np.maximum(on_judged, ABSTAIN)])

    def _right(self, columns: dict[str, Labels], names: Sequence[str]) -> int:
        votes = np.column_stack([columns[name] for name in names])
        said, _ = decide(fit_majority(), votes, self._rows.label_count)
        return int((said == self._measured).sum())

    def _read(self, source: str, reply: Reply) -> tuple[str | None, int, list[str]]:
        """Return the source that an answer asks for, how many edits it took, and what cannot be used of the answer."""
        edited = apply_edits(source, reply.text)
        if edited.applied or edited.refused:
            problems = list(edited.refused)
            if wrong := syntax_fault(edited.source):
                return None, 0, [*problems, f"with these edits the code is not valid Python: {wrong}"]
            return (edited.source if edited.applied else None), edited.applied, problems
        if _verdict(reply):
            return None, 0, []
        whole, _, fault = read_source(reply)
        return (None, 0, [fault.message]) if fault else (whole, 0, [])

    def _feedback(self, draft: Draft, column: int, drafts: Sequence[Draft], shown: _ShownRows) -> dict[str, object]:
        """Return what template revise.j2 takes."""
        cast = shown.votes[:, column]
        names = self._rows.task.label_names
        right, wrong = (cast >= 0) & (cast == shown.truth), (cast >= 0) & (cast != shown.truth)
        others = [place for place in range(len(drafts)) if place != column]
        reached = np.isin(shown.truth, [names.index(name) for name in draft.planned.labels])
        gaps = [index for index in self._gaps(drafts, shown) if cast[index] < 0 and reached[index]]
        wrong_rows = self._drawn(np.flatnonzero(wrong).tolist(), column)[:_MOST_WRONG]
        deciding = self._deciding(draft.program, [shown.records[index] for index in wrong_rows])
        return {
            "program": draft.program.name,
            "source": draft.program.source,
            "rows": len(cast),
            "votes": int((cast >= 0).sum()),
            "by_label": [
                (name, int((right & (cast == label)).sum()), int((cast == label).sum()))
                for label, name in enumerate(names)
                if (cast == label).any()
            ],
            "coverage": f"{draft.kept.behavior.coverage:.0%}",
            "wrong": [
                {**self._row(index, others, shown, _WRONG_CHARACTERS), "vote": names[cast[index]], "deciding": decided}
                for index, decided in zip(wrong_rows, deciding, strict=True)
            ],
            # Each program gets other ones, or all would be widened alike.
            "silent": [
                self._row(index, others, shown, _SILENT_CHARACTERS)
                for index in self._drawn(gaps, column)[:_MOST_SILENT]
            ],
            "words": self._doubtful_words(draft.program.source, shown, right, wrong),
            "wish": self._wish,
        }

    def _drawn(self, items: Sequence[int], salt: int) -> list[int]:
        order = np.random.default_rng((self._seed, salt)).permutation(len(items))
        return [items[place] for place in order.tolist()]

    def _row(self, index: int, others: Sequence[int], shown: _ShownRows, characters: int) -> dict[str, str]:
        names = self._rows.task.label_names
        votes = shown.votes[index, list(others)] if len(others) else shown.votes[index]
        counts = [(int((votes == label).sum()), name) for label, name in enumerate(names)]
        said = ", ".join(f"{name} {count}" for count, name in sorted(counts, reverse=True) if count)
        return {
            "label": names[shown.truth[index]],
            "by": "people" if shown.by_people[index] else "you",
            "others": f"{'the others' if len(others) else 'the programs'} said {said or 'nothing'}",
            "line": one_line(self._rows.task, shown.records[index], characters),
        }

    def _deciding(self, program: Program, records: Sequence[Record]) -> Iterator[str]:
        limit = self._rows.task.limits.record_bytes
        packed = [pack(record, limit) for record in records]
        for deciding in self._sandbox.trace(self._rows.task, program, packed):
            yield deciding.in_words(program)[:_DECIDING_CHARACTERS]

    def _doubtful_words(self, source: str, shown: _ShownRows, right: Mask, wrong: Mask) -> list[tuple[str, int, int]]:
        """Return words of the program's tables, and on how many rows with them it is right and wrong, worst first."""
        tree = parse_source(source)
        words = {plain(word) for _, table in table_words(tree) for word in table} if tree else set()
        texts = [plain(joined_texts(self._rows.task, record)) for record in shown.records]
        counts = []
        for word in sorted(words):
            # A word of letters stands by itself; in a script without spaces it stands anywhere.
            found = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)" if word.isascii() else re.escape(word))
            has = np.array([bool(found.search(text)) for text in texts], dtype=bool)
            counts.append((word, int((has & right).sum()), int((has & wrong).sum())))
        worst = [item for item in counts if item[2] >= max(2, item[1])]
        return sorted(worst, key=lambda item: item[1] - item[2])[:_MOST_WORDS]


def present_drafts(
    rows: Rows, validator: Validator, programs: Sequence[Program], fixed: frozenset[str], shown_gold: frozenset[int]
) -> list[Draft]:
    """Return programs that are there already as drafts, those that still run."""
    drafts = []
    for program in programs:
        trial = validator.try_out(program)
        if trial.behavior is None:
            continue
        attempt = Attempt(program.name, "present", program, None, trial, (), (), shown_gold)
        planned = PlannedProgram(program.name, "present", program.description, rows.task.label_names)
        kept = KeptProgram(program, "present", trial.behavior, attempt)
        drafts.append(Draft(kept, planned, program.name in fixed))
    return drafts


def _verdict(reply: Reply) -> str:
    found = _VERDICT.match(reply.text)
    return found[1] if found else ""


def _doubt(votes: Labels, opinions: Labels) -> float:
    """Return how doubtful a record is, 0 to 2: 2 where nobody but the fallback has an opinion."""
    if (opinions < 0).all():
        return 2.0
    counts = np.bincount(votes[votes >= 0])
    return float(1 - counts.max() / counts.sum())
