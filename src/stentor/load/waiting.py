"""Listeners whom the door gave a place in line: where they stand, when they look, what came of it.

Keeps what was announced to each and compares it with what happened. Pure: answers and times come
in, the moment of the next look goes out.
"""

import random
from dataclasses import dataclass

from stentor.admission.line import WAIT_S_MAX, poll_s
from stentor.load.line import InLine, Notice, expected_wait_s, is_served
from stentor.load.report import Tally

_NS = 1_000_000_000
_LOOK_AGAIN_S = 2.0  # after a notice that could not be had


@dataclass(slots=True)
class Place:
    """One listener's place. Times are monotonic nanoseconds.

    `announced_s` is the first wait that was promised, at `promised_ns`; None while it is full.
    """

    ticket: str
    place_ms: int
    since_ns: int
    announced_s: float | None
    promised_ns: int
    shared: bool = False


class Queue:
    """Everyone of one process who waits in line."""

    def __init__(self, tally: Tally, chance: random.Random) -> None:
        self._tally = tally
        self._chance = chance
        self._places: dict[int, Place] = {}
        self.called: set[int] = set()  # whose turn it is, and who have gone to ask

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, who: int) -> bool:
        return who in self._places

    def ticket(self, who: int) -> str | None:
        """Return the ticket of a place in line."""
        place = self._places.get(who)
        return None if place is None else place.ticket

    def refused(self, who: int, said: InLine, now_ns: int) -> int:
        """The door gave a place, or the same again; return when to look."""
        place = self._places.get(who)
        self.called.discard(who)
        if place is None:
            announced_s = None if said.full else said.wait_s
            self._tally.told_full += said.full
            if said.shared:
                announced_s = None  # what is promised is told with one's own place
            self._places[who] = Place(
                said.ticket, said.place_ms, now_ns, announced_s, now_ns, said.shared
            )
        else:
            self._tally.tickets_lost += said.place_ms > place.place_ms and not place.shared
            if place.shared and not said.shared and not said.full:
                place.announced_s, place.promised_ns = said.wait_s, now_ns
            place.ticket, place.place_ms, place.shared = said.ticket, said.place_ms, said.shared
        look_s = said.poll_s
        if look_s is None:
            look_s = poll_s(said.wait_s or 0.0, 1.0, self._chance.random())
        return now_ns + round(look_s * _NS)

    def noticed(self, who: int, notice: Notice | None, now_ns: int) -> int | None:
        """The public notice was read (None: it could not be); return when to look again.

        None if it is this listener's turn.
        """
        place = self._places[who]
        if notice is None:
            return now_ns + round(_LOOK_AGAIN_S * self._chance.uniform(0.5, 1.5) * _NS)
        if is_served(notice, place.place_ms):
            self.called.add(who)
            return None
        wait_s = expected_wait_s(notice, place.place_ms)
        if place.announced_s is None and wait_s < WAIT_S_MAX:
            place.announced_s, place.promised_ns = wait_s, now_ns
        look_s = poll_s(wait_s, notice.poll_s_min, self._chance.random())
        return now_ns + round(look_s * _NS)

    def admitted(self, who: int, now_ns: int) -> None:
        """In: say how long it took, and how well that was foretold."""
        self.called.discard(who)
        place = self._places.pop(who, None)
        if place is None:
            return
        tally, waited_s = self._tally, (now_ns - place.since_ns) / _NS
        tally.waited += 1
        tally.wait_s.add(waited_s)
        if place.announced_s is not None:
            error_s = abs((now_ns - place.promised_ns) / _NS - place.announced_s)
            tally.promised += 1
            tally.wait_error_s.add(error_s)
            tally.waits_within_10 += error_s <= 0.1 * place.announced_s
            tally.waits_within_20 += error_s <= 0.2 * place.announced_s
