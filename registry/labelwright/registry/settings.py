"""The registry's settings: one line each, read from the environment as LABELWRIGHT_REGISTRY_<NAME>."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from labelwright.core.errors import ConfigurationError
from platformdirs import user_data_path
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "LABELWRIGHT_REGISTRY_"


class Settings(BaseSettings):
    """What an operator may set. docs/registry.md has the same table; a test compares the two."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, env_ignore_empty=True)

    listen: Annotated[str, Field(description="address of the gRPC server; port 0 takes a free one")] = "127.0.0.1:7420"
    data_dir: Path = Field(
        default_factory=lambda: user_data_path("labelwright") / "registry",
        description="folder of the artifacts and of SQLite; by default in the user's data folder",
    )
    database_url: Annotated[str, Field(description="database; SQLite inside the data folder where empty")] = ""
    metrics_listen: Annotated[str, Field(description="address of the Prometheus metrics; none where empty")] = ""
    max_watchers: Annotated[int, Field(ge=1, le=4096, description="Watch streams at once")] = 256
    threads: Annotated[int, Field(ge=1, le=256, description="other calls at once")] = 16
    max_pushes: Annotated[int, Field(ge=1, le=64, description="bundles judged at once")] = 2
    push_seconds: Annotated[float, Field(gt=0, le=3600, description="longest time to judge a bundle")] = 300.0
    heartbeat_seconds: Annotated[float, Field(gt=0, le=60, description="longest silence of a Watch")] = 5.0
    poll_seconds: Annotated[float, Field(gt=0, le=60, description="how often changes of other processes are read")] = (
        0.5
    )
    drain_seconds: Annotated[float, Field(ge=0, le=600, description="time for the calls under way at shutdown")] = 20.0
    orphan_hours: Annotated[float, Field(ge=0, description="age at which an artifact of no version is removed")] = 24.0

    @property
    def url(self) -> str:
        """The database's URL, with the default filled in."""
        return self.database_url or f"sqlite:///{self.data_dir.absolute() / 'registry.sqlite3'}"


def read_settings() -> Settings:
    """Return the settings of the environment. Raises ConfigurationError that names the first wrong variable."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = PREFIX + str(first["loc"][0]).upper()
        raise ConfigurationError(f"{name}: {first['msg']}", advice="docs/registry.md lists the settings") from error
