"""Replies of the LLM as files of a run: a run that is resumed pays for none of them twice."""

from __future__ import annotations

import json
import uuid

from labelwright.core.run import RunCost
from labelwright.synthesis.llm.completion import Reply, Request, Usage
from labelwright.synthesis.llm.endpoint import AskFailed, Endpoint
from labelwright.synthesis.llm.prices import Price
from labelwright.synthesis.llm.provider import KeptReplies
from labelwright.synthesis.llm.replies import reply_from_json, reply_to_json
from labelwright.worker.runs.lease import RunLease
from typing_extensions import override

_KEPT, _LOST = "reply/", "lost/"


class RunReplies(KeptReplies):
    """Keeps a reply and its cost in one write."""

    def __init__(self, lease: RunLease, model: str, price: Price | None) -> None:
        self._lease = lease
        self._model = model
        self._price = price
        self._names = set(lease.names(_KEPT))

    @override
    def get(self, request: Request) -> Reply | None:
        name = self._name(request)
        content = self._lease.get(name) if name in self._names else None
        return None if content is None else reply_from_json(json.loads(content))

    @override
    def keep(self, request: Request, reply: Reply) -> None:
        name = self._name(request)
        self._lease.put(name, json.dumps(reply_to_json(reply)).encode(), cost_of(reply.usage, self._price))
        self._names.add(name)

    def _name(self, request: Request) -> str:
        return f"{_KEPT}{request.digest(self._model)}"


class BookingEndpoint(Endpoint):
    """Sends nothing once the lease is lost, and books failed requests that may have been charged."""

    def __init__(self, endpoint: Endpoint, lease: RunLease, price: Price | None) -> None:
        self._endpoint = endpoint
        self._lease = lease
        self._price = price

    @property
    @override
    def model(self) -> str:
        return self._endpoint.model

    @property
    @override
    def address(self) -> str:
        return self._endpoint.address

    @override
    def ask(self, request: Request) -> Reply:
        """Return the reply. Raises LeaseLost and Stopped too."""
        self._lease.check()
        try:
            return self._endpoint.ask(request)
        except AskFailed as error:
            if error.usage is not None:
                self._lease.put(f"{_LOST}{uuid.uuid4().hex}", b"", cost_of(error.usage, self._price))
            raise


def cost_of(usage: Usage, price: Price | None) -> RunCost:
    """Return the cost of one call; dollars are None where the price is unknown."""
    dollars = price.cost(usage.tokens_in, usage.tokens_out) if price else None
    return RunCost(1, usage.tokens_in, usage.tokens_out, dollars)
