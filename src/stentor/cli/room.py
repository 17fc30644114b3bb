"""`stentor room`: make and keep rooms, by asking control over HTTP.

Control is found through the data folder, and believed because of the token that lies there. Links
are printed whole, one a line, so that they can be copied.
"""

from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from stentor.base.errors import StentorError, UsageError
from stentor.cli.control_client import (
    ROLES,
    ControlClient,
    print_json,
    read_tune,
    room_path,
    say_phase,
    show_room,
    shown_time,
)
from stentor.cli.options import Data, Json

app = typer.Typer(help="Make and keep rooms.", no_args_is_help=True, rich_markup_mode=None)

Room = Annotated[str, typer.Argument(help="The room's id.", metavar="ROOM")]
SeatOrName = Annotated[
    str, typer.Argument(help="The seat's id, or its holder's name.", metavar="SEAT")
]
When = Annotated[
    str,
    typer.Option(help="now, +10m (s, m, h, d), or like 2026-12-01T20:00Z.", metavar="WHEN"),
]


@app.command()
def create(
    title: Annotated[str, typer.Argument(help="What the audience sees.", metavar="TITLE")],
    at: When,
    hold: Annotated[
        Path | None,
        typer.Option(help="A tune until the first voice.", metavar="FILE", dir_okay=False),
    ] = None,
    speakers: Annotated[int, typer.Option(help="Links for so many speakers.", min=0, max=30)] = 2,
    expect: Annotated[
        int, typer.Option("--expect", help="How many listeners are expected at once.", min=0)
    ] = 0,
    unlisted: Annotated[bool, typer.Option("--unlisted", help="Not in the directory.")] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Make a room: prints the listeners' address and the links for host, co-host and speakers."""
    tune = read_tune(hold) if hold is not None else None
    control = ControlClient(data)
    asked = {
        "title": title,
        "at": at,
        "speakers": speakers,
        "listed": not unlisted,
        "expected": expect,
    }
    room = control.ask("POST", "/api/rooms", asked)
    if tune is not None:
        try:
            room = control.send_hold(room["room"], tune)
        except StentorError as error:
            show_room(room, json)
            raise type(error)(f"The room is made, without its hold tune: {error}") from None
    show_room(room, json)


@app.command("list")
def list_rooms(data: Data = None, json: Json = False) -> None:
    """List all rooms, the latest hour first."""
    rooms = ControlClient(data).ask("GET", "/api/rooms")["rooms"]
    if json:
        print_json(rooms)
        return
    if not rooms:
        typer.echo('There are no rooms. Make one: stentor room create "A title" --at +10m')
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, emoji=False)
    columns = [(room["room"], room["phase"], shown_time(room["epoch_ms"])) for room in rooms]
    widths = [max(len(text) for text in column) for column in zip(*columns, strict=True)]
    for room, (name, phase, hour) in zip(rooms, columns, strict=True):
        unlisted = "" if room["listed"] else " (unlisted)"
        line = Text(f"{name:{widths[0]}}  ")
        line.append(f"{phase:{widths[1]}}", {"live": "green", "ended": "dim"}.get(phase, ""))
        line.append(f"  {hour:{widths[2]}}  {room['title']}{unlisted}")
        console.print(line, soft_wrap=True)


@app.command()
def show(room: Room, data: Data = None, json: Json = False) -> None:
    """Show a room with all its links."""
    show_room(ControlClient(data).ask("GET", f"{room_path(room)}"), json)


@app.command()
def start(room: Room, data: Data = None, json: Json = False) -> None:
    """Go on the air now."""
    say_phase(ControlClient(data).ask("POST", f"{room_path(room)}/start"), json)


@app.command()
def end(room: Room, data: Data = None, json: Json = False) -> None:
    """End the programme; call it off if it has not begun."""
    say_phase(ControlClient(data).ask("POST", f"{room_path(room)}/end"), json)


@app.command()
def invite(
    room: Room,
    name: Annotated[str, typer.Argument(help="Who is invited.", metavar="NAME")],
    role: Annotated[str, typer.Option(help="speaker, cohost or host.")] = "speaker",
    data: Data = None,
    json: Json = False,
) -> None:
    """Invite someone: prints the link."""
    if role not in ROLES:
        raise UsageError(f"A role is {', '.join(ROLES)}; {role!r} is none.")
    asked = {"role": role, "name": name}
    link = ControlClient(data).ask("POST", f"{room_path(room)}/links", asked)
    if json:
        print_json(link)
    else:
        typer.echo(link["url"])


@app.command()
def revoke(room: Room, seat: SeatOrName, data: Data = None, json: Json = False) -> None:
    """Withdraw a link for good."""
    control = ControlClient(data)
    found = control.seat(room, seat)
    say_phase(control.ask("DELETE", f"{room_path(room)}/links/{found['id']}"), json)


def _on_seat(verb: str, room: str, seat: str, data: str | None, json: bool) -> None:
    control = ControlClient(data)
    found = control.seat(room, seat)
    path = f"{room_path(room)}/seats/{found['id']}/{verb}"
    say_phase(control.ask("POST", path), json)


@app.command()
def mute(room: Room, seat: SeatOrName, data: Data = None, json: Json = False) -> None:
    """Keep a voice out of the programme."""
    _on_seat("mute", room, seat, data, json)


@app.command()
def unmute(room: Room, seat: SeatOrName, data: Data = None, json: Json = False) -> None:
    """Let a muted voice be heard."""
    _on_seat("unmute", room, seat, data, json)


@app.command()
def remove(room: Room, seat: SeatOrName, data: Data = None, json: Json = False) -> None:
    """Put someone off the stage, until let back in."""
    _on_seat("remove", room, seat, data, json)


@app.command()
def readmit(room: Room, seat: SeatOrName, data: Data = None, json: Json = False) -> None:
    """Let someone back on the stage."""
    _on_seat("readmit", room, seat, data, json)


@app.command()
def ban(room: Room, seat: SeatOrName, data: Data = None, json: Json = False) -> None:
    """Put someone off the stage for good."""
    _on_seat("ban", room, seat, data, json)


@app.command()
def change(
    room: Room,
    title: Annotated[str | None, typer.Option(help="Another title.")] = None,
    at: Annotated[
        str | None, typer.Option(help="Another hour, as with create.", metavar="WHEN")
    ] = None,
    listed: Annotated[
        bool | None, typer.Option("--listed/--unlisted", help="In the directory or not.")
    ] = None,
    expect: Annotated[
        int | None, typer.Option("--expect", help="Listeners at once.", min=0)
    ] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Change title, hour, listing or who is expected: all of it, or nothing."""
    given = {"title": title, "at": at, "listed": listed, "expected": expect}
    asked = {name: value for name, value in given.items() if value is not None}
    if not asked:
        raise UsageError("Nothing to change: give --title, --at, --expect, --listed or --unlisted.")
    show_room(ControlClient(data).ask("PATCH", room_path(room), asked), json)


@app.command()
def hold(
    room: Room,
    tune: Annotated[Path, typer.Argument(help="Any audio file.", metavar="FILE")],
    data: Data = None,
    json: Json = False,
) -> None:
    """Give the room a tune until the first voice."""
    say_phase(ControlClient(data).send_hold(room, read_tune(tune)), json)


@app.command()
def pin(
    room: Room,
    title: Annotated[str, typer.Argument(help="What the audience sees.", metavar="TITLE")],
    url: Annotated[str, typer.Argument(help="Where it leads.", metavar="URL")],
    data: Data = None,
    json: Json = False,
) -> None:
    """Show a link in the room."""
    asked = {"title": title, "url": url}
    say_phase(ControlClient(data).ask("POST", f"{room_path(room)}/pins", asked), json)


@app.command()
def unpin(
    room: Room,
    url: Annotated[str, typer.Argument(help="The link's address.", metavar="URL")],
    data: Data = None,
    json: Json = False,
) -> None:
    """Take a pinned link away."""
    path = f"{room_path(room)}/pins?url={quote(url, safe='')}"
    say_phase(ControlClient(data).ask("DELETE", path), json)


@app.command()
def log(room: Room, data: Data = None, json: Json = False) -> None:
    """Print who did what to the room, and when."""
    control = ControlClient(data)
    acts = control.ask("GET", f"{room_path(room)}/acts")["acts"]
    if json:
        print_json(acts)
        return
    links = control.ask("GET", room_path(room))["links"]
    names = {link["id"]: link["name"] for link in links}
    for act in acts:
        who = names.get(act["seat"], act["seat"]) if act["seat"] else act["role"]
        what = dict(act["act"])
        kind = what.pop("type")
        told = ", ".join(f"{names.get(value, value)}" for value in what.values())
        typer.echo(f"{shown_time(act['at_ms'])}  {who}: {kind} {told}".rstrip())
