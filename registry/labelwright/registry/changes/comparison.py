"""Compares a bundle with the production version, for the gate that limits a drop of accuracy."""

from __future__ import annotations

from labelwright.core.alias import PRODUCTION
from labelwright.core.bundle import Bundle, open_bundle
from labelwright.core.errors import AliasNotFound, CorruptArtifact, InvalidBundle, LabelwrightError, TaskNotFound
from labelwright.core.report import GateResult, GoldFigures
from labelwright.registry.acceptance.evaluation import Incomparable, accuracy_on_gold_of
from labelwright.registry.acceptance.gate import check_drop
from labelwright.registry.store.artifacts import ArtifactStore
from labelwright.registry.store.versions import StoredVersion, VersionStore
from labelwright.sandbox import Sandbox


class ProductionComparison:
    """Evaluates the gate ``max_accuracy_drop``: runs the production version's programs on a new bundle's gold rows."""

    def __init__(self, versions: VersionStore, artifacts: ArtifactStore, sandbox: Sandbox) -> None:
        self._versions = versions
        self._artifacts = artifacts
        self._sandbox = sandbox

    def production(self, task: str) -> StoredVersion | None:
        """Return the task's production version, None where there is none."""
        try:
            return self._versions.by_alias(task, PRODUCTION)
        except (AliasNotFound, TaskNotFound):
            return None

    def check(
        self, new: Bundle, gold: GoldFigures | None, production: StoredVersion | None, deadline: float | None = None
    ) -> tuple[GateResult, ...]:
        """Return the gate's result, empty where the gate is not set. Raises DeadlineExceeded."""
        gates = new.task.gates
        if gates.max_accuracy_drop is None or gold is None or production is None:
            return check_drop(gates, gold, None)
        if production.digest == new.digest:
            return check_drop(gates, gold, gold.accuracy)
        try:
            old = open_stored(self._artifacts, production.digest)
            return check_drop(gates, gold, accuracy_on_gold_of(self._sandbox, old, new, deadline))
        except (Incomparable, CorruptArtifact, InvalidBundle) as error:
            reason = error.message if isinstance(error, LabelwrightError) else str(error)
            return check_drop(gates, gold, None, obstacle=reason)


def open_stored(artifacts: ArtifactStore, digest: str) -> Bundle:
    """Return the stored bundle. Raises CorruptArtifact, and InvalidBundle where this release cannot read it."""
    bundle, findings = open_bundle(sorted(artifacts.get(digest).items()))
    if bundle is None:
        raise InvalidBundle(f"this release cannot read the stored bundle {digest}", findings=findings)
    return bundle
