"""The requests of one task's conversation. What stays the same stands first, so that endpoints cache it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from labelwright.core.task import FieldType
from labelwright.synthesis.asking.field_ranges import describe_fields
from labelwright.synthesis.asking.record_text import one_line
from labelwright.synthesis.asking.sampling import random_distinct
from labelwright.synthesis.authoring.holding import GoldSplit, split_gold
from labelwright.synthesis.authoring.planning import PlannedProgram
from labelwright.synthesis.authoring.record_facts import record_facts
from labelwright.synthesis.llm.completion import Message, Request
from labelwright.synthesis.rows import Rows
from labelwright.synthesis.templates import render

GUIDE_TOKENS = 2500
PLAN_TOKENS = 2500
PROGRAM_TOKENS = 6000
"""Caps of an answer. Measured programs took 1,100 to 5,500 tokens; a cut one is asked for again, shorter."""
_ROW_CHARACTERS = 600
_GOLD_CHARACTERS = 20_000
_RECORD_CHARACTERS = 300
_RECORDS_CHARACTERS = 9_000
"""Of one gold row and of all, of one unlabeled record and of all: about 8,000 tokens, read again with each request."""
_MODULES = ("re", "math", "string", "collections", "itertools", "functools", "unicodedata", "statistics", "datetime")


class Conversation:
    """Makes the requests for one task; the seed decides which rows are shown."""

    def __init__(
        self, rows: Rows, *, seed: int, temperature: float, programs: int, seen: frozenset[int] = frozenset()
    ) -> None:
        """``seen`` are indexes of gold rows that programs were written from before: they cannot be held back."""
        self._seed, self._temperature, self._programs = seed, temperature, programs
        self._rows = rows
        lines = [one_line(rows.task, row.record, _ROW_CHARACTERS) for row in rows.gold]
        self.split: GoldSplit = split_gold(rows.gold, list(map(len, lines)), _GOLD_CHARACTERS, seed, seen)
        self.unlabeled = self._sample()
        """Indexes of the unlabeled records that are shown."""
        self._brief = self._render_brief(
            gold=[(rows.task.label_names[rows.gold[index].label or 0], lines[index]) for index in self.split.shown],
            records=[one_line(rows.task, rows.records[index], _RECORD_CHARACTERS) for index in self.unlabeled],
        )
        # A request to revise brings rows of its own, and is read once for each program.
        self._short_brief = self._render_brief(gold=[], records=[])

    def guide(self) -> Request:
        """Return the request for the labeling guide."""
        return self._request([self._system(""), Message("user", render(__package__, "guide"))], GUIDE_TOKENS)

    def plan(self, guide: str) -> Request:
        """Return the request for the plan."""
        return self._request([self._system(guide), self._plan_question()], PLAN_TOKENS)

    def plan_again(self, guide: str, answer: str) -> Request:
        """Return the request for the plan after an answer that holds none."""
        again = [Message("assistant", answer or "(nothing)"), Message("user", render(__package__, "plan_again"))]
        return self._request([self._system(guide), self._plan_question(), *again], PLAN_TOKENS)

    def program(self, guide: str, plan_answer: str, planned: PlannedProgram) -> Request:
        """Return the request for one program of the plan."""
        return self._request(
            [
                self._system(guide),
                self._plan_question(),
                Message("assistant", plan_answer),
                Message("user", render(__package__, "program", planned=planned, parameters=self._parameters())),
            ],
            PROGRAM_TOKENS,
        )

    def mended(self, request: Request, answer: str, faults: Sequence[str], *, rows: int, must: bool) -> Request:
        """Return the request for the program without its faults; where not ``must``, it may also be left as it is."""
        ask = Message("user", render(__package__, "mend", faults=faults, rows=rows, must=must))
        return self._request([*request.messages, Message("assistant", answer), ask], PROGRAM_TOKENS)

    def shorter(self, request: Request, why: str) -> Request:
        """Return the request for the program after an answer that is of no use, such as one that was cut."""
        last = request.messages[-1].content
        again = render(__package__, "program_again", why=why)
        return self._request([*request.messages[:-1], Message("user", f"{last}\n\n{again}")], PROGRAM_TOKENS)

    def revision(self, guide: str, feedback: Mapping[str, object]) -> Request:
        """Return the request to revise a program; ``feedback`` is what template revise.j2 takes."""
        return self._short_request(guide, "revise", feedback)

    def revision_again(self, request: Request, answer: str, applied: int, problems: Sequence[str]) -> Request:
        """Return the request to answer once more where an answer to revise could not be used as it was."""
        ask = Message("user", render(__package__, "revise_again", applied=applied, problems=problems))
        return self._request([*request.messages, Message("assistant", answer), ask], PROGRAM_TOKENS)

    def addition(self, guide: str, feedback: Mapping[str, object]) -> Request:
        """Return the request for one more program; ``feedback`` is what template add.j2 takes."""
        return self._short_request(guide, "add", {**feedback, "parameters": self._parameters()})

    def _short_request(self, guide: str, template: str, feedback: Mapping[str, object]) -> Request:
        system = _with_guide(self._short_brief, guide)
        return self._request([system, Message("user", render(__package__, template, **feedback))], PROGRAM_TOKENS)

    def _render_brief(self, *, gold: Sequence[tuple[str, str]], records: Sequence[str]) -> str:
        rows = self._rows
        return render(
            __package__,
            "brief",
            task=rows.task,
            labels=self._labels(),
            gold_rows=len(rows.gold),
            fields=describe_fields(rows),
            facts=record_facts(rows.task, rows.records),
            gold=gold,
            record_count=len(rows.records),
            records=records,
            modules=_MODULES,
            has_text=bool(rows.task.fields_of(FieldType.TEXT)),
        )

    def _system(self, guide: str) -> Message:
        return _with_guide(self._brief, guide)

    def _plan_question(self) -> Message:
        return Message("user", render(__package__, "plan", programs=self._programs))

    def _request(self, messages: Sequence[Message], max_tokens: int) -> Request:
        return Request(tuple(messages), max_tokens, self._temperature, self._seed)

    def _parameters(self) -> str:
        return ", ".join(field.name for field in describe_fields(self._rows))

    def _labels(self) -> list[tuple[str, str, str]]:
        """Return name, description and share of each label."""
        rows = self._rows
        total = max(1, len(rows.gold))
        counts = [sum(row.label == index for row in rows.gold) for index in range(rows.label_count)]
        shares = [f"{count / total:.0%}" if rows.gold else "" for count in counts]
        return [(name, text, share) for (name, text), share in zip(rows.task.labels.items(), shares, strict=True)]

    def _sample(self) -> list[int]:
        """Return records to show, random and distinct: at most half, for what is shown cannot be measured by."""
        sample: list[int] = []
        characters = 0
        order = random_distinct(self._rows.records, self._seed)
        for index in order[: (len(order) + 1) // 2]:
            characters += len(one_line(self._rows.task, self._rows.records[index], _RECORD_CHARACTERS))
            if characters > _RECORDS_CHARACTERS:
                break
            sample.append(index)
        return sample


def _with_guide(brief: str, guide: str) -> Message:
    return Message("system", f"{brief}\n\nThe labeling guide:\n{guide}" if guide else brief)
