from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis as redis_client
from labelwright.client import Registry, RunClient, Version
from labelwright.core.run import Review, Run, RunState

from tests.parts.service import until
from tests.parts.worker import Worker
from tests.worker.handed_over import aliases, hand_over, production
from tests.worker.recorded_llm import ANSWERS, RECORDS, SPAM, RecordedLlm
from tests.worker.tasks import bundle_files, fill_sample, push, weak_task
from tests.worker.waiting import refresh, story, wait_for

NewWorker = Callable[..., Worker]
ALL = tuple(sorted(path.stem for path in (SPAM / "bundle" / "programs").glob("*.py")))
CONTRARY = b"""\
def label(text):
    \"\"\"Takes friends for spam.\"\"\"
    return "spam" if len(text) < 90 else "ham"
"""

CAMPAIGN = "An offer of a campaign: it comes again and again, and what is in production has nothing to say about it."
KNOWS_CAMPAIGN = f"""\
def label(text):
    \"\"\"Knows one message.\"\"\"
    return "spam" if text == {CAMPAIGN!r} else None
""".encode()


def better(base: Version, **refresh: Any) -> dict[str, bytes]:
    return bundle_files(base.task, ALL, **refresh)


def truth(registry: Registry, base: Version) -> list[int]:
    return [row.label or 0 for row in registry.download(base.task).bundle.gold]


def ended(runs: RunClient, run: Run, state: RunState, *words: str) -> Run:
    run = wait_for(runs, run.id)
    assert run.state is state, story(run)
    assert all(word in run.steps[-1].message for word in words), story(run)
    return run


def test_gold_accepts_a_better_candidate_without_asking_the_llm(
    registry: Registry, runs: RunClient, llm: RecordedLlm, new_worker: NewWorker
) -> None:
    base = weak_task(registry)
    run = hand_over(runs, base, better(base), unseen=truth(registry, base))
    new_worker()
    run = ended(runs, run, RunState.SUCCEEDED)
    approved = next(step for step in run.steps if step.state is RunState.APPROVED)
    assert "on gold rows the candidate does better" in approved.message.lower()
    assert approved.facts["gold"]
    assert llm.answered.total() == 0
    (move,) = registry.history(base.task, alias="production", limit=1)
    assert move.actor == "worker-0"
    assert move.reason.startswith(f"run {run.id}: ")
    assert approved.message in move.reason
    assert aliases(registry, base.task) == {"production": 2}


def test_a_worse_candidate_is_rejected(
    registry: Registry, runs: RunClient, llm: RecordedLlm, new_worker: NewWorker
) -> None:
    base = weak_task(registry)
    files = bundle_files(base.task, ()) | {"programs/contrary.py": CONTRARY}
    run = hand_over(runs, base, files, unseen=truth(registry, base))
    new_worker()
    ended(runs, run, RunState.REJECTED, "on gold rows the candidate does worse".capitalize())
    assert aliases(registry, base.task) == {"production": 1}
    assert llm.answered.total() == 0


@pytest.mark.parametrize(("inverted", "state"), [(False, RunState.SUCCEEDED), (True, RunState.REJECTED)])
def test_without_gold_the_llm_judges_where_the_versions_differ(
    registry: Registry,
    runs: RunClient,
    llm: RecordedLlm,
    new_worker: NewWorker,
    inverted: bool,
    state: RunState,
) -> None:
    if inverted:
        llm.labels = lambda text: {"ham": "spam", "spam": "ham"}[ANSWERS[text]]
    base = weak_task(registry, gold=False)
    run = hand_over(runs, base, better(base))
    new_worker(judged_records=40)
    run = ended(runs, run, state)
    assert run.cost.calls == llm.answered.total() == 40
    decided = next(step for step in run.steps if step.facts.get("judged"))
    assert "judged blind" in decided.message.lower()
    requests = [str(body) for body in llm.endpoint.requests]
    assert not any("candidate" in text or "production" in text for text in requests)


def test_a_record_that_repeats_is_one_witness(
    registry: Registry, runs: RunClient, llm: RecordedLlm, new_worker: NewWorker
) -> None:
    llm.labels = lambda text: "spam"
    base = weak_task(registry, gold=False)
    files = bundle_files(base.task, gold=False) | {"programs/campaign.py": KNOWS_CAMPAIGN}
    run = hand_over(runs, base, files, [*RECORDS, *[CAMPAIGN] * 100])
    new_worker()
    run = ended(runs, run, RunState.REJECTED, "1 to 0, p = 1", "not shown to be better")
    assert run.steps[-1].facts["disagreements"] == 100
    assert llm.answered.total() == 1


def test_too_few_distinct_records_are_too_few(
    registry: Registry, runs: RunClient, redis: redis_client.Redis, new_worker: NewWorker
) -> None:
    base = weak_task(registry)
    fill_sample(redis, registry.download(base.task).bundle.task, [*RECORDS[:30], *[CAMPAIGN] * 500])
    new_worker()
    run = ended(runs, refresh(runs, base.task), RunState.FAILED, "31 distinct recent records", "at least 50")
    assert run.steps[-1].facts == {"records": 530, "distinct": 31}


def test_an_llm_that_does_not_know_the_task_is_no_judge(
    registry: Registry, runs: RunClient, llm: RecordedLlm, new_worker: NewWorker
) -> None:
    llm.labels = lambda text: "ham"
    base = weak_task(registry)
    run = hand_over(runs, base, better(base))
    new_worker()
    run = wait_for(runs, run.id, RunState.AWAITING_APPROVAL)
    assert "not surely better than chance" in run.steps[-1].message
    runs.review(run.id, Review.CANCEL, actor="ada", reason="not now")
    until(lambda: "candidate" not in aliases(registry, base.task))


def test_a_person_approves(registry: Registry, runs: RunClient, new_worker: NewWorker) -> None:
    base = weak_task(registry, approval='"manual"')
    run = hand_over(runs, base, better(base, approval='"manual"'), unseen=truth(registry, base))
    new_worker()
    run = wait_for(runs, run.id, RunState.AWAITING_APPROVAL)
    assert "A person has to approve" in run.steps[-1].message
    assert aliases(registry, base.task) == {"production": 1, "candidate": 2}
    runs.review(run.id, Review.APPROVE, actor="ada", reason="looks good")
    ended(runs, run, RunState.SUCCEEDED)
    assert aliases(registry, base.task) == {"production": 2}


def test_a_person_rejects_and_the_candidate_goes(registry: Registry, runs: RunClient, new_worker: NewWorker) -> None:
    base = weak_task(registry, approval='"manual"')
    run = hand_over(runs, base, better(base, approval='"manual"'), unseen=truth(registry, base))
    new_worker()
    wait_for(runs, run.id, RunState.AWAITING_APPROVAL)
    runs.review(run.id, Review.REJECT, actor="ada", reason="I know better")
    until(lambda: aliases(registry, base.task) == {"production": 1})


def test_production_moved_by_a_person_ends_the_run(registry: Registry, runs: RunClient, new_worker: NewWorker) -> None:
    base = weak_task(registry, approval='"manual"')
    run = hand_over(runs, base, better(base, approval='"manual"'), unseen=truth(registry, base))
    other = push(registry, bundle_files(base.task, ("prize",)))
    new_worker()
    wait_for(runs, run.id, RunState.AWAITING_APPROVAL)
    registry.set_alias(base.task, other.number, actor="ada", reason="my own", override=True)
    runs.review(run.id, Review.APPROVE, actor="bob", reason="looks good")
    ended(runs, run, RunState.CANCELLED, "moved by ada", "my own")
    assert aliases(registry, base.task) == {"production": other.number}


def test_a_gate_that_does_not_hold_rejects(registry: Registry, runs: RunClient, new_worker: NewWorker) -> None:
    base = weak_task(registry)
    files = better(base)
    files["task.toml"] += b"[gates]\nmin_accuracy = 1.0\n"
    run = hand_over(runs, base, files, unseen=truth(registry, base))
    new_worker()
    ended(runs, run, RunState.REJECTED, "A gate does not hold", "min_accuracy")
    assert aliases(registry, base.task) == {"production": 1}


def test_a_bundle_that_the_registry_refuses_fails_the_run(
    registry: Registry, runs: RunClient, new_worker: NewWorker
) -> None:
    base = weak_task(registry)
    files = better(base) | {"programs/spy.py": b"import os\n\n\ndef label(text):\n    return os.getcwd()\n"}
    run = hand_over(runs, base, files)
    new_worker()
    ended(runs, run, RunState.FAILED, "refuses the bundle", "programs/spy.py")
    assert production(registry, base.task) == 1


def test_a_candidate_that_changes_nothing_is_rejected(
    registry: Registry, runs: RunClient, llm: RecordedLlm, new_worker: NewWorker
) -> None:
    base = weak_task(registry)
    files = bundle_files(base.task) | {"provenance.json": b"{}"}
    run = hand_over(runs, base, files)
    new_worker()
    ended(runs, run, RunState.REJECTED, "the candidate says what the present version says")
    assert llm.answered.total() == 0
