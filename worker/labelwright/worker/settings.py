"""The worker's settings: one line each, read from the environment as LABELWRIGHT_WORKER_<NAME>."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Annotated

from labelwright.core.errors import ConfigurationError
from platformdirs import user_data_path
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "LABELWRIGHT_WORKER_"


def _address(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if text and not (host and colon and port.isdecimal() and int(port) < 1 << 16):
        raise ValueError("must be host:port")
    return text


def _names(value: object) -> object:
    return tuple(name for part in value.split(",") if (name := part.strip())) if isinstance(value, str) else value


_Address = Annotated[str, AfterValidator(_address)]
_Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)]


class Settings(BaseSettings):
    """What an operator may set. docs/worker.md has the same table; a test compares the two."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, env_ignore_empty=True)

    registry: Annotated[_Address, Field(description="address of the registry")] = "127.0.0.1:7420"
    prometheus_url: Annotated[
        str, Field(description="URL of the Prometheus that evaluates the rules of drift; none where empty")
    ] = ""
    redis_url: Annotated[
        str, Field(description="URL of the Redis in which label services keep recent records; none where empty")
    ] = ""
    webhook_listen: Annotated[
        _Address, Field(description="address that takes Alertmanager's webhook at /alerts; none where empty")
    ] = ""
    metrics_listen: Annotated[
        _Address, Field(description="address of /metrics and /healthz; port 0 takes a free one; none where empty")
    ] = "127.0.0.1:7402"
    data_dir: Path = Field(
        default_factory=lambda: user_data_path("labelwright") / "worker",
        description="folder of the address files; by default in the user's data folder",
    )
    name: str = Field(
        default_factory=lambda: f"worker@{socket.gethostname()}"[:100],
        min_length=1,
        max_length=100,
        description="who the worker is in leases and histories; by default worker@host",
    )
    poll_s: Annotated[float, Field(gt=0, le=3600, description="how often alerts, runs and figures are looked at")] = (
        30.0
    )
    lease_s: Annotated[int, Field(ge=1, le=3600, description="how long a run stays this worker's without a word")] = 60
    retry_s: Annotated[
        float, Field(gt=0, le=300, description="first pause where something is away; doubled up to 300")
    ] = 5.0
    give_up_h: Annotated[
        float, Field(gt=0, le=720, description="hours after which a run that cannot go on has failed")
    ] = 6.0
    runs: Annotated[int, Field(ge=1, le=64, description="runs that are worked on at once")] = 4
    max_failures: Annotated[
        int, Field(ge=1, le=100, description="failed runs in a row after which alerts open no more of a task")
    ] = 3
    shadow_minutes: Annotated[float, Field(ge=0, le=10_080, description="longest wait for the records of a shadow")] = (
        60.0
    )
    programs: Annotated[int, Field(ge=1, le=200, description="programs that the LLM is asked for")] = 10
    strategies: Annotated[_Names, Field(description="ways of asking, in turn; a mixed round where empty")] = ()
    direct_labels: Annotated[int, Field(ge=0, le=10_000, description="records that the LLM labels to learn from")] = 100
    direct_examples: Annotated[int, Field(ge=0, le=100, description="gold rows shown with each of these")] = 8
    judged_records: Annotated[
        int, Field(ge=0, le=10_000, description="records at most on which the LLM judges between two versions")
    ] = 100
    log_level: Annotated[str, Field(pattern="^(debug|info|warning|error)$", description="the least that is logged")] = (
        "info"
    )


def read_settings(**given: object) -> Settings:
    """Return the settings of the environment, those ``given`` in their stead.

    Raises ConfigurationError that names each wrong variable.
    """
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        wrong = "; ".join(
            f"{PREFIX}{str(item['loc'][0]).upper()}: {item['msg']}" for item in error.errors(include_input=False)
        )
        raise ConfigurationError(wrong, advice="docs/worker.md lists the settings") from None
