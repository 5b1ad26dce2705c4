from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from labelwright.core.errors import InvalidRequest
from labelwright.core.run import (
    ENDS,
    MAX_FACTS_BYTES,
    MAX_MESSAGE,
    OPEN,
    Review,
    Run,
    RunCost,
    RunState,
    RunStep,
    Trigger,
    facts_from_text,
    facts_to_text,
    message_of,
)
from labelwright.core.wire.runs import (
    review_from_message,
    run_from_message,
    run_to_message,
    state_from_message,
    trigger_from_message,
)
from labelwright.v1 import run_service_pb2 as pb

MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC))
COUNTS = st.integers(0, 2**40)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
FACTS = st.dictionaries(st.text(), JSON, max_size=4)
COSTS = st.builds(RunCost, st.integers(0, 2**32 - 1), COUNTS, COUNTS, st.none() | st.floats(0, 1e9))
STEPS = st.builds(RunStep, st.sampled_from(RunState), MOMENTS, st.text(), st.text(), FACTS)
RUNS = st.builds(
    Run,
    id=st.integers(1, 2**63),
    task=st.text(),
    trigger=st.sampled_from(Trigger),
    trigger_key=st.text(),
    reason=st.text(),
    state=st.sampled_from(RunState),
    created_at=MOMENTS,
    updated_at=MOMENTS,
    lease_holder=st.text(),
    lease_expires_at=st.none() | MOMENTS,
    base_version=st.integers(0, 2**32 - 1),
    candidate_version=st.integers(0, 2**32 - 1),
    cost=COSTS,
    steps=st.lists(STEPS, max_size=3).map(tuple),
)


# Runs are large, and a machine that does other things draws them slowly.
slowly = settings(suppress_health_check=[HealthCheck.too_slow])


def reachable(start: RunState) -> set[RunState]:
    found, new = {start}, {start}
    while new:
        new = {after for state in new for after in RunState if state.may_become(after)} - found
        found |= new
    return found


def test_every_open_state_can_end_and_no_end_goes_on() -> None:
    assert set(RunState) == OPEN | ENDS
    assert not OPEN & ENDS
    for state in OPEN:
        assert state.may_become(state)
        assert state.may_become(RunState.FAILED)
        assert state.may_become(RunState.CANCELLED)
        assert reachable(state) >= {RunState.SUCCEEDED}
    assert not any(state.may_become(other) for state in ENDS for other in RunState)
    assert reachable(RunState.TRIGGERED) == set(RunState)


def test_no_state_is_left_out_on_the_way() -> None:
    """Production moves only after a decision, and a decision is made only after the shadow."""
    before = {
        state: {other for other in RunState if other is not state and other.may_become(state)} for state in RunState
    }
    assert before[RunState.PROMOTED] == {RunState.APPROVED}
    assert before[RunState.APPROVED] == {RunState.SHADOWING, RunState.AWAITING_APPROVAL}
    assert before[RunState.SHADOWING] == {RunState.SYNTHESIZED}
    assert before[RunState.SUCCEEDED] == before[RunState.ROLLED_BACK] == {RunState.PROMOTED}


def test_what_a_person_decides_is_a_transition() -> None:
    for review in Review:
        assert all(state.may_become(review.leads_to) for state in review.possible_in)


@slowly
@given(RUNS)
def test_a_run_survives_the_wire(run: Run) -> None:
    assert run_from_message(pb.Run.FromString(run_to_message(run).SerializeToString())) == run


@pytest.mark.parametrize("read", [state_from_message, trigger_from_message, review_from_message])
@pytest.mark.parametrize("number", [0, 99, -1])
def test_kinds_that_are_not_known(read, number: int) -> None:
    with pytest.raises(InvalidRequest):
        read(number)


@slowly
@given(FACTS)
def test_facts_are_read_as_they_were_written(facts: dict[str, object]) -> None:
    assert facts_from_text(facts_to_text(facts)) == facts


def test_messages_are_made_fit_to_be_kept() -> None:
    assert message_of(" one\r\ntwo\x1b[31m\x00\u2028\ud800 ") == "one\ntwo [31m"
    assert message_of("ü" * MAX_MESSAGE) == "ü" * MAX_MESSAGE
    assert message_of("ü" * (MAX_MESSAGE + 1)) == "ü" * (MAX_MESSAGE - 1) + "…"


BAD_FACTS = [
    "{",
    "[]",
    "null",
    "7",
    '{"a": NaN}',
    '{"a": 1e999}',
    '{"a": "\\ud800"}',
    '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}",
    '{"a": ' + "1" * 5000 + "}",
    '{"a": "' + "x" * MAX_FACTS_BYTES + '"}',
]


@pytest.mark.parametrize("text", BAD_FACTS, ids=range(len(BAD_FACTS)))
def test_facts_that_are_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        facts_from_text(text)


def test_facts_that_no_json_holds() -> None:
    for facts in ({"a": object()}, {"a": float("inf")}, {"a": "\ud800"}, {"a": b"bytes"}):
        with pytest.raises(InvalidRequest):
            facts_to_text(facts)


@given(COSTS, COSTS)
def test_costs_add_up(one: RunCost, other: RunCost) -> None:
    both = one + other
    assert both == other + one
    assert (both.calls, both.tokens) == (one.calls + other.calls, one.tokens + other.tokens)
    assert (both.dollars is None) == (one.dollars is None or other.dollars is None)
    assert one + RunCost() == one
