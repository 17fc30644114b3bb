"""Connections that are begun and never completed, within an arena.

The kernel's own connect() sends each SYN, from an address of the arena to which no answer finds
its way; no packet is made by hand. The kernel also says what it did about them.
"""

import time
from pathlib import Path

from stentor.load.attacks.aim import Aim, begin_half_open, lost
from stentor.load.attacks.outcome import Outcome
from stentor.load.attacks.span import Span

_NS = 1_000_000_000
_PER_TURN = 64
_TOLD = (
    "SyncookiesSent", "SyncookiesRecv", "SyncookiesFailed", "ListenOverflows", "ListenDrops",
    "TCPReqQFullDoCookies", "TCPReqQFullDrop",
)  # fmt: skip


def kernel_counters() -> dict[str, int]:
    """Return what the kernel counted of half-open connections in this namespace."""
    lines = Path("/proc/net/netstat").read_text().splitlines()
    names, values = lines[0].split(), lines[1].split()
    found = dict(zip(names, values, strict=True))
    return {name: int(found.get(name, 0)) for name in _TOLD}


class HalfOpen:
    """Begins connections from each of the lost addresses in turn."""

    def __init__(self, aim: Aim, per_s: float, sources: int) -> None:
        self._aim = aim
        self._per_s = per_s
        self._sources = sources

    def run(self, span: Span) -> Outcome:
        """Go on until the time is over."""
        outcome, before = Outcome(), kernel_counters()
        while (now_ns := time.monotonic_ns()) < span.end_ns:
            outcome.due = int((now_ns - span.begin_ns) / _NS * self._per_s) + 1
            for _ in range(min(outcome.due - outcome.sent, _PER_TURN)):
                try:
                    begin_half_open(self._aim, lost(outcome.sent % self._sources))
                except OSError:
                    outcome.unconnected += 1
                outcome.sent += 1
            time.sleep(0.001 if outcome.due <= outcome.sent else 0)
        outcome.count("begun", "sent")
        outcome.by_kind["begun"]["sent"] = outcome.sent - outcome.unconnected
        outcome.seconds = (time.monotonic_ns() - span.begin_ns) / _NS
        outcome.kernel = {name: n - before[name] for name, n in kernel_counters().items()}
        return outcome
