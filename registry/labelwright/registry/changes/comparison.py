"""Holds a bundle against its gates, the registry's policy and the production version."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from labelwright.core.alias import PRODUCTION
from labelwright.core.bundle import Bundle
from labelwright.core.errors import AliasNotFound, CorruptArtifact, InvalidBundle, TaskNotFound
from labelwright.core.report import GateResult, GoldFigures, Report
from labelwright.core.task import Gates
from labelwright.registry.acceptance.check_processes import CheckProcesses
from labelwright.registry.acceptance.evaluation import Incomparable, accuracy_on_gold_of_files
from labelwright.registry.acceptance.gate import check_drop, check_gates, stricter
from labelwright.registry.acceptance.weakening import Weakening, gold_kept, weakening_of_files
from labelwright.registry.changes.policy import Policies
from labelwright.registry.store.artifacts import ArtifactStore
from labelwright.registry.store.versions import StoredVersion, VersionStore
from labelwright.sandbox import Sandbox

_Result = TypeVar("_Result")


class ProductionComparison:
    """Evaluates gates; for ``max_accuracy_drop`` it runs the production version's programs on the new gold rows."""

    def __init__(
        self, versions: VersionStore, artifacts: ArtifactStore, checks: CheckProcesses, policies: Policies
    ) -> None:
        self._versions = versions
        self._artifacts = artifacts
        self._checks = checks
        self._policies = policies

    def production(self, task: str) -> StoredVersion | None:
        """Return the task's production version, None where there is none."""
        try:
            return self._versions.by_alias(task, PRODUCTION)
        except (AliasNotFound, TaskNotFound):
            return None

    def gates(
        self,
        new: Bundle,
        report: Report,
        production: StoredVersion | None,
        deadline: float | None,
        is_wanted: Callable[[], bool],
    ) -> tuple[tuple[GateResult, ...], Weakening]:
        """Return the results of all gates, the bundle's and the policy's, and what the bundle weakens.

        Raises as ``CheckProcesses.run`` does.
        """
        policy = self._policies.of(new.task.name)
        gates = stricter(new.task.gates, policy.gates)
        results = check_gates(gates, report.gold, report.reference)
        accuracy, weakened, obstacle = self._compare(new, gates, report.gold, production, deadline, is_wanted)
        results += check_drop(gates, report.gold, accuracy, obstacle)
        if policy.protect_gold:
            results += (gold_kept(weakened, obstacle),)
        return results, weakened

    def _compare(
        self,
        new: Bundle,
        gates: Gates,
        gold: GoldFigures | None,
        production: StoredVersion | None,
        deadline: float | None,
        is_wanted: Callable[[], bool],
    ) -> tuple[float | None, Weakening, str]:
        """Return production's accuracy on the new gold rows, where a gate needs it, what is weakened, an obstacle."""
        if production is None:
            return None, Weakening(), ""
        if production.digest == new.digest:
            return gold.accuracy if gold else None, Weakening(), ""
        weakened, accuracy = Weakening(), None
        try:
            old = self._artifacts.get(production.digest)
            weakened = self._run(weakening_of_files, deadline, is_wanted, old, new.files)
            if gates.max_accuracy_drop is not None and gold is not None:
                accuracy = self._run(accuracy_on_gold_of_files, deadline, is_wanted, old, new.files)
        except (Incomparable, CorruptArtifact, InvalidBundle) as error:
            return None, weakened, error.message
        return accuracy, weakened, ""

    def _run(
        self,
        compare: Callable[[Sandbox, float, Mapping[str, bytes], Mapping[str, bytes]], _Result],
        deadline: float | None,
        is_wanted: Callable[[], bool],
        old: Mapping[str, bytes],
        new: Mapping[str, bytes],
    ) -> _Result:
        return self._checks.run(compare, self._checks.latest(deadline), is_wanted, old, new)
