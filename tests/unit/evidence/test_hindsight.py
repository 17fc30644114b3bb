"""What is known of who came when all is over: who stayed, who came back, who only ever looked."""

from __future__ import annotations

from stentor.admission.tickets import Kind
from stentor.evidence.hindsight import read_hindsight
from stentor.evidence.records import Second
from stentor.shield.facts import DoorSecond
from stentor.shield.keys import EventKey
from stentor.shield.summary import Summary

T0_MS = 1_800_000_000_000
STAYS, RETURNS, LEAVES, LOOKS = (bytes((20, 1, 1, n)) for n in range(4))


def evening(door: DoorSecond | None = None, garbage_at: int = -1) -> list[Second]:
    """Three ask in second 10: one stays, one comes back with a place, one is never seen again."""
    summary, seconds = Summary(EventKey(bytes(32)), "edge-0"), []
    for t in range(60):
        if t == 10:
            for peer in (STAYS, RETURNS, LEAVES):
                summary.asked(peer)
            for peer in (STAYS, LOOKS):
                summary.visited(peer)
        if t == 30:
            summary.stayed(STAYS)
            summary.asked(RETURNS, Kind.LINE)
        if t == 33:
            summary.asked(STAYS)  # a connection broke
        edge = summary.second(T0_MS + t * 1000, counts={}, door=door)
        if t == garbage_at:
            edge = type(edge)(edge=edge.edge, at_ms=edge.at_ms, asking=b"no sketch")
        seconds.append(Second(at_ms=T0_MS + t * 1000, edges=(edge,)))
    return seconds


def test_who_never_listened_nor_came_back_is_known_afterwards() -> None:
    found = read_hindsight(evening())
    assert (found.asked[10], found.unproved[10], found.unlooked[10]) == (3, 1, 2)
    assert (found.looked[10], found.only_looked[10]) == (2, 1)
    assert sum(found.asked) == 4, "who listened before and asks again is known already"


def test_of_who_came_last_and_of_whose_turn_has_not_come_nothing_is_said() -> None:
    waiting = DoorSecond(line=True, waiting=9, serving_ms=T0_MS + 12_000)
    assert sum(read_hindsight(evening(waiting)).asked) == 0
    assert sum(read_hindsight(evening()[:20]).asked) == 0


def test_what_cannot_be_read_is_left_out() -> None:
    assert read_hindsight(evening(garbage_at=5)).unproved[10] == 1
    assert read_hindsight([]).asked == []
