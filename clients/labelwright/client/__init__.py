"""Labelwright's Python SDK: label records, push and name versions, and follow refresh runs, over gRPC.

``Client`` and ``AsyncClient`` talk to the label service, ``Registry``, ``AsyncRegistry`` and ``RunClient`` to the
registry.
"""

from labelwright.client.async_label_client import AsyncClient
from labelwright.client.async_registry_client import AsyncRegistry
from labelwright.client.calling.channel import LABEL_ADDRESS, REGISTRY_ADDRESS
from labelwright.client.calling.retry import RetryPolicy
from labelwright.client.label_client import Client
from labelwright.client.messages.labels import RecordInput
from labelwright.client.messages.registry_results import (
    AliasMove,
    AliasState,
    Download,
    PushResult,
    TaskEntry,
    Version,
)
from labelwright.client.messages.results import Failure, Labeling, Outcome, ProgramVote, Source
from labelwright.client.registry_client import Registry
from labelwright.client.run_client import RunClient
from labelwright.core.alias import Alias, AliasChange
from labelwright.core.errors import LabelwrightError
from labelwright.core.finding import Finding, Severity
from labelwright.core.report import GateResult, GoldFigures, LabelFigures, ProgramFigures, Reference, Report
from labelwright.core.run import Review, Run, RunCost, RunState, RunStep, Trigger
from labelwright.core.vote import VoteError
from labelwright.core.wire.security import Security

__all__ = [
    "LABEL_ADDRESS",
    "REGISTRY_ADDRESS",
    "Alias",
    "AliasChange",
    "AliasMove",
    "AliasState",
    "AsyncClient",
    "AsyncRegistry",
    "Client",
    "Download",
    "Failure",
    "Finding",
    "GateResult",
    "GoldFigures",
    "LabelFigures",
    "Labeling",
    "LabelwrightError",
    "Outcome",
    "ProgramFigures",
    "ProgramVote",
    "PushResult",
    "RecordInput",
    "Reference",
    "Registry",
    "Report",
    "RetryPolicy",
    "Review",
    "Run",
    "RunClient",
    "RunCost",
    "RunState",
    "RunStep",
    "Security",
    "Severity",
    "Source",
    "TaskEntry",
    "Trigger",
    "Version",
    "VoteError",
]
