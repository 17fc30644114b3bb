"""Whatever anybody asks in whatever order while time goes by, a room keeps its promises."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.rooms.acts import Actor, AnyAct, Refusal
from stentor.rooms.changes import apply
from stentor.rooms.orders import Phase, Role, decode_orders, encode_orders
from stentor.rooms.record import PINS_MAX, SEATS_EVER_MAX, SEATS_MAX, Room, text_fault, url_fault
from support.rooms import HOST, NOW_MS, OPERATOR, actors, all_acts, plain_room

_ORDER = [Phase.SCHEDULED, Phase.LIVE, Phase.ENDED]
steps = st.tuples(st.sampled_from([0, 1, 200, 1_000, 30_000, 400_000]), all_acts, actors)


def check_invariants(room: Room) -> None:
    usable = [seat for seat in room.seats if not seat.revoked]
    assert len({seat.id for seat in room.seats}) == len(room.seats) <= SEATS_EVER_MAX
    assert len(usable) <= SEATS_MAX
    assert sum(seat.role is Role.HOST for seat in usable) <= 1
    assert not any(seat.role is Role.OPERATOR for seat in room.seats)
    assert len(room.pinned) <= PINS_MAX
    assert text_fault(room.title, 120) is None
    assert all(text_fault(seat.name, 60) is None for seat in room.seats)
    assert all(url_fault(pin.url) is None for pin in room.pinned)
    assert decode_orders(encode_orders(room.orders())) == room.orders()


def check_step(before: Room, after: Room, act: AnyAct, actor: Actor, now_ms: int) -> None:
    if before.epoch_ms <= now_ms:
        assert after.epoch_ms == before.epoch_ms
    if before.end_ms is not None:
        assert after.end_ms == before.end_ms
    assert _ORDER.index(after.phase(now_ms)) >= _ORDER.index(before.phase(now_ms))
    for seat in before.seats:
        kept = after.seat(seat.id)
        assert kept is not None  # no seat ever vanishes
        assert kept.role is seat.role
        assert kept.revoked or not seat.revoked  # nor comes back from a ban
        if kept != seat and seat.role is Role.HOST and kept.expires_ms == seat.expires_ms:
            assert actor in (OPERATOR, HOST)
    assert (after.revision == before.revision) == (after is before)
    assert after.revision - before.revision in (0, 1)
    if actor.role is Role.SPEAKER:
        assert after is before


@settings(max_examples=300, deadline=None)
@given(st.lists(steps, max_size=40))
def test_no_sequence_of_acts_breaks_a_room(wanted: list[tuple[int, AnyAct, Actor]]) -> None:
    room, now_ms = plain_room(), NOW_MS
    for later_ms, act, actor in wanted:
        now_ms += later_ms
        after = apply(room, act, actor, now_ms)
        if not isinstance(after, Refusal):
            check_step(room, after, act, actor, now_ms)
            check_invariants(after)
            room = after


@settings(max_examples=100, deadline=None)
@given(st.lists(steps, max_size=20))
def test_doing_the_same_twice_at_once_is_doing_it_once(
    wanted: list[tuple[int, AnyAct, Actor]],
) -> None:
    room, now_ms = plain_room(), NOW_MS
    for later_ms, act, actor in wanted:
        now_ms += later_ms
        after = apply(room, act, actor, now_ms)
        if isinstance(after, Refusal):
            continue
        again = apply(after, act, actor, now_ms)
        if not isinstance(again, Refusal):
            assert again.orders() == after.orders() or again.hold  # a tune may be another one
        room = after
