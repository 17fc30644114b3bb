"""`stentor part`: one part of a server in a process of its own; what `serve` starts."""

import sys
from typing import Annotated

import typer


def part(
    name: Annotated[str, typer.Argument(help="control, stage, origin, edge or watch.")],
    index: Annotated[int, typer.Option(help="Which edge.")] = 0,
    spare: Annotated[
        bool, typer.Option("--spare", help="Get ready, then wait for a line on standard input.")
    ] = False,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Replace the edge that runs, and all it has.")
    ] = False,
) -> None:
    """Run one part; settings come from the environment."""
    from stentor.app import Part, load_part, run_part
    from stentor.base.errors import UsageError
    from stentor.base.settings import load_settings

    try:
        chosen = Part(name)
    except ValueError:
        raise UsageError(f"There is no part {name!r}; there are {', '.join(Part)}.") from None
    settings = load_settings()
    if take_over and chosen is not Part.EDGE:
        raise UsageError("Only an edge can take over.")
    runner = load_part(chosen, take_over=take_over)
    if spare and not sys.stdin.readline():
        return  # whoever kept us is gone
    run_part(chosen, runner, settings, index)
