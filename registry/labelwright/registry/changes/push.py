"""Pushes: a bundle is judged, stored and numbered, or refused with a report of everything that is wrong.

The content is stored first and the row that names it second, so a push that is killed in between leaves at most
content that no row names. That does no harm, and a later start removes it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from labelwright.core.bundle import Bundle, open_bundle
from labelwright.core.errors import LabelwrightError, TaskNotFound, VersionNotFound
from labelwright.core.report import Report
from labelwright.registry.acceptance.acceptance import accept_files
from labelwright.registry.changes.comparison import ProductionComparison
from labelwright.registry.changes.turns import Turns
from labelwright.registry.metrics import RegistryMetrics
from labelwright.registry.store.artifacts import ArtifactStore
from labelwright.registry.store.versions import NewVersion, StoredVersion, VersionStore
from labelwright.sandbox import Sandbox

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PushOutcome:
    """The result of a push. ``version`` is None where the bundle was refused or only validated."""

    version: StoredVersion | None
    report: Report
    created: bool = False


class Pusher:
    """Judges bundles and keeps those that are accepted."""

    def __init__(
        self,
        sandbox: Sandbox,
        artifacts: ArtifactStore,
        versions: VersionStore,
        comparison: ProductionComparison,
        metrics: RegistryMetrics,
        turns: Turns,
        *,
        max_seconds: float,
    ) -> None:
        """Judging one bundle takes at most ``max_seconds``, without the wait for its turn."""
        self._sandbox = sandbox
        self._artifacts = artifacts
        self._versions = versions
        self._comparison = comparison
        self._metrics = metrics
        self._turns = turns
        self._max_seconds = max_seconds

    def push(
        self,
        files: Sequence[tuple[str, bytes]],
        author: str,
        message: str,
        *,
        validate_only: bool = False,
        deadline: float | None = None,
    ) -> PushOutcome:
        """Return the version of this content: a new one, or the one that exists already.

        ``deadline`` is a time.monotonic() value. Raises StorageFull, Overloaded, Unavailable, DeadlineExceeded;
        then nothing is kept, except perhaps content that no version names.
        """
        try:
            bundle, report = self._judged_before(files) or self._judge(files, deadline)
            if bundle is None or report.refused:
                return self._refuse(author, report)
            if validate_only:
                self._metrics.pushed("validated")
                return PushOutcome(None, report)
            return self._keep(bundle, author, message, report)
        except LabelwrightError:
            self._metrics.pushed("failed")
            raise

    def _refuse(self, author: str, report: Report) -> PushOutcome:
        # Only the codes: a finding's message may quote content.
        codes = sorted({finding.code for finding in report.findings})
        _log.info("push refused", author=author, codes=codes, findings=len(report.findings))
        self._metrics.pushed("refused")
        return PushOutcome(None, report)

    def _judged_before(self, files: Sequence[tuple[str, bytes]]) -> tuple[Bundle, Report] | None:
        """Return the bundle and its report where a version has this content already and need not be judged again."""
        bundle, _ = open_bundle(files)
        if bundle is None:
            return None
        try:
            return bundle, self._versions.by_digest(bundle.task.name, bundle.digest).report
        except (TaskNotFound, VersionNotFound):
            return None

    def _judge(self, files: Sequence[tuple[str, bytes]], deadline: float | None) -> tuple[Bundle | None, Report]:
        latest = time.monotonic() + self._max_seconds
        deadline = latest if deadline is None else min(deadline, latest)
        with self._turns.take(deadline):
            bundle, report = accept_files(self._sandbox, files, deadline=deadline)
            if bundle is None or report.refused:
                return None, report
            production = self._comparison.production(bundle.task.name)
            return bundle, report.with_gates(self._comparison.check(bundle, report.gold, production, deadline))

    def _keep(self, bundle: Bundle, author: str, message: str, report: Report) -> PushOutcome:
        def store() -> None:
            self._artifacts.put(bundle.digest, bundle.files)

        store()
        new = NewVersion(
            bundle.task.name, bundle.digest, author, message, bundle.program_names, bundle.task.label_names, report
        )
        # Once more under the row's lock: a sweep may meanwhile have removed the content as an orphan's.
        version, created = self._versions.add(new, before_commit=store)
        self._metrics.pushed("created" if created else "unchanged")
        _log.info(
            "push accepted",
            task=version.task,
            version=version.number,
            digest=version.digest,
            author=author,
            created=created,
        )
        return PushOutcome(version, version.report, created)
