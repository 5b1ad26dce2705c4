"""Requests: messages of the contract, turned into a version and packed records, or a typed error."""

from __future__ import annotations

import time
from collections.abc import Sequence

import grpc
from labelwright.core.alias import PRODUCTION
from labelwright.core.errors import DeadlineExceeded, InvalidRecord, InvalidRequest, LabelwrightError
from labelwright.core.record import pack
from labelwright.core.task import Task
from labelwright.core.wire.messages import record_from_message, record_from_text
from labelwright.service.versions.directory import Directory
from labelwright.service.versions.live_version import LiveVersion
from labelwright.v1 import label_service_pb2 as pb
from labelwright.v1 import record_pb2


def acquire(
    directory: Directory, request: pb.LabelRequest | pb.LabelBatchRequest, deadline: float
) -> tuple[LiveVersion, str]:
    """Return the version that the request selects, with a reference taken, and the alias that led to it.

    Raises TaskNotFound, AliasNotFound, VersionNotFound, InvalidRequest, Unavailable, DeadlineExceeded.
    """
    if not request.task:
        raise InvalidRequest("the request names no task", advice="set `task`", field="task")
    if request.WhichOneof("selector") == "version":
        return directory.acquire_number(request.task, request.version, deadline), ""
    alias = request.alias or PRODUCTION
    return directory.acquire_alias(request.task, alias, deadline), alias


def packed_record(task: Task, request: pb.LabelRequest) -> str:
    """Return the request's record. Raises InvalidRequest, InvalidRecord."""
    match request.WhichOneof("input"):
        case "text":
            return _packed_text(task, request.text)
        case "record":
            return _packed_record(task, request.record)
        case _:
            raise InvalidRequest("the request holds no record", advice="set `record`, or `text` for a text task")


def packed_or_error(task: Task, request: pb.LabelRequest) -> str | LabelwrightError:
    """Return the request's record, or what is wrong with it."""
    try:
        return packed_record(task, request)
    except LabelwrightError as error:
        return error


def packed_batch(task: Task, request: pb.LabelBatchRequest) -> Sequence[str | LabelwrightError]:
    """Return each record, or what is wrong with it, in the order of the request. Raises InvalidRequest."""
    if request.records and request.texts:
        raise InvalidRequest("the request holds both records and texts", advice="send two requests")
    packed: list[str | LabelwrightError] = []
    for text in request.texts:
        try:
            packed.append(_packed_text(task, text))
        except InvalidRecord as error:
            packed.append(error)
    for record in request.records:
        try:
            packed.append(_packed_record(task, record))
        except InvalidRecord as error:
            packed.append(error)
    return packed


def deadline_of(context: grpc.ServicerContext, longest: float) -> float:
    """Return when the answer must be ready, as a ``time.monotonic()`` value. Raises DeadlineExceeded.

    ``longest`` is in seconds and applies where the caller set no deadline, or a later one.
    """
    remaining = context.time_remaining()
    if remaining is None or remaining > longest:
        remaining = longest
    if remaining <= 0:
        raise DeadlineExceeded("the deadline passed before the request was looked at")
    return time.monotonic() + remaining


def error_message(error: LabelwrightError) -> pb.RecordError:
    """Return the error as batches and streams carry it."""
    return pb.RecordError(reason=error.reason, message=error.message, field=error.metadata.get("field", ""))


def _packed_text(task: Task, text: str) -> str:
    return pack(record_from_text(task, text), task.limits.record_bytes)


def _packed_record(task: Task, record: record_pb2.Record) -> str:
    return pack(record_from_message(task, record), task.limits.record_bytes)
