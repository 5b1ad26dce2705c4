"""Direct labeling: the LLM itself labels records, a few hundred at most.

It is the yardstick that the programs are compared with, and, where it is good, a source of noisy gold. Instructions
and examples stand first and never change, so an endpoint that caches prompts reads only the record anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from labelwright.core.record import Record
from labelwright.core.task import Task
from labelwright.core.vote import ABSTAIN
from labelwright.synthesis.asking.record_text import shown_fields
from labelwright.synthesis.llm.completion import Message, Reply, Request
from labelwright.synthesis.llm.endpoint import AskFailed
from labelwright.synthesis.llm.provider import Provider
from labelwright.synthesis.templates import render

PURPOSE = "direct"
_RECORD_CHARACTERS = 1200
_MAX_TOKENS = 16
_ALTERNATIVES = 10


@dataclass(frozen=True, slots=True)
class Example:
    """A labeled record to show; ``label`` is an index."""

    record: Record
    label: int


@dataclass(frozen=True, slots=True)
class DirectLabels:
    """What the LLM said of each record.

    ``labels`` [records] are indices, -1 where there was no usable answer. ``scores`` [records x labels] are
    log-probabilities of each label as far as the endpoint told, NaN where it did not. ``tokens`` [records x 2] are
    tokens in and out. ``unanswered`` counts failed requests by kind.
    """

    labels: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float64]
    tokens: npt.NDArray[np.int64]
    unanswered: dict[str, int]

    @classmethod
    def none(cls, records: int, label_count: int) -> DirectLabels:
        """Return what there is of records that the LLM was not asked about."""
        return cls(
            np.full(records, ABSTAIN, dtype=np.int64),
            np.full((records, label_count), math.nan),
            np.zeros((records, 2), dtype=np.int64),
            {},
        )

    def forget(self, rows: Sequence[int]) -> None:
        """Take back what was said of these records."""
        self.labels[rows] = ABSTAIN
        self.scores[rows] = math.nan

    def put(self, rows: Sequence[int], said: DirectLabels) -> None:
        """Write down what was ``said`` of the records ``rows``."""
        self.labels[rows], self.scores[rows], self.tokens[rows] = said.labels, said.scores, said.tokens

    @property
    def tokens_per_record(self) -> tuple[float, float]:
        """Mean tokens in and out of the records that were answered; (nan, nan) where none was."""
        answered = self.tokens[self.tokens.sum(axis=1) > 0]
        if not len(answered):
            return math.nan, math.nan
        mean_in, mean_out = answered.mean(axis=0)
        return float(mean_in), float(mean_out)


def label_directly(
    provider: Provider,
    task: Task,
    records: Sequence[Record],
    examples: Sequence[Example] = (),
    *,
    progress: Callable[[int], None] = lambda done: None,  # noqa: ARG005 - a listener's parameter
) -> DirectLabels:
    """Ask the LLM for the label of each record, one request a record, in order.

    A failed request is counted and leaves -1. Raises BudgetExceeded, and AskFailed where the endpoint cannot be used
    at all: where the first request fails.
    """
    found = DirectLabels.none(len(records), len(task.label_names))
    for index, record in enumerate(records):
        try:
            reply = provider.complete(direct_request(task, record, examples), PURPOSE)
        except AskFailed as error:
            if index == 0:
                raise
            found.unanswered[error.kind] = found.unanswered.get(error.kind, 0) + 1
        else:
            found.labels[index] = read_label(task, reply.text, cut=reply.is_cut)
            found.scores[index] = read_scores(task, reply)
            found.tokens[index] = reply.usage.tokens_in, reply.usage.tokens_out
        progress(index + 1)
    return found


def direct_request(task: Task, record: Record, examples: Sequence[Example]) -> Request:
    """Return the request for one record: instructions, examples as earlier turns, the record last."""
    turns = [Message("system", render("direct_system", task=task))]
    for example in examples:
        turns.append(Message("user", _record_text(task, example.record)))
        turns.append(Message("assistant", task.label_names[example.label]))
    turns.append(Message("user", _record_text(task, record)))
    return Request(tuple(turns), _MAX_TOKENS, stop=("\n",), alternatives=_ALTERNATIVES)


def read_label(task: Task, text: str, *, cut: bool = False) -> int:
    """Return the index of the label that an answer names, whatever its case and quotes; -1 where it names none.

    The last word of an answer that was ``cut`` may be torn: it counts where the answer is a label's name and may not
    become that of another one.
    """
    first, _, more = text.strip().partition("\n")
    label = _label_in(task, first, cut=cut and not more)
    # A reason may stand below the label where the endpoint does not stop at a line's end.
    return _label_in(task, text, cut=cut) if label == ABSTAIN and more else label


def read_scores(task: Task, reply: Reply) -> list[float]:
    """Return the log-probability of each label from the first token's candidates.

    A candidate counts for a label where it is the beginning of that label's name and of no other's.
    """
    found = [math.nan] * len(task.label_names)
    plain = [_plain(name) for name in task.label_names]
    for token, score in reply.alternatives.items():
        piece = _plain(token)
        fitting = [index for index, name in enumerate(plain) if piece and name.startswith(piece)]
        if len(fitting) == 1:
            before = found[fitting[0]]
            found[fitting[0]] = score if math.isnan(before) else float(np.logaddexp(before, score))
    return found


def _label_in(task: Task, text: str, *, cut: bool) -> int:
    answer = _plain(text)
    plain = [_plain(name) for name in task.label_names]
    if answer in plain and not (cut and any(name != answer and name.startswith(answer) for name in plain)):
        return plain.index(answer)
    if cut and text[-1:].isalnum():
        answer = answer.rpartition(" ")[0]
    named = [index for index, name in enumerate(plain) if f" {name} " in f" {answer} "]
    return named[0] if len(named) == 1 else ABSTAIN


def _plain(text: str) -> str:
    letters = "".join(character if character.isalnum() else " " for character in text.lower())
    return " ".join(letters.split())


def _record_text(task: Task, record: Record) -> str:
    return render("record", fields=shown_fields(task, record, _RECORD_CHARACTERS))
