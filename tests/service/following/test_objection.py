from __future__ import annotations

import pytest
from labelwright.service.following.objection import objection
from labelwright.service.target import Aliases, VersionTarget


def aliases(registry: str, **named: str) -> Aliases:
    """Return aliases; each argument is a task and one alias of it."""
    table = {task: {alias: VersionTarget(task, 1, "")} for task, alias in named.items()}
    return Aliases(1, table, registry, "")


KNOWN = aliases("A", ham="production", spam="production", tried="candidate")


@pytest.mark.parametrize(
    ("offered", "tasks", "says"),
    [
        (KNOWN, (), ""),
        (aliases("A", ham="production", spam="production"), (), ""),
        (aliases("A", ham="production", spam="production", new="production"), (), ""),
        (aliases("B", ham="production", spam="production", tried="candidate"), (), "another registry: B, not A"),
        (aliases("", ham="production", spam="production"), (), ""),
        (aliases("", ham="production"), (), "no production version of spam"),
        (aliases("A", ham="production", spam="candidate"), (), "no production version of spam"),
        (aliases("A"), (), "no production version of ham, spam"),
        (aliases("A", ham="production"), ("ham",), ""),
        (aliases("A", ham="production"), ("ham", "spam"), "no production version of spam"),
    ],
)
def test_what_speaks_against_a_registry(offered: Aliases, tasks: tuple[str, ...], says: str) -> None:
    against = objection(KNOWN, offered, tasks)
    assert says in against
    assert bool(against) == bool(says)


def test_nothing_speaks_against_the_first_registry_nor_against_one_for_an_earlier_release() -> None:
    assert objection(Aliases(0, {}), aliases("A"), ()) == ""
    assert objection(aliases("", ham="production"), aliases("A", ham="production"), ()) == ""


def test_a_long_list_of_lost_tasks_is_cut() -> None:
    many = aliases("A", **{f"task{number}": "production" for number in range(8)})
    assert objection(many, aliases("A"), ()).endswith("task4 and 3 more")
