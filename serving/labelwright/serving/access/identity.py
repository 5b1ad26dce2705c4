"""Who calls, and what they may do."""

from __future__ import annotations

import enum
from collections.abc import Collection
from contextvars import ContextVar
from dataclasses import dataclass

from labelwright.core.errors import PermissionDenied


class Scope(enum.Enum):
    """What a token allows. docs/access.md says which call needs which."""

    LABEL = "label"
    """have records labeled"""
    READ = "read"
    """see tasks, versions, programs, gold rows, runs and metrics"""
    PUSH = "push"
    """read, push versions, work on refresh runs"""
    PROMOTE = "promote"
    """read, move aliases, open and decide on refresh runs, send alerts"""
    ADMIN = "admin"
    """everything, overriding a gate too"""


_INCLUDED = {
    Scope.PUSH: {Scope.READ},
    Scope.PROMOTE: {Scope.READ},
    Scope.ADMIN: set(Scope),
}


@dataclass(frozen=True, slots=True)
class Identity:
    """A caller who showed who they are. Without ``tasks`` every task is theirs."""

    name: str
    scopes: frozenset[Scope]
    tasks: frozenset[str] = frozenset()

    def may(self, scope: Scope) -> bool:
        """Whether the scope is among what is allowed."""
        return scope in self.scopes or any(scope in _INCLUDED.get(held, ()) for held in self.scopes)

    def require(self, scope: Scope) -> None:
        """Raise PermissionDenied where this needs more than is allowed."""
        if not self.may(scope):
            held = ", ".join(sorted(item.value for item in self.scopes))
            raise PermissionDenied(
                f"{self.name} may not do this: it needs the scope {scope.value}, the token has {held or 'none'}",
                advice="ask whoever gives out tokens for one with this scope",
                scope=scope.value,
            )

    def require_tasks(self, tasks: Collection[str]) -> None:
        """Raise PermissionDenied where a task, or all of them (``tasks`` is empty), are not this caller's."""
        if not self.tasks or (tasks and self.tasks.issuperset(tasks)):
            return
        raise PermissionDenied(
            f"{self.name} may do this for some tasks only: {', '.join(sorted(self.tasks))}",
            advice="name one of them, or ask whoever gives out tokens",
        )


current_caller: ContextVar[Identity | None] = ContextVar("current_caller", default=None)
"""Who made the call that is answered now; None where the server asks nobody who they are."""
