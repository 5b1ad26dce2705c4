"""The registry's settings: one field each, read from the environment as LABELWRIGHT_REGISTRY_<NAME>."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar

from labelwright.serving.data_folder import user_folder
from labelwright.serving.settings import Address, CapSettings, OptionalAddress, OptionalText
from pydantic import Field
from pydantic_settings import SettingsConfigDict


class RegistrySettings(CapSettings):
    """What an operator may set. docs/registry.md has the same table; a test compares the two."""

    model_config = SettingsConfigDict(env_prefix="LABELWRIGHT_REGISTRY_")

    page: ClassVar[str] = "docs/registry.md"

    listen: Address = "127.0.0.1:7420"
    """address of the gRPC server; port 0 takes a free one"""
    data_dir: Path = Field(default_factory=lambda: user_folder("registry"))
    """folder of the artifacts and of SQLite; by default in the user's data folder"""
    database_url: OptionalText = ""
    """database; SQLite inside the data folder where empty"""
    metrics_listen: OptionalAddress = ""
    """address of /metrics and /healthz; port 0 takes a free one; none where empty"""
    max_watchers: Annotated[int, Field(ge=1, le=4096)] = 256
    """Watch streams at once"""
    threads: Annotated[int, Field(ge=1, le=256)] = 16
    """other calls at once"""
    max_pushes: Annotated[int, Field(ge=1, le=64)] = 2
    """bundles judged at once"""
    push_seconds: Annotated[float, Field(gt=0, le=3600)] = 300.0
    """longest time to judge a bundle"""
    heartbeat_seconds: Annotated[float, Field(gt=0, le=60)] = 5.0
    """longest silence of a Watch"""
    poll_seconds: Annotated[float, Field(gt=0, le=60)] = 0.5
    """how often changes of other processes are read"""
    drain_seconds: Annotated[float, Field(ge=0, le=600)] = 20.0
    """time for the calls in progress at shutdown"""
    orphan_hours: Annotated[float, Field(ge=0)] = 24.0
    """age at which an artifact of no version goes to the bin"""
    bin_days: Annotated[float, Field(ge=0)] = 30.0
    """days that an artifact stays in the bin"""

    policy_file: OptionalText = ""
    """file of what no bundle can set for itself (TOML); nothing is asked for beside a bundle's own gates where empty"""

    @property
    def url(self) -> str:
        """The database's URL, with the default filled in."""
        return self.database_url or f"sqlite:///{self.data_dir.absolute() / 'registry.sqlite3'}"
