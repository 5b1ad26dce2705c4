"""The programs that the docs print are those that a model wrote, to the letter."""

from __future__ import annotations

import json
import re

import pytest

from tests.parts.repository import EXAMPLES, ROOT

PAGE = (ROOT / "docs" / "programs.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"^`examples/(\w+)`.*?^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_each_example_has_a_program_on_the_page() -> None:
    assert {example for example, _ in SHOWN} == {path.parent.name for path in EXAMPLES.glob("*/replies.jsonl")}


@pytest.mark.parametrize(("example", "source"), SHOWN)
def test_a_program_on_the_page_stands_in_a_recorded_reply(example: str, source: str) -> None:
    lines = (EXAMPLES / example / "replies.jsonl").read_text(encoding="utf-8").splitlines()[1:]
    assert any(f"```python\n{source}```" in json.loads(line)["reply"]["text"] for line in lines)
