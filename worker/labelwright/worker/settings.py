"""The worker's settings: one field each, read from the environment as LABELWRIGHT_WORKER_<NAME>."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from labelwright.serving.data_folder import user_folder
from labelwright.serving.settings import Address, Names, OptionalAddress, OptionalText, ServerSettings
from pydantic import Field
from pydantic_settings import SettingsConfigDict


class WorkerSettings(ServerSettings):
    """What an operator may set. docs/worker.md has the same table; a test compares the two."""

    model_config = SettingsConfigDict(env_prefix="LABELWRIGHT_WORKER_")

    page: ClassVar[str] = "docs/worker.md"

    registry: Address = "127.0.0.1:7420"
    """address of the registry"""
    prometheus_url: OptionalText = ""
    """URL of the Prometheus that evaluates the rules of drift; none where empty"""
    redis_url: OptionalText = ""
    """URL of the Redis in which label services keep recent records; none where empty"""
    webhook_listen: OptionalAddress = ""
    """address that takes Alertmanager's webhook at /alerts; none where empty"""
    metrics_listen: OptionalAddress = "127.0.0.1:7402"
    """address of /metrics and /healthz; port 0 takes a free one; none where empty"""
    data_dir: Path = Field(default_factory=lambda: user_folder("worker"))
    """folder of the address files; by default in the user's data folder"""
    name: str = Field(default_factory=lambda: f"worker@{socket.gethostname()}"[:100], min_length=1, max_length=100)
    """who the worker is in leases and histories; by default worker@host"""
    poll_s: Annotated[float, Field(gt=0, le=3600)] = 30.0
    """seconds between looks at alerts, runs and figures"""
    lease_s: Annotated[int, Field(ge=1, le=3600)] = 60
    """seconds that a run stays this worker's without being renewed"""
    retry_s: Annotated[float, Field(gt=0, le=300)] = 5.0
    """seconds of the first pause where a part is unavailable; doubled up to 300"""
    give_up_h: Annotated[float, Field(gt=0, le=720)] = 6.0
    """hours after which a run that cannot go on has failed"""
    runs: Annotated[int, Field(ge=1, le=64)] = 4
    """runs that are worked on at once"""
    max_failures: Annotated[int, Field(ge=1, le=100)] = 3
    """failed runs in a row after which alerts open no more of a task"""
    shadow_minutes: Annotated[float, Field(ge=0, le=10_080)] = 60.0
    """longest wait for the records of a shadow"""
    programs: Annotated[int, Field(ge=1, le=200)] = 10
    """programs that the LLM is asked for"""
    author: Literal["auto", "large", "small"] = "auto"
    """how programs are had: whole ones of a large model, word lists of a small one; auto begins large"""
    strategies: Names = ()
    """ways of asking a small model, in turn; a mixed round where empty"""
    direct_labels: Annotated[int, Field(ge=0, le=10_000)] = 100
    """records that the LLM labels to learn from"""
    direct_examples: Annotated[int, Field(ge=0, le=100)] = 8
    """gold rows shown with each of these"""
    judged_records: Annotated[int, Field(ge=0, le=10_000)] = 100
    """records at most on which the LLM judges between two versions"""
