"""The loop closes by itself: spam becomes of another kind, and a run makes the service recognize it.

Everything is started for real but for the LLM, whose recorded replies are those of a real small model. Alone on two
cores this takes about three minutes, of which one is the watch over the promoted version.
"""

from __future__ import annotations

import pytest
from labelwright.core.run import RunCost, RunState, Trigger

from tests.end_to_end.drift.messages import HAM, NEW_SPAM, OLD_SPAM, SPAM_SHARE
from tests.end_to_end.drift.recording import ASKING, REPLIES
from tests.end_to_end.drift.story import Story, play
from tests.end_to_end.drift.traffic import Answer, accuracy, share
from tests.parts.replayed_llm import ReplayedLlm, replayed_llm

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Story, ReplayedLlm]:
    with replayed_llm(REPLIES) as llm:
        return play(tmp_path_factory.mktemp("house"), llm, asking=ASKING), llm


@pytest.fixture(scope="module")
def story(played: tuple[Story, ReplayedLlm]) -> Story:
    return played[0]


def test_one_run_is_opened_by_the_alert_and_succeeds(story: Story) -> None:
    assert "LabelwrightLabelDrift" in story.alerts
    assert story.run is not None
    assert [run.state for run in story.runs] == [RunState.SUCCEEDED], story.run.steps[-1].message
    assert story.run.trigger is Trigger.ALERT
    assert any(alert in story.run.reason for alert in story.alerts)
    assert (story.run.base_version, story.run.candidate_version) == (1, 2)


def test_every_step_is_written_down(story: Story) -> None:
    assert story.run is not None
    assert [step.state for step in story.run.steps] == [
        RunState.TRIGGERED,
        RunState.SAMPLED,
        RunState.SYNTHESIZED,
        RunState.SHADOWING,
        RunState.APPROVED,
        RunState.PROMOTED,
        RunState.SUCCEEDED,
    ]
    assert all(step.message and step.actor for step in story.run.steps)
    approved = story.run.steps[4].facts
    assert approved["verdict"] == "promote"
    shadow = approved["shadow"]
    assert isinstance(shadow, dict)
    assert shadow["records"] >= 200
    assert 0 < shadow["agreements"] < shadow["records"]


def test_the_aliases_tell_who_moved_them(story: Story) -> None:
    moves = [(move.alias, move.from_version, move.to_version) for move in reversed(story.history)]
    assert moves == [("production", 0, 1), ("candidate", 0, 2), ("production", 1, 2), ("candidate", 2, 0)]
    promotion = story.history[1]
    assert promotion.actor.startswith("worker@")
    assert "run 1" in promotion.reason
    assert not promotion.overridden


def test_what_was_paid_is_booked_once(played: tuple[Story, ReplayedLlm]) -> None:
    story, llm = played
    assert llm.unknown == []
    assert story.run is not None
    assert story.run.cost == RunCost(llm.calls, llm.tokens_in, llm.tokens_out, None)
    assert llm.calls > 100


def test_metrics_tell_of_the_run(story: Story) -> None:
    assert story.run is not None
    last = {name: values[-1][1] for name, values in story.series.items() if values}
    assert last["ended_runs"] == 1
    assert last["tokens"] == story.run.cost.tokens
    assert last["webhooks"] >= 1
    assert last["failed_webhooks"] == 0


def test_no_request_fails_meanwhile(story: Story) -> None:
    assert story.failures == []
    assert {answer.version for answer in story.answers} == {1, 2}


def test_the_label_shares_recover(story: Story) -> None:
    before, during, after = (share(answers, "spam") for answers in stretches(story))
    assert before > 0.2  # of SPAM_SHARE: the first version misses some
    assert during < 0.1
    assert after == pytest.approx(SPAM_SHARE, abs=0.08)


def test_the_accuracy_recovers_on_messages_that_nothing_was_learned_from(story: Story) -> None:
    before, during, after = stretches(story)
    assert accuracy(answer for answer in before if answer.message.kind == OLD_SPAM) > 0.6
    assert accuracy(answer for answer in during if answer.message.kind == NEW_SPAM) < 0.05
    assert accuracy(answer for answer in after if answer.message.kind == NEW_SPAM) > 0.6
    assert accuracy(answer for answer in after if answer.message.kind == HAM) > 0.85
    assert accuracy(after) > accuracy(before)


def test_the_new_version_does_not_alarm(story: Story) -> None:
    thresholds = dict(story.series["psi_threshold"])
    late = [(at, value) for at, value in story.series["psi"] if at > story.at(RunState.PROMOTED) + 30]
    assert len(late) > 20
    assert [(at, value) for at, value in late if value > thresholds[at]] == []


def stretches(story: Story) -> tuple[list[Answer], list[Answer], list[Answer]]:
    """Return the answers before the drift, while the alert fired, and after the promotion."""
    return (
        story.between(story.began, story.drifted),
        story.between(story.fired, story.at(RunState.PROMOTED)),
        story.between(story.at(RunState.PROMOTED) + 2, story.ended),
    )
