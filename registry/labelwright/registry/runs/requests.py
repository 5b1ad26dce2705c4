"""What a request about a refresh run may contain. Everything else is refused with a reason."""

from __future__ import annotations

import math

from labelwright.core.errors import InvalidRequest
from labelwright.core.run import MAX_FILE_BYTES, MAX_FILE_NAME, RunCost, facts_from_text, facts_to_text
from labelwright.core.wire.runs import cost_from_message
from labelwright.registry.answering.requests import MAX_NAME_TEXT, acting, checked_line, checked_person, checked_text
from labelwright.registry.runs.rows import no_run
from labelwright.serving.access.identity import current_caller
from labelwright.v1 import run_service_pb2 as pb

MAX_LEASE_SECONDS = 3600
_MAX_ID = (1 << 63) - 1
_MAX_TOKENS = 1 << 40
_MAX_DOLLARS = 1e9


def known_id(run_id: int) -> int:
    """Return the run's number; one that no run can have is not looked up. Raises RunNotFound."""
    if not 1 <= run_id <= _MAX_ID:
        raise no_run(run_id)
    return run_id


def required_actor(written: str) -> str:
    """Return who acts: see ``acting``. Raises InvalidRequest where nobody is named."""
    return _said("actor", acting("actor", written))


def required_worker(written: str) -> str:
    """Return the name of a worker, behind that of whoever showed who they are: one may run several.

    Raises InvalidRequest where it is empty.
    """
    worker = _said("worker", checked_person("worker", written))
    caller = current_caller.get()
    return f"{caller.name}: {worker}"[:MAX_NAME_TEXT] if caller else worker


def required_text(field: str, text: str) -> str:
    """Return a text for people. Raises InvalidRequest where it is empty."""
    return _said(field, checked_text(field, text))


def checked_key(text: str) -> str:
    """Return the trigger key, which may be empty. Raises InvalidRequest."""
    return checked_line("trigger_key", text, MAX_NAME_TEXT)


def checked_seconds(seconds: int, *, least: int) -> int:
    """Return the seconds that a lease shall hold. Raises InvalidRequest."""
    if not least <= seconds <= MAX_LEASE_SECONDS:
        raise InvalidRequest(
            f"a lease cannot hold for {seconds} seconds",
            advice=f"ask for {least} to {MAX_LEASE_SECONDS}",
            field="lease_seconds",
        )
    return seconds


def checked_facts(text: str) -> str:
    """Return the facts as they are stored: a JSON object, or nothing. Raises InvalidRequest."""
    return facts_to_text(facts_from_text(text))


def checked_file_name(name: str) -> str:
    """Return a file's name. Raises InvalidRequest."""
    if name != name.strip():
        raise InvalidRequest("a file's name begins or ends with a space", advice="leave it out", field="name")
    return _said("name", checked_line("name", name, MAX_FILE_NAME))


def checked_content(content: bytes) -> bytes:
    """Return a file's content. Raises InvalidRequest where it is too large."""
    if len(content) > MAX_FILE_BYTES:
        raise InvalidRequest(
            f"the file has {len(content):,} bytes; {MAX_FILE_BYTES:,} are allowed",
            advice="split it into several files",
            field="content",
        )
    return content


def checked_cost(message: pb.RunCost) -> RunCost:
    """Return the cost. Raises InvalidRequest where it is impossible."""
    cost = cost_from_message(message)
    dollars = cost.dollars or 0.0
    if max(cost.tokens_in, cost.tokens_out) > _MAX_TOKENS or not 0 <= dollars <= _MAX_DOLLARS or math.isnan(dollars):
        raise InvalidRequest("no calls cost as much, or as little", advice="look at the figures", field="cost")
    return cost


def _said(field: str, text: str) -> str:
    if not text:
        raise InvalidRequest(f"{field} is not said", advice=f"set `{field}`", field=field)
    return text
