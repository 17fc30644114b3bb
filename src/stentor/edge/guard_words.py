"""What one edge says to the guard: whom to keep out, and whom to let in again before a ban ends.

A ban is told for as long as it cuts off without a break (`policy.shut_for_ms`), and told again when
it does so again; what the guard is not there to hear is counted. Decides no ban: whom one would hit
is asked of the caller.
"""

import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

from stentor.edge.counts import Counts
from stentor.shield import vocabulary
from stentor.shield.policy import Ban, shut_for_ms
from stentor.shield.summary import Summary

_BITS = {4: 32, 3: 24, 8: 64, 7: 56, 6: 48}


@dataclass(frozen=True, slots=True)
class _Told:
    """A ban that the guard was told of."""

    network: bytes
    text: str
    until_ms: int


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
        bans: Mapping[str, Ban],
        seen: Mapping[str, tuple[Ban, bytes]],
        has_people: Callable[[bytes, int], bool],
        now_ms: int,
    ) -> None:
        """Tell of bans for the kernel where nobody here would be hit; take others back.

        `bans` are all of them by name, `seen` those whose packed networks were seen here.
        """
        self._take_back(bans, has_people, now_ms)
        for name, (ban, network) in seen.items():
            shut_ms = shut_for_ms(ban, now_ms)
            if shut_ms >= 1000 and name not in self._told and not has_people(network, now_ms):
                self._tell(ban, network, shut_ms // 1000, now_ms)

    def _take_back(
        self, bans: Mapping[str, Ban], has_people: Callable[[bytes, int], bool], now_ms: int
    ) -> None:
        """Have the guard let in again whom no policy bans any more, and where people are now."""
        for name, told in tuple(self._told.items()):
            if told.until_ms > now_ms:
                ban = bans.get(name)
                still = ban is not None and shut_for_ms(ban, now_ms) >= 1000
                if still and not has_people(told.network, now_ms):
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
        self._counts.guard_told += 1
        self._summary.obeyed("told_guard")
        self._told[ban.network] = _Told(network, text, now_ms + left_s * 1000)

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()
