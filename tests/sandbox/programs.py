"""Tasks, programs and records for tests of the sandbox."""

from __future__ import annotations

from pathlib import Path

from labelwright.core.bundle import Program
from labelwright.core.record import make_record, pack
from labelwright.core.task import Field, FieldType, Limits, Task

HOSTILE = Path(__file__).parent / "hostile"

REACHING = """
import re

def read(thing, name):
    try:
        ("{0.%s.no}" % name).format(thing)
    except AttributeError as error:
        return error.obj

def real(name):
    there = read(re.compile, "__globals__")["__builtins__"]
    there = there if isinstance(there, dict) else read(there, "__dict__")
    return there[name]

def guest(name):
    return real("__import__")("labelwright_guest." + name, fromlist=["x"])
"""
"""Gets at the guest itself: what stands after it changes how the guest answers."""


def make_task(time_ms=2000, memory_mb=64, **fields):
    given = fields or {"text": FieldType.TEXT}
    return Task(
        "spam",
        "Is it spam?",
        {"spam": "", "ham": ""},
        {name: Field(name, kind) for name, kind in given.items()},
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
