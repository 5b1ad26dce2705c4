"""Options that several commands share."""

from __future__ import annotations

import enum
import getpass
import socket
from pathlib import Path
from typing import Annotated

import typer
from labelwright.cli.screen import Screen
from labelwright.client import LABEL_ADDRESS, REGISTRY_ADDRESS
from labelwright.core.errors import ConfigurationError

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


class AuthorKind(enum.Enum):
    """How programs are had from the LLM."""

    AUTO = "auto"
    LARGE = "large"
    SMALL = "small"


def read_guide(path: Path | None) -> str:
    """Return the labeling guide in the file, empty where none is named. Raises ConfigurationError."""
    if path is None:
        return ""
    try:
        text = path.read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read as UTF-8 text", advice="name a labeling guide") from error
    if not text:
        raise ConfigurationError(f"{path} is empty", advice="leave --guide out to have a guide written")
    return text


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
Author = Annotated[
    AuthorKind,
    typer.Option(
        "--author",
        help="How programs are had: large models write whole ones, small ones lists of words; auto begins large.",
    ),
]
Guide = Annotated[
    Path | None,
    typer.Option("--guide", metavar="FILE", help="A labeling guide to go by, instead of one that the LLM writes."),
]
Parallel = Annotated[int, typer.Option("--parallel", min=1, max=32, help="Requests under way at the same time.")]
Rounds = Annotated[
    int,
    typer.Option(
        "--rounds",
        min=0,
        max=5,
        help="Rounds in which a capable model sees what its programs get wrong, and mends them.",
    ),
]
Encoder = Annotated[
    Path | None,
    typer.Option(
        "--encoder",
        metavar="DIR",
        help="Learn from what this text encoder (model.onnx, tokenizer.json) makes of the texts, too.",
        exists=True,
        file_okay=False,
    ),
]
Student = Annotated[
    bool, typer.Option("--student/--no-student", help="Learn a table of words beside the LLM's programs.")
]

REGISTRY = REGISTRY_ADDRESS
SERVICE = LABEL_ADDRESS
