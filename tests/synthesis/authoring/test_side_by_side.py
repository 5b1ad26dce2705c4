from __future__ import annotations

import threading
import time
from contextlib import closing

import pytest
from labelwright.synthesis.authoring.side_by_side import Question, Talk, side_by_side
from labelwright.synthesis.llm.completion import Finish, Message, Reply, Request, Usage
from labelwright.synthesis.llm.endpoint import AskFailed
from labelwright.synthesis.llm.ledger import Ledger
from labelwright.synthesis.llm.provider import Provider


class Echo(Provider):
    """Answers each prompt with itself after the pause that it names, and fails at "fail"."""

    model = "echo"
    address = "here"
    ledger = Ledger()

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.most = self._now = 0
        self._lock = threading.Lock()

    def complete(self, request: Request, purpose: str) -> Reply:
        text = request.messages[0].content
        with self._lock:
            self.asked.append(text)
            self._now += 1
            self.most = max(self.most, self._now)
        time.sleep(0.05 * (text.count(".") + 1))
        with self._lock:
            self._now -= 1
        if text.startswith("fail"):
            raise AskFailed("no", kind="filtered", retryable=False)
        return Reply(text, Finish.STOP, Usage(1, 1))


def talk(*texts: str) -> Talk[str]:
    heard = []
    for text in texts:
        reply = yield Question(Request((Message("user", text),), 5), "test")
        heard.append(reply.text)
    return " ".join(heard)


def test_results_come_in_order_whatever_ends_first() -> None:
    echo = Echo()
    talks = [talk("a....", "b"), talk("c"), talk(), talk("d", "e.")]
    assert list(side_by_side(echo, talks, 3)) == ["a.... b", "c", "", "d e."]
    assert 2 <= echo.most <= 3


def test_a_failure_ends_its_own_conversation_alone() -> None:
    first, second, third = side_by_side(Echo(), [talk("a"), talk("b", "fail", "never"), talk("c")], 2)
    assert (first, third) == ("a", "c")
    assert isinstance(second, AskFailed)


def test_whoever_stops_reading_stops_the_asking() -> None:
    echo = Echo()
    with closing(side_by_side(echo, [talk(f"{number}") for number in range(50)], 2)) as results:
        next(results)
    assert len(echo.asked) < 10


@pytest.mark.parametrize("parallel", [1, 8])
def test_no_more_requests_are_under_way_than_wanted(parallel: int) -> None:
    echo = Echo()
    assert len(list(side_by_side(echo, [talk("x", "y") for _ in range(8)], parallel))) == 8
    assert echo.most <= parallel
