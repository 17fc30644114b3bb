"""Which processes are parts of a data folder's server, and which sockets of this machine they hold.

`parts.json` is only a file: a process that it names must also be one that the server itself starts,
of the folder's owner, on that folder. A tunnel or a proxy is none, whatever the file says.
"""

import contextlib
import ipaddress
import os
import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from stentor.base.paths import DataFolder

_LISTENING = "0A"  # TCP_LISTEN, as /proc/net/tcp has it
_SOCKET_LINK = re.compile(r"socket:\[(\d+)\]\Z")


class _Part(msgspec.Struct):
    pid: int | None = None


@dataclass(frozen=True, slots=True)
class Socket:
    """A socket that somebody may send to."""

    address: ipaddress.IPv4Address | ipaddress.IPv6Address
    port: int
    inode: str


def part_pids(folder: DataFolder, part: str) -> list[int]:
    """Return the processes of a part (`stage`, or `edge` for all edges) that run on this folder."""
    try:
        owner = folder.parts.stat().st_uid
        parts = msgspec.json.decode(folder.parts.read_bytes(), type=dict[str, _Part])
    except (OSError, ValueError):
        return []
    return [
        one.pid
        for name, one in parts.items()
        if one.pid
        and (name == part or name.rpartition("-")[0] == part)
        and _is_part(one.pid, part, folder, owner)
    ]


def _is_part(pid: int, part: str, folder: DataFolder, owner: int) -> bool:
    """Say whether a process runs our code as that part, on that folder and for its owner."""
    process = Path(f"/proc/{pid}")
    try:
        if process.stat().st_uid != owner or not (process / "exe").samefile("/proc/self/exe"):
            return False
        words = (process / "cmdline").read_bytes().split(b"\0")
        if words[1:5] != [b"-m", b"stentor", b"part", part.encode()]:
            return False
        settings = dict(
            one.split(b"=", 1) for one in (process / "environ").read_bytes().split(b"\0") if one
        )
        data = Path(os.fsdecode(settings[b"STENTOR_DATA"]))
        return (process / "cwd" / data).samefile(folder.root)
    except (OSError, ValueError, KeyError):  # it has ended, or is not ours to look at
        return False


def sockets_of(pids: Iterable[int]) -> set[str]:
    """Return the inodes of the sockets that these processes hold."""
    inodes = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            for link in Path(f"/proc/{pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    match = _SOCKET_LINK.match(str(link.readlink()))
                    if match:
                        inodes.add(match[1])
    return inodes


def sockets(kind: str) -> Iterator[Socket]:
    """Yield each socket of this network namespace, `udp` or listening `tcp`."""
    for name in (kind, f"{kind}6"):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/self/net/{name}").read_text().splitlines()[1:]:
                fields = line.split()
                if kind == "tcp" and fields[3] != _LISTENING:
                    continue
                address, _, port = fields[1].rpartition(":")
                yield Socket(_address(address), int(port, 16), fields[9])


def sockets_at(address: str, kind: str) -> Iterator[Socket]:
    """Yield each socket that may take what is sent to an address: bound to it, or to all.

    One that is bound to all of IPv6 may take IPv4 as well.
    """
    wanted = ipaddress.ip_address(address)
    for one in sockets(kind):
        bound = one.address
        for_all = bound.is_unspecified and bound.version >= wanted.version
        if bound == wanted or for_all:
            yield one


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return an address as the kernel writes it: words of 32 bits in the machine's own order."""
    words = [int(text[at : at + 8], 16) for at in range(0, len(text), 8)]
    found = ipaddress.ip_address(struct.pack(f"={len(words)}I", *words))
    return getattr(found, "ipv4_mapped", None) or found
