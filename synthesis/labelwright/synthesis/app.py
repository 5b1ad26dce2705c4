"""Where synthesis is wired: settings to provider, files to inputs."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from labelwright.core.errors import ConfigurationError, InvalidBundle
from labelwright.core.row import Row, parse_rows
from labelwright.core.task import TASK_FILE, Task, parse_task
from labelwright.core.text.encoding import not_utf8
from labelwright.synthesis.llm.endpoint import Endpoint
from labelwright.synthesis.llm.ledger import Budget, Ledger
from labelwright.synthesis.llm.openai_endpoint import OpenAIEndpoint
from labelwright.synthesis.llm.prices import read_price
from labelwright.synthesis.llm.provider import KeptProvider, RecordedEndpoint, Retries
from labelwright.synthesis.llm.replies import Replies
from labelwright.synthesis.settings import SynthesisSettings


def read_task(folder: Path) -> Task:
    """Return the task in ``folder``. Raises InvalidBundle."""
    try:
        text = (folder / TASK_FILE).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidBundle(
            f"{folder / TASK_FILE} cannot be read: {_why(error)}",
            advice="name the folder that holds task.toml",
        ) from error
    task, findings = parse_task(text)
    if task is None:
        raise InvalidBundle(f"{folder / TASK_FILE} is not a task", findings=findings)
    return task


def read_gold(task: Task, path: Path, fill: Callable[[str], str] = str) -> list[Row]:
    """Return the labeled rows of a JSON Lines file; ``fill`` adds the task's features to the file's text.

    Raises ConfigurationError where there are none, InvalidBundle with all that is wrong with them.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {_why(error)}") from error
    rows, findings = parse_rows(task, fill(text), path.name, labeled=True)
    if findings and not rows and len({finding.message for finding in findings}) == 1:
        raise InvalidBundle(f"{path}: none of its {len(findings):,} rows fits the task", findings=findings[:1])
    if findings:
        raise InvalidBundle(f"{path} holds rows that do not fit the task", findings=findings)
    if not rows:
        raise ConfigurationError(f"{path} holds no labeled rows", advice="name another file, or leave the option out")
    return rows


def _why(error: OSError | UnicodeDecodeError) -> str:
    return not_utf8(error.object) if isinstance(error, UnicodeDecodeError) else str(error.strerror)


def open_provider(settings: SynthesisSettings, *, replies: Path | None = None, recorded: bool = False) -> KeptProvider:
    """Return the provider that the settings name.

    ``replies`` names the file of kept replies. Where ``recorded``, nobody is asked: a request fails whose reply the
    file does not hold, and the model is the file's. Raises ConfigurationError.
    """
    if recorded:
        if replies is None or not replies.is_file():
            raise ConfigurationError("recorded replies need their file", advice="name it with --replies")
        kept_replies = Replies(replies)
        endpoint: Endpoint = RecordedEndpoint(kept_replies.model)
    else:
        endpoint = open_endpoint(settings)
        path = replies or settings.replies_dir / f"{re.sub(r'[^A-Za-z0-9._-]+', '_', settings.model)}.jsonl"
        kept_replies = Replies(path, model=settings.model)
    budget = Budget(settings.budget_tokens or None, settings.budget_dollars or None)
    ledger = Ledger(read_price(endpoint.model, settings.prices), budget)
    return KeptProvider(endpoint, kept_replies, ledger, Retries(settings.attempts, settings.longest_wait_seconds))


def open_endpoint(settings: SynthesisSettings) -> OpenAIEndpoint:
    """Return the endpoint that the settings name. Raises ConfigurationError where they cannot be used."""
    key = settings.api_key.get_secret_value().strip()
    if not key and not settings.base_url.strip():
        raise ConfigurationError(
            "there is no key for the LLM's endpoint",
            advice="set OPENAI_API_KEY, or OPENAI_BASE_URL for an endpoint of your own, or replay with --recorded",
        )
    return OpenAIEndpoint(
        settings.model,
        # A local endpoint often needs no key, but the client library insists on one.
        api_key=key or "none",
        base_url=settings.base_url or None,
        silence=settings.silence_seconds,
        patience=settings.patience_seconds,
    )
