"""`stentor demo`: a server, a room that starts at once, and two voices that talk in it.

This is what `./run` calls. The voices are ordinary `stentor speak` processes with ordinary links.
"""

import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from stentor.cli.options import Bind, ControlPort, Data, Edges, Json, Port, Seconds


def demo(
    seconds: Seconds = None,
    port: Port = None,
    control_port: ControlPort = None,
    bind: Bind = None,
    data: Data = None,
    edges: Edges = None,
    voices: Annotated[
        bool, typer.Option("--voices/--no-voices", help="Two voices that talk to each other.")
    ] = True,
    json: Json = False,
) -> None:
    """Start a live conversation that can be listened to in a browser; Ctrl-C ends it.

    Without --data everything that it writes is deleted at the end.
    """
    from stentor.app import server
    from stentor.base.settings import PREFIX, load_settings
    from stentor.demo.show import Show

    scratch = None if data else tempfile.mkdtemp(prefix="stentor-demo-")
    try:
        settings = load_settings(
            data=data or scratch, port=port, control_port=control_port, bind=bind, edges=edges
        )
        if PREFIX + "LOG_LEVEL" not in os.environ:
            settings = replace(settings, log_level="warning")
        if not json:
            typer.echo("Starting …", err=True)
        with server(settings) as supervisor:
            if supervisor.stopping:
                return
            show = Show(settings, supervisor)
            show.start(with_voices=voices)
            show.tell(as_json=json, seconds=seconds)
            supervisor.run(seconds)
            show.end()
    finally:
        if scratch is not None:
            shutil.rmtree(Path(scratch), ignore_errors=True)
