"""Pushes: a bundle is judged, stored and numbered, or refused with a report of everything that is wrong.

The content is stored first and the row that names it second, so a push that is killed in between leaves at most
content that no row names. That does no harm, and a later start removes it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import structlog
from labelwright.core.bundle import Bundle, digest_files, normalized_files
from labelwright.core.caps import Caps
from labelwright.core.errors import LabelwrightError
from labelwright.core.report import Report
from labelwright.registry.acceptance.acceptance import judge
from labelwright.registry.acceptance.check_processes import CheckProcesses, always
from labelwright.registry.changes.comparison import ProductionComparison
from labelwright.registry.changes.turns import Turns
from labelwright.registry.metrics import RegistryMetrics
from labelwright.registry.store.artifacts import ArtifactStore
from labelwright.registry.store.versions import NewVersion, StoredVersion, VersionStore

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
        checks: CheckProcesses,
        artifacts: ArtifactStore,
        versions: VersionStore,
        comparison: ProductionComparison,
        metrics: RegistryMetrics,
        turns: Turns,
        caps: Caps,
    ) -> None:
        self._caps = caps
        self._checks = checks
        self._artifacts = artifacts
        self._versions = versions
        self._comparison = comparison
        self._metrics = metrics
        self._turns = turns

    def push(
        self,
        files: Sequence[tuple[str, bytes]],
        author: str,
        message: str,
        *,
        validate_only: bool = False,
        deadline: float | None = None,
        is_wanted: Callable[[], bool] = always,
        admit: Callable[[str], object] = lambda _: None,
    ) -> PushOutcome:
        """Return the version of this content: a new one, or the one that exists already.

        ``deadline`` is a time.monotonic() value; judging ends with it, or once ``is_wanted`` says no. ``admit`` is
        given the task, and raises where it is not the author's to push. Raises what that raises,
        StorageFull, Overloaded, Unavailable, DeadlineExceeded; then nothing is kept, except perhaps content that no
        version names.
        """
        try:
            new, contents = self._judged_before(files)
            if new is None:
                bundle, report = self._judge(files, self._checks.latest(deadline), is_wanted)
                if bundle is None or report.refused:
                    return self._refuse(author, report)
                new, contents = _new_version(bundle, report), bundle.files
            admit(new.task)
            if validate_only:
                self._metrics.pushed("validated")
                return PushOutcome(None, new.report)
            return self._keep(replace(new, author=author, message=message), contents)
        except LabelwrightError:
            self._metrics.pushed("failed")
            raise

    def _refuse(self, author: str, report: Report) -> PushOutcome:
        # Only the codes: a finding's message may quote content.
        codes = sorted({finding.code for finding in report.findings})
        _log.info("push refused", author=author, codes=codes, findings=len(report.findings))
        self._metrics.pushed("refused")
        return PushOutcome(None, report)

    def _judged_before(self, files: Sequence[tuple[str, bytes]]) -> tuple[NewVersion | None, dict[str, bytes]]:
        """Return what a version has that has this content already and need not be judged again, and the content."""
        contents = normalized_files(files)
        known = self._versions.with_digest(digest_files(contents)) if contents else None
        if contents is None or known is None:
            return None, {}
        return NewVersion(known.task, known.digest, "", "", known.programs, known.labels, known.report), contents

    def _judge(
        self, files: Sequence[tuple[str, bytes]], deadline: float, is_wanted: Callable[[], bool]
    ) -> tuple[Bundle | None, Report]:
        with self._turns.take(deadline):
            bundle, report = self._checks.run(judge, deadline, is_wanted, files, self._caps)
            if bundle is None or report.refused:
                return None, report
            production = self._comparison.production(bundle.task.name)
            gates, weakening = self._comparison.gates(bundle, report, production, deadline, is_wanted)
            return bundle, replace(report, gates=gates, findings=(*report.findings, *weakening.findings()))

    def _keep(self, new: NewVersion, contents: dict[str, bytes]) -> PushOutcome:
        def store() -> None:
            self._artifacts.put(new.digest, contents)

        store()
        # Once more under the row's lock: a sweep may meanwhile have removed the content as an orphan's.
        version, created = self._versions.add(new, before_commit=store)
        self._metrics.pushed("created" if created else "unchanged")
        _log.info(
            "push accepted",
            task=version.task,
            version=version.number,
            digest=version.digest,
            author=new.author,
            created=created,
        )
        return PushOutcome(version, version.report, created)


def _new_version(bundle: Bundle, report: Report) -> NewVersion:
    return NewVersion(bundle.task.name, bundle.digest, "", "", bundle.program_names, bundle.task.label_names, report)
