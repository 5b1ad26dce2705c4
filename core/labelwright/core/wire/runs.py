"""Refresh runs to and from the contract's messages."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import TypeVar

from labelwright.core.errors import InvalidRequest
from labelwright.core.run import Review, Run, RunCost, RunState, RunStep, Trigger, facts_from_text, facts_to_text
from labelwright.core.wire.messages import moment_from_message, moment_to_message
from labelwright.v1 import run_service_pb2 as pb

_Kind = TypeVar("_Kind", bound=enum.Enum)
_Number = TypeVar("_Number", bound=int)

_STATES = {state: pb.RunState.Value(f"RUN_STATE_{state.name}") for state in RunState}
_TRIGGERS = {trigger: pb.Trigger.Value(f"TRIGGER_{trigger.name}") for trigger in Trigger}
_REVIEWS = {review: pb.Review.Value(f"REVIEW_{review.name}") for review in Review}


def state_to_message(state: RunState) -> pb.RunState.ValueType:
    """Return the contract's number."""
    return _STATES[state]


def state_from_message(number: int, field: str = "state") -> RunState:
    """Return the state. Raises InvalidRequest, naming the field, where it is missing or unknown."""
    return _named(_STATES, number, field)


def trigger_to_message(trigger: Trigger) -> pb.Trigger.ValueType:
    """Return the contract's number."""
    return _TRIGGERS[trigger]


def trigger_from_message(number: int) -> Trigger:
    """Return the trigger. Raises InvalidRequest where it is missing or unknown."""
    return _named(_TRIGGERS, number, "trigger")


def review_to_message(review: Review) -> pb.Review.ValueType:
    """Return the contract's number."""
    return _REVIEWS[review]


def review_from_message(number: int) -> Review:
    """Return the review. Raises InvalidRequest where it is missing or unknown."""
    return _named(_REVIEWS, number, "review")


def cost_to_message(cost: RunCost) -> pb.RunCost:
    """Return the message."""
    return pb.RunCost(calls=cost.calls, tokens_in=cost.tokens_in, tokens_out=cost.tokens_out, dollars=cost.dollars)


def cost_from_message(message: pb.RunCost) -> RunCost:
    """Return the cost that the message carries."""
    return RunCost(
        message.calls,
        message.tokens_in,
        message.tokens_out,
        message.dollars if message.HasField("dollars") else None,
    )


def run_to_message(run: Run) -> pb.Run:
    """Return the message."""
    return pb.Run(
        id=run.id,
        task=run.task,
        trigger=_TRIGGERS[run.trigger],
        trigger_key=run.trigger_key,
        reason=run.reason,
        state=_STATES[run.state],
        created_at=moment_to_message(run.created_at),
        updated_at=moment_to_message(run.updated_at),
        lease_holder=run.lease_holder,
        lease_expires_at=moment_to_message(run.lease_expires_at) if run.lease_expires_at else None,
        base_version=run.base_version,
        candidate_version=run.candidate_version,
        cost=cost_to_message(run.cost),
        steps=[_step_to_message(step) for step in run.steps],
    )


def run_from_message(message: pb.Run) -> Run:
    """Return the run that the message carries. Raises InvalidRequest where it has an unknown state or trigger."""
    return Run(
        id=message.id,
        task=message.task,
        trigger=trigger_from_message(message.trigger),
        trigger_key=message.trigger_key,
        reason=message.reason,
        state=state_from_message(message.state),
        created_at=moment_from_message(message.created_at),
        updated_at=moment_from_message(message.updated_at),
        lease_holder=message.lease_holder,
        lease_expires_at=moment_from_message(message.lease_expires_at)
        if message.HasField("lease_expires_at")
        else None,
        base_version=message.base_version,
        candidate_version=message.candidate_version,
        cost=cost_from_message(message.cost),
        steps=tuple(_step_from_message(step) for step in message.steps),
    )


def _step_to_message(step: RunStep) -> pb.RunStep:
    return pb.RunStep(
        state=_STATES[step.state],
        at=moment_to_message(step.at),
        actor=step.actor,
        message=step.message,
        facts=facts_to_text(step.facts),
    )


def _step_from_message(message: pb.RunStep) -> RunStep:
    return RunStep(
        state_from_message(message.state),
        moment_from_message(message.at),
        message.actor,
        message.message,
        facts_from_text(message.facts),
    )


def _named(numbers: Mapping[_Kind, _Number], number: int, field: str) -> _Kind:
    for kind, known in numbers.items():
        if known == number:
            return kind
    fault = f"is {number}, which this version does not know" if number else "is missing"
    raise InvalidRequest(f"{field} {fault}", advice="use one of the values in the contract", field=field)
