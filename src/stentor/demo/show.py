"""Puts a conversation on a server that has just started, the way that any operator would.

A room by control's API, two links out of its answer, two `stentor speak` processes that begin at
the same moment, so that question and answer fit together.
"""

import contextlib
import sys
from pathlib import Path
from typing import Any

import httpx
import msgspec

from stentor.base.addresses import in_url, reached_at
from stentor.base.clock import SharedClock
from stentor.base.errors import UnavailableError
from stentor.base.paths import DataFolder
from stentor.base.secrets import operator_token
from stentor.base.settings import Settings
from stentor.supervise.supervisor import Keep, PartPlan, Supervisor, stentor_command

TITLE = "Heard, on the hour"
_VOICES = (("host", "Ada", "host.opus"), ("speaker", "Ben", "guest.opus"))
_STARTS_IN_MS = 2_500  # until both voices are on the stage
_ENDING_S = 1.0  # the last part, and the word to the listeners


class Show:
    """The conversation of `./run`, from its room to its end."""

    def __init__(self, settings: Settings, supervisor: Supervisor) -> None:
        folder = DataFolder(Path(settings.data).absolute())
        token = operator_token(folder)
        self._watch = f"{settings.watch_base}/#token={token}"
        host = in_url(reached_at(settings.bind))
        self._settings = settings
        self._supervisor = supervisor
        self._clock = SharedClock(folder.clock)
        self._api = httpx.Client(
            base_url=f"http://{host}:{settings.control_port}/api",
            headers={"Authorization": f"Bearer {token}"},
            timeout=10,
        )
        self._room: dict[str, Any] = {}

    def start(self, *, with_voices: bool) -> dict[str, Any]:
        """Make the room and let the voices speak; return the room as control shows it."""
        starts_ms = self._clock.now_ns() // 1_000_000 + _STARTS_IN_MS
        self._end_earlier()
        (_, host, _), (_, guest, _) = _VOICES
        wish = {"title": TITLE, "at_ms": starts_ms, "host_name": host, "speakers": 1}
        self._room = self._call(
            "POST", "/rooms", json={**wish, "cohost_name": "You", "speaker_names": [guest]}
        )
        if with_voices:
            for role, name, file in _VOICES:
                path = str(Path(__file__).with_name(file))
                since = ("--loop", "--quiet", "--since-ms", str(starts_ms))
                command = stentor_command("speak", path, self._link(role), *since)
                self._supervisor.add(PartPlan(f"voice-{name.lower()}", command, Keep.UNTIL_DONE))
        return self._room

    def end(self) -> None:
        """End the conversation, so that listeners are told and the replay is complete."""
        with contextlib.suppress(UnavailableError):
            self._call("POST", f"/rooms/{self._room['room']}/end")
            self._supervisor.finish(_ENDING_S)

    def tell(self, *, as_json: bool, seconds: float | None) -> None:
        """Print where to listen and where to speak, and how it ends."""
        if as_json:
            _print(msgspec.json.encode(self._room).decode())
            return
        ends = (
            "Ctrl-C ends." if seconds is None else f"It ends in {seconds:g} s; Ctrl-C ends it now."
        )
        bold, plain = ("\x1b[1m", "\x1b[0m") if sys.stdout.isatty() else ("", "")
        _print(
            f"\n  {bold}Listen:  {self._room['listen_url']}{plain}\n\n"
            f"  Speak:   {self._link('cohost')}\n\n"
            f"  Watch:   {self._watch}\n\n"
            "  Two voices are on the air; the second link is the studio, for a microphone; the\n"
            "  third one is the operator's page: how all of it stands.\n"
            f"  {ends}\n"
        )

    def _link(self, role: str) -> str:
        return next(str(link["url"]) for link in self._room["links"] if link["role"] == role)

    def _end_earlier(self) -> None:
        """Whoever was killed did not end its show; nobody will speak there any more."""
        for room in self._call("GET", "/rooms")["rooms"]:
            if room["title"] == TITLE and room["phase"] == "live":
                self._call("POST", f"/rooms/{room['room']}/end")

    def _call(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        try:
            answer = self._api.request(method, path, **arguments)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise UnavailableError(f"Control does not do its part: {error}.") from None
        said: dict[str, Any] = answer.json() if answer.content else {}
        return said


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
