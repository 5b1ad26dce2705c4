"""What watches the traffic of production: its figures, the sample of recent records, the shadow.

All three see only what the production version answers, whether it was requested by alias or by number: whoever labels
a file with one version throughout requests it by number, and that is traffic like any other. For a task without sample
and shadow they cost a request one lookup each.
"""

from __future__ import annotations

from collections.abc import Sequence

from labelwright.core.alias import PRODUCTION
from labelwright.service.answer import LabelAnswer
from labelwright.service.recent.records import RecentWriter
from labelwright.service.shadow.shadows import Shadows
from labelwright.service.versions.directory import Directory
from labelwright.service.versions.live_version import LiveVersion
from labelwright.v1 import label_service_pb2 as pb


class Traffic:
    """Observes requests and answers. Safe to use from several threads."""

    def __init__(self, directory: Directory, recent: RecentWriter, shadows: Shadows) -> None:
        self._directory = directory
        self._recent = recent
        self._shadows = shadows

    def arrived(self, version: LiveVersion, alias: str, packed: Sequence[str]) -> None:
        """Observe valid records before they are labeled: records that get no answer are traffic too."""
        if version.recent is not None and packed and self._is_production(version, alias):
            self._recent.offer(version.recent, packed)

    def answered(
        self,
        version: LiveVersion,
        alias: str,
        packed: Sequence[str],
        answers: Sequence[LabelAnswer],
        sources: Sequence[int],
    ) -> None:
        """Observe the answers of one request."""
        production = self._is_production(version, alias)
        version.meter.count(answers, sources, production=production)
        if production and (shadow := self._shadows.of(version)) is not None:
            shadow.offer(packed, answers)

    def served(self, version: LiveVersion, alias: str) -> pb.ServedVersion:
        """Return the message that names the version and its shadow, if any. It is shared: never change it."""
        shadow = self._shadows.of(version) if self._is_production(version, alias) else None
        return version.served(alias, shadow.alias if shadow is not None else "")

    def _is_production(self, version: LiveVersion, alias: str) -> bool:
        return alias == PRODUCTION or self._directory.production(version.target.task) is version
