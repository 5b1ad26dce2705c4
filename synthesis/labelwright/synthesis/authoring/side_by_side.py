"""Several conversations with a model side by side: requests wait in threads, all else happens in the caller's.

CPython 3.11 and 3.12 may fail with a SystemError where two threads parse Python at the same time, so no thread but the
caller's touches a program.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Generic, TypeVar

from labelwright.synthesis.llm.completion import Reply, Request
from labelwright.synthesis.llm.endpoint import AskFailed, BudgetExceeded
from labelwright.synthesis.llm.provider import Provider

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Question:
    """A request, and what it is for."""

    request: Request
    purpose: str


Talk = Generator[Question, Reply, _Result]
"""One conversation: yields questions, is sent replies or thrown why there is none, and returns what came of it."""


@dataclass(frozen=True, slots=True)
class _Ended(Generic[_Result]):
    result: _Result | AskFailed | BudgetExceeded


def side_by_side(
    provider: Provider, talks: Sequence[Talk[_Result]], parallel: int
) -> Generator[_Result | AskFailed | BudgetExceeded, None, None]:
    """Yield what comes of each conversation, or the error that ended it, in their order.

    At most ``parallel`` requests are under way. Whoever stops reading ends those that have not begun.
    """
    ended: dict[int, _Ended[_Result]] = {}
    under_way: dict[Future[Reply], int] = {}
    following = iter(range(len(talks)))
    place = 0
    with ThreadPoolExecutor(parallel, "labelwright-author") as pool:

        def go_on(number: int, turn: Callable[[], Question]) -> None:
            """Take the conversation to its next question, or to its end."""
            try:
                question = turn()
            except StopIteration as end:
                ended[number] = _Ended(end.value)
            except (AskFailed, BudgetExceeded) as error:
                ended[number] = _Ended(error)
            else:
                under_way[pool.submit(provider.complete, question.request, question.purpose)] = number

        try:
            while place < len(talks):
                while len(under_way) < parallel and (number := next(following, None)) is not None:
                    go_on(number, functools.partial(next, talks[number]))
                if place in ended:
                    yield ended.pop(place).result
                    place += 1
                    continue
                for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                    number = under_way.pop(future)
                    error = future.exception()
                    if error is None:
                        go_on(number, functools.partial(talks[number].send, future.result()))
                    else:
                        go_on(number, functools.partial(talks[number].throw, error))
        finally:
            for future in under_way:
                future.cancel()
