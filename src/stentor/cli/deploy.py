"""`stentor deploy`: a running `stentor serve` goes on with the code and settings of now."""

from typing import Annotated

import typer

from stentor.cli.options import Data, Json


def deploy(
    data: Data = None,
    same_settings: Annotated[
        bool,
        typer.Option("--same-settings", help="Only the code is new; settings stay as they run."),
    ] = False,
    edges: Annotated[
        int | None, typer.Option(help="Have so many edges from now on: more than there are.")
    ] = None,
    json: Json = False,
) -> None:
    """Replace the edges of a running server, one by one; no listener hears it."""
    import os
    from pathlib import Path

    import msgspec

    from stentor.base.errors import StentorError
    from stentor.base.paths import DataFolder
    from stentor.base.settings import PREFIX, load_settings
    from stentor.deploy import Told, Wish, ask

    settings = load_settings(data=data)
    environment = {name: text for name, text in os.environ.items() if name.startswith(PREFIX)}

    def tell(told: Told) -> None:
        if json:
            typer.echo(msgspec.json.encode(told).decode())
        elif told.event == "changes":
            for name, (before, after) in told.changes.items():
                typer.echo(f"{name}: {before} → {after}")
        elif told.event == "added":
            typer.echo(f"{told.edge}: started")
        elif told.event in ("edge", "done"):
            who = told.edge if told.event == "edge" else "all edges"
            typer.echo(
                f"{who}: {told.listeners} listeners handed over, "
                f"{told.gap_ms} ms without delivery, {told.seconds} s"
            )

    folder = DataFolder(Path(settings.data).absolute())
    last = ask(folder, Wish(environment, same_settings, edges), tell)
    if last.event == "refused":
        raise StentorError(last.why)
    if last.event == "failed":
        raise StentorError(f"{last.edge} was not replaced, everything goes on: {last.why}")
