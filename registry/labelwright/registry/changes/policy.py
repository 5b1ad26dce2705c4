"""The registry's policy: what no bundle can set for itself, because the bundle is what it judges.

It is a file on the registry's host, so whoever may change it is whoever administers that host, and its history is where
the rest of the host's configuration has its own. docs/registry.md shows one.
"""

from __future__ import annotations

import threading
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import structlog
from labelwright.core.errors import ConfigurationError, PermissionDenied
from labelwright.core.task import NAME_PATTERN, Gates
from labelwright.serving.access.watched_files import WatchedFiles
from pydantic import BaseModel, ConfigDict, Field, ValidationError

_log = structlog.get_logger(__name__)

_Name = Annotated[str, Field(pattern=f"^({NAME_PATTERN})$")]


class PolicyGates(Gates):
    """The gates of task.toml, none of which has a default here."""

    max_error: Annotated[float, Field(ge=0, le=1)] | None = None


class Policy(BaseModel):
    """What holds for a task beside its own gates."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gates: PolicyGates = PolicyGates()
    """The least that is asked for; a bundle may ask for more."""
    protect_gold: bool = False
    """Whether a version without some of production's gold rows, or with other labels for them, fails a gate."""
    another_person: bool = False
    """Whether who moves production must be another than the version's author."""
    movers: Mapping[_Name, frozenset[str]] = {}
    """Names of the callers who may move an alias, by the alias; one that is not here, whoever has the scope."""

    def require_mover(self, alias: str, actor: str) -> None:
        """Raise PermissionDenied where this is not one who may move the alias."""
        movers = self.movers.get(alias)
        if movers is not None and actor not in movers:
            raise PermissionDenied(
                f"the registry's policy does not let {actor or 'somebody without a name'} move {alias!r}",
                advice=f"ask {', '.join(sorted(movers)) or 'whoever administers the registry'}",
            )


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    default: Policy = Policy()
    task: Mapping[_Name, Policy] = {}


class Policies:
    """The policy of each task, from a file that is read anew when it changes. Safe to use from several threads."""

    def __init__(self, path: Path | None = None) -> None:
        """Without a file nothing is asked for. Raises ConfigurationError where it cannot be read."""
        self._path = path
        self._content = _read(path) if path else _File()
        self._files = WatchedFiles([path] if path else [])
        self._lock = threading.Lock()

    def of(self, task: str) -> Policy:
        """Return the task's own policy, else the default."""
        if self._path and self._files.have_changed():
            self._read_again(self._path)
        return self._content.task.get(task, self._content.default)

    def _read_again(self, path: Path) -> None:
        with self._lock:
            try:
                self._content = _read(path)
            except ConfigurationError as error:
                _log.error("the changed policy cannot be read; that of before holds", error=error.message)
            else:
                _log.info("policy read", tasks=sorted(self._content.task))


def _read(path: Path) -> _File:
    try:
        return _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False)[0]
        raise ConfigurationError(f"{path}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is no TOML of a policy: {error}") from None
