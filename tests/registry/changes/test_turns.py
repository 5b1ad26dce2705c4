from __future__ import annotations

import threading
import time

import pytest
from labelwright.core.errors import Overloaded
from labelwright.registry.changes.turns import Turns


def test_more_than_may_wait_are_sent_away_at_once_and_the_others_come_in_turn() -> None:
    turns = Turns(max_running=1, max_waiting=1)
    deadline = time.monotonic() + 60
    done = threading.Event()

    def wait() -> None:
        with turns.take(deadline):
            done.set()

    with turns.take(deadline):
        waiter = threading.Thread(target=wait)
        waiter.start()
        # Whether the waiter has come by now or not: there is no room for two more.
        for _ in range(2):
            with pytest.raises(Overloaded) as caught, turns.take(time.monotonic()):
                pass
            assert caught.value.retry_after > 0
        assert not done.is_set()
    waiter.join()
    assert done.is_set()
    with turns.take(deadline):
        pass


def test_a_turn_that_does_not_come_in_time() -> None:
    turns = Turns(max_running=1, max_waiting=5)
    with turns.take(time.monotonic() + 60), pytest.raises(Overloaded), turns.take(time.monotonic() - 1):
        pass
