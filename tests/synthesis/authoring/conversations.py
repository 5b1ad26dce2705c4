"""A task's whole conversation with a model that answers as a capable one would."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from labelwright.core.row import Row
from labelwright.core.task import Task
from labelwright.sandbox import Sandbox
from labelwright.synthesis.authoring.author import Authored, Present, author
from labelwright.synthesis.llm.ledger import Budget, Ledger
from labelwright.synthesis.llm.openai_endpoint import OpenAIEndpoint
from labelwright.synthesis.llm.provider import KeptProvider, Retries
from labelwright.synthesis.llm.replies import Replies
from labelwright.synthesis.rows import Rows
from labelwright.synthesis.writing.round import Author, WritingOptions

from tests.synthesis.faulty_endpoint import FaultyEndpoint, Sent, running

RECORDS = [
    (f"{word} thing number {number}",) for number in range(80) for word in ("great", "dull", "fine", "slow", "plain")
]
GOLD = [
    Row((f"a {word} one, {number}",), word in ("great", "fine"), "")
    for number in range(10)
    for word in ("great", "dull", "fine", "slow")
]
GUIDE = "# Guide\nPraise is good, blame is bad."
PLAN = [
    {"name": "strong", "kind": "vocabulary", "idea": "strong words", "labels": ["good", "bad"]},
    {"name": "weak", "kind": "vocabulary", "idea": "weak words", "labels": ["good", "bad"]},
    {"name": "guess", "kind": "fallback", "idea": "always votes", "labels": ["good", "bad"]},
]


def program(good: str, bad: str, otherwise: str = "None") -> str:
    return f'''```python
def label(text):
    """Looks for {good} and {bad}."""
    if "{good}" in text:
        return "good"
    if "{bad}" in text:
        return "bad"
    return {otherwise}
```'''


STRONG, WEAK, GUESS = program("great", "dull"), program("fine", "slow"), program("ne", "l", '"good"')


class Model:
    """Answers as a capable model would, but for the answers that ``said`` replaces, each by how often it is asked."""

    def __init__(self, **said: list[str]) -> None:
        self.said = said

    def __call__(self, body: dict[str, Any]) -> str:
        kind, usual = self.usual(body["messages"][-1]["content"])
        replaced = self.said.get(kind, [])
        return replaced.pop(0) if replaced else usual

    def usual(self, asked: str) -> tuple[str, str]:
        if asked.startswith("First write the labeling guide"):
            return "guide", GUIDE
        if "Now write the program" in asked:
            name = re.findall(r'Now write the program "(\w+)"', asked)[-1]
            return name, {"strong": STRONG, "weak": WEAK, "guess": GUESS}[name]
        if asked.startswith("I ran it"):
            return "mend", "KEEP"
        if asked.startswith("Your program"):
            return re.findall(r'^Your program "(\w+)"', asked)[0], "KEEP"
        if "Answer once more" in asked:
            return "again", "KEEP"
        if asked.startswith("The set of programs so far"):
            return "add", "NONE"
        if asked.startswith("Label each of these records"):
            lines = re.findall(r"^(\d+): (.*)$", asked, re.MULTILINE)
            return "judge", json.dumps(
                {number: "good" if re.search("great|fine", text) else "bad" for number, text in lines}
            )
        return "plan", json.dumps(PLAN)


def run(
    task: Task,
    sandbox: Sandbox,
    answer: Callable[[dict[str, Any]], str],
    *,
    kind: Author = "large",
    guide: str = "",
    budget: Budget | None = None,
    replies: Replies | None = None,
    script: list[str | Sent] | None = None,
    gold: list[Row] | None = None,
    notes: list[str] | None = None,
    rounds: int = 0,
    wish: str = "",
    present: Present | None = None,
) -> tuple[Authored, FaultyEndpoint]:
    with running(answer) as endpoint:
        endpoint.script = [*(script or [])]
        client = OpenAIEndpoint("m", api_key="k", base_url=endpoint.url, silence=5.0)
        provider = KeptProvider(client, replies, Ledger(None, budget), Retries(2), lambda seconds: None)
        options = WritingOptions(programs=3, author=kind, guide=guide, parallel=3, rounds=rounds, wish=wish)
        rows = Rows(task, RECORDS, GOLD if gold is None else gold)
        told = notes if notes is not None else []
        made = author(rows, provider, sandbox, options, step_listener=told.append, present=present)
        return made, endpoint


def asked(endpoint: FaultyEndpoint, beginning: str) -> list[dict[str, Any]]:
    return [body for body in endpoint.requests if body["messages"][-1]["content"].startswith(beginning)]


def source_of(answer: str) -> str:
    """Return the program in an answer of this model."""
    return answer.removeprefix("```python\n").removesuffix("```")
