import pytest
from labelwright.core.record import unpack
from labelwright.core.task import Field, FieldType, Limits, Task
from labelwright.sandbox.made_up import made_up_records

from tests.sandbox.programs import make_task, program

EVERYTHING = Task(
    "all",
    "?",
    {"a": "", "b": ""},
    {
        "text": Field("text", FieldType.TEXT),
        "note": Field("note", FieldType.TEXT, optional=True),
        "number": Field("number", FieldType.NUMBER),
        "flag": Field("flag", FieldType.BOOL),
        "numbers": Field("numbers", FieldType.NUMBERS),
        "bytes": Field("bytes", FieldType.BYTES, optional=True),
    },
)
LOOKS = program(
    '''"""This is prose."""
import re

PRIZE = re.compile(r"\\bprize|wi(?:n|nner)\\s+\\d")


def label(text, number):
    """So is this."""
    if text.startswith("rare thing") or PRIZE.search(text) or "\\ud800" in text:
        return "spam"
    return "ham" if number > 37.5 else None
'''
)


def test_they_fit_every_kind_of_field_and_are_always_the_same():
    records = made_up_records(EVERYTHING, [LOOKS])
    assert records == made_up_records(EVERYTHING, [LOOKS])
    assert records[::2] == records[1::2]
    columns = list(zip(*(unpack(EVERYTHING, record) for record in records), strict=True))
    assert all(len({repr(value) for value in column}) > 1 for column in columns)
    assert None in columns[1]
    assert None in columns[5]


def test_they_hold_what_the_programs_look_for():
    texts = [str(unpack(make_task(), record)[0]) for record in made_up_records(make_task(), [LOOKS])]
    assert any(text.startswith("rare thing") for text in texts)
    assert any("prize" in text for text in texts)
    assert not any("prose" in text for text in texts)
    numbers = {
        unpack(make_task(number=FieldType.NUMBER), record)[0]
        for record in made_up_records(make_task(number=FieldType.NUMBER), [LOOKS])
    }
    assert {36.5, 37.5, 38.5} <= numbers


@pytest.mark.parametrize(
    "source", ["def label(text", "X = " + "(" * 5000, f"X = {10**400}\nY = 1e309\nZ = 3j\nW = b'\\xff'\nV = True"]
)
def test_any_program_will_do(source):
    assert made_up_records(EVERYTHING, [program(source)])


def test_a_hundred_programs_make_no_flood():
    many = [program(f"WORDS = [{', '.join(repr(f'word{i} {n}') for n in range(500))}]", f"p{i}") for i in range(100)]
    assert len(made_up_records(make_task(), many)) <= 200


def test_no_record_is_larger_than_the_task_allows():
    task = Task("small", "?", {"a": ""}, {"text": Field("text", FieldType.TEXT)}, Limits(record_bytes=20))
    records = made_up_records(task, [LOOKS])
    assert records
    assert all(len(record.encode()) <= 20 for record in records)
