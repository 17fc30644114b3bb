"""Options that several commands share, each described once."""

from typing import Annotated

import typer

Data = Annotated[str | None, typer.Option("--data", help="The data folder.", metavar="DIR")]
Port = Annotated[int | None, typer.Option("--port", help="The port for listeners [8000].")]
ControlPort = Annotated[
    int | None,
    typer.Option("--control-port", help="The port for hosts; the stage has the next [8001]."),
]
Bind = Annotated[str | None, typer.Option("--bind", help="The address to listen on [127.0.0.1].")]
Edges = Annotated[int | None, typer.Option("--edges", help="How many edge processes [2].")]
Seconds = Annotated[float | None, typer.Option("--seconds", help="End after so many seconds.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
