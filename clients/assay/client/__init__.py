"""Assay's Python SDK: label records, push and name versions, and follow refresh runs, over gRPC.

``Client`` and ``AsyncClient`` talk to the label service, ``Registry``, ``AsyncRegistry`` and ``RunClient`` to the
registry.
"""

from assay.client.async_label_client import AsyncClient
from assay.client.async_registry_client import AsyncRegistry
from assay.client.channel import LABEL_ADDRESS, REGISTRY_ADDRESS
from assay.client.label_client import Client
from assay.client.label_messages import RecordInput
from assay.client.registry_client import Registry
from assay.client.registry_results import (
    AliasMove,
    AliasState,
    Download,
    PushResult,
    TaskEntry,
    Version,
)
from assay.client.results import Failure, Labeling, Outcome, ProgramVote, Source
from assay.client.retry import RetryPolicy
from assay.client.run_client import RunClient
from assay.core.alias import Alias, AliasChange
from assay.core.errors import AssayError
from assay.core.finding import Finding, Severity
from assay.core.report import GateResult, GoldFigures, LabelFigures, ProgramFigures, Reference, Report
from assay.core.run import Review, Run, RunCost, RunState, RunStep, Trigger
from assay.core.vote import VoteError

__all__ = [
    "LABEL_ADDRESS",
    "REGISTRY_ADDRESS",
    "Alias",
    "AliasChange",
    "AliasMove",
    "AliasState",
    "AssayError",
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
    "Severity",
    "Source",
    "TaskEntry",
    "Trigger",
    "Version",
    "VoteError",
]
