"""What the doors of all edges say to a batch of those who ask: `edge.door.Door.admit`, for many.

The same rules in the same order, by rank instead of one by one; places in line are given by the
production `Places`, one call each. A test holds the two side by side.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from stentor.admission.bucket import BURST_S, SLACK
from stentor.admission.entry import OVER, RETURNS_MIN
from stentor.admission.networks import Places
from stentor.admission.tickets import Kind
from stentor.base.settings import Settings
from stentor.simulate.fleet.edges import Edges
from stentor.simulate.fleet.knocks import Batch, ranks
from stentor.simulate.fleet.people import People

Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]

_DEFAULTS = Settings()
PUSH_MS_MAX = _DEFAULTS.door_push_s_max * 1000
NETWORK_BURST = _DEFAULTS.door_network_burst


class Said(IntEnum):
    """What the door says."""

    NOTHING = 0  # nobody is there any more
    FREE = 1  # come in: there is no line
    RETURNED = 2  # come in, past the line
    TURN = 3  # come in: it is your turn
    REMINDED = 4  # come in: you asked beforehand
    AT_ONCE = 5  # come in: nobody waits
    PLACE = 6  # here is your place
    EARLY = 7  # it is not your turn yet
    AGAIN = 8  # it is your turn, but come again in a moment
    STANDBY = 9  # it is your turn, and the house is full: here is your place before the line


IN = (Said.FREE, Said.RETURNED, Said.TURN, Said.REMINDED, Said.AT_ONCE)
_IS_IN = np.array([one in IN for one in Said])


def is_in(said: NDArray[np.uint8]) -> Marks:
    """Say who may come in."""
    return _IS_IN[said]


@dataclass(slots=True)
class Sheets:
    """What the doors read of the sheets, by machine. Times are virtual."""

    line: Marks
    serving_ms: NDArray[np.int64]
    waiting: NDArray[np.int64]
    late_ms: NDArray[np.int64]  # places before that were served too long ago to hold good
    room: NDArray[np.int64]
    standby: NDArray[np.int64]  # how many stand by
    standby_ms: NDArray[np.int64]  # places on standby up to there are served


class Doors:
    """What each edge's door remembers."""

    def __init__(self, edges: Edges) -> None:
        self._edges = edges
        n = len(edges)
        self.level = np.zeros(n)  # who may be let in in their turn, of late
        self.returns_left = np.full(n, RETURNS_MIN)
        self.over = np.ones(n, np.int64)
        share = 1.0 / edges.per_machine
        per_s = edges.network_per_s * share
        self.places = [Places(per_s, NETWORK_BURST * share, PUSH_MS_MAX) for _ in range(n)]

    def tick(self, past_s: float, missing: NDArray[np.int64], moves_per_s: float) -> None:
        """Earn what time brings; `missing` are the listeners that a machine has lost of late."""
        edges = self._edges
        per_s = edges.per_s * SLACK
        np.minimum(np.maximum(2.0, per_s * BURST_S), self.level + past_s * per_s, out=self.level)
        spare = max(RETURNS_MIN, moves_per_s * past_s)
        lost = np.repeat(missing, edges.per_machine)
        self.returns_left = spare + 2.0 / edges.per_machine * lost
        self.over = 1 + edges.listeners // OVER

    def ask(self, batch: Batch, people: People, sheets: Sheets) -> NDArray[np.uint8]:
        """Return what is said to each, as if all of them were looked at now; nothing is used up."""
        edges, at, first = self._edges, batch.edges, batch.first
        machine = edges.machine(at)
        there = batch.rows >= 0
        rows = np.where(there, batch.rows, 0)
        ticket = np.where(there, people.ticket[rows], 0)
        ticket[batch.moves] = Kind.RETURN
        said = np.zeros(len(batch), np.uint8)
        room = edges.room[at]
        line = sheets.line[machine]
        free = there & ~line & (ranks(there, first) < room)
        said[free] = Said.FREE
        rest = there & ~free
        if not rest.any():
            return said
        room = np.where(line, room, np.minimum(0, room))
        back = rest & (ticket == Kind.RETURN)
        returned = back & (ranks(back, first) < self.returns_left[at].astype(np.int64))
        said[returned] = Said.RETURNED
        room = room - ranks(returned, first)
        rest &= ~returned
        late = (ticket == Kind.LINE) & (people.place_ms[rows] < sheets.late_ms[machine])
        ticket = np.where((ticket == Kind.RETURN) | late, 0, ticket)
        held = rest & (ticket != 0)
        level = np.where(edges.pauses[at], 0.0, self.level[at])
        by = ticket == Kind.STANDBY
        serving_ms = np.where(by, sheets.standby_ms[machine], sheets.serving_ms[machine])
        served = ~line | (people.place_ms[rows] <= serving_ms)
        behind = held & served & (ticket == Kind.REMINDER) & (sheets.standby[machine] > 0)
        due = held & served & ~behind
        said[held & ~served] = Said.EARLY
        said[behind] = Said.STANDBY
        new = rest & (ticket == 0)
        quiet = new & (sheets.waiting[machine] == 0)
        # While there is more than half of what may be saved up, all are let in; then only whose
        # turn it is.
        asks = due | quiet
        half = edges.per_s[at] * (SLACK * BURST_S / 2)
        ample = asks & (ranks(asks, first) < np.minimum(np.ceil(level - half), room))
        taken = ranks(ample, first) + ranks(due & ~ample, first)
        turn = due & (ample | (taken < np.minimum(np.floor(level), room + self.over[at])))
        full = sheets.room[machine] <= 0
        said[due] = np.where(full, np.where(by, Said.EARLY, Said.STANDBY), Said.AGAIN)[due]
        said[turn] = np.where(ticket[turn] == Kind.REMINDER, Said.REMINDED, Said.TURN)
        said[new] = Said.PLACE
        said[quiet & ample] = Said.AT_ONCE
        return said

    def spend(self, batch: Batch, said: NDArray[np.uint8], seen: Marks) -> None:
        """Take what those who were looked at have used up."""
        n = len(self._edges)
        room = seen & is_in(said)
        if room.any():
            self._edges.room -= np.bincount(batch.edges[room], minlength=n)
        level = seen & ((said == Said.TURN) | (said == Said.REMINDED) | (said == Said.AT_ONCE))
        if level.any():
            self.level -= np.bincount(batch.edges[level], minlength=n)
        returned = seen & (said == Said.RETURNED)
        if returned.any():
            self.returns_left -= np.bincount(batch.edges[returned], minlength=n)

    def share(self, share: float) -> None:
        """Give every network this share of the places a second that the settings give it."""
        share /= self._edges.per_machine
        for places in self.places:
            places.set_rate(self._edges.network_per_s * share, NETWORK_BURST * share)

    def forget_idle(self, virtual_ms: Sequence[int]) -> None:
        """Forget networks that have no place in the time to come; once a second."""
        for edge, places in enumerate(self.places):
            if len(places):
                places.forget_idle(virtual_ms[edge // self._edges.per_machine])
