"""What edges do and what that takes, stretch by stretch of a trial, and who else was at work.

CPU is read twenty times a second without asking the edges; what they count is asked only between
stretches, as the answer costs them milliseconds. How fast their cores are is read with each.
Decides nothing.
"""

import bisect
import threading
import time
from dataclasses import dataclass

from stentor.rehearsal.trial import Window
from stentor.trials.awake import Worked
from stentor.trials.ground import Ground
from stentor.trials.kernel import busy, cpu_s

_EVERY_S = 0.05
_COUNTED = (
    "deliveries", "bytes_sent", "joined", "asked", "requests", "line_given", "line_early",
    "line_again", "join_us",
)  # fmt: skip
# No figure is made of these; they may say why one is not what was expected.
_ALSO = (
    "accepted", "gave_up", "left", "partial_sends", "tls_handshakes", "tls_resumed",
    "tls_crowded_out", "line_given", "line_early", "line_again", "line_shared",
)  # fmt: skip
_ALL = (*_COUNTED, *_ALSO)


@dataclass(frozen=True, slots=True)
class _Mark:
    at_s: float
    cpu_s: float
    worked: Worked
    counted: dict[str, float]


@dataclass(frozen=True, slots=True)
class Others:
    """Shares of the edges' cores that went to other programs, and to the host."""

    foreign: float
    stolen: float


class Meter:
    """Use it as a context. Times are of the monotonic clock."""

    def __init__(self, at: Ground) -> None:
        self._at = at
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._times: list[float] = []
        self._cpu: list[float] = []
        self._worked: list[Worked] = []
        self.alone()
        self._mark = self._look()
        self.windows: list[Window] = []

    def __enter__(self) -> "Meter":
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stopping.set()
        self._thread.join()

    def begin(self) -> None:
        """Begin a stretch."""
        self._mark = self._look()

    def end(self, name: str, listeners: int) -> Window:
        """End a stretch, and begin the next one."""
        before, after_s, cpu = self._mark, time.monotonic(), self._at.cpu_s()
        worked = self._at.worked().since(before.worked)
        counted = self._at.counted(*_ALL)
        new = {key: counted[key] - before.counted[key] for key in _ALL}
        window = Window(
            name=name,
            listeners=listeners,
            seconds=after_s - before.at_s,
            cpu_s=cpu - before.cpu_s,
            deliveries=new["deliveries"],
            sent_bytes=new["bytes_sent"],
            joined=new["joined"],
            places=new["line_given"] + new["line_early"] + new["line_again"],
            # What was asked besides the stream is the notice, and these figures: once at each end.
            notices=max(0.0, new["requests"] - new["asked"] - len(self._at.pids)),
            asked_s=new["join_us"] / 1e6,
            piece_s=worked.piece_s,
            also={key: new[key] for key in _ALSO if new[key]},
        )
        self.windows.append(window)
        self._mark = self._look(counted)
        return window

    def between(self, from_s: float, until_s: float) -> tuple[float, float]:
        """Return the edges' CPU seconds between two moments, and what a piece of work took."""
        worked = self._worked[self._after(until_s)].since(self._worked[self._after(from_s) - 1])
        return self._cpu_at(until_s) - self._cpu_at(from_s), worked.piece_s

    def alone(self) -> None:
        """Count from now on who else is at work."""
        self._busy = busy(self._at.cores.edges)
        self._ours_cpu_s, self._alone_s = self._ours_s(), time.monotonic()

    def others(self) -> Others:
        """Return who else has been at work since then."""
        past_s = (time.monotonic() - self._alone_s) * len(self._at.cores.edges)
        now = busy(self._at.cores.edges)
        work_s = now.work_s - self._busy.work_s - (self._ours_s() - self._ours_cpu_s)
        stolen_s = now.stolen_s - self._busy.stolen_s
        return Others(max(0.0, work_s / past_s), stolen_s / past_s)

    def _ours_s(self) -> float:
        return self._at.cpu_s() + sum(cpu_s(one.pid) for one in self._at.awake)

    def _look(self, counted: dict[str, float] | None = None) -> _Mark:
        counted = counted or self._at.counted(*_ALL)
        return _Mark(time.monotonic(), self._at.cpu_s(), self._at.worked(), counted)

    def _watch(self) -> None:
        while True:
            at_s = time.monotonic()
            self._cpu.append(self._at.cpu_s())
            self._worked.append(self._at.worked())
            self._times.append(at_s)  # last: whoever finds it finds the others
            if self._stopping.wait(_EVERY_S):
                return

    def _after(self, at_s: float) -> int:
        """Return the first look after a moment; neither the first of all nor beyond the last."""
        return min(max(1, bisect.bisect(self._times, at_s)), len(self._times) - 1)

    def _cpu_at(self, at_s: float) -> float:
        """Return the CPU time at a moment, between two looks."""
        after = self._after(at_s)
        before_s, after_s = self._times[after - 1 : after + 1]
        low, high = self._cpu[after - 1 : after + 1]
        share = min(1.0, max(0.0, (at_s - before_s) / max(1e-9, after_s - before_s)))
        return low + share * (high - low)
