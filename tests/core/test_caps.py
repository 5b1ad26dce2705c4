from __future__ import annotations

import pytest
from labelwright.core.caps import Cap, Caps
from labelwright.core.errors import AboveCaps
from labelwright.core.task import Task, parse_task

TOML = """\
[task]
name = "spam"
instructions = "Tell spam from ham."
[labels]
ham = ""
spam = ""
[fields]
text = "text"
[limits]
time_ms = 200
memory_mb = 64
"""
CAPS = Caps(Cap(64, "A"), Cap(200, "B"), Cap(640, "C"), Cap(1000, "D"))


@pytest.fixture
def task() -> Task:
    task, findings = parse_task(TOML)
    assert task is not None, findings
    return task


def test_what_is_as_high_as_the_caps_passes(task: Task) -> None:
    assert CAPS.findings(task, 5) == []
    CAPS.require(task, 5)


@pytest.mark.parametrize(
    ("name", "programs", "line", "message"),
    [
        ("program_memory_mb", 5, 11, "limits.memory_mb: 64 is above the 63 that A allows"),
        ("program_time_ms", 5, 10, "limits.time_ms: 200 is above the 199 that B allows"),
        (
            "version_memory_mb",
            5,
            11,
            "limits.memory_mb: 64 for each of 5 programs is 320, which is above the 319 that C",
        ),
        (
            "version_time_ms",
            5,
            10,
            "limits.time_ms: 200 for each of 5 programs is 1,000, which is above the 999 that D",
        ),
    ],
)
def test_each_cap_is_named_with_what_is_asked_for(
    task: Task, name: str, programs: int, line: int, message: str
) -> None:
    cap: Cap = getattr(CAPS, name)
    most = {"version_memory_mb": 319}.get(name, cap.most - 1)
    caps = CAPS._replace(**{name: cap._replace(most=most)})
    (finding,) = caps.findings(task, programs)
    assert (finding.file, finding.line, finding.code) == ("task.toml", line, "LW113")
    assert finding.message.startswith(message)
    assert cap.setting in finding.advice
    with pytest.raises(AboveCaps, match=f"that {cap.setting} allows"):
        caps.require(task, programs)
