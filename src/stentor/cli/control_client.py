"""Control as the command line meets it: found by the data folder, asked over HTTP.

Whatever goes wrong ends as one sentence that says what to do.
"""

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import typer

from stentor.base.errors import ConfigurationError, StentorError, UnavailableError, UsageError
from stentor.base.paths import DataFolder

_ANSWER_S = 30.0
_UPLOAD_S = 300.0
ROLES = {"host": "Host", "cohost": "Co-host", "speaker": "Speaker"}


class ControlClient:
    """Asks control with the operator's token."""

    def __init__(self, data: str | None) -> None:
        from stentor.base.settings import load_settings

        self._folder = DataFolder(Path(load_settings(os.environ, data=data).data))
        try:
            self._base = self._folder.control_address.read_text().strip()
        except OSError:
            raise self._nothing_runs() from None
        self._token = self._operator_token()

    def ask(self, method: str, path: str, document: object = None) -> dict[str, Any]:
        """Return what control answers; raises a `StentorError` with its reason if it refuses."""
        content = None if document is None else json.dumps(document).encode()
        return self._request(method, path, content, "application/json", _ANSWER_S)

    def send_hold(self, room: str, tune: bytes) -> dict[str, Any]:
        """Send a hold tune; return the room."""
        path = f"{room_path(room)}/hold"
        return self._request("PUT", path, tune, "application/octet-stream", _UPLOAD_S)

    def seat(self, room: str, wanted: str) -> dict[str, Any]:
        """Return the seat of that id, or of that name if there is only one."""
        links: list[dict[str, Any]] = self.ask("GET", room_path(room))["links"]
        found = [link for link in links if link["id"] == wanted] or [
            link for link in links if link["name"] == wanted and not link["revoked"]
        ]
        if len(found) != 1:
            how_many = "no seat" if not found else f"{len(found)} seats"
            raise UsageError(f"{room} has {how_many} of the id or name {wanted!r}.")
        return found[0]

    def _request(
        self, method: str, path: str, content: bytes | None, kind: str, timeout_s: float
    ) -> dict[str, Any]:
        import httpx

        headers = {"Authorization": f"Bearer {self._token}"}
        if content is not None:
            headers["Content-Type"] = kind
        try:
            response = httpx.request(
                method,
                self._base + path,
                content=content,
                headers=headers,
                timeout=timeout_s,
                trust_env=False,  # a proxy for the world has no business here
            )
            answer = response.json()
        except httpx.ConnectError:
            raise self._nothing_runs() from None
        except (httpx.HTTPError, ValueError) as error:
            raise UnavailableError(
                f"Control at {self._base} does not answer as it should: {error or 'no answer'}."
            ) from None
        if not isinstance(answer, dict):
            raise UnavailableError(f"What answers at {self._base} is not control.")
        if response.is_error:
            raise _refusal(response.status_code, answer)
        return answer

    def _operator_token(self) -> str:
        from stentor.base.secrets import load_secret

        token = load_secret(self._folder.secrets / "operator.token")
        if token is None:
            raise ConfigurationError(f"There is no operator's token in {self._folder.root}.")
        return token.decode("ascii", "replace").strip()

    def _nothing_runs(self) -> UnavailableError:
        return UnavailableError(
            f"No server runs on the data folder {self._folder.root}; start one with "
            "`stentor serve`, or name another folder with --data."
        )


def _refusal(status: int, problem: dict[str, Any]) -> StentorError:
    title = str(problem.get("title", status)).rstrip(".")
    detail = str(problem.get("detail", "")).rstrip(".")
    sentence = f"{title}: {detail}." if detail else f"{title}."
    return UsageError(sentence) if status < 500 else UnavailableError(sentence)


def room_path(room: str) -> str:
    """Return the address of a room at control."""
    return f"/api/rooms/{quote(room, safe='')}"


def read_tune(path: Path) -> bytes:
    """Return a file's bytes."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {(error.strerror or '').lower()}.") from None


def shown_time(at_ms: int) -> str:
    """Return a time as people here read it."""
    return datetime.fromtimestamp(at_ms / 1000).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def print_json(document: object) -> None:
    """Print for machines."""
    typer.echo(json.dumps(document, indent=1))


def say_phase(room: dict[str, Any], as_json: bool) -> None:
    """Say in a line how a room is now."""
    if as_json:
        print_json(room)
        return
    at = shown_time(room["end_ms"] or room["epoch_ms"])
    match room["phase"], room["end_ms"]:
        case "ended", _:
            typer.echo(f"{room['room']} has ended, {at}.")
        case _, int():
            typer.echo(f"{room['room']} ends, {at}.")
        case phase, _:
            typer.echo(f"{room['room']} is {phase}; its hour: {at}.")


def show_room(room: dict[str, Any], as_json: bool) -> None:
    """Print a room with its links, each whole on a line of its own."""
    if as_json:
        print_json(room)
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(soft_wrap=True, highlight=False, emoji=False)

    def line(text: str, style: str = "") -> None:
        console.print(Text(text, style=style), soft_wrap=True)

    line(room["title"], "bold")
    phase = room["phase"] if room["listed"] else f"{room['phase']}, unlisted"
    line(f"{room['room']} · {phase} · {shown_time(room['epoch_ms'])}")
    if room["expected"]:
        line(f"About {room['expected']:,} listeners are expected.")
    if room["hold"]:
        line("With a hold tune until the first voice.")
    line("")
    line("Listeners", "bold")
    line(f"  {room['listen_url']}")
    for link in room["links"]:
        marks = [mark for mark in ("muted", "removed", "revoked") if link[mark]]
        line("")
        role = ROLES.get(link["role"], link["role"])
        head = role if link["name"] == role else f"{role}: {link['name']}"
        line(" · ".join([head, f"seat {link['id']}", *marks]), "bold")
        line(f"  {link['url']}" if link["url"] else "  (withdrawn)")
    if room["pinned"]:
        line("")
        line("Pinned", "bold")
        for pin in room["pinned"]:
            line(f"  {pin['title']}: {pin['url']}")
