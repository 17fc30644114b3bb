"""What one edge says to the guard: whom to keep out, and whom to let in again before a ban ends.

Each ban is told again now and then, as a guard that began again knows nothing; what the guard is
not there to hear is counted. Decides no ban: whom one would hit is asked of the caller.
"""

import socket
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

from stentor.edge.counts import Counts
from stentor.shield import vocabulary
from stentor.shield.policy import Ban
from stentor.shield.summary import Summary

TOLD_AGAIN_MS = 30_000
_BITS = {4: 32, 3: 24, 8: 64, 7: 56, 6: 48}


@dataclass(frozen=True, slots=True)
class _Told:
    """A ban that the guard was told of."""

    network: bytes
    text: str
    until_ms: int
    again_ms: int


class GuardWords:
    """The edge's end of the guard's socket, and what was said there."""

    def __init__(self, guard: Path, counts: Counts, summary: Summary) -> None:
        self._guard = str(guard)
        self._counts = counts
        self._summary = summary
        self._told: dict[str, _Told] = {}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)

    def tell(
        self,
        bans: Iterable[Ban],
        known_as: Callable[[str], bytes | None],
        has_people: Callable[[bytes, int], bool],
        now_ms: int,
    ) -> None:
        """Tell of bans for the kernel where nobody here would be hit; take others back.

        `known_as` finds the packed network that has a name, if it was seen here.
        """
        wanted = {ban.network: ban for ban in bans if ban.kernel}
        self._take_back(wanted, has_people, now_ms)
        for name, ban in wanted.items():
            network = known_as(name)
            left_s = min(vocabulary.SECONDS_MAX, (ban.until_ms - now_ms) // 1000)
            if network is None or left_s < 1:
                continue
            told = self._told.get(name)
            known = told is not None and told.until_ms == ban.until_ms and now_ms < told.again_ms
            if not known and not has_people(network, now_ms):
                self._tell(ban, network, left_s, now_ms)

    def _take_back(
        self, wanted: Mapping[str, Ban], has_people: Callable[[bytes, int], bool], now_ms: int
    ) -> None:
        """Have the guard let in again whom no policy bans any more, and where people are now."""
        for name, told in tuple(self._told.items()):
            if told.until_ms > now_ms:
                if name in wanted and not has_people(told.network, now_ms):
                    continue
                with suppress(OSError):  # then the ban ends by itself
                    self._socket.sendto(vocabulary.encode(vocabulary.Unban(told.text)), self._guard)
            del self._told[name]

    def _tell(self, ban: Ban, network: bytes, left_s: int, now_ms: int) -> None:
        packed = network.ljust(16 if len(network) > 4 else 4, b"\0")
        text = str(ip_network((packed, _BITS[len(network)])))
        try:
            self._socket.sendto(vocabulary.encode(vocabulary.Ban(text, left_s)), self._guard)
        except OSError:
            self._counts.guard_untold += 1
            return
        if ban.network not in self._told:
            self._counts.guard_told += 1
            self._summary.obeyed("told_guard")
        self._told[ban.network] = _Told(network, text, ban.until_ms, now_ms + TOLD_AGAIN_MS)

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()
