"""Puts a conversation on a server that has just started, the way that any operator would.

A room by control's API, two links out of its answer, two `stentor speak` processes that begin at
the same moment, so that question and answer fit together.
"""

import sys
from pathlib import Path
from typing import Any

import httpx
import msgspec

from stentor.base.clock import SharedClock
from stentor.base.errors import UnavailableError
from stentor.base.paths import DataFolder
from stentor.base.secrets import operator_token
from stentor.base.settings import Settings
from stentor.supervise.supervisor import PartPlan, Supervisor, stentor_command

TITLE = "Heard, on the hour"
NAMES = ("Ada", "Ben")
_VOICES = (("host", "host.opus"), ("speaker", "guest.opus"))
_STARTS_IN_MS = 2_500  # until both voices are on the stage


def start_show(
    settings: Settings, supervisor: Supervisor, *, with_voices: bool, as_json: bool
) -> None:
    """Create the room, let the voices speak, and print where to listen."""
    folder = DataFolder(Path(settings.data).absolute())
    starts_ms = SharedClock(folder.clock).now_ns() // 1_000_000 + _STARTS_IN_MS
    room = _create_room(settings, folder, starts_ms)
    links = {link["role"]: link["url"] for link in room["links"]}
    if with_voices:
        for role, file in _VOICES:
            path = str(Path(__file__).with_name(file))
            since = ("--loop", "--quiet", "--since-ms", str(starts_ms))
            command = stentor_command("speak", path, links[role], *since)
            supervisor.add(PartPlan(f"voice-{role}", command))
    _tell(settings, room, links, as_json=as_json)


def _create_room(settings: Settings, folder: DataFolder, starts_ms: int) -> dict[str, Any]:
    try:
        answer = httpx.post(
            f"http://{_reach(settings)}/api/rooms",
            headers={"Authorization": f"Bearer {operator_token(folder)}"},
            json={"title": TITLE, "at_ms": starts_ms, "speakers": 2, "names": list(NAMES)},
            timeout=10,
        )
        answer.raise_for_status()
    except httpx.HTTPError as error:
        raise UnavailableError(f"Control did not make the room: {error}.") from None
    made: dict[str, Any] = answer.json()
    return made


def _reach(settings: Settings) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.bind, settings.bind)
    return f"{host}:{settings.control_port}"


def _tell(
    settings: Settings, room: dict[str, Any], links: dict[str, str], *, as_json: bool
) -> None:
    if as_json:
        _print(msgspec.json.encode(room).decode())
        return
    studio = links.get("cohost") or links["host"]
    _print(
        f"\n  Listen:   {room['listen_url']}\n\n"
        f"  Studio:   {studio}\n"
        f"            (speak there yourself, with a microphone)\n\n"
        f"  Data:     {Path(settings.data).absolute()}\n"
        f"  Ctrl-C ends.\n"
    )


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
