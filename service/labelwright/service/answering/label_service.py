"""The contract's LabelService: each RPC from request to response."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from itertools import groupby

import grpc
from labelwright.core.errors import InvalidRequest, LabelwrightError, Unavailable
from labelwright.service.answer import LabelAnswer
from labelwright.service.answering.admission import Admission
from labelwright.service.answering.call import MethodMeter, VersionHold
from labelwright.service.answering.explaining import add_messages
from labelwright.service.answering.incoming import Incoming
from labelwright.service.answering.labeling import CachedLabeling
from labelwright.service.answering.requests import (
    deadline_of,
    error_message,
    packed_batch,
    packed_or_error,
    packed_record,
)
from labelwright.service.answering.traffic import Traffic
from labelwright.service.metrics import ServiceMetrics, reason_of
from labelwright.service.versions.directory import Directory
from labelwright.v1 import label_service_pb2 as pb
from labelwright.v1.label_service_pb2_grpc import LabelServiceServicer


class LabelServicer(LabelServiceServicer):
    """Answers requests. A request holds one version from its start to its end."""

    def __init__(
        self,
        directory: Directory,
        labeling: CachedLabeling,
        traffic: Traffic,
        admission: Admission,
        metrics: ServiceMetrics,
        *,
        max_batch_records: int,
        max_request_bytes: int,
        timeout: float,
    ) -> None:
        """``timeout`` is in seconds."""
        self._directory = directory
        self._labeling = labeling
        self._traffic = traffic
        self._admission = admission
        self._metrics = metrics
        self._max_batch_records = max_batch_records
        self._max_request_bytes = max_request_bytes
        self._timeout = timeout
        self._ending = threading.Event()
        self._label_calls = MethodMeter(metrics, "Label")
        self._batch_calls = MethodMeter(metrics, "LabelBatch")
        self._stream_calls = MethodMeter(metrics, "LabelStream", timed=False)

    def Label(self, request: pb.LabelRequest, context: grpc.ServicerContext) -> pb.LabelResponse:  # noqa: N802
        """Label one record; see the contract."""
        with self._label_calls.call(), self._hold(request, 1, context) as hold:
            packed = packed_record(hold.version.task, request)
            answers, sources = self._answers(hold, (packed,))
            outcome = hold.version.answers.outcome(answers[0], sources[0], request.explain, request.distribution)
            if request.explain:
                add_messages(hold.version, [(packed, answers[0], outcome)], hold.deadline)
            return pb.LabelResponse(labeling=outcome.labeling, served=self._traffic.served(hold.version, hold.alias))

    def LabelBatch(  # noqa: N802
        self, request: pb.LabelBatchRequest, context: grpc.ServicerContext
    ) -> pb.LabelBatchResponse:
        """Label many records; see the contract."""
        records = len(request.records) + len(request.texts)
        self._metrics.batch_records.observe(records)
        with self._batch_calls.call():
            self._check_size(request, records)
            with self._hold(request, records, context) as hold:
                packed = packed_batch(hold.version.task, request)
                outcomes = self._outcomes(hold, packed, request)
                return pb.LabelBatchResponse(outcomes=outcomes, served=self._traffic.served(hold.version, hold.alias))

    def LabelStream(  # noqa: N802
        self, request_iterator: Iterator[pb.LabelStreamRequest], context: grpc.ServicerContext
    ) -> Iterator[pb.LabelStreamResponse]:
        """Label records as they arrive; see the contract."""
        with self._stream_calls.call(), self._admission.stream(), Incoming(request_iterator) as incoming:
            for items in incoming.groups(self._ending):
                for _, group in groupby(items, key=_selection):
                    yield from self._stream_group(list(group), context)
            if self._ending.is_set():
                raise Unavailable("the server is stopping", advice="open the stream again; another server takes it")

    def end_streams(self) -> None:
        """End each stream as soon as what it has read is answered."""
        self._ending.set()

    def _hold(
        self, request: pb.LabelRequest | pb.LabelBatchRequest, records: int, context: grpc.ServicerContext
    ) -> VersionHold:
        """Return the context in which this many records of the request are answered. Raises DeadlineExceeded."""
        return VersionHold(self._admission, self._directory, request, records, deadline_of(context, self._timeout))

    def _answers(self, hold: VersionHold, packed: Sequence[str]) -> tuple[Sequence[LabelAnswer], Sequence[int]]:
        """Return an answer for each record and its source, and show both to what watches the traffic."""
        self._traffic.arrived(hold.version, hold.alias, packed)
        answers, sources = self._labeling.label(hold.version, packed, hold.deadline)
        self._traffic.answered(hold.version, hold.alias, packed, answers, sources)
        return answers, sources

    def _outcomes(
        self,
        hold: VersionHold,
        packed: Sequence[str | LabelwrightError],
        request: pb.LabelRequest | pb.LabelBatchRequest,
    ) -> list[pb.LabelOutcome]:
        """Return an outcome for each record; a record that could not be packed gets its error."""
        good = [item for item in packed if isinstance(item, str)]
        answers, sources = self._answers(hold, good)
        outcome = hold.version.answers.outcome
        explain, distribution = request.explain, request.distribution
        labeled = [
            outcome(answer, source, explain, distribution) for answer, source in zip(answers, sources, strict=True)
        ]
        if explain:
            add_messages(hold.version, zip(good, answers, labeled, strict=True), hold.deadline)
        outcomes = iter(labeled)
        return [next(outcomes) if isinstance(item, str) else self._record_error(item) for item in packed]

    def _stream_group(
        self, group: Sequence[pb.LabelStreamRequest], context: grpc.ServicerContext
    ) -> Iterator[pb.LabelStreamResponse]:
        """Answer requests that select the same version, each with its own outcome."""
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
        with self._hold(requests[0], len(requests), context) as hold:
            packed = [packed_or_error(hold.version.task, request) for request in requests]
            outcomes = self._outcomes(hold, packed, requests[0])
            return outcomes, self._traffic.served(hold.version, hold.alias)

    def _record_error(self, error: LabelwrightError) -> pb.LabelOutcome:
        self._metrics.record_errors.labels(reason_of(error)).inc()
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


def _selection(item: pb.LabelStreamRequest) -> tuple[str, int, str, bool, bool]:
    request = item.request
    return request.task, request.version, request.alias, request.explain, request.distribution
