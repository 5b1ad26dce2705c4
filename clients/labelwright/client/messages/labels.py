"""The label service's messages: built from the caller's records, read into results. Pure; shared by both clients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from labelwright.client.messages.arguments import build, items, version_number
from labelwright.client.messages.results import Failure, Labeling, Outcome, ProgramVote, Source
from labelwright.core.errors import InvalidRecord, InvalidRequest, LabelwrightError, Overloaded, RecordTooLarge
from labelwright.core.vote import VoteError
from labelwright.core.wire.messages import record_to_message
from labelwright.core.wire.status import TRANSPORT
from labelwright.v1 import label_service_pb2 as pb
from labelwright.v1 import record_pb2

RecordInput = str | Mapping[str, object]
"""A text for tasks whose only required field is text, or values by field name."""

_Request = TypeVar("_Request", pb.LabelRequest, pb.LabelBatchRequest)

MAX_BATCH = 256
"""Records a call: larger batches are no faster, and this stays below every server's cap."""
MAX_MESSAGE_BYTES = 2 << 20
"""Bytes of records a call, half of gRPC's default cap; a single larger record travels alone."""
MAX_RECORD_BYTES = 8 << 20
"""Bytes of one record; no task can allow more, so more is not sent."""

_SOURCES: Mapping[int, Source] = {
    pb.SOURCE_COMPUTED: "computed",
    pb.SOURCE_MEMORY: "memory",
    pb.SOURCE_REDIS: "redis",
}


@dataclass(frozen=True, slots=True)
class Selector:
    """Which version answers: a number, an alias, or neither for "production"."""

    version: int | None = None
    alias: str | None = None

    def __post_init__(self) -> None:
        """Raise InvalidRequest if both are given, or a number that no version can have."""
        if self.version is not None and self.alias is not None:
            raise InvalidRequest("a version and an alias were given", advice="name one of the two")
        if self.version is not None:
            version_number(self.version)


@dataclass(frozen=True, slots=True)
class Details:
    """What an answer tells beside the label: each program's vote, the probability of every label."""

    explain: bool = False
    distribution: bool = False


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of a batch that fits one call, and where its records stand in the whole."""

    request: pb.LabelBatchRequest
    positions: tuple[int, ...]


def label_request(task: str, record: RecordInput, selector: Selector, details: Details) -> pb.LabelRequest:
    """Return the request for one record. Raises InvalidRequest, InvalidRecord, RecordTooLarge."""
    request = _request(pb.LabelRequest, task, selector, details)
    match _payload(record):
        case str() as text:
            request.text = text
        case message:
            request.record.CopyFrom(message)
    return request


def stream_request(position: int, request: pb.LabelRequest) -> pb.LabelStreamRequest:
    """Return the stream's request, named by its position."""
    return pb.LabelStreamRequest(correlation_id=str(position), request=request)


def split_batch(
    task: str, records: Iterable[RecordInput], selector: Selector, details: Details
) -> tuple[list[Chunk], dict[int, Failure]]:
    """Return the calls that a batch takes, and the failures of records that cannot be sent, by position.

    Raises InvalidRequest.
    """
    empty = _request(pb.LabelBatchRequest, task, selector, details)
    failures: dict[int, Failure] = {}
    chunks: list[Chunk] = []
    batch: list[tuple[int, str | record_pb2.Record]] = []
    size = 0
    for position, record in enumerate(items(records, "records", "one record")):
        try:
            payload = _payload(record)
        except InvalidRecord as error:
            failures[position] = failure_from_error(error)
            continue
        bytes_more = _size(payload)
        short_form_changes = bool(batch) and isinstance(batch[0][1], str) != isinstance(payload, str)
        if batch and (len(batch) == MAX_BATCH or size + bytes_more > MAX_MESSAGE_BYTES or short_form_changes):
            chunks.append(_chunk(empty, batch))
            batch, size = [], 0
        batch.append((position, payload))
        size += bytes_more
    if batch:
        chunks.append(_chunk(empty, batch))
    return chunks, failures


def halves(chunk: Chunk, error: LabelwrightError) -> tuple[Chunk, Chunk]:
    """Return the chunk in two, for a server whose limits are lower than usual.

    Raises ``error`` if it says something else, or if there is nothing to halve.
    """
    too_large = (isinstance(error, InvalidRequest) and "limit" in error.metadata) or (
        error.metadata.get(TRANSPORT) == "RESOURCE_EXHAUSTED" and not isinstance(error, Overloaded)
    )
    middle = len(chunk.positions) // 2
    if not too_large or not middle:
        raise error
    first, second = pb.LabelBatchRequest(), pb.LabelBatchRequest()
    for part, place in ((first, slice(None, middle)), (second, slice(middle, None))):
        part.CopyFrom(chunk.request)
        part.ClearField("texts")
        part.ClearField("records")
        part.texts.extend(chunk.request.texts[place])
        part.records.extend(chunk.request.records[place])
    return Chunk(first, chunk.positions[:middle]), Chunk(second, chunk.positions[middle:])


def join_batch(answers: Iterable[tuple[Chunk, list[Outcome]]], failures: Mapping[int, Failure]) -> list[Outcome]:
    """Return the outcomes of all records, in order."""
    placed: dict[int, Outcome] = dict(failures)
    for chunk, outcomes in answers:
        placed.update(zip(chunk.positions, outcomes, strict=True))
    return [placed[position] for position in sorted(placed)]


def read_label(response: pb.LabelResponse) -> Labeling:
    """Return the answer to one record."""
    return _labeling(response.labeling, response.served)


def read_batch(response: pb.LabelBatchResponse) -> list[Outcome]:
    """Return the outcomes of one call, in its order."""
    return [_outcome(outcome, response.served) for outcome in response.outcomes]


def read_stream(response: pb.LabelStreamResponse) -> Outcome:
    """Return one outcome of a stream."""
    return _outcome(response.outcome, response.served)


def failure_from_error(error: InvalidRecord) -> Failure:
    """Return the error as a batch reports it."""
    return Failure(error.reason, error.message, error.metadata.get("field", ""))


def _request(kind: type[_Request], task: str, selector: Selector, details: Details) -> _Request:
    """Return the request without its records."""
    return build(
        kind,
        task=task,
        explain=bool(details.explain),
        distribution=bool(details.distribution),
        version=selector.version,
        alias=selector.alias,
    )


def _payload(record: RecordInput) -> str | record_pb2.Record:
    if isinstance(record, str):
        try:
            size = len(record.encode())
        except UnicodeEncodeError as error:
            raise InvalidRecord(
                "a text holds half of a surrogate pair, which UTF-8 cannot express",
                advice="decode the text with errors='replace' before sending it",
                field="text",
            ) from error
        _check_size(size)
        return record
    if not isinstance(record, Mapping):
        raise InvalidRecord(
            f"a record is a text or values by field name, not {type(record).__name__}",
            advice='for example {"temperature": 21.5}',
            field="record",
        )
    message = record_to_message({name: _plain(value) for name, value in record.items()})
    _check_size(message.ByteSize())
    return message


def _plain(value: object) -> object:
    """Turn numpy's arrays and numbers and other byte buffers into Python's own, without importing numpy."""
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    to_list = getattr(value, "tolist", None)
    return to_list() if callable(to_list) else value


def _check_size(size: int) -> None:
    if size > MAX_RECORD_BYTES:
        raise RecordTooLarge(
            f"the record takes {size:,} bytes; no task allows more than {MAX_RECORD_BYTES:,}",
            advice="shorten the record",
            size=size,
            limit=MAX_RECORD_BYTES,
        )


def _size(payload: str | record_pb2.Record) -> int:
    return len(payload.encode()) if isinstance(payload, str) else payload.ByteSize()


def _chunk(empty: pb.LabelBatchRequest, batch: list[tuple[int, str | record_pb2.Record]]) -> Chunk:
    request = pb.LabelBatchRequest()
    request.CopyFrom(empty)
    for _, payload in batch:
        if isinstance(payload, str):
            request.texts.append(payload)
        else:
            request.records.append(payload)
    return Chunk(request, tuple(position for position, _ in batch))


def _outcome(outcome: pb.LabelOutcome, served: pb.ServedVersion) -> Outcome:
    if outcome.WhichOneof("outcome") == "labeling":
        return _labeling(outcome.labeling, served)
    return Failure(outcome.error.reason, outcome.error.message, outcome.error.field)


def _labeling(message: pb.Labeling, served: pb.ServedVersion) -> Labeling:
    return Labeling(
        label=message.label if message.HasField("label") else None,
        probability=message.probability,
        version=served.version,
        digest=served.digest,
        source=_SOURCES.get(message.source, "unknown"),
        degraded=message.degraded,
        votes={vote.program: _vote(vote) for vote in message.votes},
        messages={vote.program: vote.message for vote in message.votes if vote.message},
        distribution={item.label: item.probability for item in message.distribution},
    )


def _vote(vote: pb.Vote) -> ProgramVote:
    match vote.WhichOneof("vote"):
        case "label":
            return vote.label
        case "error":
            return vote_error(vote.error)
        case _:
            return None


def vote_error(number: int) -> VoteError:
    """Return the error that the wire's number means; an error from a newer server counts as a crash."""
    try:
        name = pb.VoteError.Name(pb.VoteError.ValueType(number))
    except ValueError:
        return VoteError.CRASHED
    return VoteError.__members__.get(name.removeprefix("VOTE_ERROR_"), VoteError.CRASHED)
