"""`stentor rehearse`: real listeners here, the whole fleet under virtual time, and the answer."""

from pathlib import Path
from typing import Annotated

import typer

from stentor.cli.options import Data, Json


def rehearse(
    scenario: Annotated[
        str, typer.Argument(help="A file, or the name of one in scenarios/.", metavar="SCENARIO")
    ],
    listeners: Annotated[
        int | None, typer.Option("--listeners", help="How many come [as the scenario says].", min=1)
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of all chance: the same again.", min=0)] = 1,
    simulate_only: Annotated[
        bool,
        typer.Option("--simulate-only", help="No listeners here: with the costs of the code."),
    ] = False,
    larger_crowds: Annotated[
        bool,
        typer.Option(
            "--larger-crowds", help="Simulate larger crowds too, in miniature: some minutes more."
        ),
    ] = False,
    trial_sizes: Annotated[
        str | None,
        typer.Option("--trial-sizes", help="Listeners here, such as 900,1300,1700.", metavar="N,…"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="The rehearsal's folder [a new one below the data folder]; where trials lie in "
            "it, goes on from them.",
            metavar="DIR",
        ),
    ] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Say what an audience of any size would take, and what breaks first.

    Exit code 1 if this machine's real listeners refute what the simulation says of them.
    """
    import msgspec
    from rich.console import Console

    from stentor.base.errors import StentorError
    from stentor.base.settings import load_settings
    from stentor.trials.rehearse import Wish, run_rehearsal
    from stentor.trials.shown import Shown

    settings = load_settings(data=data)
    wish = Wish(
        scenario=scenario,
        listeners=listeners,
        seed=seed,
        simulate_only=simulate_only,
        larger_crowds=larger_crowds,
        sizes=() if trial_sizes is None else _sizes(trial_sizes),
        out=out,
    )
    with Shown(Console(stderr=True)) as shown:
        found = run_rehearsal(wish, settings, shown)
    if json:
        typer.echo(msgspec.json.encode(found.answer).decode())
    else:
        from stentor.rehearsal.terminal import summary

        console = Console()
        for line in summary(found.answer):
            console.print(line)
        console.print(f"[dim]All of it, with charts: {found.folder / 'answer.html'}[/]")
    if found.answer.refuted:
        raise StentorError(found.answer.refuted)


def _sizes(text: str) -> tuple[int, ...]:
    """Return the sizes that a list with commas names; raises `UsageError`."""
    from stentor.base.errors import UsageError

    try:
        return tuple(int(one.replace("_", "")) for one in text.split(","))
    except ValueError:
        raise UsageError(f"{text!r} are no sizes; say 900,1300,1700.") from None
