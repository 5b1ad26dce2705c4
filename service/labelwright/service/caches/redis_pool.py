"""Connections to Redis, opened outside of requests.

A request takes a connection that is open already, or none. It waits for the answer to one command only, so the time-out
of that command is the most that Redis can cost it. redis-py's own pool connects during the request, which takes several
round trips, each with a time-out of its own.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

_CONNECT_SECONDS = 1.0

RedisConnection = Any
"""redis-py's Connection; its own type is an interface without the methods used here."""


class RedisPool:
    """Keeps up to ``size`` connections ready. Safe to use from several threads."""

    def __init__(self, url: str, timeout: float, size: int) -> None:
        """``timeout`` is in seconds, for one command. Raises ValueError where ``url`` is not a Redis URL."""
        self._factory = redis.ConnectionPool.from_url(
            url,
            socket_timeout=timeout,
            socket_connect_timeout=_CONNECT_SECONDS,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
            max_connections=1 << 30,
        )
        self._size = size
        self._ready: deque[RedisConnection] = deque()
        self._count = 0
        self._lock = threading.Lock()

    def take(self) -> RedisConnection | None:
        """Return an open connection, or None."""
        try:
            return self._ready.pop()
        except IndexError:
            return None

    def give_back(self, connection: RedisConnection) -> None:
        """Return a connection whose last command was answered."""
        self._ready.append(connection)

    def drop(self, connection: RedisConnection) -> None:
        """Close a connection that failed: a late answer must not be taken for that to the next command."""
        with self._lock:
            self._count -= 1
        connection.disconnect()

    def drop_ready(self) -> None:
        """Close all connections that are ready: after a failure they are probably dead as well."""
        while connection := self.take():
            self.drop(connection)

    def add(self, *probe: bytes | str) -> bool:
        """Open another connection; False where there are enough. Raises redis.RedisError, OSError.

        It is taken where it answers the command ``probe``.
        """
        with self._lock:
            if self._count >= self._size:
                return False
            self._count += 1
        connection: RedisConnection = self._factory.connection_class(**self._factory.connection_kwargs)
        try:
            connection.connect()
            self.call(connection, *probe)
        except BaseException:
            self.drop(connection)
            raise
        self._ready.append(connection)
        return True

    @property
    def wants_more(self) -> bool:
        """Whether all connections are in use and more are allowed."""
        return not self._ready and self._count < self._size

    @staticmethod
    def call(connection: RedisConnection, *command: bytes | str | int) -> Any:
        """Return the answer to one command. Raises redis.RedisError, OSError."""
        connection.send_command(*command)
        return connection.read_response()

    @staticmethod
    def call_many(connection: RedisConnection, commands: Sequence[Sequence[bytes | str | int]]) -> None:
        """Send all commands at once and wait for all answers. Raises redis.RedisError, OSError.

        After a ResponseError, which is an answer, the connection can be given back.
        """
        connection.send_packed_command(connection.pack_commands(commands))
        refusal: redis.ResponseError | None = None
        for _ in commands:
            try:
                connection.read_response()
            except redis.ResponseError as error:
                refusal = error
        if refusal is not None:
            raise refusal
