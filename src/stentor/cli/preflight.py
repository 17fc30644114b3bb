"""`stentor preflight`: can this event go ahead with so many listeners? Yes or no, and why not."""

from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from stentor.base.errors import StentorError, UnavailableError, UsageError
from stentor.cli.control_client import ControlClient, print_json, room_path
from stentor.cli.options import Data, Json

_MARKS = {"yes": "yes", "no": "NO", "unknown": "not known"}
_STYLES = {"yes": "green", "no": "bold red", "unknown": "yellow"}


class NotReady(StentorError):
    """The event should not go ahead as things are."""


def preflight(
    room: Annotated[str, typer.Argument(help="The room's id.", metavar="ROOM")],
    expect: Annotated[
        int | None,
        typer.Option("--expect", help="How many listeners at once [as said of the room].", min=1),
    ] = None,
    hours: Annotated[
        float | None,
        typer.Option("--hours", help="How long it lasts [STENTOR_EVENT_LASTS_S].", min=0.1),
    ] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Say whether everything is there for so many listeners: exit code 0 yes, 1 no."""
    from stentor.rehearsal.preflight import LASTS_S_MAX
    from stentor.rooms.record import EXPECTED_MAX

    if expect is not None and expect > EXPECTED_MAX:
        raise UsageError(f"--expect is at most {EXPECTED_MAX:,}.")
    if hours is not None and hours * 3600 > LASTS_S_MAX:
        raise UsageError(f"--hours is at most {LASTS_S_MAX // 3600}.")
    asked: dict[str, int] = {}
    if expect is not None:
        asked["expect"] = expect
    if hours is not None:
        asked["lasts_s"] = round(hours * 3600)
    try:
        answer = ControlClient(data).ask("GET", f"{room_path(room)}/preflight?{urlencode(asked)}")
    except UnavailableError as error:
        raise NotReady(f"No: {error}") from None
    if json:
        print_json(answer)
    else:
        _show(answer)
    if not answer["ready"]:
        raise NotReady(answer["sentence"])


def _show(answer: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, emoji=False, soft_wrap=True)
    width = max(len(item["name"]) for item in answer["items"])
    for item in answer["items"]:
        word = item["word"]
        mark = _MARKS[word] if item["weight"] == "vital" or word == "yes" else "warning"
        line = Text(f"{item['name']:<{width}}  ")
        line.append(f"{mark:<9}", _STYLES[word] if mark != "warning" else "yellow")
        line.append(f"  {item['told']}")
        console.print(line)
        if item["do"] and word != "yes":
            console.print(Text(f"{'':<{width}}  {'':<9}  → {item['do']}", style="dim"))
    used = answer["rehearsal"]
    source = f"as measured in the rehearsal {used}" if used else "those that come with the code"
    console.print(f"\nWhat a listener costs: {source}.")
    if answer["ready"]:
        console.print(answer["sentence"])
