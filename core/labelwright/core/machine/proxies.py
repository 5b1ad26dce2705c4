"""How a server is reached: directly, or through the proxy that the environment names.

The variables mean different things to different libraries: gRPC sends calls to this machine through ``http_proxy`` and
knows ``no_proxy`` in small letters only, and HTTP clients fail on some values. So it is decided here, once, for all:

- A server on this machine is never reached through a proxy.
- What ``no_proxy`` or ``NO_PROXY`` lists is reached directly: names with all below them, addresses, networks
  (``10.0.0.0/8``, ``fd00::/8``), each with a port or without, or ``*``.
"""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies

from labelwright.core.errors import ConfigurationError

# The order in which gRPC looks: https://grpc.github.io/grpc/core/md_doc_environment_variables.html
_GRPC_VARIABLES = ("grpc_proxy", "https_proxy", "http_proxy")
_GRPC_TARGET = re.compile(r"(?:(?:dns|ipv4|ipv6):(?://[^/]*/)?)?(?P<addresses>.+)", re.DOTALL)
_SOCKETS = ("unix:", "unix-abstract:", "vsock:")
_PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")
_LOCAL_NAMES = ("localhost", "ip6-localhost", "ip6-loopback")
_ADVICE = "write http://host:port, or unset it; NO_PROXY lists the hosts that need no proxy"


@dataclass(frozen=True, slots=True)
class Route:
    """How an HTTP client reaches a server: ``proxy`` is a URL, which may hold a password; None for none.

    ``variable`` names the proxy to people. ``verify`` is what checks certificates, as HTTP clients take it.
    """

    proxy: str | None
    variable: str
    verify: ssl.SSLContext | bool

    @property
    def way(self) -> str:
        """The proxy, as it stands behind a server in an error."""
        return f" through the proxy of {self.variable}" if self.variable else ""


def find_route(url: str) -> Route:
    """Return how to reach ``url``. Raises ConfigurationError that names the variable whose value cannot be used."""
    parts = urlsplit(url)
    verify = _certificates() if parts.scheme == "https" else True
    if is_direct(parts.hostname or "", parts.port):
        return Route(None, "", verify)
    proxies = getproxies()
    for scheme in (parts.scheme, "all"):
        if proxy := proxies.get(scheme, "").strip():
            variable = _variable(scheme)
            return Route(_checked(proxy if "://" in proxy else f"http://{proxy}", variable), variable, verify)
    return Route(None, "", verify)


def channel_options(target: str) -> tuple[tuple[str, int], ...]:
    """Return the options that a gRPC channel to ``target`` needs, beside others."""
    return (("grpc.enable_http_proxy", 0),) if _is_direct_target(target) else ()


def grpc_way(target: str) -> str:
    """Return the proxy that gRPC takes to ``target``, as it stands behind a server in an error; empty where none."""
    variable = next((name for name in _GRPC_VARIABLES if os.environ.get(name)), "")
    # gRPC leaves out proxies that speak another protocol.
    is_used = variable and os.environ[variable].partition("://")[0] in ("http", os.environ[variable])
    return f" through the proxy of {variable}" if is_used and not _is_direct_target(target) else ""


def is_direct(host: str, port: int | None = None, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether a host, by name or address, is this machine or is listed in NO_PROXY."""
    host = host.strip("[]").rstrip(".").lower()
    if is_this_machine(host):
        return True
    listed = re.split(r"[\s,]+", f"{environ.get('no_proxy', '')},{environ.get('NO_PROXY', '')}".lower())
    return any(_covers(entry, host, port) for entry in listed if entry)


def is_local_target(target: str) -> bool:
    """Whether all that a gRPC target names is on this machine."""
    return target.startswith(_SOCKETS) or all(is_this_machine(host) for host, _ in _places(target) or [("", None)])


def is_this_machine(host: str) -> bool:
    """Whether a host, by name or address, is this machine itself."""
    host = host.strip("[]").rstrip(".").lower()
    if host in _LOCAL_NAMES or host.endswith(".localhost"):
        return True
    address = _address(host)
    if address is None:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback or (mapped or address).is_unspecified


def _is_direct_target(target: str) -> bool:
    if target.startswith(_SOCKETS):
        return True
    places = _places(target)
    return bool(places) and all(is_direct(host, port) for host, port in places)


def _places(target: str) -> list[tuple[str, int | None]]:
    """Return host and port of each address that a gRPC target names; none where it is no such target."""
    match = _GRPC_TARGET.fullmatch(target)
    return [_split(address) for address in unquote(match["addresses"]).split(",")] if match else []


def _split(address: str) -> tuple[str, int | None]:
    """Return host and port of ``host:port``, ``[address]:port`` or either without its port."""
    host, colon, port = address.rpartition(":")
    if colon and port.isdecimal() and (":" not in host or host.endswith("]")):
        return host, int(port)
    return address, None


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _covers(entry: str, host: str, port: int | None) -> bool:
    """Whether an entry of NO_PROXY covers the host. One that cannot be read covers nothing, as with curl."""
    if entry == "*":
        return True
    entry = entry.rpartition("://")[2].rstrip("/") if "://" in entry else entry
    address = _address(host)
    if address is not None:
        try:
            if address in ipaddress.ip_network(entry.strip("[]"), strict=False):
                return True
        except ValueError:
            pass
    name, its_port = _split(entry)
    if its_port is not None and its_port != port:
        return False
    name = name.strip("[]").removeprefix("*").removeprefix(".").rstrip(".")
    return bool(name) and (host == name or (address is None and host.endswith(f".{name}")))


def _variable(scheme: str) -> str:
    """Return the variable that names the proxy; where it is none, the system's settings do."""
    name = f"{scheme}_proxy"
    return next((found for found in (name, name.upper()) if os.environ.get(found)), "the system's settings")


def _checked(proxy: str, variable: str) -> str:
    """Return the proxy. Raises ConfigurationError; the value is not told, as it may hold a password."""
    try:
        parts = urlsplit(proxy)
        usable = parts.scheme in _PROXY_SCHEMES and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or not proxy.isascii() or not proxy.isprintable() or " " in proxy:
        raise ConfigurationError(f"{variable}: is not the URL of a proxy", advice=_ADVICE)
    if parts.scheme.startswith("socks") and find_spec("socksio") is None:
        raise ConfigurationError(
            f"{variable}: names a SOCKS proxy, which needs the package socksio",
            advice="pip install socksio, or name an HTTP proxy; NO_PROXY lists the hosts that need no proxy",
        )
    return proxy


def _certificates() -> ssl.SSLContext | bool:
    """Return the certificates that SSL_CERT_FILE or SSL_CERT_DIR names, True for the client's own."""
    for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        if place := os.environ.get(variable):
            is_file = variable == "SSL_CERT_FILE"
            try:
                return ssl.create_default_context(cafile=place if is_file else None, capath=None if is_file else place)
            except OSError as error:
                raise ConfigurationError(
                    f"{variable}: {place} holds no certificates that can be read: {error.strerror or error}",
                    advice="name a file or folder of certificates in PEM form, or unset it",
                ) from error
    return True
