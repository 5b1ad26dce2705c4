from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from labelwright.core.bundle import Bundle, open_bundle
from labelwright.synthesis.llm.ledger import Budget, Ledger
from labelwright.synthesis.llm.openai_endpoint import OpenAIEndpoint
from labelwright.synthesis.llm.provider import KeptProvider, Retries
from labelwright.worker.decision import Split
from labelwright.worker.steps.judging import Dispute, Judge

from tests.worker.recorded_llm import ANSWERS, RECORDS, RecordedLlm
from tests.worker.tasks import bundle_files

HAM, SPAM = 0, 1


@pytest.fixture(scope="module")
def base() -> Bundle:
    return bundle_of(bundle_files("spam"))


def bundle_of(files: dict[str, bytes]) -> Bundle:
    bundle, findings = open_bundle(files.items())
    assert bundle is not None, findings
    return bundle


def judge(llm: RecordedLlm, base: Bundle, tokens: int | None = None) -> Judge:
    provider = KeptProvider(
        OpenAIEndpoint("m", api_key="k", base_url=llm.url), None, Ledger(None, Budget(tokens)), Retries(1)
    )
    return Judge(provider, base, direct_examples=0)


def disputes(count: int) -> Iterator[Dispute]:
    """Yield records on which the candidate says spam, and the base nothing."""
    return (Dispute((text,), base=-1, candidate=SPAM) for text in RECORDS[:count])


def test_the_right_label_decides_each_record(llm: RecordedLlm, base: Bundle) -> None:
    judged = judge(llm, replace(base, gold=())).judge(list(disputes(40)))
    spam = [ANSWERS[text] for text in RECORDS[:40]].count("spam")
    assert judged.split == Split(candidate=spam, base=40 - spam)
    assert judged.obstacle == ""


def test_a_request_that_fails_and_an_answer_that_is_no_label_decide_nothing(llm: RecordedLlm, base: Bundle) -> None:
    llm.endpoint.script = ["", "filtered", "empty"]
    llm.labels = lambda text: "ham" if text == RECORDS[0] else "who knows"
    judged = judge(llm, replace(base, gold=())).judge(list(disputes(10)))
    assert (judged.split, judged.open) == (Split(0, 1), 9)


def test_with_gold_rows_it_has_to_know_the_task_first(llm: RecordedLlm, base: Bundle) -> None:
    assert judge(llm, base).judge(list(disputes(10))).obstacle == ""
    assert llm.answered.total() == len(base.gold) + 10
    llm.labels = lambda text: "spam"
    judged = judge(llm, base).judge(list(disputes(10)))
    assert "not surely better than chance" in judged.obstacle
    assert llm.answered.total() == 2 * len(base.gold) + 10


def test_it_goes_by_the_guide_that_people_may_have_corrected(llm: RecordedLlm) -> None:
    guided = bundle_of({**bundle_files("spam"), "guide.md": b"Ads of shops that one knows are ham."})
    judged = judge(llm, guided).judge(list(disputes(40)))
    spam = [ANSWERS[text] for text in RECORDS[:40]].count("spam")
    assert judged.split == Split(candidate=spam, base=40 - spam)
    assert llm.answered.total() == 3, "90 gold rows and 40 disputes, 50 in a request"
    assert all("shops that one knows" in body["messages"][0]["content"] for body in llm.endpoint.requests)
    llm.endpoint.script = ["", "", "filtered"]
    assert judge(llm, guided).judge(list(disputes(40))).open == 40, "a request that fails decides nothing"


def test_what_the_budget_reaches_is_enough_or_is_no_judgment(llm: RecordedLlm, base: Bundle) -> None:
    ungolden = replace(base, gold=())
    judged = judge(llm, ungolden, tokens=3000).judge(list(disputes(100)))
    assert 6 <= judged.split.candidate + judged.split.base == llm.answered.total() < 100
    judged = judge(llm, ungolden, tokens=400).judge(list(disputes(100)))
    assert "do not suffice" in judged.obstacle
