"""The label service's settings: one field each, read from the environment as LABELWRIGHT_SERVICE_<NAME>."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated, ClassVar

from labelwright.serving.data_folder import user_folder
from labelwright.serving.settings import Address, CapSettings, Names, OptionalAddress, OptionalText
from pydantic import Field
from pydantic_settings import SettingsConfigDict


class RedisMode(enum.Enum):
    """When Redis is asked for an answer."""

    AUTO = "auto"
    ALWAYS = "always"
    OFF = "off"


_Count = Annotated[int, Field(ge=1)]
_Amount = Annotated[int, Field(ge=0)]
_Seconds = Annotated[float, Field(gt=0, le=3600)]


class ServiceSettings(CapSettings):
    """What an operator may set. docs/service.md has the same table; a test compares the two."""

    model_config = SettingsConfigDict(env_prefix="LABELWRIGHT_SERVICE_")

    page: ClassVar[str] = "docs/service.md"

    listen: Address = "127.0.0.1:7400"
    """address of the gRPC server; port 0 takes a free one"""
    registry: Address = "127.0.0.1:7420"
    """address of the registry"""
    data_dir: Path = Field(default_factory=lambda: user_folder("service"))
    """folder of the last good versions and of the address files"""
    metrics_listen: OptionalAddress = "127.0.0.1:7401"
    """address of /metrics and /healthz; port 0 takes a free one; empty means none"""
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """processes that share the port; one a core is enough"""
    tasks: Names = ()
    """the tasks to serve, separated by commas; all where empty"""
    preload: Names = ("production",)
    """the aliases whose versions are loaded before they are asked for"""
    loaded_versions: _Amount = 8
    """versions besides the preloaded ones that stay loaded"""
    sandbox_memory_mb: Annotated[int, Field(ge=64)] = 2048
    """MiB of all programs that are loaded and run, in each worker; the least recently used give way"""
    shadow_alias: OptionalText = "candidate"
    """the alias whose version is evaluated beside production; empty means none"""
    shadow_share: Annotated[float, Field(ge=0, le=1)] = 0.1
    """share of production's records on which it is evaluated; 0 means none"""
    redis_url: OptionalText = ""
    """URL of Redis; empty means none"""
    redis_mode: RedisMode = RedisMode.AUTO
    """when Redis is asked: auto (where it is cheaper than computing), always, off"""
    redis_timeout_ms: Annotated[int, Field(ge=1, le=1000)] = 20
    """milliseconds that a request waits for Redis at most"""
    redis_ttl_s: _Count = 86_400
    """seconds that an answer stays in Redis"""
    redis_queue: _Count = 1024
    """batches that wait to be written to Redis; beyond it they are dropped"""
    memory_cache_entries: _Amount = 100_000
    """answers kept in memory; 0 turns the memory cache off"""
    memory_cache_mb: _Amount = 64
    """MiB of answers kept in memory; 0 turns the memory cache off"""
    max_batch_records: _Count = 4096
    """records in one LabelBatch request"""
    max_request_mb: Annotated[int, Field(ge=1, le=512)] = 16
    """MiB of one request"""
    max_requests: Annotated[int, Field(ge=1, le=4096)] = 128
    """requests in flight, in each worker; beyond it they are refused with a retry hint"""
    max_records: _Count = 16_384
    """records in flight, in each worker; beyond it requests are refused with a retry hint"""
    max_streams: Annotated[int, Field(ge=1, le=1024)] = 16
    """LabelStream calls in flight, in each worker"""
    request_timeout_s: _Seconds = 30.0
    """seconds that a request may take where its caller set no shorter deadline"""
    drain_s: _Seconds = 20.0
    """seconds that requests in flight get to finish after SIGTERM"""
