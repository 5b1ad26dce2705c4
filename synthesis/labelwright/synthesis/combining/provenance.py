"""Where a version comes from: model, endpoint, prompts, replies, seeds, repairs, cost, and what was dropped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from labelwright.synthesis.llm.provider import Provider
from labelwright.synthesis.writing.generation import Exchange
from labelwright.synthesis.writing.round import DroppedProgram, KeptProgram, Synthesis

FORMAT = "labelwright provenance 1"
PLAN, JUDGED = "plan", "judged"
"""What a capable model's version has besides: the programs that it planned, and the records that it labeled."""


def provenance(
    provider: Provider,
    synthesis: Synthesis,
    extra: dict[str, Any] | None = None,
    asked_before: Sequence[Exchange] = (),
) -> str:
    """Return the text of ``provenance.json``.

    Messages stand once each, by digest: prompts share their beginnings. They quote records, so whoever may read the
    bundle may read these. ``extra`` is added at the top: what was decided after the programs were written.
    ``asked_before`` is what the model was asked before it wrote any.
    """
    attempts = [item.attempt for item in synthesis.kept]
    attempts += [item.attempt for item in synthesis.dropped if item.attempt]
    document = {
        "format": FORMAT,
        "made_by": f"labelwright {_version()}",
        "made_at": now(),
        "model": provider.model,
        "endpoint": provider.address,
        "settings": asdict(synthesis.options),
        "stopped": synthesis.stopped,
        "shown_gold": sorted(synthesis.shown_gold),
        "cost": synthesis.ledger.to_json(),
        **(extra or {}),
        "asked_before": [_exchange_json(provider, exchange) for exchange in asked_before],
        "programs": [_kept_json(provider, item) for item in synthesis.kept],
        "dropped": [_dropped_json(provider, item) for item in synthesis.dropped],
        "messages": _messages([*asked_before, *(exchange for attempt in attempts for exchange in attempt.exchanges)]),
    }
    return json.dumps(document, indent=1, ensure_ascii=False)


def now() -> str:
    """Return the time as provenance writes it."""
    return datetime.now(UTC).replace(microsecond=0).isoformat()


def _kept_json(provider: Provider, item: KeptProgram) -> dict[str, Any]:
    return {
        "name": item.program.name,
        "strategy": item.strategy,
        "behavior": asdict(item.behavior),
        "repairs": list(item.attempt.changes),
        "asked": [_exchange_json(provider, exchange) for exchange in item.attempt.exchanges],
    }


def _dropped_json(provider: Provider, item: DroppedProgram) -> dict[str, Any]:
    return {
        "name": item.name,
        "strategy": item.strategy,
        "reason": item.reason,
        "message": item.message,
        "asked": [_exchange_json(provider, exchange) for exchange in item.attempt.exchanges] if item.attempt else [],
    }


def _exchange_json(provider: Provider, exchange: Exchange) -> dict[str, Any]:
    request, reply = exchange.request, exchange.reply
    return {
        "purpose": exchange.purpose,
        "digest": request.digest(provider.model),
        "messages": [_key(message.content) for message in request.messages],
        "roles": [message.role for message in request.messages],
        "seed": request.seed,
        "temperature": request.temperature,
        "max_tokens": request.max_tokens,
        "reply": reply.raw,
        "finish": reply.finish.value,
        "tokens_in": reply.usage.tokens_in,
        "tokens_out": reply.usage.tokens_out,
    }


def _messages(exchanges: Sequence[Exchange]) -> dict[str, str]:
    return {_key(message.content): message.content for exchange in exchanges for message in exchange.request.messages}


def _key(content: str) -> str:
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _version() -> str:
    try:
        return version("labelwright")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "(not installed)"
