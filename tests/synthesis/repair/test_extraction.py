from __future__ import annotations

import time

import pytest
from labelwright.synthesis.repair.extraction import extract_source

from tests.parts.native import native_label

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


def fenced(program: str, info: str = "python", fence: str = "```") -> str:
    return f"{fence}{info}\n{program}{fence}\n"


def indented(program: str, columns: int) -> str:
    return program.replace("\n    ", f"\n    {' ' * columns}")


INFOS = ["python3", "py3", 'python title="x"', "{python}", "{.python .x}", "Python", " python ", "code", "python:a.py"]


@pytest.mark.parametrize("fence", ["```", "````", "~~~", "~~~~~"])
@pytest.mark.parametrize("info", INFOS)
def test_finds_the_program_whatever_its_fence_says(info: str, fence: str) -> None:
    assert extract_source(f"Sure:\n\n{fenced(PROGRAM, info, fence)}\nDone.") == PROGRAM


DOCSTRINGS = [
    'def label(text):\n    """Labels.\n\n    ```\n    label("x")\n    ```\n    """\n    return text and "good"\n',
    '"""Labels.\n\n```python\nlabel("x")\n```\n"""\n\n\ndef label(text):\n    return text and "good"\n',
    '"""Labels.\n\n~~~\nlabel("x")\n~~~\n"""\n\n\ndef label(text):\n    return text and "good"\n',
]


@pytest.mark.parametrize("fence", ["```", "````", "~~~"])
@pytest.mark.parametrize("program", DOCSTRINGS)
def test_a_fence_inside_a_docstring_ends_nothing(program: str, fence: str) -> None:
    assert extract_source(f"{fenced(program, fence=fence)}\nTry:\n\n```text\nspam\n```\n") == program
    assert extract_source(f"{fence}python\n{program}") == program, "without its last fence"


BLOCK = fenced(PROGRAM)
HELPER = "def label_all(texts):\n    return [label(text) for text in texts]\n"
LONG_DRAFT = f"def label(text):\n    '''{'A long draft. ' * 20}'''\n    return 'bad'\n"


@pytest.mark.parametrize(
    "reply",
    [
        f"""```json\n{{"why": "{"a longer block before it " * 9}"}}\n```\n{BLOCK}""",
        f"First:\n{fenced(LONG_DRAFT)}\nBetter:\n{BLOCK}",
        f"{BLOCK}\nFor many:\n{fenced(HELPER)}",
        f"{fenced(HELPER)}\nwith\n{BLOCK}",
        f"{BLOCK}\nBroken, and longer:\n```python\ndef label(text:\n    return {'x' * 80}\n```\n",
        f"{BLOCK}\nIts signature is\n```python\ndef label(text):\n    ...\n```\n",
        f"````markdown\nHere:\n{BLOCK}````\n",
        f"```markdown\n{BLOCK}```\n",
        f"1. The program:\n   ```python\n   {indented(PROGRAM, 3)}   ```\n",
        f"Here it is: ```python\n{PROGRAM}```",
        f"```python\n{PROGRAM.rstrip()}```",
        BLOCK.replace("\n", "\r\n"),
        BLOCK.replace("\n", "\r"),
        f"From what I see, fun decides.\nfrom the records I take this:\n\n{PROGRAM}",
        f"{PROGRAM}\nNote\nthat it looks for nothing.\n" + "It is short. \n" * 30,
        f"Here:\n\n    {indented(PROGRAM, 4)}\nThat is all.",
        f"Use ```label``` so:\n{BLOCK}",
    ],
)
def test_finds_the_program_beside_whatever_else_there_is(reply: str) -> None:
    assert extract_source(reply) == PROGRAM


@pytest.mark.parametrize(
    ("apart", "function"),
    [
        ("import re\n", "def label(text):\n    return 'good' if re.search('fun', text) else None\n"),
        ("WORDS = ['fun']\n", "def label(text):\n    return 'good' if any(word in text for word in WORDS) else None\n"),
        (
            "def _has(text):\n    return 'fun' in text\n",
            "def label(text):\n    return 'good' if _has(text) else None\n",
        ),
    ],
)
def test_puts_together_what_stands_in_two_blocks(apart: str, function: str) -> None:
    usage = fenced("print(label('fun'))\n")
    for reply in (f"{fenced(apart)}and\n{fenced(function)}{usage}", f"{fenced(function)}with\n{fenced(apart)}{usage}"):
        source = extract_source(reply)
        assert source is not None
        assert "print" not in source
        assert native_label(source, "it is fun") == "good"


CUT = [PROGRAM, f"```python\n{PROGRAM}", f"```python\n{PROGRAM}``", f"```json\n[]\n```\n```python\n{PROGRAM}"]


@pytest.mark.parametrize("reply", CUT)
def test_a_program_that_was_cut_is_none_though_it_parses(reply: str) -> None:
    assert extract_source(reply) == PROGRAM or reply.endswith("``")
    assert extract_source(reply, cut=True) is None


@pytest.mark.parametrize("reply", [BLOCK, f"{BLOCK}\nIt looks for", f"{BLOCK}\nOr even:\n```python\n{LONG_DRAFT}"])
def test_a_closed_block_was_whole_before_the_cut(reply: str) -> None:
    assert extract_source(reply, cut=True) == PROGRAM


LONG = {
    "fences": "```\n" * 4000,
    "strings": "```python\nx = '''\n```\n" * 800,
    "statements": "x = \n" * 5000,
    "prose": "import a\nprose here\n" * 500,
    "brackets": "(" * 20_000,
    "mixed": "~~~\n`" * 2000,
}


@pytest.mark.parametrize("reply", LONG.values(), ids=LONG)
def test_no_reply_takes_long(reply: str) -> None:
    start = time.process_time()
    extract_source(reply)
    assert time.process_time() - start < 5
