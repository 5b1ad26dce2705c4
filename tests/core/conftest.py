from __future__ import annotations

import pytest
from labelwright.core.task import Task, parse_task


@pytest.fixture(scope="session")
def task() -> Task:
    """A task with a field of each type, of which only the text must be given."""
    parsed, findings = parse_task(
        """
        [task]
        name = "all-kinds"
        instructions = "Tell good from bad."
        [labels]
        good = "fine"
        bad = "not fine"
        ugly = "worse"
        [fields]
        text = "text"
        size = { type = "number", optional = true }
        open = { type = "bool", optional = true }
        scores = { type = "numbers", optional = true }
        raw = { type = "bytes", optional = true }
        [limits]
        record_bytes = 1000
        """
    )
    assert parsed is not None, findings
    return parsed
