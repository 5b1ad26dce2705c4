from __future__ import annotations

import threading

from labelwright.serving.background import Background, start_thread, use_deep_stacks
from structlog.testing import capture_logs


def test_a_background_thread_ends_when_it_is_asked_to() -> None:
    rounds: list[int] = []
    began = threading.Event()

    def run() -> None:
        while not background.stopping.wait(0.001):
            rounds.append(1)
            began.set()

    background = Background("example", run)
    background.start()
    assert began.wait(10)
    background.stop(None)
    count = len(rounds)
    assert not [thread for thread in threading.enumerate() if thread.name == "example"]
    assert count == len(rounds)


def test_one_that_never_began_can_be_stopped() -> None:
    Background("example", lambda: None).stop(None)


def test_a_thread_that_does_not_end_is_not_waited_for_for_ever() -> None:
    release = threading.Event()
    background = Background("example", release.wait)
    background.start()
    background.stop(0.01)
    release.set()


def test_a_failing_thread_says_where_and_quotes_nothing() -> None:
    def fail() -> None:
        raise ValueError("a record")

    with capture_logs() as logs:
        start_thread("example", fail).join()
    (event,) = logs
    assert (event["event"], event["thread"], event["error"]) == ("a thread failed", "example", "ValueError")
    assert any(place.startswith("fail:") for place in event["places"])
    assert "a record" not in str(event)


def test_threads_get_the_stack_that_webassembly_needs() -> None:
    before = threading.stack_size()
    try:
        use_deep_stacks()
        assert threading.stack_size() == 8 << 20
    finally:
        threading.stack_size(before)
