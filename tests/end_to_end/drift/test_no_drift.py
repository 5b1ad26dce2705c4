"""Where nothing drifts, nothing happens: a minute of steady traffic under the same rules, several windows of it.

`python -m tests.end_to_end.drift.steady 3600` is the long form, run by hand; docs/results.md has what it gave.
"""

from __future__ import annotations

from pathlib import Path

from tests.end_to_end.drift.house import Times
from tests.end_to_end.drift.steady import watch_steady


def test_steady_traffic_opens_no_run(tmp_path: Path) -> None:
    found = watch_steady(tmp_path, 60, Times(window="12s"))
    assert found.failures == []
    assert all(count > 20 for count in found.evaluated.values()), found.evaluated
    assert {name for name, state in found.alerts if state == "firing"} == set()
    assert found.runs == 0
