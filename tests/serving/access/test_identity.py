from __future__ import annotations

import pytest
from labelwright.core.errors import PermissionDenied
from labelwright.serving.access.identity import Identity, Scope


@pytest.mark.parametrize(
    ("held", "allowed"),
    [
        (Scope.LABEL, {Scope.LABEL}),
        (Scope.READ, {Scope.READ}),
        (Scope.PUSH, {Scope.PUSH, Scope.READ}),
        (Scope.PROMOTE, {Scope.PROMOTE, Scope.READ}),
        (Scope.ADMIN, set(Scope)),
    ],
)
def test_a_scope_allows_this_and_nothing_else(held: Scope, allowed: set[Scope]) -> None:
    identity = Identity("ci", frozenset({held}))
    assert {scope for scope in Scope if identity.may(scope)} == allowed
    for scope in set(Scope) - allowed:
        with pytest.raises(PermissionDenied) as raised:
            identity.require(scope)
        assert raised.value.metadata["scope"] == scope.value


def test_without_tasks_all_are_allowed() -> None:
    Identity("ci", frozenset()).require_tasks(())
    Identity("ci", frozenset()).require_tasks(("spam",))


def test_with_tasks_only_these_are_and_never_all_of_them() -> None:
    identity = Identity("ci", frozenset(), frozenset({"spam", "tickets"}))
    identity.require_tasks(("spam",))
    identity.require_tasks(("spam", "tickets"))
    for tasks in ((), ("sensors",), ("spam", "sensors")):
        with pytest.raises(PermissionDenied):
            identity.require_tasks(tasks)
