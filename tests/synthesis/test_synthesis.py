from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from labelwright.core.bundle import open_bundle
from labelwright.core.row import Row, parse_rows
from labelwright.core.task import Task
from labelwright.sandbox import Sandbox
from labelwright.synthesis.app import open_provider, read_gold, read_task
from labelwright.synthesis.combining.run import run_synthesis
from labelwright.synthesis.combining.version import VersionOptions
from labelwright.synthesis.llm.endpoint import AskFailed
from labelwright.synthesis.llm.ledger import Budget, Ledger
from labelwright.synthesis.llm.openai_endpoint import OpenAIEndpoint
from labelwright.synthesis.llm.provider import KeptProvider, Retries
from labelwright.synthesis.llm.replies import Replies
from labelwright.synthesis.rows import Rows, records_of
from labelwright.synthesis.settings import SynthesisSettings
from labelwright.synthesis.writing.round import KeptProgram, Synthesis, WritingOptions, synthesize

from tests.parts.repository import EXAMPLES, SMALL_MODEL_REPLIES
from tests.synthesis.faulty_endpoint import FaultyEndpoint, running

RECORDS = [(f"{word} number {number}",) for number in range(40) for word in ("great", "dull", "fine", "slow", "film")]
GOLD = [Row(("a great one",), 1, ""), Row(("a dull one",), 0, ""), Row(("fine",), 1, ""), Row(("slow",), 0, "")]
WELL = '''```python
def label(text):
    """Looks for praise."""
    text = text.lower()
    if "great" in text:
        return "good"
    if "dull" in text:
        return "bad"
    return None
```'''
OTHER = WELL.replace("great", "fine").replace("dull", "slow")
RENAMED = WELL.replace("praise", "words of praise")
SAME_VOTES = WELL.replace('"great" in text', 'text.startswith("great")')
SLOW = """```python
def label(text):
    '''Waits.'''
    while "number" in text.lower():
        pass
    return None
```"""
RAISES = '```python\ndef label(text):\n    """Fails."""\n    return {}[text.lower()]\n```'
FORBIDDEN = '```python\nimport os\n\ndef label(text):\n    """Reads."""\n    return os.environ.get(text.lower())\n```'
SILENT = '```python\ndef label(text):\n    """Never."""\n    return None\n```'
CONSTANT = '```python\ndef label(text):\n    """Always."""\n    return "good"\n```'
PLACEHOLDER = '''```python
WORDS = {"good": [...], "bad": [...]}

def label(text):
    """Counts words."""
    counts = {name: sum(f" {word} " in text.lower() for word in words) for name, words in WORDS.items()}
    return None if counts["good"] == counts["bad"] else max(counts, key=counts.get)
```'''


def run(
    answers: list[str] | Callable[[dict[str, Any]], str],
    task: Task,
    sandbox: Sandbox,
    *,
    programs: int,
    strategies: tuple[str, ...] = ("plain",),
    script: list[str] | None = None,
    budget: Budget | None = None,
    replies: Replies | None = None,
) -> tuple[Synthesis, FaultyEndpoint]:
    said = list(answers) if isinstance(answers, list) else []
    with running(answers if callable(answers) else lambda body: said.pop(0)) as endpoint:
        endpoint.script = [*(script or [])]
        client = OpenAIEndpoint("m", api_key="k", base_url=endpoint.url, silence=5.0)
        provider = KeptProvider(client, replies, Ledger(None, budget), Retries(2), lambda seconds: None)
        options = WritingOptions(programs=programs, strategies=strategies)
        return synthesize(Rows(task, RECORDS, GOLD), provider, sandbox, options), endpoint


@pytest.mark.parametrize(
    ("faulty", "reason", "told"),
    [
        (SLOW, "errors", "fails on"),
        (RAISES, "errors", "KeyError"),
        (FORBIDDEN, "static", "os"),
        (SILENT, "never_votes", "None for every record"),
        (CONSTANT, "constant", "nearly every record"),
        (PLACEHOLDER, "placeholder", "no real words"),
    ],
)
def test_a_faulty_program_is_asked_for_once_more_with_its_error(
    reviews: Task, sandbox: Sandbox, faulty: str, reason: str, told: str
) -> None:
    made, endpoint = run([faulty, WELL], reviews, sandbox, programs=1)
    assert len(made.kept) == 1
    assert told in endpoint.requests[1]["messages"][-1]["content"]
    made, endpoint = run([faulty, faulty], reviews, sandbox, programs=1)
    assert made.reasons == {reason: 1}
    assert len(endpoint.requests) == 2


@pytest.mark.parametrize("useless", ["I cannot assist with that.", "```python\ndef label(text:\n```"])
def test_a_useless_answer_is_asked_for_anew(reviews: Task, sandbox: Sandbox, useless: str) -> None:
    made, endpoint = run([useless, WELL], reviews, sandbox, programs=1)
    assert len(made.kept) == 1
    assert useless not in str(endpoint.requests[1]["messages"])


def test_doubles_are_dropped(reviews: Task, sandbox: Sandbox) -> None:
    made, _ = run([WELL, RENAMED, SAME_VOTES, OTHER], reviews, sandbox, programs=4)
    assert [item.program.name for item in made.kept] == ["p01_plain", "p04_plain"]
    assert made.reasons == {"same_source": 1, "same_votes": 1}


def test_programs_of_words(reviews: Task, sandbox: Sandbox) -> None:
    def answer(body: dict[str, Any]) -> str:
        good = 'label "good"' in body["messages"][-1]["content"]
        return 'words = ["great", "fine", "film"]' if good else 'words = ["dull", "slow", "film"]'

    made, endpoint = run(answer, reviews, sandbox, programs=1, strategies=("words",))
    (kept,) = made.kept
    assert '"fine"' in kept.program.source
    assert '"film"' not in kept.program.source
    assert kept.behavior.coverage == pytest.approx(0.8, abs=0.05)
    assert len(endpoint.requests) == 2


def test_words_that_drown_the_other_label_are_asked_for_once_more(reviews: Task, sandbox: Sandbox) -> None:
    def answer(body: dict[str, Any]) -> str:
        asked = body["messages"][-1]["content"]
        if "rarer ones" in asked:
            return 'words = ["great", "fine", "lovely"]'
        return 'words = ["number", "great", "film"]' if 'label "good"' in asked else 'words = ["sad", "mad", "poor"]'

    made, endpoint = run(answer, reviews, sandbox, programs=1, strategies=("words",))
    (kept,) = made.kept
    assert '"lovely"' in kept.program.source
    assert '"number"' not in kept.program.source
    assert [item.purpose for item in kept.attempt.exchanges] == ["words", "words", "repair"]
    assert "nearly every record" in endpoint.requests[-1]["messages"][-1]["content"]


def test_words_that_nobody_writes_are_asked_for_once_more(reviews: Task, sandbox: Sandbox) -> None:
    def answer(body: dict[str, Any]) -> str:
        if "common ones" not in body["messages"][-1]["content"]:
            good = 'label "good"' in body["messages"][-1]["content"]
            return 'words = ["zyx", "xyz", "zzz"]' if good else 'words = ["qxq", "qqx", "xqx"]'
        good = 'label "good"' in body["messages"][-1]["content"]
        return 'words = ["great", "fine"]' if good else 'words = ["dull", "slow"]'

    made, endpoint = run(answer, reviews, sandbox, programs=1, strategies=("words",))
    assert len(made.kept) == 1
    assert len(endpoint.requests) == 4


def test_what_the_programs_miss_is_shown_to_the_next(reviews: Task, sandbox: Sandbox) -> None:
    made, endpoint = run([WELL, OTHER], reviews, sandbox, programs=2, strategies=("plain", "disputed"))
    shown = endpoint.requests[1]["messages"][-1]["content"]
    assert "good: fine" in shown
    assert "bad: slow" in shown
    assert "a great one" not in shown
    assert len(made.kept) == 2


def test_each_program_is_told_apart_from_the_gold_rows_in_its_own_prompts(reviews: Task, sandbox: Sandbox) -> None:
    def answer(body: dict[str, Any]) -> str:
        if "one line of Python" not in body["messages"][-1]["content"]:
            return WELL
        good = 'label "good"' in body["messages"][-1]["content"]
        return 'words = ["fine", "great", "more"]' if good else 'words = ["slow", "film", "less"]'

    made, _ = run(answer, reviews, sandbox, programs=2, strategies=("plain", "words"))
    assert [item.strategy for item in made.kept] == ["plain", "words"]
    assert [item.attempt.shown_gold for item in made.kept] == [frozenset(range(4)), frozenset()]


def test_a_failed_request_costs_its_program_not_the_run(reviews: Task, sandbox: Sandbox) -> None:
    made, _ = run([WELL, OTHER], reviews, sandbox, programs=3, script=["", "error", "error", ""])
    assert len(made.kept) == 2
    assert made.reasons == {"http_500": 1}
    assert not made.stopped


def test_a_run_without_any_answer_fails(reviews: Task, sandbox: Sandbox) -> None:
    with pytest.raises(AskFailed):
        run([], reviews, sandbox, programs=10, script=["error"] * 20)
    with pytest.raises(AskFailed):
        run([], reviews, sandbox, programs=10, script=["unauthorized"])


def test_a_budget_ends_the_run_with_what_it_has(reviews: Task, sandbox: Sandbox) -> None:
    made, endpoint = run([WELL, OTHER, WELL], reviews, sandbox, programs=10, budget=Budget(tokens=1000))
    assert 1 <= len(made.kept) < 10
    assert "budget" in made.stopped
    spent = made.ledger.spent()
    assert spent.tokens_in + spent.tokens_out <= 1000
    assert endpoint.tokens_in + endpoint.tokens_out == spent.tokens_in + spent.tokens_out


def test_an_interrupted_run_goes_on_without_paying_twice(reviews: Task, sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "replies.jsonl"
    first, _ = run([WELL], reviews, sandbox, programs=1, replies=Replies(path, model="m"))
    second, endpoint = run([OTHER], reviews, sandbox, programs=2, replies=Replies(path, model="m"))
    assert first.programs == second.programs[:1]
    assert len(second.kept) == 2
    assert len(endpoint.requests) == 1


def test_every_program_is_told_as_it_comes(reviews: Task, sandbox: Sandbox) -> None:
    heard: list[tuple[bool, int]] = []
    with running(lambda body: WELL) as endpoint:
        provider = KeptProvider(OpenAIEndpoint("m", api_key="k", base_url=endpoint.url), None, Ledger())
        synthesize(
            Rows(reviews, RECORDS, GOLD),
            provider,
            sandbox,
            WritingOptions(programs=2, strategies=("plain",)),
            lambda item, asked: heard.append((isinstance(item, KeptProgram), asked)),
        )
    assert heard == [(True, 1), (False, 2)]


def test_the_spam_example_is_synthesized_from_recorded_replies(sandbox: Sandbox) -> None:
    example = EXAMPLES / "spam"
    task = read_task(example / "bundle")
    unlabeled = (example / "unlabeled.jsonl").read_text(encoding="utf-8")
    rows, _ = parse_rows(task, unlabeled, "unlabeled.jsonl", labeled=False)
    gold = read_gold(task, example / "bundle" / "gold.jsonl")
    provider = open_provider(SynthesisSettings(), replies=SMALL_MODEL_REPLIES, recorded=True)
    options = VersionOptions(direct_labels=0)
    outcome = run_synthesis(
        Rows(task, records_of(rows), gold), provider, sandbox, WritingOptions(), options, lambda item, asked: None
    )
    assert "not_recorded" not in outcome.synthesis.reasons
    assert len(outcome.synthesis.kept) >= 6
    assert provider.ledger.spent().calls == 0
    assert provider.ledger.worth().tokens_in > 1000
    bundle = outcome.version.bundle
    assert all('"""' in program.source for program in bundle.programs)
    story = json.loads(bundle.files["provenance.json"])
    assert story["model"] == provider.model
    assert len(story["programs"]) + len(story["dropped"]) == 10
    for asked in (asked for item in (*story["programs"], *story["dropped"]) for asked in item["asked"]):
        assert asked["reply"]
        assert all(key in story["messages"] for key in asked["messages"])
    reopened, findings = open_bundle(bundle.files.items())
    assert reopened is not None, findings
    assert reopened.digest == bundle.digest
