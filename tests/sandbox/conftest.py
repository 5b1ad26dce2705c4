from pathlib import Path

import pytest
from labelwright.core.bundle import Program
from labelwright.core.record import make_record, pack
from labelwright.core.task import Field, FieldType, Limits, Task
from labelwright.sandbox import Sandbox

HOSTILE = Path(__file__).parent / "hostile"


def make_task(time_ms=2000, memory_mb=64, **fields):
    types = fields or {"text": FieldType.TEXT}
    return Task(
        "spam",
        "Is it spam?",
        {"spam": "", "ham": ""},
        {name: Field(name, kind) for name, kind in types.items()},
        Limits(time_ms=time_ms, memory_mb=memory_mb),
    )


def packed(task, *values):
    return [pack(make_record(task, value if isinstance(value, dict) else {"text": value}), 8 << 20) for value in values]


def program(source, name="program"):
    return Program(name, source)


def evaluate(sandbox, task, programs, records, **options):
    executable = sandbox.load(task, programs)
    try:
        return executable.evaluate(records, **options)
    finally:
        executable.close()


@pytest.fixture(scope="session")
def sandbox():
    with Sandbox(bench_after=1000) as shared:
        yield shared
