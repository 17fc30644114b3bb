"""The 20 ms tick that all rooms of a stage share, on the grid of the shared clock.

A late tick is made up for at once, up to four (the origin's hold-back hides them); what is later
than that is left out, never queued. In the event loop, not in a thread of its own: what a tick
touches is touched by nobody else, and both would wait for the interpreter all the same.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from stentor.base.clock import Clock

TICK_NS = 20_000_000
MADE_UP_MAX = 4
_LATE_NS = TICK_NS // 2


@dataclass(slots=True)
class TickCounts:
    """How the ticks went, since the beginning."""

    ticks: int = 0
    late: int = 0  # more than 10 ms
    left_out: int = 0
    busy_ns: int = 0
    slowest_ns: int = 0


class Ticker:
    """Calls `tick` with the time of each tick: a multiple of 20 ms."""

    def __init__(self, clock: Clock, tick: Callable[[int], None]) -> None:
        self._clock = clock
        self._tick = tick
        self._last = clock.now_ns() // TICK_NS
        self.counts = TickCounts()

    def due(self, now_ns: int) -> range:
        """Return the numbers of the ticks that are due at `now_ns`, and take them as made."""
        number = now_ns // TICK_NS
        behind = number - self._last
        if behind == 0:
            return range(0)
        first = self._last + 1
        if not 0 < behind <= MADE_UP_MAX:  # a stall, or the clock was set
            self.counts.left_out += max(0, behind - 1)
            first = number
        self._last = number
        return range(first, number + 1)

    async def run(self) -> None:
        """Tick for ever."""
        counts = self.counts
        while True:
            now_ns = self._clock.now_ns()
            for number in self.due(now_ns):
                started_ns = time.perf_counter_ns()
                counts.ticks += 1
                counts.late += now_ns - number * TICK_NS > _LATE_NS
                self._tick(number * TICK_NS)
                took_ns = time.perf_counter_ns() - started_ns
                counts.busy_ns += took_ns
                counts.slowest_ns = max(counts.slowest_ns, took_ns)
            rest_ns = TICK_NS - self._clock.now_ns() % TICK_NS
            await asyncio.sleep(rest_ns / 1e9)
