"""Options that several commands share."""

from __future__ import annotations

import getpass
import socket
from typing import Annotated

import typer
from labelwright.cli.screen import Screen
from labelwright.client import LABEL_ADDRESS, REGISTRY_ADDRESS

_JSON = "labelwright.json"


def _remember(context: typer.Context, value: bool) -> bool:
    # --json may stand before or after the name of a group's command.
    context.meta[_JSON] = value or context.meta.get(_JSON, False)
    return value


def screen_of(context: typer.Context) -> Screen:
    """Return the screen that the command's --json asks for."""
    return Screen(json=bool(context.meta.get(_JSON, False)))


def default_actor() -> str:
    """Return "user@host": who acts unless --actor says otherwise."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.", callback=_remember)]
RegistryAddress = Annotated[
    str, typer.Option("--registry", envvar="LABELWRIGHT_REGISTRY", metavar="HOST:PORT", help="The registry's address.")
]
ServiceAddress = Annotated[
    str,
    typer.Option("--service", envvar="LABELWRIGHT_SERVICE", metavar="HOST:PORT", help="The label service's address."),
]
Actor = Annotated[str, typer.Option("--actor", metavar="NAME", help="Who acts; user@host if not given.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept in the alias's history.")]

REGISTRY = REGISTRY_ADDRESS
SERVICE = LABEL_ADDRESS
