"""The contract's LabelService: each RPC from request to response."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from itertools import groupby

import grpc
from labelwright.core.errors import InvalidRequest, LabelwrightError, Unavailable
from labelwright.service.answer import LabelAnswer
from labelwright.service.answering.admission import Admission
from labelwright.service.answering.call import HeldVersion, MethodMeter, reason_of
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
from labelwright.service.metrics import ServiceMetrics
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
        with self._label_calls.call(), self._hold(request, 1, context) as held:
            packed = packed_record(held.version.task, request)
            answers, sources = self._answers(held, (packed,))
            outcome = held.version.answers.outcome(answers[0], sources[0], request.explain)
            return pb.LabelResponse(labeling=outcome.labeling, served=self._traffic.served(held.version, held.alias))

    def LabelBatch(  # noqa: N802
        self, request: pb.LabelBatchRequest, context: grpc.ServicerContext
    ) -> pb.LabelBatchResponse:
        """Label many records; see the contract."""
        records = len(request.records) + len(request.texts)
        self._metrics.batch_records.observe(records)
        with self._batch_calls.call():
            self._check_size(request, records)
            with self._hold(request, records, context) as held:
                packed = packed_batch(held.version.task, request)
                outcomes = self._outcomes(held, packed, request.explain)
                return pb.LabelBatchResponse(outcomes=outcomes, served=self._traffic.served(held.version, held.alias))

    def LabelStream(  # noqa: N802
        self, request_iterator: Iterator[pb.LabelStreamRequest], context: grpc.ServicerContext
    ) -> Iterator[pb.LabelStreamResponse]:
        """Label records as they come; see the contract."""
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
    ) -> HeldVersion:
        """Return the context in which so many records of the request are answered. Raises DeadlineExceeded."""
        return HeldVersion(self._admission, self._directory, request, records, deadline_of(context, self._timeout))

    def _answers(self, held: HeldVersion, packed: Sequence[str]) -> tuple[Sequence[LabelAnswer], Sequence[int]]:
        """Return one answer a record and where each came from; what watches the traffic sees them."""
        self._traffic.arrived(held.version, held.alias, packed)
        answers, sources = self._labeling.label(held.version, packed, held.deadline)
        self._traffic.answered(held.version, held.alias, packed, answers, sources)
        return answers, sources

    def _outcomes(
        self, held: HeldVersion, packed: Sequence[str | LabelwrightError], explain: bool
    ) -> list[pb.LabelOutcome]:
        """Return one outcome a record; what could not be packed gets its error."""
        good = [item for item in packed if isinstance(item, str)]
        answers, sources = self._answers(held, good)
        outcome = held.version.answers.outcome
        labeled = (outcome(answer, source, explain) for answer, source in zip(answers, sources, strict=True))
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
        with self._hold(requests[0], len(requests), context) as held:
            packed = [packed_or_error(held.version.task, request) for request in requests]
            outcomes = self._outcomes(held, packed, requests[0].explain)
            return outcomes, self._traffic.served(held.version, held.alias)

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


def _selection(item: pb.LabelStreamRequest) -> tuple[str, int, str, bool]:
    request = item.request
    return request.task, request.version, request.alias, request.explain
