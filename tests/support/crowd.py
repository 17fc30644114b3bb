"""A crowd at the real doors of a machine's edges, under virtual time: who comes and who gets in."""

from __future__ import annotations

import heapq
import itertools
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stentor.admission.tickets import Tickets
from stentor.base.errors import Problem
from stentor.base.settings import Settings
from stentor.edge.board import Board
from stentor.edge.counts import Counts
from stentor.edge.door import TICK_S, Door
from stentor.edge.door_limits import draw_door_limits
from stentor.edge.proofs import Proofs
from stentor.edge.request import Method, Request
from stentor.edge.rooms import Room

EPOCH_MS = 1_800_000_000_000
ROOM = Room("hall")


@dataclass
class Visitor:
    """Somebody who wants to listen; as an edge sees them, a connection."""

    peer: bytes
    comes_s: float
    patience_s: float = 1e9
    ticket: str = ""
    announced_s: float | None = None
    admitted_s: float | None = None
    refused: str = ""
    said: dict[str, Any] = field(default_factory=dict)
    tries: int = 0
    request = Request(Method.GET, "/r/hall/live.mp4", "", {})

    def keeps(self, *, parting: bool) -> bool:
        return not parting

    def refuse(self, data: bytes, *, keep: bool) -> None:
        head, _, body = data.partition(b"\r\n\r\n")
        assert (b"Connection: keep-alive" in head) is keep
        self.said = json.loads(body)

    @property
    def waited_s(self) -> float:
        assert self.admitted_s is not None
        return self.admitted_s - self.comes_s


class Crowd:
    """Edges with their doors on one board, and a clock that this class moves."""

    def __init__(self, folder: Path, *, edges: int = 2, seed: int = 1, **settings: Any) -> None:
        self.now_s = 0.0
        self.chance = random.Random(seed)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self.visitors: list[Visitor] = []
        self.late_s = 0.0  # on average, whoever was told when to ask again
        self.hiccups = False  # one tick in twenty comes 1.5 s late
        self.admitted: list[Visitor] = []
        self.listeners = Counter[int]()
        self.dead: set[int] = set()
        self._folder = folder
        self._settings = Settings(**settings)
        self.doors = {index: self._door(index) for index in range(edges)}
        self.at(0.0, self._tick)

    def _door(self, index: int) -> Door:
        counts = Counts()
        return Door(
            limits=draw_door_limits(self._settings),
            board=Board(self._folder / "door.board", index, EPOCH_MS // 1000),
            tickets=Tickets(b"k" * 32),
            proofs=Proofs(b"k" * 32, counts, self.chance.random),
            counts=counts,
            index=index,
            now_ms=lambda: EPOCH_MS + round(self.now_s * 1000),
            now_ns=lambda: round((1000 + self.now_s) * 1e9),
            chance=self.chance.random,
        )

    def at(self, when_s: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when_s, next(self._order), act))

    def run(self, until_s: float) -> Crowd:
        while self._events and self._events[0][0] <= until_s:
            self.now_s, _, act = heapq.heappop(self._events)
            act()
        self.now_s = until_s
        return self

    def kill(self, index: int) -> None:
        self.dead.add(index)
        self.listeners[index] = 0

    def revive(self, index: int) -> None:
        self.doors[index] = self._door(index)
        self.dead.discard(index)

    def _tick(self) -> None:
        for index, door in self.doors.items():
            if index not in self.dead:
                door.tick(round((1000 + self.now_s) * 1e9), self.listeners[index])
        late_s = 1.5 if self.hiccups and self.chance.random() < 0.05 else 0.0
        self.at(self.now_s + TICK_S + late_s, self._tick)

    def come(self, visitor: Visitor) -> Visitor:
        self.visitors.append(visitor)
        self.at(visitor.comes_s, lambda: self._try(visitor))
        return visitor

    def arrivals(
        self,
        per_s: float,
        seconds: float,
        start_s: float = 0.0,
        peer: Callable[[], bytes] | None = None,
        patience_s: Callable[[], float] = lambda: 1e9,
    ) -> list[Visitor]:
        """Let people come at random moments (a Poisson process)."""
        found = []
        when_s = start_s
        while True:
            when_s += self.chance.expovariate(per_s)
            if when_s >= start_s + seconds:
                return found
            who = peer() if peer else self.anybody()
            found.append(self.come(Visitor(who, when_s, patience_s())))

    def anybody(self) -> bytes:
        return bytes([100]) + self.chance.randbytes(3)

    def _try(self, visitor: Visitor) -> None:
        if self.now_s - visitor.comes_s > visitor.patience_s:
            return
        visitor.tries += 1
        index = self.chance.choice([n for n in self.doors if n not in self.dead])
        try:
            let_in = self.doors[index].admit(visitor, ROOM, visitor.ticket)  # type: ignore[arg-type]
        except Problem as problem:
            visitor.refused = problem.kind
            return
        if let_in:
            visitor.admitted_s = self.now_s
            self.admitted.append(visitor)
            self.listeners[index] += 1
            return
        said = visitor.said
        visitor.ticket = said["ticket"]
        if visitor.announced_s is None:
            visitor.announced_s = said["wait_s"]
        late_s = self.chance.expovariate(1 / self.late_s) if self.late_s else 0.0
        self.at(self.now_s + said["poll_s"] + late_s, lambda: self._try(visitor))

    def admitted_in(self, start_s: float, end_s: float) -> int:
        return sum(start_s <= (one.admitted_s or 0.0) < end_s for one in self.admitted)

    def count(self, name: str) -> int:
        return sum(getattr(door._counts, name) for door in self.doors.values())


def errors_of(waited: list[Visitor]) -> list[float]:
    """Return how far each one's actual wait was from what was announced, relative, sorted."""
    return sorted(
        abs(one.waited_s - one.announced_s) / max(1.0, one.waited_s)
        for one in waited
        if one.announced_s is not None
    )
