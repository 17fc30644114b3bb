"""A second is summed up in bounded memory, told without an address, and the same for the same."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.admission.tickets import Kind
from stentor.shield import sketches
from stentor.shield.facts import HEAVY_MAX, ROOMS_MAX, EdgeSecond, RoomSecond
from stentor.shield.keys import EventKey
from stentor.shield.policy import Why
from stentor.shield.summary import Summary

KEY = EventKey(bytes(range(32)))
SECOND_BYTES_MAX = 100_000


def fresh(peers_max: int = 32_768) -> Summary:
    return Summary(KEY, "edge-0", peers_max)


def told(summary: Summary, at_ms: int = 1_000) -> EdgeSecond:
    return summary.second(at_ms, counts={})


def v4(number: int) -> bytes:
    return (0x0B00_0000 + number).to_bytes(4)


def v6(net: int, subnet: int, host: int = 1) -> bytes:
    return (0x2001_0DB8_0000 + net).to_bytes(6) + subnet.to_bytes(2) + host.to_bytes(8)


ACTS: tuple[Callable[[Summary, bytes], None], ...] = (
    lambda one, peer: one.came(peer),
    lambda one, peer: one.asked(peer),
    lambda one, peer: one.asked(peer, Kind.LINE),
    lambda one, peer: one.admitted(peer),
    lambda one, peer: one.visited(peer),
    lambda one, peer: one.wrong(peer, Why.FORGED),
    lambda one, peer: one.wrong(peer, Why.SILENT),
)
PEERS = st.one_of(
    st.integers(0, 400).map(v4), st.builds(v6, st.integers(0, 3), st.integers(0, 600))
)
TIMES = st.floats(0, 100)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(ACTS), PEERS), max_size=300),
    st.lists(TIMES, max_size=40),
    st.randoms(),
)
def test_same_happenings_in_any_order_give_the_same_bytes(
    happenings: list[tuple[Callable[[Summary, bytes], None], bytes]],
    times: list[float],
    chance: random.Random,
) -> None:
    found = []
    for _ in range(2):
        summary = fresh()
        for act, peer in happenings:
            act(summary, peer)
        for time in times:
            summary.first_audio(time)
            summary.turn_lag(time)
        found.append(msgspec.msgpack.encode(told(summary)))
        chance.shuffle(happenings)
        chance.shuffle(times)
    assert found[0] == found[1]


def test_flood_of_more_addresses_than_are_told_apart_stays_small_and_is_counted() -> None:
    summary = fresh(peers_max=2_000)
    chance = random.Random(7)
    for _ in range(30_000):
        peer = chance.randbytes(16) if chance.random() < 0.5 else chance.randbytes(4)
        summary.came(peer)
        summary.asked(peer, Kind.LINE)
        summary.visited(peer)
        summary.wrong(peer, Why.MALFORMED)
        summary.first_audio(chance.expovariate(1))
        summary.queued(chance.expovariate(1))
        summary.turn_lag(chance.expovariate(1))
    rooms = {f"room-{n:028d}": RoomSecond(listeners=n) for n in range(500)}
    second = summary.second(1, counts={"accepted": 30_000}, rooms=rooms)
    assert len(msgspec.msgpack.encode(second)) < SECOND_BYTES_MAX
    assert len(second.heavy) == HEAVY_MAX
    assert len(second.rooms) == ROOMS_MAX
    assert min(room.listeners for room in second.rooms.values()) == 500 - ROOMS_MAX
    assert second.unremembered > 0
    # Who did not fit is in the sketches all the same.
    assert sketches.estimate(second.asking) == pytest.approx(30_000, rel=0.12)


def test_next_second_begins_with_nothing() -> None:
    summary = fresh()
    for act in ACTS:
        act(summary, v4(1))
    summary.first_audio(1.0)
    summary.obeyed("banned")
    summary.vouched()
    first = told(summary)
    assert first.heavy
    assert (first.vouched, first.obeyed) == (1, {"banned": 1})
    assert told(summary, 2_000) == EdgeSecond("edge-0", 2_000, KEY.id)


def test_of_nobody_in_particular_nothing_is_noted() -> None:
    summary = fresh()
    nobody = b""
    for act in (summary.came, summary.asked, summary.admitted, summary.visited, summary.stayed):
        act(nobody)
    summary.wrong(nobody, Why.MALFORMED)
    summary.came(v4(1))
    with_somebody = fresh()
    with_somebody.came(v4(1))
    assert told(summary) == told(with_somebody)
    assert told(summary) == told(with_somebody), "and the seconds after it are told too"


def test_who_did_wrong_is_named_before_who_asked_most() -> None:
    summary = fresh()
    for number in range(500):
        for _ in range(10 + number):
            summary.came(v4(number))
    summary.came(v4(1_000))
    summary.wrong(v4(1_000), Why.FORGED)
    summary.wrong(v4(1_000), Why.FORGED)
    summary.wrong(v4(1_000), Why.SLOW)
    heavy = told(summary).heavy
    assert heavy[0].network == KEY.name(v4(1_000))
    assert (heavy[0].asks, heavy[0].wrongs, heavy[0].why) == (1, 3, "forged")
    assert [one.asks for one in heavy[1:]] == sorted(range(510 - len(heavy) + 1, 510), reverse=True)


def test_one_request_an_address_names_nobody() -> None:
    summary = fresh()
    for number in range(5_000):
        summary.came(v4(number))
        summary.asked(v4(number))
    second = told(summary)
    assert second.heavy == ()
    assert sketches.estimate(second.asking) == pytest.approx(5_000, rel=0.12)
    assert sketches.estimate(second.coming_clusters) == pytest.approx(20, abs=1)


def test_addresses_of_one_house_are_one_and_the_networks_around_add_up() -> None:
    summary = fresh()
    for host in range(50):
        summary.came(v6(1, 7, host))
        summary.asked(v6(1, 7, host))
    for subnet in range(40):  # of one /56
        summary.came(v6(2, subnet))
        summary.asked(v6(2, subnet))
    second = told(summary)
    asks = {one.network: one.asks for one in second.heavy}
    assert asks[KEY.name(v6(1, 7)[:8])] == 50
    assert asks[KEY.name(v6(2, 0)[:7])] == asks[KEY.name(v6(2, 0)[:6])] == 40
    assert KEY.name(v6(1, 7)[:7]) not in asks  # the house alone says it already
    assert round(sketches.estimate(second.asking)) == 41
    assert round(sketches.estimate(second.coming_clusters)) == 2


def test_present_connections_are_told_by_network() -> None:
    summary = fresh()
    summary.wrong(v4(1), Why.HASTY)
    second = summary.second(
        1,
        counts={},
        present_of=lambda network: 7 * (network == v4(1)),
        listening_of=lambda network: 5 * (network == v4(1)),
    )
    assert (second.heavy[0].present, second.heavy[0].listening) == (7, 5)


def test_nothing_told_has_an_address_in_it() -> None:
    summary = fresh()
    peers = [*(v4(n) for n in range(100)), *(v6(1, n) for n in range(100))]
    for peer in peers:
        for act in ACTS:
            act(summary, peer)
    data = msgspec.msgpack.encode(told(summary)) + msgspec.json.encode(told(summary))
    assert not any(peer in data or peer[:8].hex().encode() in data for peer in peers)


def test_another_key_gives_other_names_and_forgets_what_was_seen() -> None:
    summary = fresh()
    summary.wrong(v4(1), Why.FORGED)
    other = EventKey(b"o" * 32)
    summary.use(other)
    assert told(summary).heavy == ()
    summary.wrong(v4(1), Why.FORGED)
    second = told(summary)
    assert second.key_id == other.id != KEY.id
    assert second.heavy[0].network == other.name(v4(1)) != KEY.name(v4(1))


def union_of(edges: Iterable[EdgeSecond]) -> float:
    return sketches.estimate(sketches.united(one.asking for one in edges))


def test_edges_merged_know_what_one_edge_would() -> None:
    alone, parts = fresh(), [fresh() for _ in range(4)]
    for number in range(3_000):
        alone.asked(v4(number))
        parts[number % 4].asked(v4(number))
        parts[(number + 1) % 4].asked(v4(number))  # everybody was seen twice
    merged = union_of(told(one) for one in parts)
    assert merged == pytest.approx(3_000, rel=0.1)
    assert merged == pytest.approx(sketches.estimate(told(alone).asking), rel=0.1)


def test_bystander_is_named_whatever_it_did_and_takes_the_place_of_who_did_least() -> None:
    summary = fresh()
    for number in range(HEAVY_MAX):
        summary.wrong(v4(number), Why.FORGED, 2 + number)
    quiet, wrong = v4(1_000), v4(0)
    summary.came(quiet)
    second = summary.second(
        0,
        counts={},
        listening_of=lambda one: {quiet: 4, wrong: 1}.get(one, 0),
        bystanders=[quiet, wrong],
    )
    assert len(second.heavy) == HEAVY_MAX
    found = {one.network: one for one in second.heavy}
    one = found[KEY.name(quiet)]
    assert (one.asks, one.wrongs, one.listening) == (1, 0, 4)
    assert found[KEY.name(wrong)].wrongs == 2, "as it would be named without that"
    assert KEY.name(v4(1)) not in found
    assert summary.named[KEY.name(quiet)] == quiet
