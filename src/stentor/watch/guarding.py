"""What the guard dropped in the kernel, asked once a second and never waited for.

Without a guard there is nothing to tell, and nobody misses it.
"""

import contextlib
import socket
from pathlib import Path

import msgspec

from stentor.shield.vocabulary import ANSWER_BYTES_MAX, Counters, decode_answer, encode

DROPPED = ("banned", "syn", "udp", "unvalidated")  # totals; the rest is how things stand
_ANSWERS_MAX = 8  # looked at in a second


class Guarding:
    """Asks for counters, and tells by how much they grew."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
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
                answer = decode_answer(self._socket.recv(ANSWER_BYTES_MAX))
            except (OSError, msgspec.MsgspecError):
                break
            if not answer.ok:
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

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()
