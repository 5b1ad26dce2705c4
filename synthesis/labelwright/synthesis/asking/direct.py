"""Direct labeling: the LLM itself labels records, a few hundred at most.

Programs are compared with it, and learn from it where it is good. Instructions and examples stand first and never
change, so an endpoint that caches prompts reads only the record anew.
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
from labelwright.synthesis.arrays import Floats, Labels
from labelwright.synthesis.asking.record_text import shown_fields
from labelwright.synthesis.llm.completion import Message, Reply, Request
from labelwright.synthesis.llm.endpoint import AskFailed
from labelwright.synthesis.llm.provider import Provider
from labelwright.synthesis.templates import render

PURPOSE = "direct"
_RECORD_CHARACTERS = 1200
"""Of one text, about 350 tokens: each record is paid for by its length, and its end rarely decides."""
_MAX_TOKENS = 16
"""A label's name; measured answers had two tokens."""
_ALTERNATIVES = 10
"""Candidates for the first token; OpenAI's endpoints give 20 at most, and many give fewer."""
_FLOOR = -9.0
"""Log-probability of a label that is not among the candidates. The tenth had -8.7 in the median of 457 replies."""
_ANSWERED = 0.9
"""Probability of the label that was answered, where nothing is known of the others; calibration corrects it."""


@dataclass(frozen=True, slots=True)
class Example:
    """A labeled record to show; ``label`` is an index."""

    record: Record
    label: int


@dataclass(frozen=True, slots=True)
class DirectLabels:
    """The LLM's label of each record.

    ``labels`` [records] are indexes, -1 where there was no usable answer. ``scores`` [records x labels] are the
    log-probabilities of those labels of which the endpoint gave one, NaN for the others. ``tokens`` [records x 2] are
    tokens in and out. ``unanswered`` counts failed requests by kind.
    """

    labels: Labels
    scores: Floats
    tokens: npt.NDArray[np.int64]
    unanswered: dict[str, int]

    @classmethod
    def none(cls, records: int, label_count: int) -> DirectLabels:
        """Return the labels of records that the LLM was not asked about."""
        return cls(
            np.full(records, ABSTAIN, dtype=np.int64),
            np.full((records, label_count), math.nan),
            np.zeros((records, 2), dtype=np.int64),
            {},
        )

    def forget(self, rows: Sequence[int]) -> None:
        """Take back the labels of these records."""
        self.labels[rows] = ABSTAIN
        self.scores[rows] = math.nan

    def put(self, rows: Sequence[int], answers: DirectLabels) -> None:
        """Enter the labels of the records ``rows``."""
        self.labels[rows], self.scores[rows], self.tokens[rows] = answers.labels, answers.scores, answers.tokens

    def enter(self, row: int, task: Task, reply: Reply) -> None:
        """Enter what the LLM replied about the record ``row``."""
        self.labels[row] = read_label(task, reply.text, cut=reply.is_cut)
        self.scores[row] = read_scores(task, reply)
        self.tokens[row] = reply.usage.tokens_in, reply.usage.tokens_out

    @property
    def beliefs(self) -> Floats:
        """Log-probabilities of each label, records x labels; a row of NaN where the LLM gave no answer.

        Scores are taken where they say something of the answer: the first token of its name may be that of others too.
        """
        label_count = self.scores.shape[1]
        has_answer = self.labels >= 0
        answers = self.labels[has_answer]
        scored = ~np.isnan(self.scores)
        with_floor = np.where(scored, np.maximum(self.scores, _FLOOR), _FLOOR)
        of_answer = np.where(has_answer, np.nan, self.scores.max(axis=1, initial=_FLOOR, where=scored))
        of_answer[has_answer] = self.scores[has_answer, answers]
        has_scores = scored.any(axis=1) & ~np.isnan(of_answer)
        by_answer = np.full(self.scores.shape, (1 - _ANSWERED) / max(1, label_count - 1))
        by_answer[has_answer, answers] = _ANSWERED
        logs = np.where(has_scores[:, None], with_floor, np.log(by_answer))
        logs -= np.log(np.exp(logs).sum(axis=1, keepdims=True))
        return np.where((has_scores | has_answer)[:, None], logs, np.nan)

    @property
    def tokens_per_record(self) -> tuple[float, float]:
        """Mean tokens in and out over the records with an answer; (nan, nan) without any answer."""
        answered = self.tokens[self.tokens.sum(axis=1) > 0]
        if not len(answered):
            return math.nan, math.nan
        mean_in, mean_out = answered.mean(axis=0)
        return float(mean_in), float(mean_out)


@dataclass(frozen=True, slots=True)
class DirectLessons:
    """The LLM's own labels of the gold rows and of all records, most of which it is not asked about.

    ``stopped`` says why it was asked about fewer than wanted.
    """

    gold: DirectLabels
    records: DirectLabels
    stopped: str = ""


def label_directly(
    provider: Provider,
    task: Task,
    records: Sequence[Record],
    examples: Sequence[Example] = (),
    guide: str = "",
    *,
    listener: Callable[[int], None] = lambda done: None,  # noqa: ARG005 - a listener's parameter
) -> DirectLabels:
    """Ask the LLM for the label of each record, one request a record, in order; see ``direct_request``.

    A failed request is counted and leaves -1. ``listener`` hears how many are done. Raises BudgetExceeded, and
    AskFailed where the first request fails: then the endpoint cannot be used at all.
    """
    answers = DirectLabels.none(len(records), len(task.label_names))
    for index, record in enumerate(records):
        try:
            reply = provider.complete(direct_request(task, record, examples, guide), PURPOSE)
        except AskFailed as error:
            if index == 0:
                raise
            answers.unanswered[error.kind] = answers.unanswered.get(error.kind, 0) + 1
        else:
            answers.enter(index, task, reply)
        listener(index + 1)
    return answers


def direct_request(task: Task, record: Record, examples: Sequence[Example], guide: str = "") -> Request:
    """Return the request for one record: instructions and guide, examples as earlier turns, the record last."""
    turns = [Message("system", render(__package__, "direct_system", task=task, guide=guide))]
    for example in examples:
        turns.append(Message("user", _record_text(task, example.record)))
        turns.append(Message("assistant", task.label_names[example.label]))
    turns.append(Message("user", _record_text(task, record)))
    return Request(tuple(turns), _MAX_TOKENS, stop=("\n",), alternatives=_ALTERNATIVES)


def read_label(task: Task, text: str, *, cut: bool = False) -> int:
    """Return the index of the label that an answer names, whatever its case and quotes; -1 for anything else.

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
    scores = [math.nan] * len(task.label_names)
    plain = [_plain(name) for name in task.label_names]
    for token, log_probability in reply.alternatives.items():
        piece = _plain(token)
        fitting = [index for index, name in enumerate(plain) if piece and name.startswith(piece)]
        if len(fitting) == 1:
            before = scores[fitting[0]]
            scores[fitting[0]] = log_probability if math.isnan(before) else float(np.logaddexp(before, log_probability))
    return scores


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
    return render(__package__, "record", fields=shown_fields(task, record, _RECORD_CHARACTERS))
