"""Synthesis' settings: one line each, read from the environment as LABELWRIGHT_SYNTHESIS_<NAME>."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from labelwright.core.errors import ConfigurationError
from labelwright.core.machine.secret_file import read_secret_file
from labelwright.synthesis.llm.prices import DEFAULT_PRICES
from platformdirs import user_cache_path
from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "LABELWRIGHT_SYNTHESIS_"


def _default_replies() -> Path:
    return user_cache_path("labelwright") / "replies"


class SynthesisSettings(BaseSettings):
    """What a user may set. docs/synthesis.md has the same table; a test compares the two."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, env_ignore_empty=True, populate_by_name=True, hide_input_in_errors=True
    )

    model: Annotated[str, Field(description="the LLM's name, as its endpoint knows it")] = "gpt-4.1-mini"
    base_url: Annotated[
        str,
        Field(
            description="address of the OpenAI-compatible endpoint, also OPENAI_BASE_URL; OpenAI itself where empty",
            validation_alias=AliasChoices(f"{PREFIX}BASE_URL", "OPENAI_BASE_URL"),
        ),
    ] = ""
    api_key: Annotated[
        SecretStr,
        Field(
            description="key of the endpoint, also OPENAI_API_KEY",
            validation_alias=AliasChoices(f"{PREFIX}API_KEY", "OPENAI_API_KEY"),
        ),
    ] = SecretStr("")
    replies_dir: Path = Field(
        default_factory=_default_replies, description="folder where replies are kept, a file a model"
    )
    prices: Annotated[Path, Field(description="price table (TOML)")] = DEFAULT_PRICES
    budget_tokens: Annotated[int, Field(ge=0, description="most tokens of a run; 0 for no limit")] = 250_000
    budget_dollars: Annotated[float, Field(ge=0, description="most US dollars of a run; 0 for no limit")] = 0.0
    attempts: Annotated[int, Field(ge=1, le=20, description="tries of one request")] = 5
    longest_wait_seconds: Annotated[float, Field(ge=0, le=3600, description="longest wait between two tries")] = 60.0
    silence_seconds: Annotated[float, Field(gt=0, description="longest time without a word of an answer")] = 120.0
    patience_seconds: Annotated[float, Field(gt=0, description="longest time of one answer")] = 600.0


def read_settings() -> SynthesisSettings:
    """Return the settings of the environment. Raises ConfigurationError that names the first wrong variable."""
    try:
        keys = (read_secret_file(name) for name in (f"{PREFIX}API_KEY", "OPENAI_API_KEY"))
        key = next(filter(None, keys), None)
        return SynthesisSettings(api_key=SecretStr(key)) if key else SynthesisSettings()
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        name = str(first["loc"][0])
        shown = name if name.isupper() else PREFIX + name.upper()
        raise ConfigurationError(f"{shown}: {first['msg']}", advice="docs/synthesis.md lists the settings") from error
