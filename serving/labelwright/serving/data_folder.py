"""The folder in which a server keeps what is its own, and the files there that name its addresses."""

from __future__ import annotations

import contextlib
from pathlib import Path

import structlog
from labelwright.core.errors import ConfigurationError
from labelwright.core.machine.whole_file import write_whole
from platformdirs import user_data_path

_log = structlog.get_logger(__name__)


def user_folder(name: str) -> Path:
    """Return the folder of this name in the user's data folder: where a server keeps things if nothing else is set."""
    return user_data_path("labelwright") / name


def make_folder(folder: Path, variable: str) -> None:
    """Make the folder where it is missing. Raises ConfigurationError that names the variable."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unusable_folder(folder, variable, error) from None


def unusable_folder(folder: Path, variable: str, error: OSError) -> ConfigurationError:
    """Return the error that says so, and which variable names the folder."""
    return ConfigurationError(
        f"{variable}: cannot use {folder}: {error.strerror or error}",
        advice="name a folder that this user may write to",
    )


class AddressFile:
    """Names a server's address while the server runs, for other programs on this machine.

    It is a convenience: a server serves without it where the disk is full or read-only, and says so in its log.
    """

    def __init__(self, folder: Path, name: str, variable: str) -> None:
        """Make the folder, and remove the file of an earlier server, which is gone.

        Raises ConfigurationError that names the variable.
        """
        make_folder(folder, variable)
        self._path = folder / name
        self._address = ""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            _log.warning("an old address file stays", path=str(self._path), error=error.strerror)

    def write(self, address: str) -> None:
        """Leave the address; the file appears whole. An empty address leaves no file."""
        self._address = address
        if address:
            try:
                write_whole(self._path, f"{address}\n".encode())
            except OSError as error:
                _log.warning("the address file cannot be written", path=str(self._path), error=error.strerror)

    def remove(self) -> None:
        """Remove the file where it still names this server: another one may use the folder by now."""
        with contextlib.suppress(OSError):
            if self._address and self._path.is_file() and self._path.read_text().strip() == self._address:
                self._path.unlink(missing_ok=True)
