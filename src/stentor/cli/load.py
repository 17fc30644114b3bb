"""`stentor load`: real listeners on real sockets, against this machine's loopback only."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from stentor.cli.options import Json

if TYPE_CHECKING:
    from stentor.load.run import Progress

app = typer.Typer(help="Put real listeners on this machine's server.", no_args_is_help=True)


@app.callback()
def _load() -> None:
    """Put real listeners on this machine's server; refuses any other."""


@app.command()
def listeners(
    url: Annotated[str, typer.Argument(help="A room's page on loopback.", metavar="URL")],
    count: Annotated[int, typer.Option("--count", help="How many listeners.")] = 100,
    seconds: Annotated[float, typer.Option("--seconds", help="For how long.", min=0.5)] = 30.0,
    ramp: Annotated[
        float, typer.Option("--ramp", help="Seconds over which they come.", min=0.0)
    ] = 1.0,
    processes: Annotated[int, typer.Option(help="0: as many as needed.", min=0)] = 0,
    sample: Annotated[
        int, typer.Option("--sample", help="One in so many is hashed part by part.", min=1)
    ] = 100,
    buffer: Annotated[
        float | None,
        typer.Option("--buffer", help="Seconds a player keeps [its period and half a second]."),
    ] = None,
    rendition: Annotated[str | None, typer.Option("--rendition", help="[aac48]")] = None,
    json: Json = False,
) -> None:
    """Listen with many players at once, each one's position checked, and say how they fared."""
    import msgspec

    from stentor.base.errors import UnavailableError
    from stentor.load.report import figures
    from stentor.load.run import Plan, run_load
    from stentor.load.target import read_target

    plan = Plan(read_target(url, rendition), count, seconds, ramp, processes, sample, buffer)
    tally = run_load(plan, None if json or not sys.stderr.isatty() else _show)
    found = figures(tally)
    if json:
        typer.echo(msgspec.json.encode(found).decode())
    else:
        for name, value in found.items():
            typer.echo(f"{name:18} {_text(value)}")
    if tally.heard == 0 and tally.listeners == 0:
        raise UnavailableError("Nobody could listen.")


def _text(value: object) -> str:
    if isinstance(value, dict):
        return "  ".join(f"{name} {figure:g}" for name, figure in value.items())
    return "–" if value is None else str(value)


def _show(progress: "list[Progress]") -> None:
    connected = sum(one.connected for one in progress)
    parts = sum(one.heard_parts for one in progress)
    stalls = sum(one.stalls for one in progress)
    gaps = sum(one.gaps for one in progress)
    line = f"{connected} listening, {parts} parts checked, {stalls} stalls, {gaps} gaps"
    sys.stderr.write(f"\r\x1b[K{line}")
    sys.stderr.flush()
