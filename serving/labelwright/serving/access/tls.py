"""A server's certificate, renewed without a restart, and who may connect where callers need one of their own."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import grpc
import structlog
from labelwright.core.errors import ConfigurationError
from labelwright.serving.access.watched_files import WatchedFiles

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Pair:
    """Certificates and keys as they are in PEM files; ``client_ca`` is None where callers need no certificate."""

    certificate: bytes
    key: bytes
    client_ca: bytes | None


class ServerTls:
    """What a server shows and asks for in TLS, from files that are read anew when they change."""

    def __init__(self, certificate: Path, key: Path, client_ca: Path | None) -> None:
        """Raise ConfigurationError where the files cannot be used."""
        self._paths = (certificate, key, client_ca)
        self._files = WatchedFiles([path for path in self._paths if path])
        self._lock = threading.Lock()
        self._http = _context(self._paths)
        self._pair = _read(self._paths)
        self.asks_for_certificates = client_ca is not None
        """Whether nobody can connect without a certificate."""

    def grpc_credentials(self) -> grpc.ServerCredentials:
        """Return credentials that give each new connection the certificate of then."""
        given = self._pair

        def renewed() -> grpc.ServerCertificateConfiguration | None:
            nonlocal given
            self._look()
            with self._lock:
                if self._pair is given:
                    return None
                given = self._pair
            return _configuration(given)

        # None says that nothing changed; the stubs do not know that.
        fetch = cast("Callable[[], grpc.ServerCertificateConfiguration]", renewed)
        return grpc.dynamic_ssl_server_credentials(_configuration(given), fetch, self.asks_for_certificates)

    def http_context(self) -> ssl.SSLContext:
        """Return the context for a new HTTP connection."""
        self._look()
        with self._lock:
            return self._http

    def _look(self) -> None:
        if not self._files.have_changed():
            return
        try:
            context, pair = _context(self._paths), _read(self._paths)
        except ConfigurationError as error:
            # Between the writing of a certificate and that of its key they do not fit.
            _log.error("the changed certificate cannot be used; that of before is shown", error=error.message)
            return
        with self._lock:
            self._http, self._pair = context, pair
        _log.info("certificate read")


def _configuration(pair: _Pair) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([(pair.key, pair.certificate)], pair.client_ca)


def _read(paths: tuple[Path, Path, Path | None]) -> _Pair:
    certificate, key, client_ca = paths
    try:
        return _Pair(certificate.read_bytes(), key.read_bytes(), client_ca.read_bytes() if client_ca else None)
    except OSError as error:
        raise ConfigurationError(f"{error.filename} cannot be read: {error.strerror}") from None


def _context(paths: tuple[Path, Path, Path | None]) -> ssl.SSLContext:
    """Return a context of these files, which finds out whether they can be used: gRPC only logs it."""
    certificate, key, client_ca = paths
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except ssl.SSLError:
        raise ConfigurationError(
            f"{certificate} and {key} are no certificate with its key, in PEM, without a password"
        ) from None
    except OSError as error:
        raise ConfigurationError(f"{certificate} and {key} cannot be read: {error.strerror}") from None
    if client_ca:
        try:
            context.load_verify_locations(client_ca)
        except (ssl.SSLError, OSError):
            raise ConfigurationError(f"{client_ca} holds no certificates in PEM") from None
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _no_password() -> str:
    """Answer for a key that has one: asked for at a terminal, it would keep a server from starting."""
    return ""
