from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelwright.core.run import ENDS, Run, RunCost, RunState, Trigger
from labelwright.core.task import Refresh
from labelwright.worker.policy import failures_in_a_row, obstacle, tokens_left, trigger_key

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
REFRESH = Refresh(sample=True, cooldown_minutes=60, daily_tokens=1000)


def run(
    state: RunState = RunState.SUCCEEDED,
    *,
    minutes: float = 100,
    trigger: Trigger = Trigger.ALERT,
    tokens: int = 0,
    key: str = "",
) -> Run:
    """Return a run that moved last so many minutes ago."""
    at = NOW - timedelta(minutes=minutes)
    return Run(1, "spam", trigger, key, "", state, at, at, cost=RunCost(1, tokens, 0))


@pytest.mark.parametrize(
    ("refresh", "runs", "kind"),
    [
        (REFRESH, [], None),
        (REFRESH, [run()], None),
        (Refresh(), [], "no_sample"),
        (REFRESH, [run(RunState.AWAITING_APPROVAL)], "open"),
        (REFRESH, [run(RunState.REJECTED, minutes=59)], "cooldown"),
        (REFRESH, [run(RunState.FAILED)] * 3, "failures"),
        (REFRESH, [run(RunState.FAILED)] * 2, None),
        (REFRESH, [run(tokens=600), run(tokens=400)], "budget"),
        (REFRESH, [run(tokens=600), run(tokens=400, minutes=24 * 60 + 1)], None),
    ],
)
def test_what_stands_against_a_run(refresh: Refresh, runs: list[Run], kind: str | None) -> None:
    found = obstacle(refresh, runs, NOW, 3)
    assert (found.kind if found else None) == kind


def test_a_person_who_asked_makes_alerts_open_runs_again() -> None:
    failed = [run(RunState.FAILED)] * 5
    manual = run(RunState.FAILED, trigger=Trigger.MANUAL)
    assert failures_in_a_row([*failed]) == 5
    assert failures_in_a_row([manual, *failed]) == 1
    assert failures_in_a_row([failed[0], manual, *failed]) == 2
    assert failures_in_a_row([run(), *failed]) == 0


_runs = st.lists(
    st.builds(
        run,
        st.sampled_from(sorted(ENDS, key=lambda state: state.value)),
        minutes=st.floats(0, 3000),
        trigger=st.sampled_from(Trigger),
        tokens=st.integers(0, 2000),
        key=st.sampled_from(["drift@1#1", "drift@1#2", "drift@11#1", "other"]),
    ),
    max_size=6,
)


@given(runs=_runs)
def test_the_budget_is_never_negative_and_never_more_than_the_day_has(runs: list[Run]) -> None:
    left = tokens_left(REFRESH, runs, NOW)
    assert 0 <= left <= REFRESH.daily_tokens
    assert tokens_left(REFRESH, runs[1:], NOW) >= left


@given(runs=_runs)
def test_a_key_is_new_and_two_workers_make_the_same(runs: list[Run]) -> None:
    key = trigger_key("drift@1", runs)
    assert key not in {item.trigger_key for item in runs}
    assert key == trigger_key("drift@1", runs)
    assert trigger_key("drift@1", [run(key=key), *runs]) != key
