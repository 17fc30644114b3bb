"""What the guard dropped in the kernel, asked once a second and never waited for.

Without a guard there is nothing to tell, and nobody misses it. The kernel vouches for who answers:
what is told is signed afterwards, and the socket's name is open to every user of the machine.
"""

import contextlib
import os
import socket
import struct
from pathlib import Path

import msgspec

from stentor.shield.vocabulary import ANSWER_BYTES_MAX, Counters, decode_answer, encode

DROPPED = ("banned", "syn", "udp", "unvalidated")  # totals; the rest is how things stand
_CREDENTIALS = struct.Struct("iII")  # pid, uid, gid: unix(7)
_ANSWERS_MAX = 8  # looked at in a second


class Guarding:
    """Asks for counters, and tells by how much they grew."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.bind("")  # a name of its own in Linux's abstract space, to be answered at
        self._totals: dict[str, int] = {}
        self.how = ""  # nftables or xdp; empty: nobody answered
        self.standing: dict[str, int] = {}

    def look(self) -> dict[str, int]:
        """Return what was dropped since the last answer, by why; and ask again."""
        grown: dict[str, int] = {}
        self.how = ""
        for _ in range(_ANSWERS_MAX):
            try:
                said = self._hear()
                answer = decode_answer(said) if said is not None else None
            except (OSError, msgspec.MsgspecError):
                break
            if answer is None or not answer.ok:
                continue
            self.how = answer.how
            for name, total in answer.counters.items():
                if name not in DROPPED:
                    self.standing[name] = total
                    continue
                before = self._totals.get(name, total)  # what was before us is not of now
                self._totals[name] = total
                more = total - before if total >= before else total  # the guard began again
                if more:
                    grown[name] = grown.get(name, 0) + more
        with contextlib.suppress(OSError):
            self._socket.sendto(encode(Counters()), self._path)
        return grown

    def _hear(self) -> bytes | None:
        """Return what was said; None if it was by a stranger. Raises `OSError` if nothing was."""
        data, ancillary, _flags, _sender = self._socket.recvmsg(
            ANSWER_BYTES_MAX, socket.CMSG_SPACE(_CREDENTIALS.size)
        )
        for level, kind, told in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
                _pid, uid, _gid = _CREDENTIALS.unpack(told[: _CREDENTIALS.size])
                return data if uid in (0, os.getuid()) else None
        return None

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()
