"""`stentor rehearse`: real listeners here, the whole fleet under virtual time, and the answer."""

from pathlib import Path
from typing import Annotated

import typer

from stentor.cli.options import Data, Json


def rehearse(
    scenario: Annotated[
        str, typer.Argument(help="A file, or a name in scenarios/.", metavar="SCENARIO")
    ],
    listeners: Annotated[
        int | None, typer.Option("--listeners", help="How many come [as the scenario says].", min=1)
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of all chance: the same again.")] = 1,
    simulate_only: Annotated[
        bool,
        typer.Option("--simulate-only", help="No listeners here: with the costs of the code."),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The rehearsal's folder [a new one below the data folder]."),
    ] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Say what an audience of any size would take, and what breaks first."""
    import msgspec
    from rich.console import Console

    from stentor.base.settings import load_settings
    from stentor.trials.rehearse import Wish, run_rehearsal
    from stentor.trials.shown import Shown

    settings = load_settings(data=data)
    wish = Wish(
        scenario=scenario,
        listeners=listeners,
        seed=seed,
        simulate_only=simulate_only,
        out=out,
        data=Path(settings.data),
    )
    with Shown(Console(stderr=True)) as shown:
        found = run_rehearsal(wish, shown)
    if json:
        typer.echo(msgspec.json.encode(found.answer).decode())
        return
    from stentor.rehearsal.terminal import summary

    console = Console()
    for line in summary(found.answer):
        console.print(line)
    console.print(f"[dim]All of it: {found.folder / 'answer.html'}[/]")
