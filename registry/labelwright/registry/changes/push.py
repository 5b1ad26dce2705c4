"""Pushing: a bundle is judged, stored and numbered, or refused with all that is wrong with it.

The content is stored first and the row that names it second, so a push that is killed in between leaves at most
content that no row names. That is harmless, and removed at a later start.
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
class Pushed:
    """What became of a push: ``version`` is None where it was refused or only validated."""

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
        """Make a pusher that judges a bundle for ``max_seconds`` at most, when its turn has come."""
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
    ) -> Pushed:
        """Return the version of the files' content: a new one, or the one that is there already.

        ``deadline`` is a time.monotonic() value. Raises StorageFull, Overloaded, Unavailable, DeadlineExceeded, with
        nothing kept but perhaps content that no version names.
        """
        try:
            known = self._known(files)
            bundle, report = known or self._judge(files, deadline)
            if bundle is None or report.refused:
                return self._refuse(author, report)
            if validate_only:
                self._metrics.pushed("validated")
                return Pushed(None, report)
            return self._keep(bundle, author, message, report)
        except LabelwrightError:
            self._metrics.pushed("failed")
            raise

    def _refuse(self, author: str, report: Report) -> Pushed:
        # Codes only: a finding's message may quote content.
        codes = sorted({finding.code for finding in report.findings})
        _log.info("push refused", author=author, codes=codes, findings=len(report.findings))
        self._metrics.pushed("refused")
        return Pushed(None, report)

    def _known(self, files: Sequence[tuple[str, bytes]]) -> tuple[Bundle, Report] | None:
        """Return the bundle and its report where a version has this content: it need not be judged again."""
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

    def _keep(self, bundle: Bundle, author: str, message: str, report: Report) -> Pushed:
        def store() -> None:
            self._artifacts.put(bundle.digest, bundle.files)

        store()
        new = NewVersion(
            bundle.task.name, bundle.digest, author, message, bundle.program_names, bundle.task.label_names, report
        )
        # Once more under the row's lock: a sweep may have taken the content for an orphan's in the meantime.
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
        return Pushed(version, version.report, created)
