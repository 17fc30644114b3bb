"""What edges do and what that takes, stretch by stretch of a trial, and who else was at work.

CPU is read four times a second without asking the edges; what they count is asked only between
stretches, as the answer costs them milliseconds. Decides nothing.
"""

import bisect
import threading
import time
from dataclasses import dataclass

from stentor.rehearsal.trial import Window
from stentor.trials.ground import Ground
from stentor.trials.kernel import busy, cpu_s

_EVERY_S = 0.25
_COUNTED = (
    "deliveries", "bytes_sent", "joined", "asked", "requests", "line_given", "line_early",
    "line_again", "join_us",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Mark:
    at_s: float
    cpu_s: float
    counted: dict[str, float]


class Meter:
    """Use it as a context. Times are of the monotonic clock."""

    def __init__(self, at: Ground) -> None:
        self._at = at
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._times: list[float] = []
        self._cpu: list[float] = []
        self._began = busy(at.cores.edges)
        self._began_cpu_s, self._began_s = self._ours_s(), time.monotonic()
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
        counted = self._at.counted(*_COUNTED)
        new = {key: counted[key] - before.counted[key] for key in _COUNTED}
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
        )
        self.windows.append(window)
        self._mark = _Mark(time.monotonic(), self._at.cpu_s(), counted)
        return window

    def cpu_between(self, from_s: float, until_s: float) -> float:
        """Return the edges' CPU seconds between two moments."""
        return self._cpu_at(until_s) - self._cpu_at(from_s)

    def others(self) -> tuple[float, float]:
        """Return which shares of the edges' cores went to others, and to the host."""
        past_s = (time.monotonic() - self._began_s) * len(self._at.cores.edges)
        now = busy(self._at.cores.edges)
        work_s = now.work_s - self._began.work_s - (self._ours_s() - self._began_cpu_s)
        return max(0.0, work_s / past_s), (now.stolen_s - self._began.stolen_s) / past_s

    def _ours_s(self) -> float:
        return self._at.cpu_s() + sum(map(cpu_s, self._at.idlers))

    def _look(self) -> _Mark:
        counted = self._at.counted(*_COUNTED)
        return _Mark(time.monotonic(), self._at.cpu_s(), counted)

    def _watch(self) -> None:
        while True:
            self._times.append(time.monotonic())
            self._cpu.append(sum(map(cpu_s, self._at.pids)))
            if self._stopping.wait(_EVERY_S):
                return

    def _cpu_at(self, at_s: float) -> float:
        """Return the CPU time at a moment, between two looks."""
        after = min(max(1, bisect.bisect(self._times, at_s)), len(self._times) - 1)
        (before_s, after_s), (low, high) = (
            self._times[after - 1 : after + 1],
            self._cpu[after - 1 : after + 1],
        )
        share = min(1.0, max(0.0, (at_s - before_s) / max(1e-9, after_s - before_s)))
        return low + share * (high - low)
