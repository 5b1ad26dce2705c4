"""Compares a bundle with the production version, for the gate that limits a drop of accuracy."""

from __future__ import annotations

from collections.abc import Callable

from labelwright.core.alias import PRODUCTION
from labelwright.core.bundle import Bundle
from labelwright.core.errors import AliasNotFound, CorruptArtifact, InvalidBundle, TaskNotFound
from labelwright.core.report import GateResult, GoldFigures
from labelwright.registry.acceptance.check_processes import CheckProcesses
from labelwright.registry.acceptance.evaluation import Incomparable, accuracy_on_gold_of_files
from labelwright.registry.acceptance.gate import check_drop
from labelwright.registry.store.artifacts import ArtifactStore
from labelwright.registry.store.versions import StoredVersion, VersionStore


class ProductionComparison:
    """Evaluates the gate ``max_accuracy_drop``: runs the production version's programs on a new bundle's gold rows."""

    def __init__(self, versions: VersionStore, artifacts: ArtifactStore, checks: CheckProcesses) -> None:
        self._versions = versions
        self._artifacts = artifacts
        self._checks = checks

    def production(self, task: str) -> StoredVersion | None:
        """Return the task's production version, None where there is none."""
        try:
            return self._versions.by_alias(task, PRODUCTION)
        except (AliasNotFound, TaskNotFound):
            return None

    def check(
        self,
        new: Bundle,
        gold: GoldFigures | None,
        production: StoredVersion | None,
        deadline: float | None,
        is_wanted: Callable[[], bool],
    ) -> tuple[GateResult, ...]:
        """Return the gate's result, empty where the gate is not set. Raises as ``CheckProcesses.run`` does."""
        gates = new.task.gates
        if gates.max_accuracy_drop is None or gold is None or production is None:
            return check_drop(gates, gold, None)
        if production.digest == new.digest:
            return check_drop(gates, gold, gold.accuracy)
        try:
            old = self._artifacts.get(production.digest)
            accuracy = self._checks.run(
                accuracy_on_gold_of_files, self._checks.latest(deadline), is_wanted, old, new.files
            )
            return check_drop(gates, gold, accuracy)
        except (Incomparable, CorruptArtifact, InvalidBundle) as error:
            return check_drop(gates, gold, None, obstacle=error.message)
