"""Answers: what follows from the votes on a record, computed once for each pattern of votes.

Real traffic consists of few patterns. Everything that follows from the votes (the decision, whether they conflict, the
message for the wire) is therefore kept with the pattern, and a cached record is only a reference to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from labelwright.core.label_model import Decision, LabelModel
from labelwright.core.vote import ABSTAIN, VoteError, in_conflict, is_error
from labelwright.v1 import label_service_pb2 as pb

TRANSIENT = frozenset({VoteError.TIMEOUT, VoteError.MEMORY, VoteError.CRASHED, VoteError.BENCHED})
"""Errors that depend on the moment and not on the record: such answers are not cached."""
_MAX_PATTERNS = 8192

_WIRE_ERRORS = {int(error): pb.VoteError.Value(f"VOTE_ERROR_{error.name}") for error in VoteError}


class LabelAnswer:
    """What follows from one pattern of votes. Shared by all records with this pattern, and immutable."""

    __slots__ = ("cacheable", "conflict", "decision", "errors", "outcomes", "votes")

    def __init__(self, votes: tuple[int, ...], decision: Decision) -> None:
        self.votes = votes
        self.decision = decision
        self.conflict = in_conflict(votes)
        self.errors = tuple((program, vote) for program, vote in enumerate(votes) if is_error(vote))
        """(program's index, VoteError) of the programs that failed."""
        self.cacheable = not any(vote in TRANSIENT for _, vote in self.errors)
        self.outcomes: dict[int, pb.LabelOutcome] = {}
        """The message without votes and distribution, by source; filled on first use."""


class Answers:
    """The answers of one version."""

    def __init__(self, labels: Sequence[str], programs: Sequence[str], label_model: LabelModel) -> None:
        self._labels = tuple(labels)
        self._programs = tuple(programs)
        self._label_model = label_model
        self._patterns: dict[tuple[int, ...], LabelAnswer] = {}

    def of(self, votes: tuple[int, ...], decision: Decision | None = None) -> LabelAnswer:
        """Return the answer to these votes; the label model decides where ``decision`` is None."""
        answer = self._patterns.get(votes)
        if answer is None:
            answer = LabelAnswer(votes, decision or self._label_model.decide(votes))
            if len(self._patterns) < _MAX_PATTERNS:
                self._patterns[votes] = answer
        return answer

    def outcome(self, answer: LabelAnswer, source: int, explain: bool, distribution: bool) -> pb.LabelOutcome:
        """Return the message. It is shared where it carries neither votes nor shares: copy it, never change it."""
        if explain or distribution:
            outcome = self._message(answer, source)
            if explain:
                outcome.labeling.votes.extend(map(self._vote, self._programs, answer.votes))
            if distribution:
                outcome.labeling.distribution.extend(self._distribution(answer))
            return outcome
        message = answer.outcomes.get(source)
        if message is None:
            message = answer.outcomes[source] = self._message(answer, source)
        return message

    def accepts(self, votes: tuple[int, ...]) -> bool:
        """Whether this version can give these votes: values from Redis are checked."""
        top = len(self._labels)
        return len(votes) == len(self._programs) and all(VoteError.BENCHED <= vote < top for vote in votes)

    def _message(self, answer: LabelAnswer, source: int) -> pb.LabelOutcome:
        decision = answer.decision
        labeling = pb.Labeling(
            probability=decision.probability,
            source=source,  # type: ignore[arg-type]
            degraded=bool(answer.errors),
        )
        if decision.label != ABSTAIN:
            labeling.label = self._labels[decision.label]
        return pb.LabelOutcome(labeling=labeling)

    def _distribution(self, answer: LabelAnswer) -> Iterator[pb.LabelProbability]:
        shares = self._label_model.distribution(answer.votes)
        if shares:
            for index, label in enumerate(self._labels):
                yield pb.LabelProbability(label=label, probability=shares.get(index, 0.0))

    def _vote(self, program: str, vote: int) -> pb.Vote:
        if vote == ABSTAIN:
            return pb.Vote(program=program)
        if is_error(vote):
            return pb.Vote(program=program, error=_WIRE_ERRORS[vote])
        return pb.Vote(program=program, label=self._labels[vote])
