"""Bundles are judged in processes of their own: one that is endless, dies or is unwanted costs nobody else."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from labelwright.core.bundle import read_files
from labelwright.core.errors import DeadlineExceeded, InvalidBundle, Unavailable
from labelwright.registry.acceptance.acceptance import judge
from labelwright.registry.acceptance.check_processes import MEMORY_BYTES, CheckProcesses, always
from labelwright.sandbox import Sandbox

from tests.parts.repository import EXAMPLES, ROOT
from tests.registry.bundles import files


@pytest.fixture(scope="module")
def checks() -> Iterator[CheckProcesses]:
    made = CheckProcesses(kept=1, max_seconds=60.0)
    made.start()
    yield made
    made.close()


def process_of(_sandbox: Sandbox, _deadline: float) -> int:
    return os.getpid()


def holds_every_lock(_sandbox: Sandbox, _deadline: float, digits: int) -> int:
    """Stay in one call of C code that lets no other thread of its process run."""
    return len(str(7**digits % 10**9))


def dies(_sandbox: Sandbox, _deadline: float) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def hoards(_sandbox: Sandbox, _deadline: float) -> int:
    return len(bytearray(MEMORY_BYTES + 1))


def refuses(_sandbox: Sandbox, _deadline: float) -> None:
    raise InvalidBundle("no good", advice="make it better", place="here")


def soon(seconds: float = 20.0) -> float:
    return time.monotonic() + seconds


@pytest.mark.parametrize(
    "folder", [EXAMPLES / "tickets" / "bundle", ROOT / "tests" / "fixtures" / "sms"], ids=["tickets", "sms"]
)
def test_a_weighted_bundle_is_judged_as_in_this_process(checks: CheckProcesses, sandbox: Sandbox, folder: Path) -> None:
    given, _ = read_files(folder)
    (bundle, there), (_, here) = checks.run(judge, soon(120), always, given), judge(sandbox, soon(120), given)
    assert bundle is not None
    assert bundle.label_model.decide((0,) * len(bundle.programs)).label == 0
    assert there == here


def test_a_bundle_is_judged_as_in_this_process(checks: CheckProcesses, sandbox: Sandbox) -> None:
    given = list(files("spam").items())
    there, here = checks.run(judge, soon(), always, given), judge(sandbox, soon(), given)
    assert there[0] is not None
    assert here[0] is not None
    assert (there[0].files, there[0].digest, there[1]) == (here[0].files, here[0].digest, here[1])
    assert there[1].gold is not None


def test_a_process_is_kept_for_the_next_call(checks: CheckProcesses) -> None:
    first = checks.run(process_of, soon(), always)
    assert first == checks.run(process_of, soon(), always) != os.getpid()


def test_an_endless_check_ends_at_its_deadline_while_others_go_on(checks: CheckProcesses) -> None:
    errors: list[BaseException] = []

    def run() -> None:
        try:
            checks.run(holds_every_lock, soon(2.0), always, 10**9)
        except DeadlineExceeded as error:
            errors.append(error)

    started = time.monotonic()
    thread = threading.Thread(target=run)
    thread.start()
    longest = 0.0
    while thread.is_alive():
        before = time.monotonic()
        time.sleep(0.01)
        longest = max(longest, time.monotonic() - before)
    assert len(errors) == 1
    assert 2.0 <= time.monotonic() - started < 4.0
    assert longest < 1.9


def test_a_caller_who_leaves_ends_the_check(checks: CheckProcesses) -> None:
    left = threading.Event()
    threading.Timer(0.3, left.set).start()
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded, match="the caller left"):
        checks.run(holds_every_lock, soon(), lambda: not left.is_set(), 10**9)
    assert time.monotonic() - started < 10.0


@pytest.mark.parametrize("function", [dies, hoards])
def test_a_check_that_ends_its_process_is_an_error_and_the_next_one_has_another(
    checks: CheckProcesses, function: object
) -> None:
    with pytest.raises(Unavailable, match="ended its process"):
        checks.run(function, soon(), always)  # type: ignore[arg-type]
    assert checks.run(process_of, soon(), always)


def test_a_process_that_something_ended_meanwhile_is_replaced(checks: CheckProcesses) -> None:
    before = checks.run(process_of, soon(), always)
    os.kill(before, signal.SIGKILL)
    time.sleep(0.5)
    assert checks.run(process_of, soon(), always) != before


def test_errors_come_back_as_they_were_raised(checks: CheckProcesses) -> None:
    before = checks.run(process_of, soon(), always)
    with pytest.raises(InvalidBundle) as caught:
        checks.run(refuses, soon(), always)
    assert (caught.value.message, caught.value.advice, caught.value.metadata) == (
        "no good",
        "make it better",
        {"place": "here"},
    )
    assert checks.run(process_of, soon(), always) == before
