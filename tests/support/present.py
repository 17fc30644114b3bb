"""Listeners who are there while others misbehave: each must get every part, in order, on time."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

from support.edge import Ear, RunningEdge
from support.machine import Machine, watched_machine

_PART_S = 0.05  # faster than life: more deliveries in which something can go wrong
_PARTS_MIN = 5
LATE_S_MAX = 2.0  # beside what the machine holds up; a gap is forever


class Present:
    """Listeners in threads of their own, and a programme that goes on."""

    def __init__(self, on_edge: RunningEdge, count: int) -> None:
        self._on_edge = on_edge
        self._stopping = threading.Event()
        self.published: dict[int, float] = {}
        self.ears = [on_edge.ear() for _ in range(count)]
        self._first = on_edge.programme.next
        self._last = -1
        targets = [self._publish, *(lambda ear=ear: self._hear(ear) for ear in self.ears)]
        self._threads = [threading.Thread(target=one, daemon=True) for one in targets]
        for thread in self._threads:
            thread.start()

    def _publish(self) -> None:
        while self._last < 0:
            stopping = self._stopping.wait(_PART_S)
            if stopping and self._on_edge.programme.next - self._first >= _PARTS_MIN:
                self._last = self._on_edge.programme.next
            self.published[self._on_edge.programme.next] = time.monotonic()
            self._on_edge.programme.parts(1)

    def _hear(self, ear: Ear) -> None:
        ear.listen(lambda: ear.parts and ear.parts[-1] == self._last, timeout_s=60)

    def check(self, machine: Machine) -> None:
        """End the programme's going on; everyone must have heard all of it."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(30)
        for ear in self.ears:
            assert ear.parts == list(range(ear.parts[0], self._last + 1)), "a gap"
            assert ear.parts[0] <= self._first
            assert not ear.jumps
            late = max(ear.arrived[one] - at for one, at in self.published.items())
            assert late < LATE_S_MAX + machine.held_up_s()
            ear.close()


@contextlib.contextmanager
def listeners_present(on_edge: RunningEdge, count: int = 3) -> Iterator[Present]:
    """Put a room on the air with listeners who hear all of it, or the block fails."""
    on_edge.on_air(8)
    with watched_machine() as machine:
        present = Present(on_edge, count)
        try:
            yield present
        except BaseException:
            present._stopping.set()
            raise
        present.check(machine)
