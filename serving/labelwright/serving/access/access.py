"""How a server is opened: to this machine alone, or to others who show who they are."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import grpc
import structlog
from labelwright.core.errors import ConfigurationError, PermissionDenied, Unauthenticated
from labelwright.core.machine.proxies import is_this_machine
from labelwright.core.wire.handlers import Handler, WrappingInterceptor, behavior_of, with_behavior
from labelwright.serving.access.identity import Identity, Scope, current_caller
from labelwright.serving.access.tls import ServerTls
from labelwright.serving.access.tokens import Tokens
from labelwright.serving.addresses import split_address
from labelwright.serving.http_listener import HttpListener, HttpRequest, HttpResponse, Route, Routes
from labelwright.serving.settings import ServerSettings
from typing_extensions import override

_BEARER = "bearer "
_EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 - what is refused
_log = structlog.get_logger(__name__)


class Access:
    """What a server asks of its callers, on each of its addresses."""

    def __init__(self, settings: ServerSettings) -> None:
        """Raise ConfigurationError where certificates or tokens cannot be used."""
        self._settings = settings
        self.tls = _tls(settings)
        self._tokens: Tokens | None = None
        if settings.tokens_file:
            with _naming(settings.variable("tokens_file")):
                self._tokens = Tokens(Path(settings.tokens_file))

    @property
    def asks(self) -> bool:
        """Whether callers have to show who they are."""
        return self._tokens is not None or (self.tls is not None and self.tls.asks_for_certificates)

    def check_address(self, address: str, variable: str) -> None:
        """Raise ConfigurationError where others reach the address, and nothing protects what they find there."""
        if _is_loopback(address) or self._settings.allow_open or (self.tls and self.asks):
            return
        names = [self._settings.variable(name) for name in ("tls_certificate", "tls_key", "tokens_file")]
        raise ConfigurationError(
            f"{variable}: others reach {address}, and nothing protects it",
            advice=f"set {', '.join(names)} (docs/access.md); or listen on 127.0.0.1; or, where something else "
            f"protects it, {self._settings.variable('allow_open')}=true",
        )

    def announce(self, address: str) -> None:
        """Say in the log who is let in at an address, once somebody listens there, where that is whoever comes."""
        if self.asks:
            return
        if _is_loopback(address):
            _log.info("open to this machine alone: nobody is asked who they are", address=address)
        else:
            _log.warning("open to whoever comes, as the settings allow", address=address)

    def listen_http(self, address: str, variable: str, routes: Routes) -> HttpListener:
        """Return a listener that has the address. Raises ConfigurationError that names the variable."""
        self.check_address(address, variable)
        listener = HttpListener(address, variable, routes, self.tls.http_context if self.tls else None)
        self.announce(listener.address)
        return listener

    def identify(self, authorization: str, certificate_name: str) -> Identity:
        """Return who calls, where ``asks``: by a token, or, where there are none, by name of their certificate.

        ``authorization`` is the header of that name. Raises Unauthenticated.
        """
        if self._tokens is None:
            return Identity(certificate_name or "a certificate without a name", frozenset({Scope.ADMIN}))
        is_bearer = authorization.lower().startswith(_BEARER)
        return self._tokens.identify(authorization[len(_BEARER) :].strip() if is_bearer else "")


class AccessInterceptor(WrappingInterceptor):
    """Lets a call through where its caller may make it, for the tasks that it is about."""

    def __init__(self, access: Access, scopes: Mapping[str, Scope], without_task: Collection[str] = ()) -> None:
        """``scopes`` says what each method needs, by full name; what it does not name needs ``admin``.

        The methods ``without_task`` find out themselves which task they are about, and ask ``current_caller``.
        """
        super().__init__()
        self._access = access
        self._scopes = scopes
        self._without_task = without_task

    @override
    def wrap(self, handler: Handler, method: str) -> Handler:
        behavior = behavior_of(handler)
        scope = self._scopes.get(method, Scope.ADMIN)

        def admitted(request: Any, context: grpc.ServicerContext) -> Any:
            caller = self._admit(scope, context)
            if handler.request_streaming:
                return behavior(_about_own_tasks(request, caller), context)
            if method not in self._without_task:
                caller.require_tasks(_tasks_of(request))
            mark = current_caller.set(caller)
            try:
                return behavior(request, context)
            finally:
                current_caller.reset(mark)

        return with_behavior(handler, admitted)

    def _admit(self, scope: Scope, context: grpc.ServicerContext) -> Identity:
        shown = [value for name, value in context.invocation_metadata() or () if name == "authorization"]
        names: Sequence[Any] = context.auth_context().get("x509_common_name", ())
        caller = self._access.identify(
            shown[0] if shown and isinstance(shown[0], str) else "",
            names[0].decode(errors="replace") if names else "",
        )
        caller.require(scope)
        return caller


def guarded(access: Access, scope: Scope, route: Route) -> Route:
    """Return the route for those who may; nobody is asked where the server asks nobody."""
    if not access.asks:
        return route

    def answer(request: HttpRequest) -> HttpResponse:
        try:
            access.identify(request.headers.get("authorization", ""), request.certificate_name).require(scope)
        except Unauthenticated as error:
            return HttpResponse(401, f"{error.message}\n".encode(), headers={"WWW-Authenticate": "Bearer"})
        except PermissionDenied as error:
            return HttpResponse(403, f"{error.message}\n".encode())
        return route(request)

    return answer


def _is_loopback(address: str) -> bool:
    host, _ = split_address(address)
    return host not in _EVERYWHERE and is_this_machine(host)


def _about_own_tasks(requests: Iterator[Any], caller: Identity) -> Iterator[Any]:
    for request in requests:
        caller.require_tasks(_tasks_of(request))
        yield request


def _tasks_of(request: Any) -> Collection[str]:
    """Return the tasks that a request names; none where it is about all of them, or names none."""
    fields = request.DESCRIPTOR.fields_by_name
    if "task" in fields:
        return (request.task,)
    return tuple(request.tasks) if "tasks" in fields else ()


def _tls(settings: ServerSettings) -> ServerTls | None:
    certificate, key, client_ca = settings.tls_certificate, settings.tls_key, settings.tls_client_ca
    if certificate and key:
        with _naming(settings.variable("tls_certificate")):
            return ServerTls(Path(certificate), Path(key), Path(client_ca) if client_ca else None)
    if certificate or key or client_ca:
        needed = " and ".join(settings.variable(name) for name in ("tls_certificate", "tls_key"))
        raise ConfigurationError(f"{needed} are needed together", advice="docs/access.md shows how")
    return None


@contextlib.contextmanager
def _naming(variable: str) -> Iterator[None]:
    """Name the variable in what is wrong with its file."""
    try:
        yield
    except ConfigurationError as error:
        raise ConfigurationError(f"{variable}: {error.message}", advice=error.advice) from None
