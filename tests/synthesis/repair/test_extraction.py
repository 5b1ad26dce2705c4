from __future__ import annotations

import pytest
from labelwright.synthesis.repair.extraction import extract_source

PROGRAM = "def label(text):\n    return None\n"


@pytest.mark.parametrize(
    "reply",
    [
        f"```python\n{PROGRAM}```",
        f"Sure! Here it is:\n\n```python\n{PROGRAM}\n```\nIt looks for nothing.",
        f"```\n{PROGRAM}",
        f"```py\n{PROGRAM}```\n\nTry it:\n```python\nprint(label('a long example, longer than the program'))\n```",
        "```python\n" + "".join(f"    {line}\n" for line in PROGRAM.splitlines()) + "```",
        f"Here is the program.\n{PROGRAM}",
        f"```python\r\n{PROGRAM}```".replace("\n    ", "\r\n    "),
    ],
)
def test_finds_the_program(reply: str) -> None:
    assert extract_source(reply) == PROGRAM


@pytest.mark.parametrize(
    "reply", ["", "I'm sorry, but I cannot assist with that request.", "no, there is no such list."]
)
def test_finds_none_in_refusals(reply: str) -> None:
    assert extract_source(reply) is None
