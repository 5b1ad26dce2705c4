"""The settings of a server: read from the environment once, at the start; every wrong variable is named at once."""

from __future__ import annotations

import enum
from typing import Annotated, Any, ClassVar, Self

from labelwright.core.caps import Cap, Caps
from labelwright.core.errors import ConfigurationError
from labelwright.core.machine.secret_file import read_secret_file
from labelwright.serving.addresses import split_address
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class LogLevel(enum.Enum):
    """The least severe events that are logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class _Empty(enum.Enum):
    """Marks settings for which empty is a value of its own, and not the same as not set."""

    ALLOWED = enum.auto()


def _address(text: str) -> str:
    split_address(text)
    return text


def _address_or_none(text: str) -> str:
    return _address(text) if text else text


def _names(value: object) -> object:
    return tuple(name for part in value.split(",") if (name := part.strip())) if isinstance(value, str) else value


Address = Annotated[str, AfterValidator(_address)]
"""``host:port``."""
OptionalAddress = Annotated[str, AfterValidator(_address_or_none), _Empty.ALLOWED]
"""``host:port``, or nothing."""
OptionalText = Annotated[str, _Empty.ALLOWED]
"""Any text, or nothing."""
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names), _Empty.ALLOWED]
"""Names separated by commas, or none."""


class ServerSettings(BaseSettings):
    """What an operator may set. A subclass has one field a setting, described by the text below the field.

    A variable that is empty counts as not set, except where empty is a value of its own.
    """

    model_config = SettingsConfigDict(frozen=True, use_attribute_docstrings=True)

    page: ClassVar[str]
    """The page of docs/ that lists the settings."""

    log_level: LogLevel = LogLevel.INFO
    """the least that is logged: debug, info, warning or error"""
    tls_certificate: OptionalText = ""
    """PEM file of the certificate that callers see, with those between it and its authority; no TLS where empty"""
    tls_key: OptionalText = ""
    """PEM file of its private key"""
    tls_client_ca: OptionalText = ""
    """PEM file of the authorities of which callers need a certificate; they need none where empty"""
    tokens_file: OptionalText = ""
    """file of the tokens that callers may show (`labelwright tokens`); nobody is asked for one where empty"""
    allow_open: bool = False
    """whether addresses that others reach may be open to all: where something else protects them"""

    @classmethod
    def read(cls, **overrides: object) -> Self:
        """Return the settings of the environment; ``overrides`` ones replace them.

        Raises ConfigurationError that names each wrong variable and shows no value: it may be a password.
        """
        try:
            return cls.model_validate({**cls._from_files(), **overrides})
        except ValidationError as error:
            faults = error.errors(include_input=False, include_url=False)
            message = "; ".join(f"{cls.variable(str(fault['loc'][0]))}: {fault['msg']}" for fault in faults)
            raise ConfigurationError(message, advice=f"{cls.page} lists the settings") from None

    @classmethod
    def _from_files(cls) -> dict[str, str]:
        """Return the settings that stand in files: that of ``X`` in the file which the variable ``X_FILE`` names."""
        return {name: text for name in cls.model_fields if (text := read_secret_file(cls.variable(name))) is not None}

    @classmethod
    def variable(cls, name: str) -> str:
        """Return the environment variable of a setting."""
        return f"{cls.model_config['env_prefix']}{name.upper()}"

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in values.items() if value != "" or cls._may_be_empty(name)}

    @classmethod
    def _may_be_empty(cls, name: str) -> bool:
        field = cls.model_fields.get(name)
        return field is not None and _Empty.ALLOWED in field.metadata


_Most = Annotated[int, Field(ge=1)]


class CapSettings(ServerSettings):
    """Settings of a server that runs programs: what it lets a version ask for by ``[limits]`` of task.toml."""

    max_program_memory_mb: _Most = 1024
    """MiB that `memory_mb` of a version may be"""
    max_program_time_ms: _Most = 10_000
    """milliseconds that `time_ms` of a version may be"""
    max_version_memory_mb: _Most = 32_768
    """MiB that `memory_mb` times the number of a version's programs may be"""
    max_version_time_ms: _Most = 30_000
    """milliseconds that `time_ms` times the number of a version's programs may be"""

    @property
    def caps(self) -> Caps:
        """The caps, with the names of their settings."""
        return Caps(**{name: Cap(getattr(self, f"max_{name}"), self.variable(f"max_{name}")) for name in Caps._fields})
