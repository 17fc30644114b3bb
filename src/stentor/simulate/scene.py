"""What people, attackers and the machine of a simulated evening share: its clock and its edges.

Keeps what is to happen in order of time. Decides nothing of what anybody does.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import Any, TypeVar

from stentor.admission.tickets import Kind
from stentor.evidence.records import Second
from stentor.shield.keys import EventKey
from stentor.simulate.attackers import Act
from stentor.simulate.events import Event
from stentor.simulate.knocking import Knocking, Wish
from stentor.simulate.line import Line
from stentor.simulate.machine import Edge
from stentor.simulate.world import Chance

_Whom = TypeVar("_Whom")

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
        self._key = key
        self._chance = chance
        self._names: dict[bytes, tuple[str, ...]] = {}
        self._heap: list[tuple[float, int, Callable[[Any], None], Any]] = []
        self._tick = count()
        self._knocking = Knocking(self)

    @property
    def alive(self) -> list[Edge]:
        """The edges that there still are."""
        return [edge for edge in self.edges if edge.alive]

    def at(self, at_s: float, act: Callable[[_Whom], None], whom: _Whom) -> None:
        """Let something happen then."""
        heappush(self._heap, (at_s, next(self._tick), act, whom))

    def knock(self, person: Person, edge: Edge, wish: Wish) -> None:
        """Let somebody come to an edge, and wait there until it looks at them."""
        self._knocking.knock(person, edge, wish)

    def next_s(self, until_s: float) -> float:
        """Return when the next thing happens, `until_s` if nothing does before."""
        return min(self._heap[0][0], until_s) if self._heap else until_s

    def goes_on(self) -> None:
        """Let the next thing happen."""
        self.now_s, _, act, person = heappop(self._heap)
        act(person)

    def any_edge(self) -> int:
        """Return one of the edges that are alive, as the kernel spreads connections."""
        alive = [n for n, edge in enumerate(self.edges) if edge.alive]
        return alive[int(self._chance.integers(len(alive)))]

    def is_banned(self, edge: Edge, peer: bytes) -> bool:
        """Say whether an address is kept out, and count that it was; the guard's cost nothing.

        A network's first ban keeps nobody out while nobody else waits (`edge.lookout`).
        """
        if not edge.banned:
            return False
        names = self._names.get(peer)
        if names is None:
            names = self._names[peer] = self._key.names(peer)
        for name in names:
            kernel = edge.banned.get(name)
            if kernel or (kernel is not None and self.line.sheet.waiting):
                if not kernel:
                    edge.works("accept", self.now_s)
                edge.summary.obeyed("banned")
                return True
        return False
