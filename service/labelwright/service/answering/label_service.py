"""The contract's LabelService: each RPC from request to response."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from itertools import groupby
from typing import Any, TypeVar

import grpc
from labelwright.core.errors import InvalidRequest, LabelwrightError, Unavailable
from labelwright.service.answer import Answer
from labelwright.service.answering.admission import Admission
from labelwright.service.answering.explaining import add_messages
from labelwright.service.answering.incoming import Incoming
from labelwright.service.answering.labeling import Labeling
from labelwright.service.answering.requests import (
    Versions,
    acquire,
    deadline_of,
    error_message,
    packed_batch,
    packed_or_error,
    packed_record,
)
from labelwright.service.answering.traffic import Traffic
from labelwright.service.metrics import REASONS, Metrics
from labelwright.service.versions.live_version import LiveVersion
from labelwright.v1 import label_service_pb2 as pb
from labelwright.v1.label_service_pb2_grpc import LabelServiceServicer

_Request = TypeVar("_Request")
_Response = TypeVar("_Response")


class LabelService(LabelServiceServicer):
    """Answers requests. A request holds one version from its start to its end."""

    def __init__(
        self,
        versions: Versions,
        labeling: Labeling,
        traffic: Traffic,
        admission: Admission,
        metrics: Metrics,
        *,
        max_batch_records: int,
        max_request_bytes: int,
        timeout: float,
    ) -> None:
        """``timeout`` is in seconds."""
        self._versions = versions
        self._labeling = labeling
        self._traffic = traffic
        self._admission = admission
        self._metrics = metrics
        self._max_batch_records = max_batch_records
        self._max_request_bytes = max_request_bytes
        self._timeout = timeout
        self._ending = threading.Event()
        self._measured_label = _measured(self._label, "Label", metrics)
        self._measured_batch = _measured(self._label_batch, "LabelBatch", metrics)

    def Label(self, request: pb.LabelRequest, context: grpc.ServicerContext) -> pb.LabelResponse:  # noqa: N802
        """Label one record; see the contract."""
        return self._measured_label(request, context)

    def LabelBatch(  # noqa: N802
        self, request: pb.LabelBatchRequest, context: grpc.ServicerContext
    ) -> pb.LabelBatchResponse:
        """Label many records; see the contract."""
        return self._measured_batch(request, context)

    def LabelStream(  # noqa: N802
        self, request_iterator: Iterator[pb.LabelStreamRequest], context: grpc.ServicerContext
    ) -> Iterator[pb.LabelStreamResponse]:
        """Label records as they come; see the contract."""
        outcome = "OK"
        try:
            self._admission.open_stream()
            incoming = Incoming(request_iterator)
            try:
                for items in incoming.groups(self._ending):
                    for _, group in groupby(items, key=_selection):
                        yield from self._stream_group(list(group), context)
            finally:
                incoming.close()
                self._admission.close_stream()
            if self._ending.is_set():
                raise Unavailable("the server is stopping", advice="open the stream again; another server takes it")
        except LabelwrightError as error:
            outcome = error.reason
            raise
        finally:
            self._metrics.requests.labels("LabelStream", outcome).inc()

    def end_streams(self) -> None:
        """End each stream as soon as what it has read is answered."""
        self._ending.set()

    def _label(self, request: pb.LabelRequest, context: grpc.ServicerContext) -> pb.LabelResponse:
        deadline = deadline_of(context, self._timeout)
        self._admission.enter(1)
        try:
            version, alias = acquire(self._versions, request, deadline)
            try:
                packed = packed_record(version.task, request)
                answers, sources = self._answers(version, alias, (packed,), deadline)
                outcome = version.answers.outcome(answers[0], sources[0], request.explain)
                if request.explain:
                    add_messages(version, [(packed, answers[0], outcome)], deadline)
                return pb.LabelResponse(labeling=outcome.labeling, served=self._traffic.served(version, alias))
            finally:
                version.release()
        finally:
            self._admission.leave(1)

    def _label_batch(self, request: pb.LabelBatchRequest, context: grpc.ServicerContext) -> pb.LabelBatchResponse:
        deadline = deadline_of(context, self._timeout)
        records = len(request.records) + len(request.texts)
        self._metrics.batch_records.observe(records)
        self._check_size(request, records)
        self._admission.enter(records)
        try:
            version, alias = acquire(self._versions, request, deadline)
            try:
                packed = packed_batch(version.task, request)
                outcomes = self._outcomes(version, alias, packed, request.explain, deadline)
                return pb.LabelBatchResponse(outcomes=outcomes, served=self._traffic.served(version, alias))
            finally:
                version.release()
        finally:
            self._admission.leave(records)

    def _answers(
        self, version: LiveVersion, alias: str, packed: Sequence[str], deadline: float
    ) -> tuple[Sequence[Answer], Sequence[int]]:
        """Return one answer a record and where each came from; what watches the traffic sees them."""
        self._traffic.arrived(version, alias, packed)
        answers, sources = self._labeling.label(version, packed, deadline)
        self._traffic.answered(version, alias, packed, answers, sources)
        return answers, sources

    def _outcomes(
        self, version: LiveVersion, alias: str, packed: Sequence[str | LabelwrightError], explain: bool, deadline: float
    ) -> list[pb.LabelOutcome]:
        """Return one outcome a record; what could not be packed gets its error."""
        good = [item for item in packed if isinstance(item, str)]
        answers, sources = self._answers(version, alias, good, deadline)
        outcome = version.answers.outcome
        outcomes = [outcome(answer, source, explain) for answer, source in zip(answers, sources, strict=True)]
        if explain:
            add_messages(version, zip(good, answers, outcomes, strict=True), deadline)
        labeled = iter(outcomes)
        return [next(labeled) if isinstance(item, str) else self._record_error(item) for item in packed]

    def _stream_group(
        self, group: Sequence[pb.LabelStreamRequest], context: grpc.ServicerContext
    ) -> Iterator[pb.LabelStreamResponse]:
        """Answer requests that select the same version, each with an outcome of its own."""
        served = None
        try:
            outcomes, served = self._label_group([item.request for item in group], context)
        except LabelwrightError as error:
            outcomes = [self._record_error(error) for _ in group]
        for item, outcome in zip(group, outcomes, strict=True):
            yield pb.LabelStreamResponse(correlation_id=item.correlation_id, outcome=outcome, served=served)

    def _label_group(
        self, requests: Sequence[pb.LabelRequest], context: grpc.ServicerContext
    ) -> tuple[list[pb.LabelOutcome], pb.ServedVersion]:
        deadline = deadline_of(context, self._timeout)
        self._admission.enter(len(requests))
        try:
            version, alias = acquire(self._versions, requests[0], deadline)
            try:
                packed = [packed_or_error(version.task, request) for request in requests]
                outcomes = self._outcomes(version, alias, packed, requests[0].explain, deadline)
                return outcomes, self._traffic.served(version, alias)
            finally:
                version.release()
        finally:
            self._admission.leave(len(requests))

    def _record_error(self, error: LabelwrightError) -> pb.LabelOutcome:
        self._metrics.record_errors.labels(_reason(error)).inc()
        return pb.LabelOutcome(error=error_message(error))

    def _check_size(self, request: pb.LabelBatchRequest, records: int) -> None:
        if records > self._max_batch_records:
            raise InvalidRequest(
                f"the batch holds {records:,} records; {self._max_batch_records:,} are allowed",
                advice="send several batches",
                limit=self._max_batch_records,
            )
        if (size := request.ByteSize()) > self._max_request_bytes:
            raise InvalidRequest(
                f"the request takes {size:,} bytes; {self._max_request_bytes:,} are allowed",
                advice="send several batches",
                limit=self._max_request_bytes,
            )


def _selection(item: pb.LabelStreamRequest) -> tuple[str, int, str, bool]:
    request = item.request
    return request.task, request.version, request.alias, request.explain


def _measured(
    method: Callable[[_Request, grpc.ServicerContext], _Response], name: str, metrics: Metrics
) -> Callable[[_Request, grpc.ServicerContext], _Response]:
    """Count the method's requests by outcome and take their time."""
    good = metrics.requests.labels(name, "OK")
    seconds = metrics.request_seconds.labels(name)

    @wraps(method)
    def measured(request: _Request, context: grpc.ServicerContext) -> _Response:
        started = time.perf_counter()
        try:
            response = method(request, context)
        except Exception as error:
            metrics.requests.labels(name, _reason(error)).inc()
            seconds.observe(time.perf_counter() - started)
            raise
        good.inc()
        seconds.observe(time.perf_counter() - started)
        return response

    return measured


def _reason(error: Exception) -> Any:
    reason = error.reason if isinstance(error, LabelwrightError) else "INTERNAL"
    return reason if reason in REASONS else "INTERNAL"
