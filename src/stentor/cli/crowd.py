"""`stentor load crowd`: people who come in ways that look like trouble, on one's own machine.

Like an attack it has no option for a host: it goes to the server of the data folder, by loopback.
"""

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from stentor.cli.options import Data, Json


def crowd(
    name: Annotated[str, typer.Argument(help="Which one; see --list.", metavar="NAME")] = "",
    listed: Annotated[bool, typer.Option("--list", help="Say what there is.")] = False,
    room: Annotated[str | None, typer.Option("--room", help="[the one on the air]")] = None,
    port: Annotated[int | None, typer.Option("--port", help="On loopback [as set].")] = None,
    count: Annotated[int, typer.Option("--count", help="How many people.")] = 500,
    seconds: Annotated[float, typer.Option("--seconds", help="For how long.")] = 20.0,
    seed: Annotated[int, typer.Option("--seed", help="Of all chance: the same again.")] = 1,
    data: Data = None,
    json: Json = False,
) -> None:
    """Let a crowd come to your own server on this machine, and say how it fared."""
    import msgspec
    from rich.console import Console

    from stentor.base.errors import UnavailableError
    from stentor.base.settings import load_settings
    from stentor.load.attacks.arena import enter_arena
    from stentor.load.attacks.arena_server import arena_server
    from stentor.load.attacks.crowds import about_crowd, plan_crowd
    from stentor.load.attacks.faults import fault
    from stentor.load.attacks.server import find_aim
    from stentor.load.hour import find_hour_ms
    from stentor.load.report import figures
    from stentor.load.run import run_load
    from stentor.load.shown import show_table

    if listed or not name:
        _list(json=json)
        return
    _, look = about_crowd(name)
    settings = load_settings(data=data)
    with contextlib.ExitStack() as stack:
        folder = Path(settings.data)
        if look.v6:
            enter_arena()
            aim, folder = stack.enter_context(arena_server(settings, v6=True))
        else:
            aim = find_aim(settings, port=port, room=room)
        plan = plan_crowd(look, aim, count, seconds, seed)
        plan = plan_crowd(look, aim, count, seconds, seed, find_hour_ms(plan.target))
        for kind in look.faults:
            stack.enter_context(fault(kind, seconds, folder))
        tally = run_load(plan)
    if json:
        typer.echo(msgspec.json.encode(figures(tally)).decode())
    else:
        show_table(tally, Console())
    if tally.heard == 0:
        raise UnavailableError("Nobody could listen.")


def _list(*, json: bool) -> None:
    import msgspec
    from rich.console import Console
    from rich.table import Table

    from stentor.load.attacks.bounds import SECONDS_MAX
    from stentor.load.attacks.crowds import CROWDS, PEOPLE_MAX

    if json:
        told = {
            name: {"does": one.does, "shows": one.shows, "people_max": PEOPLE_MAX}
            for name, one in CROWDS.items()
        }
        typer.echo(msgspec.json.encode(told).decode())
        return
    table = Table("crowd", "what it does", "what must hold")
    for name, one in CROWDS.items():
        table.add_row(name, one.does, one.shows)
    console = Console()
    console.print(table)
    console.print(f"At most {PEOPLE_MAX:,} people for {SECONDS_MAX:g} s; only this machine.")
