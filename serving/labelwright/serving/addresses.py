"""Addresses to listen on: read, checked before anything costly begins, and shared between processes."""

from __future__ import annotations

import socket

from labelwright.core.errors import ConfigurationError

_MAX_PORT = 65_535


def split_address(address: str) -> tuple[str, int]:
    """Return host and port of ``host:port``; an IPv6 host stands in brackets. Raises ValueError."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > _MAX_PORT:
        raise ValueError("must be host:port")
    return host.strip("[]"), int(port)


def join_address(host: str, port: int) -> str:
    """Return ``host:port``, an IPv6 host in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def require_free(address: str, variable: str) -> str:
    """Return the address with its port filled in. Raises ConfigurationError that names the variable where it is taken.

    gRPC finds that out too, but only once everything else has started, and with several lines of its own.
    """
    host, port = split_address(address)
    with _bound(host, port, variable, shared=False) as probe:
        return join_address(host, probe.getsockname()[1])


def reserve_shared(address: str, variable: str) -> tuple[socket.socket, str]:
    """Return a socket that holds the address for processes of this user, and the address with its port filled in.

    The socket does not listen. Raises ConfigurationError that names the variable where somebody else has the address,
    as the system would give half of the connections to each.
    """
    address = require_free(address, variable)
    return _bound(*split_address(address), variable, shared=True), address


def address_family(host: str, port: int) -> tuple[socket.AddressFamily, tuple[str, int]]:
    """Return the family and the address to bind for a host, a name too. Raises OSError where there is no such host."""
    family, _, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    return family, (str(place[0]), port)


def taken_address(address: str, variable: str, error: OSError) -> ConfigurationError:
    """Return the error that says why nobody can listen there, and which variable names the address."""
    return ConfigurationError(
        f"{variable}: cannot listen on {address}: {error.strerror or error}",
        advice="stop what has the port, or choose another; port 0 takes a free one",
    )


def _bound(host: str, port: int, variable: str, *, shared: bool) -> socket.socket:
    try:
        family, place = address_family(host, port)
        holder = socket.socket(family, socket.SOCK_STREAM)
        try:
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if shared:
                holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            holder.bind(place)
        except OSError:
            holder.close()
            raise
    except OSError as error:
        raise taken_address(join_address(host, port), variable, error) from None
    return holder
