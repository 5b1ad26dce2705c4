"""The conversation that asks for one program. What never changes within a task stands first, so that it is cached."""

from __future__ import annotations

from collections.abc import Sequence

from labelwright.core.record import Record
from labelwright.core.row import Row
from labelwright.core.task import FieldType, Task
from labelwright.synthesis.asking.evidence import Evidence
from labelwright.synthesis.asking.field_ranges import describe_fields
from labelwright.synthesis.asking.record_text import one_line
from labelwright.synthesis.asking.sampling import choose_examples
from labelwright.synthesis.asking.strategies import Strategy, has_text
from labelwright.synthesis.llm.completion import Message, Request
from labelwright.synthesis.templates import render

_EXAMPLE_CHARACTERS = 160
ANSWER_TOKENS = 150
PROGRAM_TOKENS = 350
WORDS_TOKENS = 110
# The end of a code block; the block's beginning never stands on a line of its own without a language or a program.
_STOP = ("\n```\n",)
_LIST_STOP = ("]",)
# The allowed modules that small models reach for; the rest of the sandbox's list works too.
_MODULES = ("re", "string", "math", "collections", "statistics")


class ProgramPrompts:
    """Makes the requests for one task and one run's seed and temperature."""

    def __init__(
        self, task: Task, records: Sequence[Record], gold: Sequence[Row], *, seed: int, temperature: float
    ) -> None:
        self._task = task
        self._seed = seed
        self._temperature = temperature
        examples = choose_examples(task, gold)
        shown = [item.record for item in examples]
        self.shown_gold = frozenset(index for index, row in enumerate(gold) if row.record in shown)
        """Indexes of the gold rows that stand in every prompt for a program."""
        system = render(
            "program_system",
            task=task,
            fields=describe_fields(task, records, gold),
            examples=[
                {"label": task.label_names[item.label], "text": one_line(task, item.record, _EXAMPLE_CHARACTERS)}
                for item in examples
            ],
            has_text=has_text(task),
            text_names=[field.name for field in task.fields.values() if field.type is FieldType.TEXT],
            modules=_MODULES,
        )
        self._system = Message("system", system)
        self._words_system = Message("system", render("words_system", task=task))
        self._has_text = has_text(task)

    def first(self, strategy: Strategy, turn: int) -> Request:
        """Return the question that comes before the program."""
        question = render(f"first_{strategy.name}", has_text=self._has_text)
        return self._request((self._system, Message("user", question)), turn, ANSWER_TOKENS)

    def program(self, strategy: Strategy, evidence: Evidence, turn: int, before: Sequence[Message] = ()) -> Request:
        """Return the request for the program; ``before`` are question and answer that came first."""
        ask = Message("user", render(f"strategy_{strategy.name}", **evidence.values))
        return self._request((self._system, *before, ask), turn, PROGRAM_TOKENS, _STOP)

    def words(self, strategy: Strategy, evidence: Evidence, label: str, turn: int) -> Request:
        """Return the request for the words of one label."""
        description = self._task.labels[label]
        ask = render(f"strategy_{strategy.name}", label=label, description=description, **evidence.values)
        return self._request((self._words_system, Message("user", ask)), turn, WORDS_TOKENS, _LIST_STOP)

    def words_again(
        self, request: Request, reply: str, label: str, fault: str, turn: int, *, constant: bool
    ) -> Request:
        """Return the request for other words of one label: rarer ones where it gave nothing else (``constant``)."""
        ask = render("words_again", label=label, fault=fault, constant=constant)
        more = (Message("assistant", reply), Message("user", ask))
        return self._request((*request.messages, *more), turn, WORDS_TOKENS, _LIST_STOP)

    def seed_of(self, turn: int) -> int:
        """Return the seed of all that is drawn for the program number ``turn``."""
        return self._seed * 1000 + turn

    def repaired(self, request: Request, reply: str, fault: str, turn: int) -> Request:
        """Return the request for the same program without its fault."""
        more = (Message("assistant", reply), Message("user", render("repair", fault=fault)))
        return self._request((*request.messages, *more), turn, PROGRAM_TOKENS, _STOP)

    def again(self, request: Request, turn: int, *, roomier: bool = False) -> Request:
        """Return the request after an answer that is no use at all, such as a loop: the same, told to be short.

        ``roomier`` after an answer that its limit of tokens cut.
        """
        more = Message("user", f"{request.messages[-1].content}\n\n{render('again')}")
        limit = PROGRAM_TOKENS * 2 if roomier else PROGRAM_TOKENS
        return self._request((*request.messages[:-1], more), turn + 1, limit, _STOP)

    def _request(
        self, messages: tuple[Message, ...], turn: int, max_tokens: int, stop: tuple[str, ...] = ()
    ) -> Request:
        return Request(messages, max_tokens, self._temperature, self.seed_of(turn), stop)
