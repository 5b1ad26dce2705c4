"""Who may call what: every method of every server, with every scope, over every kind of connection."""

from __future__ import annotations

import asyncio
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from labelwright.client import AsyncClient, AsyncRegistry, Client, Labeling, Registry, RunClient, Security
from labelwright.core.errors import ConfigurationError, PermissionDenied, Unauthenticated, Unavailable
from labelwright.core.run import Trigger
from labelwright.registry.answering import server as registry_server
from labelwright.service.answering import server as label_server
from labelwright.serving.access.identity import Identity, Scope
from labelwright.serving.access.tokens import create_token, revoke_tokens
from labelwright.v1 import label_service_pb2, registry_service_pb2, run_service_pb2

from tests.parts import registry as parts
from tests.parts.certificates import Certificates
from tests.parts.command import Command
from tests.parts.repository import EXAMPLES
from tests.parts.service import Service, until

SERVICES = [
    module.DESCRIPTOR.services_by_name[name]
    for module, name in (
        (label_service_pb2, "LabelService"),
        (registry_service_pb2, "RegistryService"),
        (run_service_pb2, "RunService"),
    )
]
METHODS = {f"/{service.full_name}/{method.name}": method for service in SERVICES for method in service.methods}
NEEDED: Mapping[str, Scope] = {**registry_server.SCOPES, **label_server.SCOPES}
REFUSALS = {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED}
PLAIN, TLS, MTLS = "plaintext", "TLS", "mTLS"


@dataclass(frozen=True)
class House:
    """A registry and a label service that ask, and what to show them. ``bad`` are tokens that nobody may use."""

    registry: parts.Registry
    service: Service
    security: Security
    tokens: Mapping[Scope, str]
    spam_only: str
    bad: Mapping[str, str]
    tokens_file: Path

    def shown(self, token: str) -> Security:
        return replace(self.security, token=token)


@pytest.fixture(scope="module", params=[PLAIN, TLS, MTLS])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("access")
    certificates = Certificates(folder / "certificates")
    settings: dict[str, str] = {} if request.param == PLAIN else certificates.settings(ask=request.param == MTLS)
    security = Security() if request.param == PLAIN else Security(ca=str(certificates.ca))
    if request.param == MTLS:
        certificate, key = certificates.client("a caller")
        security = replace(security, certificate=str(certificate), key=str(key))
    path = folder / "tokens.json"
    settings["tokens_file"] = str(path)
    tokens = {scope: create_token(path, f"a {scope.value}", [scope])[1] for scope in Scope}
    spam_only = create_token(path, "of spam", [Scope.PUSH, Scope.PROMOTE, Scope.LABEL], ["spam"])[1]
    revoked_entry, revoked = create_token(path, "gone", list(Scope))
    revoke_tokens(path, revoked_entry.id)
    expired = create_token(path, "late", list(Scope), expires=datetime.now(UTC) - timedelta(seconds=1))[1]
    bad = {"none": "", "wrong": tokens[Scope.ADMIN][:-3] + "xyz", "expired": expired, "revoked": revoked}
    link = folder / "link.token"
    link.write_text(tokens[Scope.READ] + "\n")
    environment = {
        "LABELWRIGHT_CA": security.ca,
        "LABELWRIGHT_TOKEN_FILE": str(link),
        "LABELWRIGHT_CERTIFICATE": security.certificate,
        "LABELWRIGHT_KEY": security.key,
    }
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in environment.items():
            patch.setenv(name, value)
        registry = parts.Registry(folder / "registry", **settings).start()
        stack.callback(registry.stop)
        service = Service(folder / "service", registry=registry.address, **settings).start(serving=False)
        stack.callback(service.stop)
        for name in environment:
            patch.delenv(name)
        yield House(registry, service, security, tokens, spam_only, bad, path)


def test_every_method_says_what_it_needs() -> None:
    assert NEEDED.keys() == METHODS.keys()


def test_exactly_the_right_ones_pass(house: House) -> None:
    wrong = []
    for name, token in {**{scope.value: token for scope, token in house.tokens.items()}, **house.bad}.items():
        found = answered(house, token)
        for method, scope in NEEDED.items():
            may = name not in house.bad and Identity("", frozenset({Scope(name)})).may(scope)
            if (found[method] not in REFUSALS) is not may:
                wrong.append((name, method, found[method]))
            if name in house.bad and found[method] is not grpc.StatusCode.UNAUTHENTICATED:
                wrong.append((name, method, found[method]))
    assert wrong == []


def answered(house: House, token: str) -> dict[str, grpc.StatusCode]:
    """Call every method with an empty request, and return the statuses."""
    security = house.shown(token)
    found = {}
    for address, services in ((house.service.address, SERVICES[:1]), (house.registry.address, SERVICES[1:])):
        with security.channel(address, []) as channel:
            for service in services:
                for method in service.methods:
                    path = f"/{service.full_name}/{method.name}"
                    found[path] = status(channel, path, method)
    return found


def status(channel: grpc.Channel, path: str, method: Any) -> grpc.StatusCode:
    kind = "_".join(
        "stream" if is_stream else "unary" for is_stream in (method.client_streaming, method.server_streaming)
    )
    call = getattr(channel, kind)(path)
    try:
        answer = call(iter([b""]) if method.client_streaming else b"", timeout=10)
        if method.server_streaming:
            next(answer, None)
            answer.cancel()
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


def test_metrics_are_for_those_who_may_read_and_health_for_all(house: House) -> None:
    assert fetch(house, "/metrics", house.bad["none"]) == 401
    assert fetch(house, "/metrics", house.tokens[Scope.LABEL]) == 403
    assert fetch(house, "/metrics", house.tokens[Scope.READ]) == 200
    assert fetch(house, "/healthz", "") in (200, 503)


def fetch(house: House, path: str, token: str) -> int:
    security = house.security
    context = ssl.create_default_context(cafile=security.ca or None)
    if security.certificate:
        context.load_cert_chain(security.certificate, security.key)
    scheme = "https" if security.ca else "http"
    request = urllib.request.Request(f"{scheme}://{house.service.metrics_address}{path}")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=10, context=context) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_a_version_goes_live_and_histories_name_who_did_it(house: House) -> None:
    spam = EXAMPLES / "spam" / "bundle"
    with Registry(house.registry.address, credentials=house.shown(house.tokens[Scope.PUSH])) as pusher:
        pushed = pusher.push(spam, author="somebody else")
        assert pushed.version is not None
        assert pushed.version.author == "a push"
        with pytest.raises(PermissionDenied):
            pusher.set_alias("spam", pushed.version.number)
    with Registry(house.registry.address, credentials=house.shown(house.spam_only)) as owner:
        owner.set_alias("spam", pushed.version.number, actor="somebody else", reason="first")
        with pytest.raises(PermissionDenied):
            owner.set_alias("spam", pushed.version.number, override=True)
        assert [change.actor for change in owner.history("spam")] == ["of spam"]
    with Client(house.service.address, credentials=house.shown(house.tokens[Scope.LABEL]), timeout=60) as client:
        assert client.label("spam", "WIN a FREE prize now! Call 09061701461").label == "spam"


def test_asyncio_shows_the_token_as_well(house: House) -> None:
    async def label(token: str) -> list[str | None]:
        async with AsyncClient(house.service.address, credentials=house.shown(token), timeout=60) as client:
            one = await client.label("spam", "WIN a FREE prize now! Call 09061701461")
            many = await client.label_batch("spam", ["see you at lunch"])
            stream = [outcome async for outcome in client.label_stream("spam", ["see you at lunch"])]
        return [one.label, *(found.label for found in (*many, *stream) if isinstance(found, Labeling))]

    assert asyncio.run(label(house.tokens[Scope.LABEL])) == ["spam", "ham", "ham"]
    with pytest.raises(Unauthenticated):
        asyncio.run(label(house.bad["wrong"]))

    async def tasks() -> list[str]:
        async with AsyncRegistry(house.registry.address, credentials=house.shown(house.tokens[Scope.READ])) as reader:
            state = await anext(aiter(reader.watch()))
            return [alias.task for alias in state.aliases]

    assert asyncio.run(tasks()) == ["spam"]


def test_a_token_of_one_task_is_of_no_use_for_others(house: House) -> None:
    tickets = EXAMPLES / "tickets" / "bundle"
    with Registry(house.registry.address, credentials=house.shown(house.spam_only)) as owner:
        for act in (
            lambda: owner.push(tickets),
            lambda: owner.set_alias("tickets", 1),
            lambda: owner.versions("tickets"),
            lambda: next(iter(owner.watch())),
            lambda: owner.tasks(),
        ):
            with pytest.raises(PermissionDenied):
                act()
    with Client(house.service.address, credentials=house.shown(house.spam_only)) as client:
        with pytest.raises(PermissionDenied):
            client.label("tickets", "x")
        with pytest.raises(PermissionDenied):
            list(client.label_stream("tickets", ["x"]))
    with Registry(house.registry.address, credentials=house.shown(house.tokens[Scope.READ])) as reader:
        assert "tickets" not in {task.name for task in reader.tasks()}


def test_runs_name_who_opened_and_worked_on_them(house: House) -> None:
    with RunClient(house.registry.address, credentials=house.shown(house.tokens[Scope.PROMOTE])) as opener:
        run, _ = opener.start("spam", trigger=Trigger.MANUAL, reason="to see", actor="somebody else")
    with RunClient(house.registry.address, credentials=house.shown(house.tokens[Scope.PUSH])) as worker:
        claimed = worker.claim("host-1", 60)
        assert claimed is not None
        steps = worker.get(run.id).steps
    assert steps[0].actor == "a promote"


def test_the_command_shows_the_token_of_a_file(house: House, tmp_path: Path) -> None:
    file = tmp_path / "my.token"
    file.write_text(house.tokens[Scope.READ])
    # Named here, so that what the command sets of them ends with it.
    environment = dict.fromkeys(("LABELWRIGHT_CA", "LABELWRIGHT_TOKEN_FILE"))
    command = Command(
        house.registry.address,
        house.service.address,
        **environment,
        LABELWRIGHT_CERTIFICATE=house.security.certificate,
        LABELWRIGHT_KEY=house.security.key,
    )
    ca = ["--ca", house.security.ca] if house.security.ca else []
    command(*ca, "--token-file", file, "tasks")
    refused = command(*ca, "tasks", exits=7)
    assert "a token is needed" in refused.stderr


def test_a_revoked_token_is_refused_from_the_next_second_on(house: House) -> None:
    entry, token = create_token(house.tokens_file, "for a while", [Scope.READ])
    with Registry(house.registry.address, credentials=house.shown(token)) as reader:
        until(lambda: passes(reader))
        revoke_tokens(house.tokens_file, entry.id)
        until(lambda: not passes(reader))


def passes(reader: Registry) -> bool:
    try:
        reader.tasks()
    except Unauthenticated:
        return False
    return True


def test_no_token_stands_in_a_log(house: House) -> None:
    logs = house.registry.log.read_text() + house.service.log.read_text()
    for token in (*house.tokens.values(), house.spam_only, *filter(None, house.bad.values())):
        assert token not in logs
        assert token.split("_", 2)[2] not in logs


def test_without_the_right_connection_nothing_is_reached(house: House) -> None:
    if not house.security.ca:
        pytest.skip("there is no wrong one")
    token = house.tokens[Scope.ADMIN]
    wrong = [Security(token=token), Security(token=token, ca="system")]
    if house.security.certificate:
        wrong.append(Security(token=token, ca=house.security.ca))
    for security in wrong:
        with (
            Registry(house.registry.address, credentials=security, timeout=2) as reader,
            pytest.raises(Unavailable),
        ):
            reader.tasks()


def test_no_token_is_shown_where_it_is_kept() -> None:
    assert "lw_x" not in repr(Security(token="lw_x"))


def test_a_token_is_not_sent_in_the_open() -> None:
    with pytest.raises(ConfigurationError, match="only sent over TLS"):
        Registry("registry.example:7420", credentials=Security(token="lw_x"))
