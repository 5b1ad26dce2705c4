"""What servers ask of their callers, as tests set it."""

from __future__ import annotations

from typing import ClassVar

from labelwright.serving.access.access import Access
from labelwright.serving.settings import ServerSettings
from pydantic_settings import SettingsConfigDict


class AccessSettings(ServerSettings):
    """The settings that every server has."""

    model_config = SettingsConfigDict(env_prefix="EXAMPLE_")

    page: ClassVar[str] = "docs/access.md"


def open_access() -> Access:
    """Return access that asks nobody."""
    return Access(AccessSettings.read())
