"""A program runs as a module of its own, as Python's own library expects of whoever uses it."""

import pytest
from labelwright.core.errors import InvalidBundle
from labelwright.sandbox.static_checks import check_program

from tests.sandbox.programs import evaluate, make_task, packed, program

TASK = make_task()
RIGHT = {
    "dataclass": """
from __future__ import annotations
from dataclasses import dataclass, field

@dataclass
class Hit:
    word: str
    places: list[int] = field(default_factory=list)

def label(text):
    return "spam" if Hit(text) == Hit(text, []) else None
""",
    "frozen": """
from dataclasses import asdict, dataclass, replace

@dataclass(frozen=True, slots=True, order=True)
class Hit:
    word: "str"
    times: "int" = 0

def label(text):
    more = replace(Hit(text), times=2)
    return "spam" if Hit(text) < more and asdict(more)["times"] == 2 and len({Hit(text), Hit(text)}) == 1 else None
""",
    "not_fields": """
from __future__ import annotations
import dataclasses
import typing as t
from typing import ClassVar

@dataclasses.dataclass
class Hit:
    KIND: t.ClassVar[int] = 3
    OTHER: ClassVar[int] = 4
    seed: dataclasses.InitVar[int]
    _: dataclasses.KW_ONLY
    times: int = 0

    def __post_init__(self, seed):
        self.times += seed

def label(text):
    return "spam" if Hit(1, times=2).times == 3 and len(dataclasses.fields(Hit)) == 1 else None
""",
    "made_while_labeling": """
from __future__ import annotations
from dataclasses import dataclass, make_dataclass

Pair = make_dataclass("Pair", [("left", "int"), ("right", "int", 3)])

def label(text):
    @dataclass
    class Here:
        times: int = 2
    return "spam" if Here().times + Pair(1).right == 5 else None
""",
    "typing": """
from __future__ import annotations
from typing import NamedTuple, Protocol, TypedDict, runtime_checkable

class Hit(NamedTuple):
    word: str
    times: int = 0

class Row(TypedDict, total=False):
    hit: Hit

@runtime_checkable
class Sized(Protocol):
    def size(self) -> int: ...

class Box:
    def size(self) -> int:
        return 1

def label(text: str) -> str | None:
    row: Row = {"hit": Hit(text)}
    return "spam" if row["hit"]._replace(times=1).times == 1 and isinstance(Box(), Sized) else None
""",
    "enums": """
from __future__ import annotations
import enum

class Kind(enum.Enum):
    SPAM = "spam"
    HAM = "ham"

@enum.global_enum
class Flag(enum.Flag):
    SHORT = enum.auto()
    LOUD = enum.auto()

Size = enum.Enum("Size", "small large")

def label(text):
    return Kind["SPAM"].value if (SHORT | LOUD).value == 3 and Size.large.value == 2 else None
""",
    "hints": """
from __future__ import annotations
import typing
from dataclasses import dataclass
from functools import singledispatch

@dataclass
class Hit:
    word: str
    next: typing.Optional[Hit] = None
    others: typing.List["Hit"] = ()

def find(hit: Hit, known: dict[str, Hit]) -> None: ...

@singledispatch
def size(value): return 0

@size.register
def _(value: list): return len(value)

def label(text):
    hints = typing.get_type_hints(Hit)
    wanted = {"word": str, "next": typing.Optional[Hit], "others": typing.List[Hit]}
    found = typing.get_type_hints(find) == {"hit": Hit, "known": dict[str, Hit], "return": type(None)}
    return "spam" if hints == wanted and found and size([1, 2]) == 2 else None
""",
    "names": """
def label(text):
    return "spam" if __name__ == "programs.names" and __doc__ is None else None
""",
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_looks_for_its_module_finds_it(sandbox, name):
    written = program(RIGHT[name], name)
    assert not [finding for finding in check_program(TASK, written) if finding.severity.value == "error"]
    others = [program("def label(text):\n    return None\n", other) for other in ("a_first", "z_last")]
    evaluation = evaluate(sandbox, TASK, [others[0], written, others[1]], packed(TASK, "one", "two"))
    assert (evaluation.votes, evaluation.messages) == ([(-1, 0, -1)] * 2, {})


def test_the_library_finds_no_other_program_by_its_name(sandbox):
    secret = program("WORDS = ['a']\n\ndef label(text):\n    return None\n", "a_secret")
    curious = program(
        "import typing\n\nclass Mine:\n    found: 'WORDS'\n\nMine.found = None\n\ndef label(text):\n"
        "    return 'spam' if typing.get_type_hints(Mine) else 'ham'\n",
        "curious",
    )
    evaluation = evaluate(sandbox, TASK, [secret, curious], packed(TASK, "x"))
    assert evaluation.votes == [(-1, -2)]
    assert evaluation.messages["curious"].startswith("NameError: name 'WORDS' is not defined")
    copied = program(
        "import enum\n\nTaken = enum.IntEnum._convert_('Taken', 'programs.a_secret', lambda name: True)\n\n"
        "def label(text):\n    return None\n",
        "thief",
    )
    with pytest.raises(InvalidBundle) as refused:
        evaluate(sandbox, TASK, [secret, copied], packed(TASK, "x"))
    assert "KeyError: 'programs.a_secret'" in str(refused.value.findings)


@pytest.mark.parametrize(
    "text", ["eval", "open", "().__class__", "__import__('sys')", "(lambda: 0).__globals__", "[c for c in ()].gi_frame"]
)
def test_a_text_that_is_an_annotation_reaches_no_further_than_code(sandbox, text):
    source = (
        f"import typing\n\nclass Mine:\n    found: {text!r}\n\n\ndef label(text):\n"
        "    return 'spam' if typing.get_type_hints(Mine) else 'ham'\n"
    )
    assert evaluate(sandbox, TASK, [program(source)], packed(TASK, "x")).votes == [(-2,)]


def test_a_name_that_a_program_gives_itself_does_not_stay(sandbox):
    renamed = program(
        "__name__ = 'dataclasses'\n\nfrom dataclasses import dataclass\n\n@dataclass\nclass Hit:\n"
        "    word: str = ''\n\ndef label(text):\n    return 'spam' if Hit(text).word else 'ham'\n",
        "a_renamed",
    )
    honest = program(RIGHT["dataclass"], "honest")
    assert evaluate(sandbox, TASK, [renamed, honest], packed(TASK, "x", "")).votes == [(0, 0), (1, 0)]
