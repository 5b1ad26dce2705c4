from __future__ import annotations

import gc
import sys
from pathlib import Path

import pytest

from tests.sandbox.programs import make_task, program

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts by /proc")


def held() -> tuple[int, int]:
    """Return how many file descriptors and mappings this process has."""
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir())), len(Path("/proc/self/maps").read_text().splitlines())


def test_loaded_programs_hold_no_descriptors_and_give_back_their_mappings(sandbox):
    task = make_task()
    programs = [
        program(f"import re\n\nNUMBER = {number}\n\ndef label(text):\n    return None\n") for number in range(4)
    ]
    sandbox.load(task, programs[:1]).close()
    descriptors, mappings = held()
    executables = [sandbox.load(task, [one]) for one in programs for _ in range(3)]
    assert held()[0] == descriptors
    for executable in executables:
        executable.close()
    executables.clear()
    assert held()[0] == descriptors
    assert held()[1] <= mappings + 3
