"""The command line: one typer application, a file for each command.

A command imports what it runs when it runs it, so that `--help` is quick. Whatever goes wrong in a
way that a person can do something about ends as one sentence on standard error.
"""

import sys
from typing import Annotated

import typer

from stentor.base.errors import StentorError
from stentor.cli.certificate import app as certificate
from stentor.cli.demo import demo
from stentor.cli.deploy import deploy
from stentor.cli.guard import guard
from stentor.cli.ledger import app as ledger
from stentor.cli.listen import listen
from stentor.cli.load import app as load
from stentor.cli.part import part
from stentor.cli.preflight import preflight
from stentor.cli.rehearse import rehearse
from stentor.cli.report import report
from stentor.cli.room import app as room
from stentor.cli.serve import serve
from stentor.cli.settings import settings
from stentor.cli.speak import speak

app = typer.Typer(
    name="stentor",
    help="Live audio conversations for audiences of any size, self-hosted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from stentor.base.build import read_build

        build = read_build()
        typer.echo(f"stentor {build.version}")
        typer.echo(f"code {build.digest}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Show the version, and the digest of the code.",
            callback=_show_version,
            is_eager=True,
        ),
    ] = False,
) -> None:
    """Live audio conversations for audiences of any size, self-hosted."""


app.command()(serve)
app.command()(deploy)
app.command()(demo)
app.command()(speak)
app.command()(listen)
app.command()(guard)
app.command()(report)
app.command()(rehearse)
app.command()(preflight)
app.command()(settings)
app.command(hidden=True)(part)


app.add_typer(room, name="room")
app.add_typer(load, name="load")
app.add_typer(ledger, name="ledger")
app.add_typer(certificate, name="certificate")


def main() -> None:
    """Run the command that the arguments name."""
    try:
        app()
    except StentorError as error:
        print(f"stentor: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(error.exit_code)
    except MemoryError:
        told = "There is not so much memory: ask for less, or elsewhere."
        print(f"stentor: {told}", file=sys.stderr)  # noqa: T201
        sys.exit(StentorError.exit_code)
    except OSError as error:  # a disk that is full, a folder that went away
        where = f"{error.filename}: " if error.filename else ""
        print(f"stentor: {where}{error.strerror or error}.", file=sys.stderr)  # noqa: T201
        sys.exit(StentorError.exit_code)
