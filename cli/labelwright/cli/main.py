"""The command ``labelwright``: its commands, and the one place where errors become exit codes."""

from __future__ import annotations

import os
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any

import typer
from labelwright.cli.commands import aliases as alias_commands
from labelwright.cli.commands import artifacts as artifact_commands
from labelwright.cli.commands import backups as backup_commands
from labelwright.cli.commands import bundles as bundle_commands
from labelwright.cli.commands import diff as diff_command
from labelwright.cli.commands import fit as fit_command
from labelwright.cli.commands import gold as gold_commands
from labelwright.cli.commands import label as label_command
from labelwright.cli.commands import pilot as pilot_command
from labelwright.cli.commands import runs as run_commands
from labelwright.cli.commands import synth, up
from labelwright.cli.commands import tokens as token_commands
from labelwright.cli.commands import versions as version_commands
from labelwright.cli.exits import ExitCode, exit_code
from labelwright.cli.options import screen_of
from labelwright.core.errors import LabelwrightError
from labelwright.core.wire.security import CA_VARIABLE, TOKEN_FILE_VARIABLE
from typer.core import TyperGroup

DEBUG_VARIABLE = "LABELWRIGHT_DEBUG"


class _Commands(TyperGroup):
    """Keeps the order of registration, and turns every error into one clear line and an exit code."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Return the commands as they were registered."""
        return list(self.commands)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except LabelwrightError as error:
            if os.environ.get(DEBUG_VARIABLE):
                raise
            screen_of(ctx).error(error)
            raise typer.Exit(exit_code(error)) from None
        except KeyboardInterrupt:
            screen_of(ctx).note("interrupted")
            raise typer.Exit(ExitCode.INTERRUPTED) from None
        except BrokenPipeError:
            # Whoever read the output has gone, as `head` does; Python must not complain when it flushes at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(ExitCode.OK) from None
        except OSError as error:
            if os.environ.get(DEBUG_VARIABLE):
                raise
            place = f"{error.filename}: " if error.filename else ""
            screen_of(ctx).error(LabelwrightError(f"{place}{error.strerror or error}"))
            raise typer.Exit(ExitCode.FAILED) from None


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="Label records with versioned, sandboxed programs.",
)


def _show_version(value: bool) -> None:
    if value:
        try:
            typer.echo(f"labelwright {version('labelwright')}")
        except PackageNotFoundError:  # run from a checkout that is not installed
            typer.echo("labelwright (not installed)")
        raise typer.Exit


@app.callback()
def _root(
    show_version: Annotated[  # noqa: ARG001 - its callback acts
        bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
    ca: Annotated[
        str,
        typer.Option(
            "--ca",
            envvar=CA_VARIABLE,
            metavar="FILE",
            help="The authority of the servers' certificates (PEM), or 'system'; without it there is no TLS.",
        ),
    ] = "",
    token_file: Annotated[
        str, typer.Option("--token-file", envvar=TOKEN_FILE_VARIABLE, metavar="FILE", help="Holds your token.")
    ] = "",
) -> None:
    """Label records with versioned, sandboxed programs."""
    # The one place that clients look at, those of the servers that a command starts included.
    for name, value in ((CA_VARIABLE, ca), (TOKEN_FILE_VARIABLE, token_file)):
        if value:
            os.environ[name] = value


app.command("up")(up.up)
app.command("synth")(synth.synth)
app.command("check")(bundle_commands.check)
app.command("fit")(fit_command.fit)
app.command("pilot")(pilot_command.pilot)
app.command("push")(bundle_commands.push)
app.command("label")(label_command.label)
app.command("score")(gold_commands.score)
app.command("next")(gold_commands.next_)
app.command("tasks")(version_commands.tasks)
app.command("versions")(version_commands.versions)
app.command("show")(version_commands.show)
app.command("diff")(diff_command.diff)
app.command("promote")(alias_commands.promote)
app.command("rollback")(alias_commands.rollback)
app.command("history")(alias_commands.history)
app.command("refresh")(run_commands.refresh)
app.command("worker")(up.worker)
app.command("pull")(artifact_commands.pull)
app.command("export")(artifact_commands.export)
app.command("backup")(backup_commands.backup)
app.command("restore")(backup_commands.restore)
app.add_typer(run_commands.app, name="runs")
app.add_typer(token_commands.app, name="tokens")


def main() -> None:
    """Run the command."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    app(prog_name="labelwright")


if __name__ == "__main__":
    main()
