"""Loads versions: from a bundle to a version that has labeled a first batch."""

from __future__ import annotations

import time

from labelwright.core.bundle import Bundle
from labelwright.core.caps import Caps
from labelwright.core.record import Value, pack
from labelwright.core.task import FieldType
from labelwright.core.wire.messages import bundle_from_message
from labelwright.sandbox import Sandbox
from labelwright.service.answer import Answers
from labelwright.service.metrics import ServiceMetrics
from labelwright.service.target import VersionTarget
from labelwright.service.versions.bundle_fetcher import BundleFetcher
from labelwright.service.versions.live_version import LiveVersion

_WARM_RECORDS = 32
_WARM_SECONDS = 10.0
_EMPTY: dict[FieldType, Value] = {
    FieldType.TEXT: "",
    FieldType.NUMBER: 0.0,
    FieldType.BOOL: False,
    FieldType.NUMBERS: [],
    FieldType.BYTES: b"",
}


class Loader:
    """Makes live versions. Safe to use from several threads."""

    def __init__(self, bundles: BundleFetcher, sandbox: Sandbox, metrics: ServiceMetrics, caps: Caps) -> None:
        self._bundles = bundles
        self._sandbox = sandbox
        self._metrics = metrics
        self._caps = caps

    def load(self, target: VersionTarget) -> LiveVersion:
        """Return the version, warmed up.

        Raises AboveCaps, and other LabelwrightError where it is not available or does not load.
        """
        download = self._bundles.fetch(target)
        bundle, _ = bundle_from_message(download.bundle)
        self._caps.require(bundle.task, len(bundle.programs))
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
