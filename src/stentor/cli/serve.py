"""`stentor serve`: all parts of Stentor on this machine."""

from typing import Any

import typer

from stentor.cli.options import Bind, ControlPort, Data, Edges, Json, Port, Seconds


def serve(
    data: Data = None,
    port: Port = None,
    control_port: ControlPort = None,
    bind: Bind = None,
    edges: Edges = None,
    seconds: Seconds = None,
    json: Json = False,
) -> None:
    """Run all parts on this machine until Ctrl-C; whatever dies is started again."""
    import msgspec

    from stentor.app import serve as run
    from stentor.base.settings import load_settings

    options: dict[str, Any] = {
        "data": data, "port": port, "control_port": control_port, "bind": bind, "edges": edges
    }  # fmt: skip
    settings = load_settings(**options)

    def tell() -> None:
        addresses = {
            "listen": settings.listen_base,
            "control": settings.control_base,
            "stage": settings.stage_base,
            "watch": settings.watch_base,
            "data": settings.data,
        }
        if json:
            typer.echo(msgspec.json.encode(addresses).decode())
            return
        typer.echo(f"Listeners  {addresses['listen']}")
        typer.echo(f"Hosts      {addresses['control']}")
        typer.echo(f"Operator   {addresses['watch']}")
        typer.echo(f"Data       {addresses['data']}")
        typer.echo("Ctrl-C ends.")

    run(settings, seconds, on_ready=lambda supervisor: tell(), options=options)
