"""What the kernel dropped or put off before anybody here saw it, from its own counters.

The machine's figures are the same for every edge, so only one edge tells them. Decides nothing.
"""

import socket
import struct
from functools import lru_cache
from pathlib import Path

_FILES = (Path("/proc/net/netstat"), Path("/proc/net/snmp"))
# The kernel's name of what it counts, and ours.
_COUNTED = {
    ("TcpExt:", "ListenOverflows"): "listen_overflows",
    ("TcpExt:", "ListenDrops"): "listen_drops",
    ("TcpExt:", "SyncookiesSent"): "syn_cookies",
    ("TcpExt:", "SyncookiesRecv"): "syn_cookies_good",
    ("TcpExt:", "SyncookiesFailed"): "syn_cookies_false",
    ("TcpExt:", "TCPSynRetrans"): "syn_acks_again",
    ("TcpExt:", "TCPReqQFullDrop"): "syn_drops",
    ("Tcp:", "PassiveOpens"): "handshakes",
    ("Tcp:", "InErrs"): "tcp_errors",
    ("Udp:", "RcvbufErrors"): "udp_drops",
}
# `tcpi_unacked` of `struct tcp_info` (linux/tcp.h): of a listening socket, who waits for accept.
_UNACKED_AT = 24
_TCP_INFO_BYTES = 28


def read_counters() -> dict[str, int]:
    """Return the machine's counters since it started; none where the kernel does not tell."""
    found: dict[str, int] = {}
    for path in _FILES:
        try:
            lines = path.read_text().splitlines()
        except OSError:
            continue
        for names, values in zip(lines[::2], lines[1::2], strict=False):
            columns = _columns(names)
            told = values.split() if columns else []
            for at, ours in columns:
                if at < len(told):
                    found[ours] = int(told[at])
    return found


@lru_cache(64)
def _columns(names: str) -> tuple[tuple[int, str], ...]:
    """Return where in a line of values those are that we count."""
    family, *columns = names.split()
    counted = ((at, _COUNTED.get((family, column))) for at, column in enumerate(columns, 1))
    return tuple((at, ours) for at, ours in counted if ours is not None)


def accept_queue(fd: int) -> int:
    """Return how many wait at a listening socket until somebody accepts them."""
    one = socket.socket(fileno=fd)
    try:
        told = one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
        waiting: int = struct.unpack_from("I", told, _UNACKED_AT)[0]
    except (OSError, struct.error):
        return 0
    finally:
        one.detach()
    return waiting


class KernelDrops:
    """By how much the counters grew since they were last looked at."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def growth(self, fd: int, *, whole_machine: bool) -> dict[str, int]:
        """Return it, and who waits now at the listening socket `fd` (`accept_queue`)."""
        told = {"accept_queue": accept_queue(fd)}
        if whole_machine:
            now = read_counters()
            for name, count in now.items():
                told[name] = max(0, count - self._seen.get(name, count))
            self._seen = now
        else:
            self._seen = {}
        return told
