"""Loading a version: from its bundle to a version that has labeled a first batch."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol

from labelwright.core.bundle import Bundle, Program
from labelwright.core.record import Value, pack
from labelwright.core.task import FieldType, Task
from labelwright.core.wire.messages import bundle_from_message
from labelwright.sandbox import Executable
from labelwright.service.answer import Answers
from labelwright.service.metrics import Metrics
from labelwright.service.target import Target
from labelwright.service.versions.live_version import LiveVersion
from labelwright.v1 import registry_service_pb2 as pb

_WARM_RECORDS = 32
_WARM_SECONDS = 10.0
_EMPTY: dict[FieldType, Value] = {
    FieldType.TEXT: "",
    FieldType.NUMBER: 0.0,
    FieldType.BOOL: False,
    FieldType.NUMBERS: [],
    FieldType.BYTES: b"",
}


class Bundles(Protocol):
    """Where bundles come from."""

    def fetch(self, target: Target) -> pb.DownloadBundleResponse:
        """Return the bundle, checked against its digest."""
        ...


class Programs(Protocol):
    """The part of the sandbox that loading needs."""

    def load(self, task: Task, programs: Sequence[Program]) -> Executable:
        """Return the programs ready to run."""
        ...


class Loader:
    """Makes live versions. Safe to use from several threads."""

    def __init__(self, bundles: Bundles, sandbox: Programs, metrics: Metrics) -> None:
        self._bundles = bundles
        self._sandbox = sandbox
        self._metrics = metrics

    def load(self, target: Target) -> LiveVersion:
        """Return the version, warm. Raises LabelwrightError where it cannot be had or does not load."""
        download = self._bundles.fetch(target)
        bundle, _ = bundle_from_message(download.bundle)
        executable = self._sandbox.load(bundle.task, bundle.programs)
        try:
            executable.evaluate(_warm_records(bundle), deadline=time.monotonic() + _WARM_SECONDS)
        except BaseException:
            executable.close()
            raise
        return LiveVersion(
            target,
            bundle.task,
            executable,
            Answers(bundle.task.label_names, bundle.program_names, bundle.label_model),
            self._metrics.meter(target.task, bundle.task.label_names, bundle.program_names),
            download.reference if download.HasField("reference") else None,
        )


def _warm_records(bundle: Bundle) -> list[str]:
    rows = (*bundle.sample, *bundle.gold)[:_WARM_RECORDS]
    records = [row.record for row in rows] or [tuple(_EMPTY[field.type] for field in bundle.task.fields.values())]
    return [pack(record, bundle.task.limits.record_bytes) for record in records]
