from __future__ import annotations

import http.client
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from labelwright.core.errors import ConfigurationError
from labelwright.serving.access import watched_files
from labelwright.serving.access.access import Access, guarded
from labelwright.serving.access.identity import Scope
from labelwright.serving.access.tokens import create_token
from labelwright.serving.http_listener import HttpListener, HttpRequest, HttpResponse

from tests.parts.access import AccessSettings
from tests.parts.certificates import Certificates

VARIABLE = "EXAMPLE_LISTEN"


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path / "certificates")


@pytest.fixture
def tokens(tmp_path: Path) -> tuple[Path, dict[Scope, str]]:
    path = tmp_path / "tokens.json"
    return path, {scope: create_token(path, f"a {scope.value}", [scope])[1] for scope in Scope}


def access(**settings: object) -> Access:
    return Access(AccessSettings.read(**settings))


@pytest.mark.parametrize("address", ["127.0.0.1:0", "127.8.8.8:1", "[::1]:0", "localhost:7420"])
def test_this_machine_may_be_open(address: str) -> None:
    access().check_address(address, VARIABLE)


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "10.0.0.1:7420", "registry:7420", "[fe80::1]:1"])
def test_others_are_not_let_in_unless_they_are_asked_or_that_is_said(
    address: str, certificates: Certificates, tokens: tuple[Path, dict[Scope, str]]
) -> None:
    asked = {"tokens_file": str(tokens[0])}
    for too_little in ({}, asked, certificates.settings()):
        with pytest.raises(ConfigurationError) as raised:
            access(**too_little).check_address(address, VARIABLE)
        assert VARIABLE in raised.value.message
        assert "EXAMPLE_ALLOW_OPEN=true" in raised.value.advice
    access(**certificates.settings(), **asked).check_address(address, VARIABLE)
    access(**certificates.settings(ask=True)).check_address(address, VARIABLE)
    access(allow_open=True).check_address(address, VARIABLE)


@pytest.mark.parametrize("missing", ["tls_certificate", "tls_key"])
def test_half_of_a_pair_is_named(certificates: Certificates, missing: str) -> None:
    settings = certificates.settings() | {missing: ""}
    with pytest.raises(ConfigurationError, match="EXAMPLE_TLS_CERTIFICATE and EXAMPLE_TLS_KEY"):
        access(**settings)


@pytest.mark.parametrize("which", ["tls_certificate", "tls_key", "tls_client_ca"])
@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_files_that_cannot_be_used_are_named(
    certificates: Certificates, tmp_path: Path, which: str, content: bytes | None
) -> None:
    other = tmp_path / "other"
    if content is not None:
        other.write_bytes(content)
    with pytest.raises(ConfigurationError) as raised:
        access(**(certificates.settings(ask=True) | {which: str(other)}))
    assert "EXAMPLE_TLS_CERTIFICATE" in raised.value.message
    assert str(other) in raised.value.message


@pytest.fixture
def listener(
    certificates: Certificates, tokens: tuple[Path, dict[Scope, str]]
) -> Iterator[tuple[HttpListener, Certificates, dict[Scope, str]]]:
    opened = access(**certificates.settings(), tokens_file=str(tokens[0]))
    route = guarded(opened, Scope.PROMOTE, lambda _: HttpResponse(200, b"done"))
    found = opened.listen_http("127.0.0.1:0", VARIABLE, {("GET", "/act"): route})
    found.start()
    yield found, certificates, tokens[1]
    found.stop()


def status(address: str, certificates: Certificates, authorization: str = "") -> int:
    request = urllib.request.Request(f"https://{address}/act", headers={"Authorization": authorization})
    context = ssl.create_default_context(cafile=str(certificates.ca))
    try:
        with urllib.request.urlopen(request, timeout=10, context=context) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_http_asks_as_grpc_does(listener: tuple[HttpListener, Certificates, dict[Scope, str]]) -> None:
    found, certificates, tokens = listener
    allowed = {Scope.PROMOTE: 200, Scope.ADMIN: 200}
    for scope, token in tokens.items():
        assert status(found.address, certificates, f"Bearer {token}") == allowed.get(scope, 403)
    for wrong in ("", "Bearer", "Bearer x", f"Basic {tokens[Scope.ADMIN]}", tokens[Scope.ADMIN]):
        assert status(found.address, certificates, wrong) == 401
    connection = http.client.HTTPConnection(found.address, timeout=10)
    connection.request("GET", "/act", headers={"Authorization": f"Bearer {tokens[Scope.ADMIN]}"})
    with pytest.raises((http.client.HTTPException, OSError)):
        connection.getresponse()
    connection.close()


def test_a_renewed_certificate_is_shown_without_a_restart(
    listener: tuple[HttpListener, Certificates, dict[Scope, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched_files, "_SECONDS", 0.0)
    found, certificates, tokens = listener
    host, port = found.address.split(":")

    def shown() -> str:
        return ssl.get_server_certificate((host, int(port)), timeout=10)

    first = shown()
    assert first in certificates.certificate.read_text()
    certificates.key.write_text("half of a change")
    assert shown() == first
    certificates.renew()
    assert shown() != first
    assert shown() in certificates.certificate.read_text()
    assert status(found.address, certificates, f"Bearer {tokens[Scope.ADMIN]}") == 200


def test_who_shows_a_certificate_is_known_by_its_name(certificates: Certificates) -> None:
    opened = access(**certificates.settings(ask=True))
    assert opened.identify("", "line 3").name == "line 3"
    seen: list[str] = []

    def answer(request: HttpRequest) -> HttpResponse:
        seen.append(request.certificate_name)
        return HttpResponse(200)

    found = opened.listen_http("127.0.0.1:0", VARIABLE, {("GET", "/act"): guarded(opened, Scope.ADMIN, answer)})
    found.start()
    try:
        context = ssl.create_default_context(cafile=str(certificates.ca))
        context.load_cert_chain(*certificates.client("line 3"))
        with urllib.request.urlopen(f"https://{found.address}/act", timeout=10, context=context) as response:
            assert response.status == 200
        assert seen == ["line 3"]
        with pytest.raises((urllib.error.URLError, OSError)):
            status(found.address, certificates)
    finally:
        found.stop()
