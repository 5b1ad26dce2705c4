"""Made-up records: what programs are tried on beside a bundle's rows, and instead of them where it has none.

Nobody says which label they have, so they tell nothing about how good a program is; but the same record must get the
same vote. They are made of what the programs look for, so that rare branches are taken, and of a bit of everything.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, zip_longest
from typing import TypeVar

from labelwright.core.bundle import Program
from labelwright.core.errors import InvalidRecord
from labelwright.core.record import Value, make_record, pack
from labelwright.core.task import Field, FieldType, Task

_RECORDS = 96
"""Different ones, at most."""
_CONSTANTS = 12
"""Of each kind, taken of one program at most."""
_LENGTH = 200
"""Characters of a text at most: what takes long on long texts is the time limit's business."""
_TEXTS = (
    "FREE prize!!! Call 0800 123 456 now or txt WIN to 80086",
    "",
    "ok, see you at ten",
    "Bonjour, ça va ? À bientôt",
    "Привет, как дела?",
    "你好 世界 日本語 हिन्दी مرحبا שלום",
    "👩‍👩‍👧 🎉 e\u0301 ǅ ß İ \u200b",
    "a\nb\tc \\ \"quoted\" 'text' {} [0] <b>&amp;</b>",
    "https://example.com/a?b=1 someone@example.com #tag @name",
    "-7 3.14 1,000.50 $5bn 99% 2026-11-27",
    "word " * 30,
)
_NUMBERS = (0.0, 1.0, -1.0, 0.5, 42.0, 1e6, -273.15)
_Kind = TypeVar("_Kind", str, float)
_ESCAPE = re.compile(r"\\.")
_WORD = re.compile(r"\w{2,}")


def made_up_records(task: Task, programs: Sequence[Program]) -> list[str]:
    """Return packed records that fit the task, always the same for the same programs, each twice in a row."""
    constants = [_constants(program) for program in programs]
    columns = [list(_values(field, constants)) for field in task.fields.values()]
    records = []
    for number in range(min(_RECORDS, max(map(len, columns)))):
        values = {name: column[number % len(column)] for name, column in zip(task.fields, columns, strict=True)}
        try:
            packed = pack(make_record(task, values), task.limits.record_bytes)
        except InvalidRecord:
            continue
        records += [packed, packed]
    return records


def _constants(program: Program) -> list[object]:
    """Return the constants that stand in the program's code, in order, each once."""
    try:
        nodes = list(ast.walk(ast.parse(program.source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    prose = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    found = [node.value for node in nodes if isinstance(node, ast.Constant) and id(node) not in prose]
    return list({(type(value), value): value for value in found}.values())


def _values(field: Field, constants: Sequence[Sequence[object]]) -> Iterator[Value]:
    """Yield values that the field can have."""
    match field.type:
        case FieldType.TEXT:
            yield from _mixed(_TEXTS, *map(_texts, constants))
        case FieldType.NUMBER:
            yield from _mixed(_NUMBERS, *map(_numbers, constants))
        case FieldType.BOOL:
            yield from (True, False)
        case FieldType.NUMBERS:
            numbers = list(_mixed(_NUMBERS, *map(_numbers, constants)))
            yield from ([], numbers[:1], numbers[:3], [0.0] * 384, numbers)
        case FieldType.BYTES:
            yield from (text.encode() for text in _mixed(_TEXTS, *map(_texts, constants)))
    if field.optional:
        yield None


def _texts(constants: Iterable[object]) -> Iterator[str]:
    """Yield texts that hold what the program may look for: each text as it is, and its words, as of a pattern."""
    texts = [value.decode("latin-1") if isinstance(value, bytes) else value for value in constants]
    for text in islice((text for text in texts if isinstance(text, str) and text), _CONSTANTS):
        words = " ".join(_WORD.findall(_ESCAPE.sub(" ", text)))
        yield f"{_sendable(text)[: _LENGTH // 2]} {words}"[:_LENGTH]
        yield _sendable(text)[:_LENGTH]


def _numbers(constants: Iterable[object]) -> Iterator[float]:
    """Yield the program's numbers, and what is just below and above each."""
    numbers = (value for value in constants if isinstance(value, int | float) and abs(value) < 1e15)
    for number in islice(numbers, _CONSTANTS):
        yield from (float(number), number - 1.0, number + 1.0)


def _mixed(*sources: Iterable[_Kind]) -> Iterator[_Kind]:
    """Yield one of each source in turn, each value once."""
    return iter(dict.fromkeys(value for turn in zip_longest(*sources) for value in turn if value is not None))


def _sendable(text: str) -> str:
    """Return the text without halves of surrogate pairs, which no record can hold."""
    return text.encode(errors="replace").decode()
