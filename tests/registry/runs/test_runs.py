from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from labelwright.core.errors import (
    InvalidRequest,
    LabelwrightError,
    LeaseLost,
    RunNotFound,
    RunStateMismatch,
    StorageFull,
    TaskNotFound,
    VersionNotFound,
)
from labelwright.core.run import ENDS, UNPROMOTED, Review, RunCost, RunState, Trigger
from labelwright.registry.runs.runs import MAX_STEPS

from tests.parts.registry import Registry
from tests.parts.runs import FORWARD, Runs, runs_of
from tests.registry.bundles import new_name


@pytest.fixture
def runs(registry: Registry) -> Iterator[Runs]:
    with runs_of(registry) as made:
        yield made


def test_a_run_is_opened_with_its_first_step(runs: Runs) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    opened, created = runs.client.start(
        task := runs.task(), trigger=Trigger.ALERT, key="fingerprint/1", reason="PSI 0.4", actor="worker-1"
    )
    assert created
    run = runs.client.get(opened.id)
    assert (run.task, run.trigger, run.trigger_key, run.reason) == (task, Trigger.ALERT, "fingerprint/1", "PSI 0.4")
    assert (run.state, run.base_version, run.candidate_version) == (RunState.TRIGGERED, 0, 0)
    assert (run.lease_holder, run.lease_expires_at, run.cost) == ("", None, RunCost())
    assert before < run.created_at == run.updated_at
    (step,) = run.steps
    assert (step.state, step.actor, step.message, step.facts) == (RunState.TRIGGERED, "worker-1", "PSI 0.4", {})


def test_a_task_has_one_open_run_and_a_key_opens_one_run_ever(runs: Runs) -> None:
    task = runs.task()
    first = runs.start(task, "monday")

    def start(key: str) -> tuple[int, bool]:
        run, created = runs.client.start(task, trigger=Trigger.MANUAL, key=key, reason="again", actor="bob")
        return run.id, created

    assert start("monday") == (first.id, False)
    assert start("tuesday") == (first.id, False)
    runs.client.review(first.id, Review.CANCEL, "bob", "not now")
    assert start("monday") == (first.id, False)
    second, created = start("tuesday")
    assert created
    assert second != first.id
    assert start("monday") == (first.id, False)
    assert runs.start(runs.task(), "monday").id not in (first.id, second)


def test_a_run_goes_all_the_way(runs: Runs) -> None:
    run, lease = runs.leased(RunState.SHADOWING)
    client = runs.client
    run = client.advance(
        run.id,
        lease,
        RunState.SHADOWING,
        RunState.AWAITING_APPROVAL,
        "better by 4 points",
        {"p": 0.003, "agreement": {"ham": 0.99}},
        base_version=1,
        candidate_version=2,
    )
    assert (run.base_version, run.candidate_version, run.lease_holder) == (1, 2, "worker-1")
    client.renew(run.id, lease, 0)
    assert client.get(run.id).lease_holder == ""
    client.review(run.id, Review.APPROVE, "ada", "looks right")
    lease = runs.claim(run.id)
    client.advance(run.id, lease, RunState.APPROVED, RunState.PROMOTED, "production is version 2")
    client.advance(run.id, lease, RunState.PROMOTED, RunState.PROMOTED, "half of the watch is over")
    client.advance(run.id, lease, RunState.PROMOTED, RunState.SUCCEEDED, "stood the watch")
    run = client.get(run.id)
    assert [step.state for step in run.steps] == [*FORWARD[:-1], RunState.PROMOTED, FORWARD[-1]]
    assert [step.actor for step in run.steps] == ["ada", *["worker-1"] * 4, "ada", *["worker-1"] * 3]
    assert run.steps[4].facts == {"p": 0.003, "agreement": {"ham": 0.99}}
    assert [step.at for step in run.steps] == sorted(step.at for step in run.steps)
    assert (run.base_version, run.candidate_version, run.lease_holder) == (1, 2, "")


@pytest.mark.parametrize("state", FORWARD[:-1])
def test_only_what_may_follow_follows(state: RunState, runs: Runs) -> None:
    run, lease = runs.leased(state)
    for other in RunState:
        if not state.may_become(other):
            with pytest.raises(RunStateMismatch) as caught:
                runs.client.advance(run.id, lease, state, other, "try")
            assert caught.value.metadata["state"] == state.value
        if other is not state:
            with pytest.raises(RunStateMismatch) as caught:
                runs.client.advance(run.id, lease, other, RunState.FAILED, "try")
            assert caught.value.metadata["state"] == state.value
    assert runs.client.get(run.id) == run
    ended = runs.client.advance(run.id, lease, state, RunState.FAILED, "the LLM is away")
    assert ended.state is RunState.FAILED
    with pytest.raises(LeaseLost):
        runs.client.advance(run.id, lease, RunState.FAILED, RunState.FAILED, "once more")


def test_the_last_step_said_again_changes_nothing(runs: Runs) -> None:
    run, lease = runs.leased()

    def step(to: RunState, message: str) -> None:
        runs.client.advance(run.id, lease, RunState.TRIGGERED, to, message, {"records": 7})

    for _ in range(2):
        step(RunState.TRIGGERED, "waits for records")
    assert len(runs.client.get(run.id).steps) == 2
    step(RunState.TRIGGERED, "still waits")
    for _ in range(2):
        step(RunState.FAILED, "gave up")
    assert [step.message for step in runs.client.get(run.id).steps[1:]] == [
        "waits for records",
        "still waits",
        "gave up",
    ]
    with pytest.raises(LeaseLost):
        step(RunState.FAILED, "gave up for another reason")


def test_a_worker_that_lost_its_lease_writes_nothing(runs: Runs) -> None:
    run, old = runs.leased(RunState.SAMPLED)
    runs.client.renew(run.id, old, 0)
    new = runs.claim(run.id)
    for lease in (old, "", "guess", "ü"):
        with pytest.raises(LeaseLost):
            runs.client.advance(run.id, lease, RunState.SAMPLED, RunState.SYNTHESIZED, "late")
        with pytest.raises(LeaseLost):
            runs.client.put_file(run.id, lease, "late", b"")
        with pytest.raises(LeaseLost):
            runs.client.renew(run.id, lease, 60)
    assert runs.client.get(run.id).steps == run.steps
    assert runs.client.advance(run.id, new, RunState.SAMPLED, RunState.SYNTHESIZED, "in time").updated_at


def test_a_lease_is_renewed_by_the_registrys_clock(runs: Runs) -> None:
    run, lease = runs.leased(seconds=600)
    first = runs.client.get(run.id).lease_expires_at
    assert first is not None
    later = runs.client.renew(run.id, lease, 3600)
    assert runs.client.get(run.id).lease_expires_at == later
    assert later - first > timedelta(seconds=2900)


def test_claims_take_turns_and_pass_over_those_that_wait_for_a_person(runs: Runs) -> None:
    waiting, lease = runs.leased(RunState.AWAITING_APPROVAL)
    first, second = runs.start(runs.task()), runs.start(runs.task())
    runs.client.renew(waiting.id, lease, 0)
    seen = []
    for _ in range(3):
        claimed = runs.client.claim("worker-2", 60)
        assert claimed is not None
        run, lease = claimed
        assert run.steps
        assert run.lease_holder == "worker-2"
        seen.append(run.id)
        runs.client.renew(run.id, lease, 0)
    assert seen == [first.id, second.id, first.id]
    for run in (first, second):
        runs.client.review(run.id, Review.CANCEL, "ada", "done")
    assert runs.client.claim("worker-2", 60) is None
    claimed = runs.client.claim("worker-2", 60, awaiting_approval=True)
    assert claimed is not None
    assert claimed[0].id == waiting.id


@pytest.mark.parametrize("review", Review)
@pytest.mark.parametrize("state", FORWARD)
def test_a_person_decides_only_where_there_is_something_to_decide(state: RunState, review: Review, runs: Runs) -> None:
    run, lease = runs.leased(state)
    if state in (UNPROMOTED if review is Review.CANCEL else {RunState.AWAITING_APPROVAL}):
        decided = runs.client.review(run.id, review, "ada", "I looked at it\nfor long")
        assert decided.state is review.leads_to
        last = runs.client.get(run.id).steps[-1]
        assert (last.state, last.actor, last.message) == (review.leads_to, "ada", "I looked at it\nfor long")
        if decided.state in ENDS:
            assert decided.lease_holder == ""
            with pytest.raises(LeaseLost):
                runs.client.advance(run.id, lease, state, state, "goes on")
    else:
        with pytest.raises(RunStateMismatch) as caught:
            runs.client.review(run.id, review, "ada", "why not")
        assert caught.value.metadata["state"] == state.value
        assert runs.client.get(run.id) == run


def test_runs_are_listed_newest_first_by_page(runs: Runs) -> None:
    task = runs.task()
    made = []
    for number in range(3):
        run = runs.start(task, f"key-{number}")
        made.append(run.id)
        if number < 2:
            runs.client.review(run.id, Review.CANCEL, "ada", "done")
    assert [run.id for run in runs.client.list(task)] == made[::-1]
    assert [run.id for run in runs.client.list(task, open=True)] == made[-1:]
    assert [run.id for run in runs.client.list()][:3] == made[::-1]
    assert made[-1] in [run.id for run in runs.client.list(open=True)]
    assert made[0] not in [run.id for run in runs.client.list(open=True)]
    assert not any(run.steps for run in runs.client.list(task))


def test_notes_have_an_end_and_decisions_have_none(runs: Runs) -> None:
    run, lease = runs.leased()
    for number in range(2, MAX_STEPS + 1):
        runs.client.advance(run.id, lease, RunState.TRIGGERED, RunState.TRIGGERED, f"step {number}")
    with pytest.raises(StorageFull):
        runs.client.advance(run.id, lease, RunState.TRIGGERED, RunState.TRIGGERED, "one more")
    runs.client.advance(run.id, lease, RunState.TRIGGERED, RunState.SAMPLED, "at last")
    assert len(runs.client.get(run.id).steps) == MAX_STEPS + 1


def test_what_does_not_exist(runs: Runs) -> None:
    for task in (new_name(), "No Task", ""):
        with pytest.raises(TaskNotFound):
            runs.client.start(task, trigger=Trigger.MANUAL, reason="why", actor="ada")
    with pytest.raises(TaskNotFound):
        next(runs.client.list(new_name()))
    for run_id in (0, -1, 999_999, (1 << 63) - 1, 1 << 63, 1 << 70):
        for call in (
            lambda number=run_id: runs.client.get(number),
            lambda number=run_id: runs.client.review(number, Review.CANCEL, "ada", "why"),
            lambda number=run_id: runs.client.renew(number, "lease", 60),
            lambda number=run_id: runs.client.list_files(number),
            lambda number=run_id: runs.client.get_file(number, "file"),
        ):
            with pytest.raises(RunNotFound):
                call()
    run, lease = runs.leased()
    with pytest.raises(VersionNotFound):
        runs.client.advance(run.id, lease, run.state, run.state, "x", candidate_version=77)


BAD_TEXTS = ["", " ", "x" * 5000, "bell\x07", "nul\x00"]


def test_a_worker_may_quote_anything(runs: Runs) -> None:
    task = runs.task()
    run, _ = runs.client.start(task, trigger=Trigger.ALERT, reason="alert\x1b[31m says " + "x" * 9000, actor="worker-1")
    assert run.reason.startswith("alert [31m says xxx")
    lease = runs.claim(run.id)
    runs.client.advance(run.id, lease, run.state, run.state, "endpoint said: \x00\ud800", {"reply": "\x00\x1b"})
    step = runs.client.get(run.id).steps[-1]
    assert (step.message, step.facts) == ("endpoint said:", {"reply": "\x00\x1b"})


def test_texts_that_are_refused(runs: Runs) -> None:
    run, lease = runs.leased()
    task, client = runs.task(), runs.client

    def refused(call, field: str) -> None:
        with pytest.raises(InvalidRequest) as caught:
            call()
        assert caught.value.metadata["field"] == field

    for text in BAD_TEXTS:
        refused(lambda: client.start(task, trigger=Trigger.MANUAL, reason="why", actor=text), "actor")  # noqa: B023
        refused(lambda: client.claim(text, 60), "worker")  # noqa: B023
        refused(lambda: client.review(run.id, Review.CANCEL, text, "why"), "actor")  # noqa: B023
        refused(lambda: client.review(run.id, Review.CANCEL, "ada", text), "reason")  # noqa: B023
        refused(lambda: client.put_file(run.id, lease, text, b""), "name")  # noqa: B023
    refused(lambda: client.start(task, trigger=Trigger.MANUAL, key="k" * 201, reason="why", actor="ada"), "trigger_key")
    refused(lambda: client.start(task, trigger=Trigger.MANUAL, reason=" \x00", actor="ada"), "reason")
    refused(lambda: client.advance(run.id, lease, run.state, run.state, ""), "message")
    refused(lambda: client.claim("worker", 0), "lease_seconds")
    refused(lambda: client.claim("worker", 3601), "lease_seconds")
    refused(lambda: client.renew(run.id, lease, 3601), "lease_seconds")
    assert list(client.list(task)) == []
    assert client.get(run.id) == run


def test_every_refusal_is_an_error_that_says_what_to_do(runs: Runs) -> None:
    run, lease = runs.leased()
    for call in (
        lambda: runs.client.get(987_654),
        lambda: runs.client.renew(run.id, "guess", 60),
        lambda: runs.client.advance(run.id, lease, RunState.PROMOTED, RunState.SUCCEEDED, "x"),
    ):
        with pytest.raises(LabelwrightError) as caught:
            call()
        assert caught.value.advice
        assert caught.value.metadata["run"]
