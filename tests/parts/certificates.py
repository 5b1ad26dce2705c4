"""Certificates: an authority, a server's, a client's, as PEM files in a folder."""

from __future__ import annotations

from pathlib import Path

import trustme


class Certificates:
    """One authority and what it has signed: ``ca``, ``certificate`` and ``key`` of a server on this machine."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._authority = trustme.CA()
        self._folder = folder
        self.ca, self.certificate, self.key = (folder / name for name in ("ca.pem", "server.pem", "server.key"))
        self._authority.cert_pem.write_to_path(self.ca)
        self.renew()

    def renew(self) -> None:
        """Give the server another certificate, in the same files."""
        issued = self._authority.issue_cert("127.0.0.1", "localhost")
        self.certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(self.key)

    def client(self, name: str) -> tuple[Path, Path]:
        """Return certificate and key of a client of this name."""
        issued = self._authority.issue_cert(f"{name}@example.org", common_name=name)
        certificate, key = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(key)
        return certificate, key

    def settings(self, *, ask: bool = False) -> dict[str, str]:
        """Return the server's settings; ``ask`` for those under which callers need a certificate."""
        found = {"tls_certificate": str(self.certificate), "tls_key": str(self.key)}
        return found | ({"tls_client_ca": str(self.ca)} if ask else {})
