"""Where synthesis is wired: settings to provider, inputs to synthesis, synthesis to bundle."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from assay.core.bundle import Bundle
from assay.core.errors import AssayError, ConfigurationError, InvalidBundle
from assay.core.record import Record
from assay.core.row import Row, parse_rows
from assay.core.task import TASK_FILE, Task, parse_task
from assay.sandbox import Sandbox
from assay.synthesis.bundle_writing import make_bundle
from assay.synthesis.endpoint import Endpoint
from assay.synthesis.ensemble import Ensemble, Ingredients, build_ensemble
from assay.synthesis.ledger import Budget, Ledger
from assay.synthesis.openai_endpoint import OpenAIEndpoint
from assay.synthesis.prices import read_price
from assay.synthesis.provenance import provenance
from assay.synthesis.provider import KeptProvider, Provider, RecordedEndpoint, Retries
from assay.synthesis.replies import Replies
from assay.synthesis.settings import Settings
from assay.synthesis.synthesis import Progress, Synthesis, SynthesisSettings, synthesize


class NothingSynthesized(AssayError):
    """No program that the LLM wrote is fit, and nothing else could be learned from the rows."""

    status = "FAILED_PRECONDITION"
    reason = "NOTHING_SYNTHESIZED"


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a run starts from. ``task_text`` is task.toml to the letter."""

    task: Task
    task_text: str
    records: Sequence[Record]
    gold: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run ends with."""

    synthesis: Synthesis
    ensemble: Ensemble
    bundle: Bundle


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


def read_gold(task: Task, path: Path) -> list[Row]:
    """Return the labeled rows of a JSON Lines file. Raises InvalidBundle with all that is wrong with them."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {getattr(error, 'strerror', None) or 'not UTF-8'}") from error
    rows, findings = parse_rows(task, text, path.name, labeled=True)
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
        endpoint = _openai(settings)
        path = replies or settings.replies_dir / f"{re.sub(r'[^A-Za-z0-9._-]+', '_', settings.model)}.jsonl"
        kept = Replies(path, model=settings.model)
    budget = Budget(settings.budget_tokens or None, settings.budget_dollars or None)
    ledger = Ledger(read_price(endpoint.model, settings.prices), budget)
    return KeptProvider(endpoint, kept, ledger, Retries(settings.attempts, settings.longest_wait_seconds))


def _openai(settings: Settings) -> OpenAIEndpoint:
    key = settings.api_key.get_secret_value()
    if not key and not settings.base_url:
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
    inputs: Inputs,
    provider: Provider,
    sandbox: Sandbox,
    settings: SynthesisSettings,
    progress: Progress,
    *,
    with_student: bool = True,
) -> Outcome:
    """Return a bundle of programs that the LLM wrote, chosen and weighed by the numbers.

    Raises AskFailed, ConfigurationError, NothingSynthesized.
    """
    synthesis = synthesize(inputs.task, inputs.records, inputs.gold, provider, sandbox, settings, progress)
    ensemble = _ensemble(inputs, synthesis, sandbox, settings.seed, with_student)
    bundle = make_bundle(
        inputs.task,
        inputs.task_text,
        ensemble.programs,
        label_model=ensemble.label_model(inputs.task),
        provenance=provenance(provider, synthesis, selection(ensemble)),
        gold=inputs.gold,
        records=inputs.records,
    )
    return Outcome(synthesis, ensemble, bundle)


def selection(ensemble: Ensemble) -> dict[str, object]:
    """Return for provenance what was chosen after the programs were written, and by what."""
    return {
        "selection": {
            "label_model": ensemble.choice.fit.method,
            "gains": {name: round(gain, 4) for name, gain in ensemble.gains.items()},
            "left_out": ensemble.left_out,
        }
    }


def _ensemble(inputs: Inputs, synthesis: Synthesis, sandbox: Sandbox, seed: int, with_student: bool) -> Ensemble:
    ingredients = Ingredients(
        programs=synthesis.programs,
        records=inputs.records,
        gold=inputs.gold,
        record_direct=np.full(len(inputs.records), -1, dtype=np.int64),
        gold_direct=np.full(len(inputs.gold), -1, dtype=np.int64),
    )
    try:
        return build_ensemble(sandbox, inputs.task, ingredients, seed=seed, with_student=with_student)
    except ValueError as error:
        reasons = ", ".join(f"{count} {reason}" for reason, count in synthesis.reasons.items())
        raise NothingSynthesized(
            f"no program is fit to be kept ({reasons or 'none was written'})",
            advice="give gold rows, try other strategies, or a stronger model",
        ) from error
