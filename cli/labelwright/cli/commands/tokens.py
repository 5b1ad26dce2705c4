"""``labelwright tokens``: make, list and revoke what callers show to servers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated

import typer
from labelwright.cli import options
from labelwright.cli.extras import require
from labelwright.cli.screen import Screen
from labelwright.core.errors import ConfigurationError
from labelwright.serving.access.identity import Scope
from rich.table import Table

if TYPE_CHECKING:
    from labelwright.serving.access.tokens import TokenEntry

File = Annotated[
    Path,
    typer.Option(
        "--file",
        envvar="LABELWRIGHT_TOKENS_FILE",
        metavar="FILE",
        help="The file that servers read (their setting TOKENS_FILE); made by the first `create`.",
    ),
]

app = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Make, list and revoke the tokens that callers show to servers.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who it stands for; histories show this name.")],
    file: File,
    scope: Annotated[list[Scope], typer.Option("--scope", help="What it allows; may be given several times.")],
    task: Annotated[
        list[str] | None, typer.Option("--task", metavar="TASK", help="Only for this task; may be given several times.")
    ] = None,
    days: Annotated[int, typer.Option("--days", min=0, max=36_500, help="How long it is valid; 0 for ever.")] = 365,
    json: options.Json = False,
) -> None:
    """Make a token and print it: it is shown now and never again, as only its digest is kept."""
    screen = Screen(json=json)
    expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=days) if days else None
    try:
        entry, token = _files().create_token(file, name, scope, task or (), expires)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {error.strerror}") from None
    if screen.json:
        screen.document({"token": token, "entry": _described(entry)})
        return
    screen.line(token)
    until = f"until {expires:%Y-%m-%d}" if expires else "for ever"
    screen.note(f"{entry.name} ({entry.id}), {', '.join(item.value for item in scope)}, valid {until}")


@app.command("list")
def show(file: File, json: options.Json = False) -> None:
    """List the tokens: for whom, for what, until when. The tokens themselves are not kept."""
    screen = Screen(json=json)
    entries = _files().read_entries(file)
    if screen.json:
        screen.document({"tokens": [_described(entry) for entry in entries]})
        return
    table = Table("id", "name", "scopes", "tasks", "created", "state", box=None, pad_edge=False)
    for entry in entries:
        state = entry.refusal(datetime.now(UTC)) or (
            f"valid until {entry.expires:%Y-%m-%d}" if entry.expires else "valid"
        )
        row = (entry.id, entry.name, _names(entry), ", ".join(sorted(entry.tasks)) or "all")
        table.add_row(*row, f"{entry.created:%Y-%m-%d}", state)
    screen.show(table)


@app.command("revoke")
def revoke(
    which: Annotated[str, typer.Argument(metavar="ID|NAME", help="One token by id, or all of a name.")],
    file: File,
    json: options.Json = False,
) -> None:
    """Revoke tokens: servers refuse them from the next second on."""
    screen = Screen(json=json)
    try:
        revoked = _files().revoke_tokens(file, which)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {error.strerror}") from None
    if screen.json:
        screen.document({"revoked": [_described(entry) for entry in revoked]})
        return
    for entry in revoked:
        screen.line(f"revoked {entry.id} of {entry.name}")


def _files() -> ModuleType:
    return require("labelwright.serving.access.tokens", "serving", "this command")


def _names(entry: TokenEntry) -> str:
    return ", ".join(sorted(scope.value for scope in entry.scopes))


def _described(entry: TokenEntry) -> dict[str, object]:
    """Return the entry for people and programs: without the digest, which is nobody's concern."""
    return entry.model_dump(mode="json", exclude={"digest"})
