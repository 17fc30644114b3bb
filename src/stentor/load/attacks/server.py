"""Finds the operator's own server by its data folder: port, room on the air, media ports.

An attack is never told an address: it goes to loopback, to a port where an edge of that folder
listens and nobody else does. What else has a port there, such as a tunnel or a proxy, may lead
anywhere.
"""

import socket
from pathlib import Path

import msgspec

from stentor.base.errors import UnavailableError
from stentor.base.paths import DataFolder
from stentor.base.settings import Settings
from stentor.load.attacks.aim import Aim, open_stream
from stentor.load.attacks.own import part_pids, sockets, sockets_at, sockets_of

_TIMEOUT_S = 5.0
_ANSWER_BYTES_MAX = 1 << 20


class _Room(msgspec.Struct):
    room: str
    phase: str = ""


class _Rooms(msgspec.Struct):
    rooms: list[_Room] = []


def find_aim(settings: Settings, *, port: int | None = None, room: str | None = None) -> Aim:
    """Return where the server of these settings is; raises `UnavailableError` if it is not."""
    if settings.tls_certificate:
        raise UnavailableError(
            "This server speaks TLS itself: attack one without, that has the same settings."
        )
    address = "::1" if ":" in settings.bind else "127.0.0.1"
    aim = Aim(address, port or settings.port)
    ours = sockets_of(part_pids(DataFolder(Path(settings.data)), "edge"))
    listening = {one.inode for one in sockets_at(address, "tcp") if one.port == aim.port}
    if not listening & ours:
        raise UnavailableError(
            f"No edge of the data folder {settings.data} listens on this machine's port"
            f" {aim.port}. Start `stentor serve` first, or name its folder with --data."
        )
    if listening - ours:
        raise UnavailableError(
            f"Not only edges of the data folder {settings.data} listen on this machine's port"
            f" {aim.port}: end what else does, it may lead anywhere."
        )
    try:
        rooms = msgspec.json.decode(ask(aim, "/rooms.json"), type=_Rooms).rooms
    except OSError as error:
        raise UnavailableError(
            f"No server on this machine's port {aim.port}: {error}. Start `stentor serve` first."
        ) from None
    except ValueError:
        raise UnavailableError(f"What is on port {aim.port} is no edge of ours.") from None
    rooms.sort(key=lambda one: one.phase != "live")
    names = [one.room for one in rooms]
    chosen = room or (names[0] if names else "")
    if not chosen:
        raise UnavailableError("There is no room on this server: make one, or say --room.")
    others = [name for name in names if name != chosen]
    return Aim(address, aim.port, chosen, others[0] if others else "elsewhere")


def ask(aim: Aim, path: str) -> bytes:
    """Return the body at a path; raises `OSError`."""
    source = "::1" if aim.family is socket.AF_INET6 else "127.0.0.1"
    with open_stream(aim, source) as connection:
        connection.settimeout(_TIMEOUT_S)
        connection.sendall(aim.request(path, "Connection: close\r\n"))
        data = b""
        while len(data) < _ANSWER_BYTES_MAX:
            more = connection.recv(65_536)
            if not more:
                break
            data += more
    head, _, body = data.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise OSError(head.split(b"\r\n")[0].decode("latin-1") or "no answer")
    return body


def media_ports(folder: DataFolder, address: str) -> list[int]:
    """Return the UDP ports that the folder's stage has open, none if it has no stage.

    Without those where somebody else takes what is sent to `address`.
    """
    ours = sockets_of(part_pids(folder, "stage"))
    held = {one.port for one in sockets("udp") if one.inode in ours}
    return sorted(held - {one.port for one in sockets_at(address, "udp") if one.inode not in ours})
