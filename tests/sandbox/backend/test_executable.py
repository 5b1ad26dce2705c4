from __future__ import annotations

import pytest
from labelwright.sandbox import Sandbox
from labelwright.sandbox.host.instance import LoadedInstance

from tests.sandbox.programs import make_task, packed, program


def test_the_instance_that_proved_to_load_is_the_first_that_evaluates(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading programs with many patterns takes longer than most batches: it is not done twice."""
    loads = []
    load = LoadedInstance.load

    def noted(instance: LoadedInstance, version: str, seconds: float) -> object:
        loads.append(version)
        return load(instance, version, seconds)

    monkeypatch.setattr(LoadedInstance, "load", noted)
    task = make_task()
    executable = sandbox.load(task, [program("def label(text):\n    return 'spam'\n", "always")])
    assert executable.evaluate(packed(task, "one", "two")).votes == [(0,), (0,)]
    executable.close()
    assert len(loads) == 1
