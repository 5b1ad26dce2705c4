"""Tokens: made, kept hashed in a file, recognized.

A file and no table of the registry's: label services recognize callers while the registry is away, the first token
needs no other one, and it reaches every host in the way that certificates do. docs/access.md shows it in use.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import hmac
import re
import secrets
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import structlog
from labelwright.core.errors import ConfigurationError, InvalidRequest, NotFound, Unauthenticated
from labelwright.core.machine.whole_file import write_whole
from labelwright.core.task import NAME_PATTERN
from labelwright.serving.access.identity import Identity, Scope
from labelwright.serving.access.watched_files import WatchedFiles
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

_TOKEN = re.compile(r"lw_([0-9a-f]{16})_[A-Za-z0-9_-]{43}")
_log = structlog.get_logger(__name__)


class TokenEntry(BaseModel):
    """What is kept of a token. ``name`` is who it stands for in histories; ``digest`` is SHA-256, in hexadecimal.

    The secret has 256 random bits, so that no slow hash is needed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    name: Annotated[str, Field(pattern=r"^[!-~]([ -~]{0,98}[!-~])?$")]
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    scopes: frozenset[Scope]
    tasks: frozenset[Annotated[str, Field(pattern=f"^({NAME_PATTERN})$")]] = frozenset()
    created: AwareDatetime
    expires: AwareDatetime | None = None
    revoked: AwareDatetime | None = None

    def refusal(self, now: datetime) -> str:
        """Return why it is not taken any more, empty where it is."""
        if self.revoked is not None:
            return f"was revoked on {self.revoked:%Y-%m-%d}"
        if self.expires is not None and now >= self.expires:
            return f"expired on {self.expires:%Y-%m-%d}"
        return ""


_ENTRIES = TypeAdapter(list[TokenEntry])


class Tokens:
    """Recognizes the tokens of a file, which is read anew when it changes. Safe to use from several threads."""

    def __init__(self, path: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Raise ConfigurationError where the file cannot be read."""
        self._files = WatchedFiles((path,))
        self._entries = _by_id(read_entries(path))
        self._path = path
        self._now = now
        self._lock = threading.Lock()

    def identify(self, token: str) -> Identity:
        """Return who shows this token. Raises Unauthenticated."""
        if self._files.have_changed():
            self._read_again()
        match = _TOKEN.fullmatch(token)
        entry = self._entries.get(match[1]) if match else None
        if entry is None or not hmac.compare_digest(entry.digest, _digest(token)):
            raise Unauthenticated(
                "the token is not known here" if token else "a token is needed",
                advice="name the file that holds your token: lw --token-file FILE, or LABELWRIGHT_TOKEN_FILE",
            )
        if refusal := entry.refusal(self._now()):
            raise Unauthenticated(f"the token of {entry.name} {refusal}", advice="ask for a new one")
        return Identity(entry.name, entry.scopes, entry.tasks)

    def _read_again(self) -> None:
        with self._lock:
            try:
                self._entries = _by_id(read_entries(self._path))
            except ConfigurationError as error:
                # Half a change must not shut everybody out. Whoever revokes a token finds it in the log.
                _log.error("the changed tokens cannot be read; those of before are valid", error=error.message)
            else:
                _log.info("tokens read", tokens=len(self._entries))


def create_token(
    path: Path, name: str, scopes: Collection[Scope], tasks: Collection[str] = (), expires: datetime | None = None
) -> tuple[TokenEntry, str]:
    """Add a token to the file, which is made where there is none; return its entry and the token.

    Raises InvalidRequest where the name or a task's cannot be taken, ConfigurationError, OSError.
    """
    identifier = secrets.token_hex(8)
    token = f"lw_{identifier}_{secrets.token_urlsafe(32)}"
    try:
        entry = TokenEntry(
            id=identifier,
            name=name,
            digest=_digest(token),
            scopes=frozenset(scopes),
            tasks=frozenset(tasks),
            created=_now(),
            expires=expires,
        )
    except ValidationError as error:
        field = str(error.errors()[0]["loc"][0])
        advice = "take 1 to 100 visible ASCII characters" if field == "name" else "name tasks as `lw tasks` does"
        raise InvalidRequest(f"this cannot stand in a token's {field}", advice=advice, field=field) from None
    with _changing(path) as entries:
        entries.append(entry)
    return entry, token


def revoke_tokens(path: Path, which: str) -> list[TokenEntry]:
    """Revoke the token of this id, or all of this name, and return them. Raises NotFound, ConfigurationError, OSError.

    Their entries stay, so that a caller is told why.
    """
    with _changing(path) as entries:
        places = [place for place, entry in enumerate(entries) if which in (entry.id, entry.name) and not entry.revoked]
        if not places:
            raise NotFound("no token that is not revoked has this id or name", advice="see `lw tokens list`")
        for place in places:
            entries[place] = entries[place].model_copy(update={"revoked": _now()})
        return [entries[place] for place in places]


def read_entries(path: Path) -> list[TokenEntry]:
    """Return what the file holds. Raises ConfigurationError."""
    try:
        return _ENTRIES.validate_json(path.read_bytes())
    except OSError as error:
        advice = "`lw tokens create` makes it"
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}", advice=advice) from None
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, fault["loc"]))
        raise ConfigurationError(f"{path} is no file of tokens: {place}: {fault['msg']}") from None


def _by_id(entries: Sequence[TokenEntry]) -> dict[str, TokenEntry]:
    return {entry.id: entry for entry in entries}


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@contextlib.contextmanager
def _changing(path: Path) -> Iterator[list[TokenEntry]]:
    """Give the entries to be changed, and keep what they are then; one process at a time."""
    with path.with_name(f".{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        exists = path.exists()
        entries = read_entries(path) if exists else []
        yield entries
        mode = path.stat().st_mode if exists else None
        write_whole(path, _ENTRIES.dump_json(entries, indent=1, exclude_defaults=True) + b"\n")
        if mode is not None:
            # Whoever the server runs as may have been given the file.
            path.chmod(mode)
