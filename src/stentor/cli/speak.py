"""`stentor speak`: a recording, an address or standard input becomes a speaker."""

from typing import Annotated, Any

import typer

from stentor.cli.options import Json


def speak(
    source: Annotated[
        str,
        typer.Argument(help="A file, an address, or - for standard input.", metavar="FILE|URL|-"),
    ],
    link: Annotated[str, typer.Argument(help="The speaker's link.", metavar="LINK")],
    loop: Annotated[bool, typer.Option("--loop", help="From the start again at the end.")] = False,
    on_air: Annotated[
        bool, typer.Option("--on-air", help="Begin on the air, not in the green room.")
    ] = False,
    since_ms: Annotated[int | None, typer.Option(hidden=True)] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing.")] = False,
    json: Json = False,
) -> None:
    """Speak in a room, through WHIP: whatever FFmpeg's libraries read becomes a voice."""
    import msgspec

    from stentor.speak.run import Speech, run_speak

    def tell(event: str, fields: dict[str, Any]) -> None:
        if quiet:
            return
        if json:
            typer.echo(msgspec.json.encode({"event": event, **fields}).decode())
            return
        match event:
            case "link":
                typer.echo(f"Speaking as {fields['name']} in {fields['room']}. Ctrl-C ends.")
            case "connected":
                typer.echo(f"Connected within {fields['after_ms']} ms.")
            case "reconnecting":
                typer.echo(f"Connecting again: {fields['why']}.")
            case "state":
                muted = ", muted" if fields["muted"] else ""
                typer.echo(f"The room is {fields['phase']}{muted}.")
            case _:
                pass

    run_speak(Speech(source, link, loop=loop, on_air=on_air, since_ms=since_ms), tell)
