"""What people, attackers and the machine of a simulated evening share: its clock and its edges.

Keeps what is to happen in order of time. Decides nothing of what anybody does.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Any, TypeVar

from stentor.admission.tickets import Kind
from stentor.evidence.records import Second
from stentor.shield.keys import EventKey
from stentor.shield.policy import keeps_out, shut_for_ms
from stentor.simulate.attackers import Act
from stentor.simulate.events import EPOCH_MS, Event
from stentor.simulate.knocking import Knocking
from stentor.simulate.line import STEPS_PER_S, Line
from stentor.simulate.machine import Edge
from stentor.simulate.world import Chance

_Whom = TypeVar("_Whom")
_Thing = tuple[float, int, Callable[[Any], None], Any]  # when, a number of its own, what, to whom

HEAD_S, IDLE_S, STALLED_S = 10.0, 30.0, 15.0


@dataclass(slots=True)
class Person:
    """Somebody who wants to hear, or a bot that does all that they do. Times are seconds."""

    peer: bytes
    comes_s: float
    patience_s: float
    stays_s: float
    human: bool = True
    shared: bool = False  # behind a carrier's address
    reminded: bool = False
    bad_radio: bool = False
    first_s: float = -1.0
    told_s: float = -1.0  # a place was given
    audio_s: float = -1.0
    refused: int = 0
    banned: int = 0
    stalled_s: float = 0.0
    edge: int = 0
    who: int = 0  # at an edge that they listen to, a number of their own
    parts: int = 0  # of the lane; 0: not in
    lane: int = 0  # that their player has, and asks for when it comes back
    ticket: Kind | None = None
    place_ms: int = 0
    vouched: bool = False  # their reminder was seen
    gone: bool = False
    act: Act = Act.JOIN  # what a bot is there for


@dataclass(slots=True)
class Outcome:
    """What was recorded, and what was so."""

    seconds: list[Second] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    bots: int = 0  # what attackers did
    asks: int = 0  # what people did


class Scene:
    """The clock, the edges, and what is to happen."""

    def __init__(self, event: Event, key: EventKey, chance: Chance) -> None:
        """`chance` decides at which edge a connection ends up."""
        self.event = event
        self.line = Line()
        self.edges = [Edge(n, event.machine, key, self.line) for n in range(event.machine.edges)]
        self.outcome = Outcome()
        self.now_s = 0.0
        self.alive = list(self.edges)  # those that there still are
        self._names: dict[bytes, tuple[str, ...]] = {}
        self._numbers = list(range(len(self.edges)))  # theirs
        self._key = key
        self._chance = chance
        self._step = 0  # which is now: its things are a heap, those of later ones just lists
        self._heap: list[_Thing] = []
        self._steps = round(event.end_s * STEPS_PER_S)
        self._later: list[list[_Thing]] = [[] for _ in range(self._steps)]
        self._tick = count().__next__
        self.numbers = count(1)  # of those who listen
        self.knock = Knocking(self).knock

    def at(self, at_s: float, act: Callable[[_Whom], None], whom: _Whom) -> None:
        """Let something happen then."""
        step = int(at_s * STEPS_PER_S)
        if step <= self._step:
            heappush(self._heap, (at_s, self._tick(), act, whom))
        elif step < self._steps:
            self._later[step].append((at_s, self._tick(), act, whom))

    def begins(self, step: int) -> None:
        """Turn to what happens in a step, when all that was before has happened."""
        self._step = step
        self._heap += self._later[step]
        self._later[step] = []
        heapify(self._heap)

    def goes_on(self, until_s: float) -> None:
        """Let happen what happens until then, and then too."""
        heap = self._heap
        while heap and heap[0][0] <= until_s:
            self.now_s, _, act, whom = heappop(heap)
            act(whom)

    def loses(self, n: int) -> None:
        """Let an edge be gone."""
        self.edges[n].dies()
        self.alive = [edge for edge in self.edges if edge.alive]
        self._numbers = [n for n, edge in enumerate(self.edges) if edge.alive]

    def any_edge(self) -> int:
        """Return one of the edges that are alive, as the kernel spreads connections."""
        alive = self._numbers
        return alive[int(self._chance.integers(len(alive)))] if len(alive) > 1 else alive[0]

    def is_banned(self, edge: Edge, peer: bytes) -> bool:
        """Say whether an address is kept out, and count that it was; the guard's cost nothing."""
        if not edge.banned:
            return False
        names = self._names.get(peer)
        if names is None:
            names = self._names[peer] = self._key.names(peer)
        now_ms = EPOCH_MS + int(self.now_s * 1000)
        for name in names:
            ban = edge.banned.get(name)
            if ban is not None and keeps_out(ban, self.line.sheet.waiting, now_ms):
                if not shut_for_ms(ban, now_ms):
                    edge.works("accept", self.now_s)
                edge.summary.obeyed("banned")
                return True
        return False
