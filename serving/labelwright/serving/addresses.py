"""Addresses to listen on: read, and reserved before anything costly begins; clear errors where one is taken."""

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


def reserve(address: str, variable: str, *, shared: bool) -> tuple[socket.socket, str]:
    """Return a socket that holds the address without listening, and the address with its port filled in.

    First without SO_REUSEPORT, which fails where anybody has the port: with it, the system would hand half of the
    calls to each. Where ``shared``, the socket then lets other processes of this user listen on the port too.
    Raises ConfigurationError that names the variable.
    """
    host, port = split_address(address)
    holder = _bound(host, port, variable, shared=False)
    port = holder.getsockname()[1]
    if shared:
        holder.close()
        holder = _bound(host, port, variable, shared=True)
    return holder, join_address(host, port)


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
