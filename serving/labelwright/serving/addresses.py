"""Ports: clear errors where one is taken, and one port for several processes."""

from __future__ import annotations

import socket
from pathlib import Path

from labelwright.core.errors import ConfigurationError
from labelwright.core.whole_file import write_whole
from prometheus_client import CollectorRegistry, start_http_server


def split(address: str) -> tuple[str, int]:
    """Return host and port of "host:port"; an IPv6 host may stand in brackets."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def reserve(address: str, setting: str, *, shared: bool) -> tuple[socket.socket, str]:
    """Return a socket that holds the address without listening, and the address with its port filled in.

    First without SO_REUSEPORT, which fails where anybody has the port: with it, the system would hand half of the
    calls to each. Where ``shared``, the socket then lets others of this user in. Raises ConfigurationError.
    """
    host, port = split(address)
    holder = _bound(host, port, setting, shared=False)
    port = holder.getsockname()[1]
    if shared:
        holder.close()
        holder = _bound(host, port, setting, shared=True)
    return holder, f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def serve_metrics(address: str, setting: str, registry: CollectorRegistry) -> str:
    """Serve ``registry`` at /metrics in threads of their own; return the address. Raises ConfigurationError."""
    host, port = split(address)
    try:
        server, _ = start_http_server(port, host, registry)
    except OSError as error:
        raise _taken(address, setting, error) from None
    return f"{host}:{server.server_port}"


def write_address(path: Path, address: str) -> None:
    """Leave the address where other processes find it; the file appears whole."""
    write_whole(path, f"{address}\n".encode())


def _bound(host: str, port: int, setting: str, *, shared: bool) -> socket.socket:
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        holder = socket.socket(family, kind, protocol)
        try:
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if shared:
                holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            holder.bind(where)
        except OSError:
            holder.close()
            raise
    except OSError as error:
        raise _taken(f"{host}:{port}", setting, error) from None
    return holder


def _taken(address: str, setting: str, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"{setting}: cannot listen on {address}: {error.strerror or error}",
        advice="stop what has the port, or choose another; port 0 takes a free one",
    )
