"""What every RPC does around its own work: it is measured and admitted, and holds one version until its end.

These are classes and not generators with ``contextmanager``, as every request passes here: entering and leaving one
takes a quarter of the time.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

import grpc
from labelwright.service.answering.admission import Admission
from labelwright.service.answering.requests import acquire
from labelwright.service.metrics import REASONS, ServiceMetrics, reason_of
from labelwright.service.versions.directory import Directory
from labelwright.service.versions.live_version import LiveVersion
from labelwright.v1 import label_service_pb2 as pb

OK = "OK"


class MethodMeter:
    """Counts the calls of one method by outcome and, where ``timed``, takes their time."""

    def __init__(self, metrics: ServiceMetrics, method: str, *, timed: bool = True) -> None:
        self._requests = metrics.requests
        self._method = method
        for reason in REASONS:  # each begins at 0
            metrics.requests.labels(method, reason)
        # Looked up once: every request counts here.
        self.count_answered = metrics.requests.labels(method, OK).inc
        self.observe_seconds = metrics.request_seconds.labels(method).observe if timed else None

    def call(self) -> _MeasuredCall:
        """Return the context of one call, which begins now."""
        return _MeasuredCall(self)

    def count_failed(self, error: BaseException) -> None:
        """Count a call that ended with this error."""
        if isinstance(error, Exception) and not isinstance(error, grpc.RpcError):
            self._requests.labels(self._method, reason_of(error)).inc()
        else:  # the caller went away
            self.count_answered()


class _MeasuredCall:
    __slots__ = ("_meter", "_started")

    def __init__(self, meter: MethodMeter) -> None:
        self._meter = meter
        self._started = time.perf_counter()

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        meter = self._meter
        if error is None:
            meter.count_answered()
        else:
            meter.count_failed(error)
        if meter.observe_seconds is not None:
            meter.observe_seconds(time.perf_counter() - self._started)


class VersionHold:
    """Room for some records of a request, and the version that answers them; both are given back at the end.

    Raises Overloaded on entering, and what ``acquire`` raises. ``deadline`` is a ``time.monotonic()`` value.
    """

    __slots__ = ("_admission", "_directory", "_records", "_request", "alias", "deadline", "version")

    version: LiveVersion
    alias: str
    """The alias that led to the version; empty where a number did."""

    def __init__(
        self,
        admission: Admission,
        directory: Directory,
        request: pb.LabelRequest | pb.LabelBatchRequest,
        records: int,
        deadline: float,
    ) -> None:
        self._admission = admission
        self._directory = directory
        self._request = request
        self._records = records
        self.deadline = deadline

    def __enter__(self) -> Self:
        self._admission.enter(self._records)
        try:
            self.version, self.alias = acquire(self._directory, self._request, self.deadline)
        except BaseException:
            self._admission.leave(self._records)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.version.release()
        finally:
            self._admission.leave(self._records)
