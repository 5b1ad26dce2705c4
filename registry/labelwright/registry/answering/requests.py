"""What a request may contain: names, texts for people, page tokens. Everything else is refused with a reason."""

from __future__ import annotations

import re

from labelwright.core.errors import InvalidRequest
from labelwright.core.run import MAX_MESSAGE
from labelwright.core.task import NAME_PATTERN
from labelwright.registry.store.versions import no_task
from labelwright.serving.access.identity import current_caller

MAX_NAME_TEXT = 200
"""Characters of an author or actor."""
MAX_MESSAGE_TEXT = MAX_MESSAGE
"""Characters of a message or reason."""
DEFAULT_PAGE, MAX_PAGE = 100, 1000

_NAME = re.compile(NAME_PATTERN)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CONTROL_IN_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_TOKEN = re.compile(r"[1-9][0-9]{0,17}")


def is_name(name: str) -> bool:
    """Whether this may be the name of a task or an alias."""
    return _NAME.fullmatch(name) is not None


def known_name(task: str) -> str:
    """Return the task's name; one that no task can have is not looked up. Raises TaskNotFound."""
    if not is_name(task):
        raise no_task(task)
    return task


def checked_alias(name: str) -> str:
    """Return the alias. Raises InvalidRequest where this cannot be an alias's name.

    A name starts with a letter, so an alias is never taken for a version's number.
    """
    if not is_name(name):
        raise InvalidRequest(
            f"an alias cannot be called {ascii(name)[:80]}",
            advice="use a-z, 0-9, - and _, with a letter first and 63 characters at most",
            field="alias",
        )
    return name


def checked_person(field: str, text: str) -> str:
    """Return the name of an author or actor: one line of at most MAX_NAME_TEXT characters. Raises InvalidRequest."""
    return checked_line(field, text, MAX_NAME_TEXT)


def acting(field: str, written: str) -> str:
    """Return who makes this change: whoever showed who they are, else what the caller wrote. Raises InvalidRequest."""
    caller = current_caller.get()
    return caller.name if caller else checked_person(field, written)


def checked_line(field: str, text: str, limit: int) -> str:
    """Return one line of at most ``limit`` characters. Raises InvalidRequest."""
    return _checked(field, text, limit, _CONTROL)


def checked_text(field: str, text: str) -> str:
    """Return a text for people: up to MAX_MESSAGE_TEXT characters, also line feeds and tabs. Raises InvalidRequest."""
    return _checked(field, text.replace("\r\n", "\n"), MAX_MESSAGE_TEXT, _CONTROL_IN_TEXT)


def page_size(size: int) -> int:
    """Return the size of a page: the default for 0, never more than MAX_PAGE."""
    return min(size or DEFAULT_PAGE, MAX_PAGE)


def read_page_token(token: str) -> int | None:
    """Return the number below which the page starts, None for the first page. Raises InvalidRequest."""
    if not token:
        return None
    if not _TOKEN.fullmatch(token):
        raise InvalidRequest(
            "the page token is not one that the registry gave", advice="start without a token", field="page_token"
        )
    return int(token)


def _checked(field: str, text: str, limit: int, refused: re.Pattern[str]) -> str:
    if len(text) > limit:
        raise InvalidRequest(
            f"{field} has {len(text):,} characters; {limit:,} are allowed", advice="shorten it", field=field
        )
    if match := refused.search(text):
        raise InvalidRequest(f"{field} holds the control character {match[0]!a}", advice="remove it", field=field)
    return text.strip()
