"""What watches the traffic of production: its figures, the sample of recent records, the shadow.

All three see only requests that asked for production. What they cost a request where a task has neither sample nor
shadow is a look each.
"""

from __future__ import annotations

from collections.abc import Sequence

from assay.service.answer import Answer
from assay.service.directory import DEFAULT_ALIAS
from assay.service.live_version import LiveVersion
from assay.service.recent_records import RecentRecords
from assay.service.shadows import Shadows
from assay.v1 import label_service_pb2 as pb


class Traffic:
    """Safe to use from several threads."""

    def __init__(self, recent: RecentRecords, shadows: Shadows) -> None:
        self._recent = recent
        self._shadows = shadows

    def arrived(self, version: LiveVersion, alias: str, packed: Sequence[str]) -> None:
        """Take note of valid records before they are labeled: those that no answer comes for are traffic too."""
        if version.recent is not None and packed and alias == DEFAULT_ALIAS:
            self._recent.offer(version.recent, packed)

    def answered(
        self,
        version: LiveVersion,
        alias: str,
        packed: Sequence[str],
        answers: Sequence[Answer],
        sources: Sequence[int],
    ) -> None:
        """Take note of the answers of one request."""
        production = alias == DEFAULT_ALIAS
        version.meter.count(answers, sources, production=production)
        if production and (shadow := self._shadows.of(version)) is not None:
            shadow.offer(packed, answers)

    def served(self, version: LiveVersion, alias: str) -> pb.ServedVersion:
        """Return the message that names the version, and its shadow where there is one. Never change it."""
        shadow = self._shadows.of(version) if alias == DEFAULT_ALIAS else None
        return version.served(alias, shadow.alias if shadow is not None else "")
