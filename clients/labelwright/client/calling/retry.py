"""When a failed call is made again. Shared by both clients, and pure except for the clock.

Only calls that may be repeated without harm are: labeling, reading, and pushing (which is idempotent).
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from labelwright.core.errors import DeadlineExceeded, InvalidRequest, LabelwrightError, Overloaded, Unavailable

_LONGEST_SECONDS = 365 * 86_400.0
"""What counts as no deadline: gRPC takes a much longer one for one that has passed."""


def seconds(value: float, name: str = "timeout") -> float:
    """Return a number of seconds, a year at most. Raises InvalidRequest, with the name, where it is none."""
    try:
        number = math.nan if isinstance(value, str | bytes) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    except OverflowError:
        number = math.inf if value > 0 else -math.inf
    if math.isnan(number):
        raise InvalidRequest(f"{name} takes a number of seconds", advice=f"for example {name}=2.5", field=name)
    return min(number, _LONGEST_SECONDS)


def stream_timeout(value: float | None) -> float | None:
    """Return the seconds that a stream may take, None where there is no deadline.

    Raises InvalidRequest where that is no number, DeadlineExceeded where no time is left.
    """
    if value is None:
        return None
    number = seconds(value)
    if number <= 0:
        raise _passed()
    return number


def _passed() -> DeadlineExceeded:
    return DeadlineExceeded("the deadline passed before the call was made", advice="allow more seconds")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff with full jitter: the n-th pause is random in ``base * 2**n``, at most ``cap`` seconds.

    ``attempts`` bounds how often a server that is away is asked; one that is full is asked until the deadline, unless
    there is one attempt only.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    attempts: int = 6
    base: float = 0.1
    cap: float = 2.0

    def __post_init__(self) -> None:
        """Raise InvalidRequest for what is no number of seconds or of attempts."""
        if min(seconds(self.base, "base"), seconds(self.cap, "cap")) < 0 or not isinstance(self.attempts, int):
            raise InvalidRequest(
                "a retry policy takes a whole number of attempts, and seconds of 0 or more", advice="correct it"
            )

    def pause(self, attempt: int) -> float:
        """Return the seconds to wait after the ``attempt``-th failure, counted from 0."""
        return random.uniform(0, min(self.cap, self.base * 2.0**attempt))  # noqa: S311 - spreads load, guards nothing


NO_RETRY = RetryPolicy(attempts=1)


class Attempts:
    """The attempts that one call may take within its deadline."""

    def __init__(self, policy: RetryPolicy, timeout: float, clock: Callable[[], float] = time.monotonic) -> None:
        """``timeout`` is in seconds and covers all attempts and the pauses between them."""
        self._policy = policy
        self._clock = clock
        self._end = clock() + timeout
        self._made = 0

    def remaining(self) -> float:
        """Return the seconds that are left for the next attempt. Raises DeadlineExceeded if there are none.

        gRPC itself lets a call with an expired deadline through if the answer is quick.
        """
        left = self._end - self._clock()
        if left <= 0:
            raise _passed()
        return left

    def pause_after(self, error: LabelwrightError) -> float:
        """Return the seconds to wait before trying again. Raises ``error`` if another attempt makes no sense."""
        self._made += 1
        is_full = isinstance(error, Overloaded)
        # A server that is full will have room again: whoever gives it time gets an answer within that time.
        may_repeat = self._policy.attempts > 1 if is_full else self._made < self._policy.attempts
        if not may_repeat or not isinstance(error, Unavailable | Overloaded):
            raise error
        pause = self._policy.pause(self._made - 1)
        if isinstance(error, Overloaded):
            pause += error.retry_after
        if pause >= self._end - self._clock():
            raise error
        return pause
