"""Finds the operator's own server by its data folder: port, room on the air, media ports.

An attack is never told an address: it goes to loopback, to a port where an edge of that folder
listens. What else has a port there, such as a tunnel or a proxy, may lead anywhere.
"""

import contextlib
import re
import socket
from pathlib import Path

import msgspec

from stentor.base.errors import UnavailableError
from stentor.base.paths import DataFolder
from stentor.base.settings import Settings
from stentor.load.attacks.aim import Aim, open_stream

_TIMEOUT_S = 5.0
_ANSWER_BYTES_MAX = 1 << 20
_LISTENING = "0A"  # TCP_LISTEN, as /proc/net/tcp has it
_SOCKET_LINK = re.compile(r"socket:\[(\d+)\]\Z")


class _Room(msgspec.Struct):
    room: str
    phase: str = ""


class _Rooms(msgspec.Struct):
    rooms: list[_Room] = []


class _Part(msgspec.Struct):
    pid: int | None = None


def find_aim(settings: Settings, *, port: int | None = None, room: str | None = None) -> Aim:
    """Return where the server of these settings is; raises `UnavailableError` if it is not."""
    if settings.tls_certificate:
        raise UnavailableError(
            "This server speaks TLS itself: attack one without, that has the same settings."
        )
    address = "::1" if ":" in settings.bind else "127.0.0.1"
    aim = Aim(address, port or settings.port)
    edges = part_pids(DataFolder(Path(settings.data)), "edge")
    if not any(aim.port in tcp_ports(pid) for pid in edges):
        raise UnavailableError(
            f"No edge of the data folder {settings.data} listens on this machine's port"
            f" {aim.port}. Start `stentor serve` first, or name its folder with --data."
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


def media_ports(folder: DataFolder) -> list[int]:
    """Return the UDP ports that the folder's stage has open, none if it has no stage."""
    pids = part_pids(folder, "stage")
    return udp_ports(pids[0]) if pids else []


def part_pids(folder: DataFolder, part: str) -> list[int]:
    """Return the processes of a part (`stage`, or `edge` for all edges) that run on this folder."""
    try:
        parts = msgspec.json.decode(folder.parts.read_bytes(), type=dict[str, _Part])
    except (OSError, ValueError):
        return []
    return [
        one.pid
        for name, one in parts.items()
        if one.pid and (name == part or name.rpartition("-")[0] == part)
    ]


def udp_ports(pid: int) -> list[int]:
    """Return the UDP ports that a process of this machine has open."""
    return sorted({port for port, _ in _ports(pid, "udp")})


def tcp_ports(pid: int) -> set[int]:
    """Return the TCP ports that a process of this machine listens on."""
    return {port for port, state in _ports(pid, "tcp") if state == _LISTENING}


def _ports(pid: int, kind: str) -> set[tuple[int, str]]:
    """Return port and state of each socket of a kind that a process has; none where hidden."""
    inodes = set()
    with contextlib.suppress(OSError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                match = _SOCKET_LINK.match(str(link.readlink()))
                if match:
                    inodes.add(match[1])
    found = set()
    for name in (kind, f"{kind}6"):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[9] in inodes:
                    found.add((int(fields[1].rpartition(":")[2], 16), fields[3]))
    return found
