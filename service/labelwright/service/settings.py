"""The label service's settings: name, type, default, one line each. docs/service.md lists them for people."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

from labelwright.core.errors import ConfigurationError
from platformdirs import user_data_path
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

ENV_PREFIX = "LABELWRIGHT_SERVICE_"


class RedisMode(enum.Enum):
    """When Redis is asked for an answer."""

    AUTO = "auto"
    ALWAYS = "always"
    OFF = "off"


class LogLevel(enum.Enum):
    """The least that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def _address(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if not (host and colon and port.isdigit() and int(port) < 1 << 16):
        raise ValueError("must be host:port")
    return text


def _address_or_none(text: str) -> str:
    return _address(text) if text else text


def _names(value: object) -> object:
    return tuple(name for part in value.split(",") if (name := part.strip())) if isinstance(value, str) else value


_Address = Annotated[str, AfterValidator(_address)]
_OptionalAddress = Annotated[str, AfterValidator(_address_or_none)]
_Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)]
_Count = Annotated[int, Field(ge=1)]
_Amount = Annotated[int, Field(ge=0)]
_Seconds = Annotated[float, Field(gt=0, le=3600)]


class Settings(BaseSettings):
    """Read from the environment once, at the start, and handed down from there."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, frozen=True)

    listen: _Address = "127.0.0.1:7400"
    """Address of the gRPC server; port 0 takes a free one."""
    registry: _Address = "127.0.0.1:7420"
    """Address of the registry."""
    data_dir: Path = Field(default_factory=lambda: user_data_path("labelwright") / "service")
    """Folder of the last good versions and of the address files."""
    metrics_listen: _OptionalAddress = "127.0.0.1:7401"
    """Address of /metrics; port 0 takes a free one; empty means none."""
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """Processes that share the port; one a core is enough."""
    tasks: _Names = ()
    """The tasks to serve, separated by commas; all where empty."""
    preload: _Names = ("production",)
    """The aliases whose versions are loaded before they are asked for."""
    loaded_versions: _Amount = 8
    """Versions besides the preloaded ones that stay loaded."""
    shadow_alias: str = "candidate"
    """The alias whose version is evaluated beside production; empty means none."""
    shadow_share: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Share of production's records on which it is evaluated; 0 means none."""
    redis_url: str = ""
    """URL of Redis; empty means none."""
    redis_mode: RedisMode = RedisMode.AUTO
    """When Redis is asked: auto (where it is cheaper than computing), always, off."""
    redis_timeout_ms: Annotated[int, Field(ge=1, le=1000)] = 20
    """Milliseconds that a request waits for Redis at most."""
    redis_ttl_s: _Count = 86_400
    """Seconds that an answer stays in Redis."""
    redis_queue: _Count = 1024
    """Batches that wait to be written to Redis; beyond it they are dropped."""
    memory_cache_entries: _Amount = 100_000
    """Answers kept in memory; 0 turns the memory cache off."""
    memory_cache_mb: _Amount = 64
    """MiB of answers kept in memory; 0 turns the memory cache off."""
    max_batch_records: _Count = 4096
    """Records in one LabelBatch request."""
    max_request_mb: Annotated[int, Field(ge=1, le=512)] = 16
    """MiB of one request."""
    max_requests: Annotated[int, Field(ge=1, le=4096)] = 128
    """Requests in flight, in each worker; beyond it they are refused with a retry hint."""
    max_records: _Count = 16_384
    """Records in flight, in each worker; beyond it requests are refused with a retry hint."""
    max_streams: Annotated[int, Field(ge=1, le=1024)] = 16
    """LabelStream calls in flight, in each worker."""
    request_timeout_s: _Seconds = 30.0
    """Seconds that a request may take where its caller set no shorter deadline."""
    drain_s: _Seconds = 20.0
    """Seconds that requests in flight get to finish after SIGTERM."""
    log_level: LogLevel = LogLevel.INFO
    """The least that is logged: debug, info, warning, error."""


def read_settings() -> Settings:
    """Return the settings of the environment. Raises ConfigurationError that names each wrong variable."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(f"{_variable(item['loc'])}: {item['msg']}" for item in error.errors(include_input=False))
        raise ConfigurationError(wrong, advice="docs/service.md lists the settings") from None


def _variable(location: tuple[int | str, ...]) -> str:
    return ENV_PREFIX + str(location[0]).upper()
