"""Where synthesis is wired: settings to provider, inputs to synthesis, synthesis to bundle."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from labelwright.core.errors import ConfigurationError, InvalidBundle
from labelwright.core.row import Row, parse_rows
from labelwright.core.task import TASK_FILE, Task, parse_task
from labelwright.sandbox import Sandbox
from labelwright.synthesis.combining.version import MadeVersion, VersionMaterial, VersionOptions, make_version
from labelwright.synthesis.combining.version import Progress as StepProgress
from labelwright.synthesis.llm.endpoint import Endpoint
from labelwright.synthesis.llm.ledger import Budget, Ledger
from labelwright.synthesis.llm.openai_endpoint import OpenAIEndpoint
from labelwright.synthesis.llm.prices import read_price
from labelwright.synthesis.llm.provider import KeptProvider, Provider, RecordedEndpoint, Retries
from labelwright.synthesis.llm.replies import Replies
from labelwright.synthesis.settings import Settings
from labelwright.synthesis.writing.round import Progress, Synthesis, SynthesisSettings, synthesize


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run ends with."""

    synthesis: Synthesis
    version: MadeVersion


def read_task(folder: Path) -> tuple[Task, str]:
    """Return the task in ``folder`` and its text. Raises InvalidBundle."""
    try:
        text = (folder / TASK_FILE).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidBundle(
            f"{folder / TASK_FILE} cannot be read: {getattr(error, 'strerror', None) or 'not UTF-8'}",
            advice="name the folder that holds task.toml",
        ) from error
    task, findings = parse_task(text)
    if task is None:
        raise InvalidBundle(f"{folder / TASK_FILE} is not a task", findings=findings)
    return task, text


def read_gold(task: Task, path: Path, fill: Callable[[str], str] = str) -> list[Row]:
    """Return the labeled rows of a JSON Lines file; ``fill`` gives the file's text the task's features.

    Raises InvalidBundle with all that is wrong with them.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {getattr(error, 'strerror', None) or 'not UTF-8'}") from error
    rows, findings = parse_rows(task, fill(text), path.name, labeled=True)
    if findings:
        raise InvalidBundle(f"{path} holds rows that do not fit the task", findings=findings)
    return rows


def open_provider(settings: Settings, *, replies: Path | None = None, recorded: bool = False) -> KeptProvider:
    """Return the provider that the settings name.

    ``replies`` names the file of kept replies. ``recorded`` asks nobody: what the file does not hold fails, and the
    model is the file's. Raises ConfigurationError.
    """
    if recorded:
        if replies is None or not replies.is_file():
            raise ConfigurationError("recorded replies need their file", advice="name it with --replies")
        kept = Replies(replies)
        endpoint: Endpoint = RecordedEndpoint(kept.model)
    else:
        endpoint = open_endpoint(settings)
        path = replies or settings.replies_dir / f"{re.sub(r'[^A-Za-z0-9._-]+', '_', settings.model)}.jsonl"
        kept = Replies(path, model=settings.model)
    budget = Budget(settings.budget_tokens or None, settings.budget_dollars or None)
    ledger = Ledger(read_price(endpoint.model, settings.prices), budget)
    return KeptProvider(endpoint, kept, ledger, Retries(settings.attempts, settings.longest_wait_seconds))


def open_endpoint(settings: Settings) -> OpenAIEndpoint:
    """Return the endpoint that the settings name. Raises ConfigurationError where they cannot be used."""
    key = settings.api_key.get_secret_value().strip()
    if not key and not settings.base_url.strip():
        raise ConfigurationError(
            "there is no key for the LLM's endpoint",
            advice="set OPENAI_API_KEY, or OPENAI_BASE_URL for an endpoint of your own, or replay with --recorded",
        )
    return OpenAIEndpoint(
        settings.model,
        # An endpoint of one's own often wants no key, but the client library insists on one.
        api_key=key or "none",
        base_url=settings.base_url or None,
        silence=settings.silence_seconds,
        patience=settings.patience_seconds,
    )


def run_synthesis(
    material: VersionMaterial,
    provider: Provider,
    sandbox: Sandbox,
    settings: SynthesisSettings,
    options: VersionOptions,
    progress: Progress,
    step: StepProgress = lambda name, share: None,  # noqa: ARG005 - a listener's parameters
) -> Outcome:
    """Return programs that the LLM wrote, and the version that the numbers make of them.

    ``progress`` is told each program, ``step`` what comes after them. Raises AskFailed, ConfigurationError, and
    InvalidBundle where nothing is fit to be kept.
    """
    synthesis = synthesize(material.task, material.records, material.gold, provider, sandbox, settings, progress)
    return Outcome(synthesis, make_version(sandbox, provider, material, synthesis, options, step))
