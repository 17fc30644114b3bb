"""What is measured of one server: idle, with its listeners, joins alone, and a flood of joins."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from side_by_side.crowd import Wish
from side_by_side.loads import Load, audience, percentile
from side_by_side.processes import cpu_s, held_bytes, kernel_bytes, wait_for_quiet
from side_by_side.programme import Timeline
from side_by_side.target import Target

_SETTLE_S = 5.0  # first bursts are over, players of HLS are at their steady pace
JOINERS_AT_ONCE = 256
_FLOOD_AT_ONCE = 3000
_FLOOD_READ_EVERY = 8
_AFTER_FLOOD_S = 5.0


class Server(Protocol):
    """What every server of the comparison can do."""

    target: Target

    @property
    def version(self) -> str:
        """Name and version."""

    @property
    def pids(self) -> list[int]:
        """Its processes."""

    def start(self) -> None:
        """Returns when listeners can come."""

    def stop(self) -> None:
        """Returns when it is gone."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large a run is."""

    listeners: int
    seconds: float
    flood_s: float
    joins_s: float


@dataclass(frozen=True, slots=True)
class Steady:
    """One round with listeners who are all there."""

    listeners: int
    lost: int
    why: dict[str, int]
    cpu_us_per_listener_s: float
    bytes_per_listener_s: float
    stalls: int
    behind_p50_s: float
    behind_p95_s: float
    first_p50_s: float
    first_p95_s: float


@dataclass(frozen=True, slots=True)
class Memory:
    """What one listener holds, in bytes; the kernel's is half of what both ends of it take."""

    process_bytes: float
    kernel_bytes: float


@dataclass(frozen=True, slots=True)
class Flood:
    """Present listeners, and joiners who come faster than they can be let in."""

    offered_per_s: float
    heard_share: float  # of those who waited for their first audio
    why_not: dict[str, int]  # what others were told; who still waits was told nothing
    first_p50_s: float
    first_p95_s: float
    present: int
    present_stalls: int
    present_lost: int
    server_cpu_share: float


class Rounds:
    """All that is measured of one server, and what it was before anybody came."""

    def __init__(
        self,
        server: Server,
        timeline: Timeline,
        size: Size,
        cores: tuple[tuple[int, ...], tuple[int, ...]],
        say: Callable[[str], None],
    ) -> None:
        self._server = server
        self._timeline = timeline
        self._size = size
        self._cores = cores
        self._say = say
        self._empty_bytes = 0
        self.idle_cpu_share = 0.0
        self.steady: list[Steady] = []
        self.memory: Memory | None = None
        self.joins_per_cpu_s = 0.0
        self.joins_per_s = 0.0
        self.flood: Flood | None = None

    def idle(self, seconds: float) -> None:
        """Measure it before anybody comes."""
        before = cpu_s(self._server.pids)
        time.sleep(seconds)
        self.idle_cpu_share = (cpu_s(self._server.pids) - before) / seconds
        self._empty_bytes = held_bytes(self._server.pids)

    def round(self, *, with_flood: bool) -> None:
        """Listeners come, listen, and go."""
        size, server = self._size, self._server
        slow = 600 if server.target.tls else 2500  # faster, the edge gives slower lanes
        ramp_s = max(min(4.0, size.seconds), size.listeners / slow)
        wait_for_quiet(3.0)
        kernel_before = kernel_bytes()
        with Load() as load:
            audience(load, server.target, self._timeline, size.listeners, ramp_s, self._cores[1])
            self._gather(load, ramp_s)
            first = load.report()["first_s"]
            load.tell("begin")
            began, before = time.monotonic(), cpu_s(server.pids)
            self._wait(size.seconds, load, "measuring")
            used, wall_s = cpu_s(server.pids) - before, time.monotonic() - began
            seen = load.report()
            there = max(1, seen["listeners"])
            if self.memory is None:
                held = held_bytes(server.pids) - self._empty_bytes
                kernel = kernel_bytes() - kernel_before
                self.memory = Memory(held / there, kernel / 2 / there)
            self.steady.append(
                Steady(
                    listeners=seen["listeners"],
                    lost=seen["lost"],
                    why=seen["why"],
                    cpu_us_per_listener_s=used / wall_s / there * 1e6,
                    bytes_per_listener_s=seen["bytes"] / wall_s / there,
                    stalls=seen["stalls"],
                    behind_p50_s=percentile(seen["behind_s"], 0.5),
                    behind_p95_s=percentile(seen["behind_s"], 0.95),
                    first_p50_s=percentile(first, 0.5),
                    first_p95_s=percentile(first, 0.95),
                )
            )
            if with_flood and size.flood_s:
                self._flood(load)

    def joins(self) -> None:
        """Joiners one after the other, so many at once, nobody else there."""
        with Load() as load:
            self._joiners(load, 1, JOINERS_AT_ONCE)
            self._await(load, 1, 10)
            load.tell("begin")
            heard = load.report()["heard"]
            began, before = time.monotonic(), cpu_s(self._server.pids)
            self._wait(self._size.joins_s, load, "joins")
            used, wall_s = cpu_s(self._server.pids) - before, time.monotonic() - began
            joined = load.report()["heard"] - heard
        self.joins_per_cpu_s = joined / max(1e-6, used)
        self.joins_per_s = joined / wall_s

    def _flood(self, load: Load) -> None:
        """A flood beside the listeners of `load`, from all cores, the server's own included."""
        size, server = self._size, self._server
        load.tell("begin")
        with Load() as flood:
            read_every = 1 if server.target.tls else _FLOOD_READ_EVERY  # unheard, it were no TLS
            self._joiners(flood, read_every, _FLOOD_AT_ONCE)
            self._await(flood, 1, 20)
            flood.tell("begin")
            first = flood.report()
            began, before = time.monotonic(), cpu_s(server.pids)
            self._wait(size.flood_s, load, "flood")
            used, wall_s = cpu_s(server.pids) - before, time.monotonic() - began
            last = flood.report()
        self._wait(min(_AFTER_FLOOD_S, size.flood_s), load, "after the flood")
        seen = load.report()
        offered = last["made"] - first["made"]
        heard = last["heard"] - first["heard"]
        self.flood = Flood(
            offered_per_s=offered / wall_s,
            heard_share=min(1.0, heard / max(1, offered / read_every)),
            why_not=last["why"],
            first_p50_s=percentile(last["first_s"], 0.5),
            first_p95_s=percentile(last["first_s"], 0.95),
            present=seen["listeners"],
            present_stalls=seen["stalls"],
            present_lost=seen["lost"] - self.steady[-1].lost,
            server_cpu_share=used / wall_s,
        )

    def _joiners(self, load: Load, read_every: int, at_once: int) -> None:
        everywhere = tuple(sorted({*self._cores[0], *self._cores[1]}))
        cores = self._cores[1] if at_once == JOINERS_AT_ONCE else everywhere
        for number in range(len(cores)):
            load.start(
                Wish(
                    self._server.target,
                    self._timeline,
                    100 + number,
                    at_once,
                    0.0,
                    cores,
                    flood=True,
                    read_every=read_every,
                )
            )

    def _gather(self, load: Load, ramp_s: float) -> None:
        """Wait until (nearly) all have heard something, then until it is quiet."""
        self._await(load, self._size.listeners, ramp_s + 15)
        self._wait(min(_SETTLE_S, self._size.seconds), load, "settling")

    def _await(self, load: Load, count: int, seconds: float) -> None:
        limit = time.monotonic() + seconds
        while (heard := load.heard) < count and time.monotonic() < limit:
            self._say(f"{heard} of {count} have come")
            time.sleep(0.1)

    def _wait(self, seconds: float, load: Load, what: str) -> None:
        limit = time.monotonic() + seconds
        while (left := limit - time.monotonic()) > 0:
            self._say(f"{load.heard} listeners, {what}, {left:.0f} s")
            time.sleep(min(left, 0.5))

    def as_dict(self) -> dict[str, Any]:
        """Return all figures."""
        return {
            "version": self._server.version,
            "tls": self._server.target.tls,
            "idle_cpu_share": self.idle_cpu_share,
            "rounds": [asdict(one) for one in self.steady],
            "memory": asdict(self.memory) if self.memory else None,
            "joins_per_cpu_s": self.joins_per_cpu_s,
            "joins_per_s": self.joins_per_s,
            "flood": asdict(self.flood) if self.flood else None,
        }
