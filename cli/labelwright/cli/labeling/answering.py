"""What labels: the label service, or a bundle folder on this machine. Both give exactly the same outcomes."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from labelwright.cli.extras import open_sandbox
from labelwright.cli.rows.failing import failure_of, is_doubtful
from labelwright.cli.version_names import VersionName
from labelwright.client import Client, Failure, Labeling, Outcome, ProgramVote, Registry, RetryPolicy
from labelwright.client.calling.channel import REGISTRY_TIMEOUT
from labelwright.client.messages.labels import MAX_BATCH, Details, RecordInput, failure_from_error
from labelwright.client.messages.registry import open_folder
from labelwright.core.bundle import Bundle
from labelwright.core.errors import InvalidRecord, VersionNotFound
from labelwright.core.record import Record, pack
from labelwright.core.row import record_from_row
from labelwright.core.task import Task
from labelwright.core.vote import VoteError, is_error, is_label
from labelwright.features import Features
from typing_extensions import override

if TYPE_CHECKING:
    from labelwright.sandbox import Labeled

# A run that has begun waits for a server that restarts. A server that is away at the start is reported at once, because
# then it is more likely to be a wrong address.
_PATIENT = RetryPolicy(attempts=20, cap=5.0)
_BATCH_TIMEOUT = 60.0

_BARE = Details()

_Item = TypeVar("_Item")


class Answerer(ABC):
    """Labels rows with one version; ``version`` is 0 for a folder. ``digest`` names the version's content.

    ``guide`` is its labeling guide, empty where it has none.
    """

    task: Task
    version: int
    digest: str
    guide: str
    _features: Features

    @abstractmethod
    def batches(self, rows: Iterable[_Item]) -> Iterator[list[_Item]]:
        """Yield the rows, as many at a time as ``answer`` takes best."""

    @abstractmethod
    def answer(self, rows: Sequence[Mapping[str, Any]], details: Details = _BARE) -> list[Outcome]:
        """Return one outcome a row, in order; columns that are no fields of the task are left out.

        Where every program failed the votes are there even if no explanation was asked for.
        """

    def record(self, row: Mapping[str, Any]) -> Record:
        """Return the row's record, features included. Raises InvalidRecord."""
        (filled,) = self._features.fill([row])
        return record_from_row(self.task, filled)

    @abstractmethod
    def close(self) -> None:
        """Close the connection or the sandbox."""


class ServiceAnswerer(Answerer):
    """Asks the label service, always for the one version that was found at the start."""

    def __init__(self, bundle: Bundle, version: int, service: str) -> None:
        self.task, self.version, self.digest, self.guide = bundle.task, version, bundle.digest, bundle.guide
        self._features = Features.open(bundle.task)
        self._service = service
        self._client = Client(service, timeout=_BATCH_TIMEOUT)
        self._has_answered = False

    @classmethod
    def open(
        cls,
        name: VersionName,
        service: str,
        registry: str,
        *,
        timeout: float = REGISTRY_TIMEOUT,
        retry: RetryPolicy | None = None,
    ) -> ServiceAnswerer:
        """Ask the registry which version is meant and what its fields are. Raises LabelwrightError.

        ``timeout`` (in seconds) and ``retry`` are those of this question.
        """
        with Registry(registry, timeout=timeout, retry=retry) as source:
            download = source.download(name.task, **name.selection)
        return cls(download.bundle, download.version.number, service)

    @override
    def batches(self, rows: Iterable[_Item]) -> Iterator[list[_Item]]:
        waiting = iter(rows)
        while batch := list(islice(waiting, MAX_BATCH)):
            yield batch

    @override
    def answer(self, rows: Sequence[Mapping[str, Any]], details: Details = _BARE) -> list[Outcome]:
        readable, failures = _readable(self.task, self._features.fill(rows))
        records = [dict(zip(self.task.fields, record, strict=True)) for record, _ in readable.values()]
        answers = iter(label_and_ask_why(self._client, self.task.name, records, details, version=self.version))
        if not self._has_answered:
            self._client.close()
            self._client = Client(self._service, timeout=_BATCH_TIMEOUT, retry=_PATIENT)
            self._has_answered = True
        return [failures[place] if place in failures else self._checked(next(answers)) for place in range(len(rows))]

    @override
    def close(self) -> None:
        self._client.close()

    def _checked(self, outcome: Outcome) -> Outcome:
        if isinstance(outcome, Labeling) and outcome.digest != self.digest:
            raise VersionNotFound(
                f"the label service's {self.task.name}@{self.version} is not the registry's",
                advice="check that --service and --registry belong together",
            )
        return outcome


class FolderAnswerer(Answerer):
    """Labels with a bundle folder in this process's sandbox."""

    version = 0

    def __init__(self, bundle: Bundle) -> None:
        """Load the programs.

        Raises InvalidBundle if one does not load, SandboxUnavailable, ConfigurationError if the task's features cannot
        be made.
        """
        self._features = Features.open(bundle.task)
        self._sandbox = open_sandbox("labeling without a server")
        from labelwright.sandbox import Labeler

        try:
            self._labeler = Labeler.open(self._sandbox, bundle)
        except Exception:
            self._sandbox.close()
            raise
        self.task, self.digest, self.guide = bundle.task, bundle.digest, bundle.guide
        self._programs, self._label_model = bundle.programs, bundle.label_model

    @classmethod
    def open(cls, folder: Path) -> FolderAnswerer:
        """Read the folder. Raises InvalidBundle."""
        return cls(open_folder(folder))

    @override
    def batches(self, rows: Iterable[_Item]) -> Iterator[list[_Item]]:
        return self._labeler.executable.chunks(rows)

    @override
    def answer(self, rows: Sequence[Mapping[str, Any]], details: Details = _BARE) -> list[Outcome]:
        readable, failures = _readable(self.task, self._features.fill(rows))
        labeled = self._labeler.label([packed for _, packed in readable.values()])
        answers: dict[int, Outcome] = dict(failures)
        for (place, (_, packed)), answer in zip(readable.items(), labeled, strict=True):
            answers[place] = self._labeling(packed, answer, details)
        return [answers[place] for place in range(len(rows))]

    def deciding(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
        """Return for each row, by program, the line that decided its vote and what was known there. Slow."""
        readable, _ = _readable(self.task, self._features.fill(rows))
        packed = [line for _, line in readable.values()]
        found: list[dict[str, str]] = [{} for _ in rows]
        for program in self._programs:
            for place, trace in zip(readable, self._sandbox.trace(self.task, program, packed), strict=True):
                found[place][program.name] = trace.in_words(program)
        return found

    @override
    def close(self) -> None:
        self._labeler.close()
        self._sandbox.close()

    def _labeling(self, record: str, answer: Labeled, details: Details) -> Labeling:
        from labelwright.sandbox.failures import failure_messages

        decision = answer.decision
        told = details.explain or all(is_error(vote) for vote in answer.votes)
        names = self._labeler.executable.programs
        votes = dict(zip(names, map(self._vote, answer.votes), strict=True)) if told else {}
        return Labeling(
            label=self.task.label_names[decision.label] if is_label(decision.label) else None,
            probability=decision.probability,
            version=self.version,
            digest=self.digest,
            source="computed",
            degraded=any(is_error(vote) for vote in answer.votes),
            votes=votes,
            messages=failure_messages(self._labeler.executable, record, answer.votes) if told else {},
            distribution=self._distribution(answer) if details.distribution else {},
        )

    def _distribution(self, answer: Labeled) -> dict[str, float]:
        shares = self._label_model.distribution(answer.votes)
        return {name: shares.get(index, 0.0) for index, name in enumerate(self.task.label_names)} if shares else {}

    def _vote(self, vote: int) -> ProgramVote:
        if is_label(vote):
            return self.task.label_names[vote]
        return VoteError(vote) if is_error(vote) else None


def label_and_ask_why(
    client: Client,
    task: str,
    records: Sequence[RecordInput],
    details: Details,
    *,
    version: int | None = None,
    alias: str | None = None,
) -> list[Outcome]:
    """Return one outcome a record; what may have failed in every program is asked for once more, with its votes."""
    ask = functools.partial(client.label_batch, task, version=version, alias=alias, distribution=details.distribution)
    outcomes = ask(records, explain=details.explain)
    doubtful = [place for place, outcome in enumerate(outcomes) if is_doubtful(outcome)]
    if doubtful:
        again = [records[place] for place in doubtful]
        for place, outcome in zip(doubtful, ask(again, explain=True), strict=True):
            if failure_of(outcome) is not None:
                outcomes[place] = outcome
    return outcomes


def _readable(
    task: Task, rows: Sequence[Mapping[str, Any]]
) -> tuple[dict[int, tuple[Record, str]], dict[int, Failure]]:
    """Return by place the records with their packed forms, and what is wrong with the other rows."""
    readable: dict[int, tuple[Record, str]] = {}
    failures: dict[int, Failure] = {}
    for place, row in enumerate(rows):
        try:
            record = record_from_row(task, row)
            readable[place] = record, pack(record, task.limits.record_bytes)
        except InvalidRecord as error:
            failures[place] = failure_from_error(error)
    return readable, failures
