"""Runs a load in processes of its own, tells how it goes, and adds up what they found."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from stentor.base.errors import UnavailableError
from stentor.load.crew import (
    MESSAGE_BYTES_MAX,
    Begin,
    Digests,
    Done,
    Orders,
    Progress,
    Ready,
    decode,
    encode,
)
from stentor.load.plan import Plan, shares
from stentor.load.report import Tally, sum_tallies
from stentor.load.sampling import Comparison

_READY_S = 60.0
_GRACE_S = 60.0
_CLOSING_S = 30.0  # the kernel closes what was open
_START_S = 0.2  # from the last process's word to the first arrival


@dataclass(frozen=True, slots=True)
class Sums:
    """All processes' newest word."""

    passed_s: float
    wanted: int
    connected: int = 0
    listening: int = 0
    waiting: int = 0
    heard: int = 0
    parts: int = 0
    bytes: int = 0
    stalls: int = 0
    gaps: int = 0
    refused: int = 0
    lost: int = 0
    stalled_s: float = 0.0


OnProgress = Callable[[Sums], object]


class _Gathering:
    """The parent's end: knows which processes are there, and what they said last."""

    def __init__(self, plan: Plan, channel: socket.socket, processes: int) -> None:
        self._plan = plan
        self._channel = channel
        self._processes = processes
        self._newest: dict[int, Progress] = {}
        self._comparison = Comparison()
        self._done: list[Done] = []
        self.begin_ns = 0

    def begin(self, crew: "subprocess.Popen[bytes]") -> None:
        """Wait until all are there, and tell them when it begins."""
        until_ns = time.monotonic_ns() + round(_READY_S * 1e9)
        ready = 0
        while ready < self._processes:
            self._channel.settimeout(1.0)
            try:
                ready += isinstance(decode(self._channel.recv(MESSAGE_BYTES_MAX)), Ready)
            except TimeoutError:
                pass
            if crew.poll() is not None or time.monotonic_ns() > until_ns:
                raise UnavailableError("The processes of the load did not start.")
        self.begin_ns = time.monotonic_ns() + round(_START_S * 1e9)
        end_ns = self.begin_ns + round(self._plan.seconds * 1e9)
        for _ in range(self._processes):
            self._channel.send(encode(Begin(self.begin_ns, end_ns)))

    def gather(self, on_progress: OnProgress | None) -> Tally:
        """Listen to all of them until each has said its last word."""
        until_ns = self.begin_ns + round((self._plan.seconds + _GRACE_S) * 1e9)
        told_ns = 0
        ended = False
        while len(self._done) < self._processes and time.monotonic_ns() < until_ns:
            self._channel.settimeout(0.5)
            try:
                data = self._channel.recv(MESSAGE_BYTES_MAX)
            except TimeoutError:
                data = b"-"
            if not data:
                break
            if data != b"-":
                self._take(data)
            if on_progress is not None and time.monotonic_ns() - told_ns > 250_000_000:
                told_ns = time.monotonic_ns()
                if on_progress(self._sums()) and not ended:
                    ended = True
                    self._channel.shutdown(socket.SHUT_WR)
        missing = self._processes - len(self._done)
        if missing:
            raise UnavailableError(f"{missing} of {self._processes} processes of the load died.")
        total = sum_tallies(done.tally for done in self._done)
        total.differing_parts += self._comparison.differing_parts
        total.processes = self._processes
        total.cpu_s = sum(done.cpu_s for done in self._done)
        total.resident_bytes = sum(done.resident_bytes for done in self._done)
        return total

    def _take(self, data: bytes) -> None:
        match decode(data):
            case Progress() as progress:
                self._newest[progress.number] = progress
            case Digests() as digests:
                self._comparison.add({(r, part): digest for r, part, digest in digests.found})
            case Done() as done:
                self._done.append(done)

    def _sums(self) -> Sums:
        names = Sums.__slots__[2:]
        passed_s = (time.monotonic_ns() - self.begin_ns) / 1e9
        sums = {name: sum(getattr(one, name) for one in self._newest.values()) for name in names}
        return Sums(passed_s, self._plan.count, **sums)


def run_load(plan: Plan, on_progress: OnProgress | None = None) -> Tally:
    """Run the load and return what all listeners saw; raises `UnavailableError` if it cannot.

    Once `on_progress` returns true, it ends within about a second.
    """
    hour_s = None
    if plan.hour_ms is not None:
        hour_s = plan.hour_ms / 1000 - time.time() - _START_S
        if not 0 <= hour_s <= plan.seconds:
            hour_s = None
    orders = Orders(shares(plan, hour_s))
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        command = [sys.executable, "-m", "stentor.load.crew", str(theirs.fileno())]
        with theirs:
            crew = subprocess.Popen(
                command, stdin=subprocess.PIPE, pass_fds=[theirs.fileno()], close_fds=True
            )
        assert crew.stdin is not None
        with crew.stdin as stdin:
            stdin.write(msgspec.json.encode(orders))
        try:
            gathering = _Gathering(plan, ours, len(orders.shares))
            gathering.begin(crew)
            return gathering.gather(on_progress)
        finally:
            try:
                crew.wait(_CLOSING_S)
            except subprocess.TimeoutExpired:
                crew.terminate()
                crew.wait()


__all__ = ["Plan", "Sums", "run_load"]
