"""The conversation that asks for one program. What never changes within a task stands first, so that it is cached."""

from __future__ import annotations

from collections.abc import Sequence

from labelwright.core.task import FieldType
from labelwright.synthesis.asking.evidence import PromptEvidence
from labelwright.synthesis.asking.field_ranges import describe_fields
from labelwright.synthesis.asking.record_text import joined_texts, one_line
from labelwright.synthesis.asking.sampling import choose_examples
from labelwright.synthesis.asking.strategies import Strategy, has_text
from labelwright.synthesis.llm.completion import Message, Request
from labelwright.synthesis.rows import Rows
from labelwright.synthesis.templates import render
from labelwright.synthesis.text.scripts import has_marks, has_other_letters, puts_no_spaces

_EXAMPLE_CHARACTERS = 160
"""Of one example, of which eight stand in every prompt."""
_READ_RECORDS = 2000
"""Records that are looked at for their script."""
# Caps of a reply's tokens, half as much again to twice what replies take (writing/estimate.py has the measured shares):
# a reply that is cut is no program and is asked for again, one that never ends is paid for up to here.
ANSWER_TOKENS = 150
PROGRAM_TOKENS = 350
WORDS_TOKENS = 110
# The end of a code block. Its beginning is followed by a language, so it does not match.
_STOP = ("\n```\n",)
_LIST_STOP = ("]",)
# The allowed modules that small models reach for; the rest of the sandbox's list works too.
_MODULES = ("re", "string", "math", "collections", "statistics")


class ProgramPrompts:
    """Makes the requests for one task and one run's seed and temperature."""

    def __init__(self, rows: Rows, *, seed: int, temperature: float) -> None:
        task = rows.task
        self._task = task
        self._seed = seed
        self._temperature = temperature
        examples = choose_examples(task, rows.gold)
        shown = [item.record for item in examples]
        self.shown_gold = frozenset(index for index, row in enumerate(rows.gold) if row.record in shown)
        """Indexes of the gold rows that stand in every prompt for a program."""
        system = render(
            __package__,
            "program_system",
            task=task,
            fields=describe_fields(rows),
            examples=[
                {"label": task.label_names[item.label], "text": one_line(task, item.record, _EXAMPLE_CHARACTERS)}
                for item in examples
            ],
            has_text=has_text(task),
            text_names=[field.name for field in task.fields_of(FieldType.TEXT)],
            modules=_MODULES,
            parts=_parts(rows),
        )
        self._system = Message("system", system)
        self._words_system = Message("system", render(__package__, "words_system", task=task))
        self._has_text = has_text(task)

    def first(self, strategy: Strategy, turn: int) -> Request:
        """Return the question that comes before the program."""
        question = render(__package__, f"first_{strategy.name}", has_text=self._has_text)
        return self._request((self._system, Message("user", question)), turn, ANSWER_TOKENS)

    def program(
        self, strategy: Strategy, evidence: PromptEvidence, turn: int, before: Sequence[Message] = ()
    ) -> Request:
        """Return the request for the program; ``before`` are question and answer that came first."""
        ask = Message("user", render(__package__, f"strategy_{strategy.name}", **evidence.values))
        return self._request((self._system, *before, ask), turn, PROGRAM_TOKENS, _STOP)

    def words(self, strategy: Strategy, evidence: PromptEvidence, label: str, turn: int) -> Request:
        """Return the request for the words of one label."""
        description = self._task.labels[label]
        ask = render(__package__, f"strategy_{strategy.name}", label=label, description=description, **evidence.values)
        return self._request((self._words_system, Message("user", ask)), turn, WORDS_TOKENS, _LIST_STOP)

    def words_again(
        self, request: Request, reply: str, label: str, fault: str, turn: int, *, constant: bool
    ) -> Request:
        """Return the request for other words of one label: rarer ones where it gave nothing else (``constant``)."""
        ask = render(__package__, "words_again", label=label, fault=fault, constant=constant)
        more = (Message("assistant", reply), Message("user", ask))
        return self._request((*request.messages, *more), turn, WORDS_TOKENS, _LIST_STOP)

    def seed_of(self, turn: int) -> int:
        """Return the seed of all that is drawn for the program number ``turn``."""
        return self._seed * 1000 + turn

    def repaired(self, request: Request, reply: str, fault: str, turn: int) -> Request:
        """Return the request for the same program without its fault."""
        more = (Message("assistant", reply), Message("user", render(__package__, "repair", fault=fault)))
        return self._request((*request.messages, *more), turn, PROGRAM_TOKENS, _STOP)

    def again(self, request: Request, turn: int, *, roomier: bool = False) -> Request:
        """Return the request after an answer that is of no use, such as a loop: the same, asked to be short.

        ``roomier`` after an answer that its limit of tokens cut.
        """
        more = Message("user", f"{request.messages[-1].content}\n\n{render(__package__, 'again')}")
        limit = PROGRAM_TOKENS * 2 if roomier else PROGRAM_TOKENS
        return self._request((*request.messages[:-1], more), turn + 1, limit, _STOP)

    def _request(
        self, messages: tuple[Message, ...], turn: int, max_tokens: int, stop: tuple[str, ...] = ()
    ) -> Request:
        return Request(messages, max_tokens, self._temperature, self.seed_of(turn), stop)


def _parts(rows: Rows) -> str:
    """Return what the prescribed program looks for in a text, so that no word of the records' script is cut.

    Words as ``re`` finds them lack the marks of Hindi, and in a script without spaces none stands alone: there it is
    substrings.
    """
    records = [*rows.gold_records, *rows.records[:_READ_RECORDS]]
    texts = [joined_texts(rows.task, record) for record in records]
    if puts_no_spaces(texts) or has_marks(texts):
        return "substrings"
    return "words" if has_other_letters(texts) else "plain words"
