"""An LLM whose replies were recorded: programs and lists of words are real replies of a small model to the prompts of
the spam example, labels are the right answers of its records. A real HTTP endpoint that counts what it served.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.parts.repository import EXAMPLES, SMALL_MODEL_REPLIES
from tests.synthesis.faulty_endpoint import FaultyEndpoint, running

SPAM = EXAMPLES / "spam"
_LABEL_TOKENS = 16
"""Direct labeling asks for no more than this."""


class RecordedLlm:
    """``labels`` is what it says of a record's text."""

    def __init__(self) -> None:
        self.labels: Callable[[str], str] = lambda text: ANSWERS.get(text, "ham")
        self.before_answer: Callable[[], None] = lambda: None
        """Called before each answer; what it raises breaks the answer off."""
        self.answered: Counter[str] = Counter()
        """How often each request was answered, by its digest."""
        self.asked_for_labels = 0
        self.endpoint: FaultyEndpoint = FaultyEndpoint(self)
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return self.endpoint.url

    @property
    def settings(self) -> dict[str, object]:
        """The settings of synthesis that ask it."""
        return {"base_url": self.url, "attempts": 1, "silence_seconds": 5}

    def __call__(self, body: dict[str, Any]) -> str:
        self.before_answer()
        messages = body["messages"]
        digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        with self._lock:
            self.answered[digest] += 1
            self.asked_for_labels += body["max_tokens"] == _LABEL_TOKENS
        if body["max_tokens"] == _LABEL_TOKENS:
            return self.labels(messages[-1]["content"])
        if authored := _authored(messages[-1]["content"]):
            return authored
        kind = re.search(r'^Records with the label "(\w+)"', messages[-1]["content"])
        choices = WORDS[kind[1]] if kind else PROGRAMS
        return choices[int(digest[:8], 16) % len(choices)]


@contextmanager
def recorded_llm() -> Iterator[RecordedLlm]:
    llm = RecordedLlm()
    with running(llm) as endpoint:
        llm.endpoint = endpoint
        yield llm


def _authored(asked: str) -> str:
    """Return what a large model said where a prompt asks for guide, plan, program or labels; else nothing."""
    if asked.startswith("First write the labeling guide"):
        return LARGE[0]
    if asked.startswith("Plan "):
        return next(reply for reply in LARGE if reply.lstrip("`json\n").startswith("["))
    if asked.startswith("Your program"):
        line = "def label(text):\n"
        return f"<<<<<<< SEARCH\n{line}=======\n# Revised.\n{line}>>>>>>> REPLACE"
    if asked.startswith("The set of programs so far"):
        return "NONE"
    if "Now write the program" in asked:
        wanted = re.findall(r'Now write the program "(\w+)"', asked)[-1]
        programs = [reply for reply in LARGE if "def label(" in reply]
        return programs[int(hashlib.sha256(wanted.encode()).hexdigest(), 16) % len(programs)]
    if asked.startswith("Label each of these records"):
        lines = re.findall(r"^(\d+): (.*)$", asked, re.MULTILINE)
        return json.dumps({number: ANSWERS.get(text, "ham") for number, text in lines})
    return "KEEP" if asked.startswith("I ran it") else ""


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _recorded() -> tuple[dict[str, list[str]], list[str]]:
    words: dict[str, list[str]] = {"ham": [], "spam": []}
    programs = []
    for line in _lines(SMALL_MODEL_REPLIES)[1:]:
        prompt, reply = line["request"]["messages"][-1]["content"], line["reply"]["text"]
        if kind := re.search(r'^Records with the label "(\w+)"', prompt):
            words[kind[1]].append(reply)
        elif "```python" in reply:
            programs.append(reply)
    return words, programs


_right = {line["id"]: str(line["label"]) for line in _lines(SPAM / "answers.jsonl")}
ANSWERS = {str(line["text"]): _right[line["id"]] for line in _lines(SPAM / "unlabeled.jsonl")}
ANSWERS |= {str(line["text"]): str(line["label"]) for line in _lines(SPAM / "bundle" / "gold.jsonl")}
"""The right label of each of the example's records, by its text."""
RECORDS = [str(line["text"]) for line in _lines(SPAM / "unlabeled.jsonl")]
"""The unlabeled ones."""
WORDS, PROGRAMS = _recorded()
LARGE = [str(line["reply"]["text"]) for line in _lines(SPAM / "replies.jsonl")[1:]]
"""Replies of a large model about the same example: guide, plan, programs, labels."""
