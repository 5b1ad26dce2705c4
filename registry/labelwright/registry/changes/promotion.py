"""Moves aliases: ``production`` through the gates, every other alias freely, each move with a row of history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog
from labelwright.core.alias import PRODUCTION, Alias
from labelwright.core.errors import AliasMoved, GateFailed, InvalidRequest
from labelwright.core.report import GateResult
from labelwright.registry.acceptance import gate
from labelwright.registry.acceptance.check_processes import always
from labelwright.registry.acceptance.evaluation import open_stored
from labelwright.registry.changes.comparison import ProductionComparison
from labelwright.registry.changes.feed import Feed
from labelwright.registry.changes.policy import Policies
from labelwright.registry.metrics import RegistryMetrics
from labelwright.registry.store.aliases import AliasStore, Move, alias_moved
from labelwright.registry.store.artifacts import ArtifactStore
from labelwright.registry.store.versions import StoredVersion, VersionStore

_ATTEMPTS = 3

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class MoveOutcome:
    """The alias after a move, the results of its gates, and whether it moved at all."""

    alias: Alias
    gates: tuple[GateResult, ...]
    changed: bool


class Promotion:
    """Moves aliases and informs the feed."""

    def __init__(
        self,
        aliases: AliasStore,
        versions: VersionStore,
        artifacts: ArtifactStore,
        comparison: ProductionComparison,
        policies: Policies,
        feed: Feed,
        metrics: RegistryMetrics,
    ) -> None:
        self._aliases = aliases
        self._versions = versions
        self._artifacts = artifacts
        self._comparison = comparison
        self._policies = policies
        self._feed = feed
        self._metrics = metrics

    def move(
        self,
        move: Move,
        *,
        override_gate: bool = False,
        deadline: float | None = None,
        is_wanted: Callable[[], bool] = always,
    ) -> MoveOutcome:
        """Move the alias. ``override_gate`` needs a reason; the history shows where a failed gate was overridden.

        Gives up once ``is_wanted`` says no. Raises GateFailed, AliasMoved, CorruptArtifact, InvalidRequest,
        VersionNotFound, TaskNotFound, DeadlineExceeded, Unavailable.
        """
        if override_gate and not move.reason:
            raise InvalidRequest("overriding a gate needs a reason", advice="say why in `reason`", field="reason")
        self._policies.of(move.task).require_mover(move.alias, move.actor)
        if move.alias != PRODUCTION:
            return self._apply(move, ())
        version = self._versions.by_number(move.task, move.version)
        for _ in range(_ATTEMPTS):
            production = self._comparison.production(move.task)
            current = production.number if production else 0
            _refuse_unexpected(move, current)
            if current == version.number:
                return self._apply(move, ())
            gates = self._gates(version, production, move.actor, deadline, is_wanted)
            overridden = self._allowed(move, gates, override_gate=override_gate)
            try:
                # The gates compared with this production version, so the move is valid only from there.
                return self._apply(replace(move, expected=current, overridden=overridden), gates)
            except AliasMoved:
                if move.expected is not None:
                    raise
        raise AliasMoved("production keeps moving while its gate is asked", advice="look at the history, try again")

    def remove(self, task: str, alias: str, actor: str, reason: str) -> None:
        """Remove the alias. Raises AliasNotFound, TaskNotFound, and InvalidRequest for ``production``."""
        if alias == PRODUCTION:
            raise InvalidRequest(f"{PRODUCTION!r} cannot be removed", advice="move it instead", field="alias")
        self._policies.of(task).require_mover(alias, actor)
        self._feed.advance(self._aliases.remove(task, alias, actor, reason))
        self._metrics.alias_moved("removed")
        _log.info("alias removed", task=task, alias=alias, actor=actor)

    def roll_back(
        self, task: str, alias: str, actor: str, reason: str, expected: int | None = None
    ) -> tuple[Alias, int]:
        """Move the alias to the version that it named before. No gate applies: that version was there already.

        Returns the alias and the version that it left. Raises AliasMoved where it does not name ``expected``,
        NothingToRollBack, AliasNotFound, TaskNotFound.
        """
        self._policies.of(task).require_mover(alias, actor)
        new_alias, from_version = self._aliases.roll_back(task, alias, actor, reason, expected)
        self._feed.advance(new_alias.revision)
        self._metrics.alias_moved("rollback")
        _log.info(
            "alias rolled back",
            task=task,
            alias=alias,
            actor=actor,
            version=new_alias.version,
            from_version=from_version,
        )
        return new_alias, from_version

    def _gates(
        self,
        version: StoredVersion,
        production: StoredVersion | None,
        actor: str,
        deadline: float | None,
        is_wanted: Callable[[], bool],
    ) -> tuple[GateResult, ...]:
        """Return the results of all gates: on the figures of acceptance, beside the production version of now."""
        bundle = open_stored(self._artifacts.get(version.digest))
        results, _ = self._comparison.gates(bundle, version.report, production, deadline, is_wanted)
        if self._policies.of(version.task).another_person:
            results += (_another_person(version, actor),)
        return results

    def _allowed(self, move: Move, gates: tuple[GateResult, ...], *, override_gate: bool) -> bool:
        """Return whether the gates had to be overridden. Raises GateFailed where they were not."""
        try:
            gate.require(gates)
        except GateFailed:
            if override_gate:
                return True
            self._metrics.alias_moved("refused")
            failures = [result.gate for result in gates if not result.passed]
            _log.info("alias refused", task=move.task, alias=move.alias, version=move.version, gates=failures)
            raise
        return False

    def _apply(self, move: Move, gates: tuple[GateResult, ...]) -> MoveOutcome:
        alias, changed = self._aliases.move(move)
        if changed:
            self._feed.advance(alias.revision)
            self._metrics.alias_moved("overridden" if move.overridden else "set")
            _log.info(
                "alias moved",
                task=move.task,
                alias=move.alias,
                version=move.version,
                actor=move.actor,
                overridden=move.overridden,
            )
        return MoveOutcome(alias, gates, changed)


def _another_person(version: StoredVersion, actor: str) -> GateResult:
    is_another = bool(actor) and actor != version.author
    message = f"{version.author or 'somebody without a name'} is the author, {actor or 'nobody'} moves it"
    return GateResult(gate.ANOTHER_PERSON, is_another, float(is_another), 1.0, message)


def _refuse_unexpected(move: Move, current: int) -> None:
    if move.expected is not None and move.expected != current:
        raise alias_moved(move.task, move.alias, move.expected, current)
