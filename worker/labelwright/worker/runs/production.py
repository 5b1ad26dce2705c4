"""The aliases in the registry that a run moves and watches. Every function may be repeated without harm."""

from __future__ import annotations

from labelwright.client import Registry
from labelwright.core.alias import PRODUCTION
from labelwright.core.errors import AliasNotFound
from labelwright.core.run import Run, RunState, message_of
from labelwright.worker.runs.outcome import Advance

CANDIDATE = "candidate"


def version_of(registry: Registry, task: str, alias: str = PRODUCTION) -> int:
    """Return the version that an alias names, 0 where there is no such alias. Raises TaskNotFound."""
    return next((item.version for item in registry.aliases(task) if item.name == alias), 0)


def moved_meanwhile(registry: Registry, run: Run) -> Advance | None:
    """Return the end of a run whose base is no longer production because somebody else moved it, else None."""
    current = version_of(registry, run.task)
    if current == run.base_version:
        return None
    return Advance(
        RunState.CANCELLED,
        f"Production is version {current} now, not {run.base_version}: {newest_move(registry, run.task)}.",
    )


def newest_move(registry: Registry, task: str) -> str:
    """Return who last moved production, and why."""
    moves = registry.history(task, alias=PRODUCTION, limit=1)
    if not moves:
        return "nobody is known to have moved it"
    return f"moved by {moves[0].actor or 'somebody'}" + (f" ({moves[0].reason})" if moves[0].reason else "")


def reason_of(run: Run, text: str) -> str:
    """Return the reason that an alias's history shows for a move by this run."""
    return message_of(f"run {run.id}: {text}")


def drop_candidate(registry: Registry, run: Run) -> None:
    """Remove the alias ``candidate`` where this run set it."""
    if version_of(registry, run.task, CANDIDATE) and run_of_candidate(registry, run.task) == run.id:
        try:
            registry.delete_alias(
                run.task, CANDIDATE, actor="labelwright worker", reason=reason_of(run, "it has ended")
            )
        except AliasNotFound:
            return


def run_of_candidate(registry: Registry, task: str) -> int:
    """Return the number of the run that last moved the alias ``candidate``, 0 where that was a person."""
    moves = registry.history(task, alias=CANDIDATE, limit=1)
    words = moves[0].reason.split(":", 1)[0].split() if moves else []
    return int(words[1]) if len(words) == 2 and words[0] == "run" and words[1].isdecimal() else 0
