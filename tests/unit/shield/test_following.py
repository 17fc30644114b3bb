"""Who follows a programme by HLS, and who only reads what there is; with a clock of its own."""

from __future__ import annotations

import random

from stentor.media.grid import PARTS_PER_SEGMENT, SEGMENT_S
from stentor.shield.following import FOLLOWED_MS, PAUSE_MS, Following

NET, ROOM = b"\x0a\0\0\x01", "hall"
SEGMENT_MS = SEGMENT_S * 1000
WINDOW = 8


class Reading:
    """A network that reads segments, and what came of it."""

    def __init__(self, following: Following | None = None, network: bytes = NET) -> None:
        self.following = following or Following()
        self.network = network
        self.followed: list[float] = []  # when

    def segment(self, number: int, now_ms: float, room: str = ROOM) -> bool:
        first = number * PARTS_PER_SEGMENT
        found = self.following.read(
            self.network, room, first, first + PARTS_PER_SEGMENT, round(now_ms)
        )
        if found:
            self.followed.append(now_ms)
        return found


def test_player_that_follows_is_found_after_two_segments_and_as_long_as_it_goes_on() -> None:
    reading = Reading()
    for number in range(100, 108):  # what it fetches as it begins
        assert not reading.segment(number, 0)
    steps = [reading.segment(108 + n, (1 + n) * SEGMENT_MS) for n in range(1_000)]
    assert steps == [False, *[True] * 999]
    assert reading.followed[0] == FOLLOWED_MS


def test_player_of_parts_is_found_as_well_and_a_pause_begins_anew() -> None:
    following, part_ms = Following(), 320
    steps = [following.read(NET, ROOM, n, n + 1, n * part_ms) for n in range(100)]
    assert steps.index(True) == FOLLOWED_MS // part_ms
    assert all(steps[steps.index(True) :])
    away_ms = 99 * part_ms + PAUSE_MS + 1
    missed = PAUSE_MS // part_ms
    again = [
        following.read(NET, ROOM, n, n + 1, away_ms + (n - 100 - missed) * part_ms)
        for n in range(100 + missed, 150 + missed)
    ]
    assert again.index(True) == FOLLOWED_MS // part_ms


def test_player_whose_short_connections_go_to_many_edges_is_found_at_each() -> None:
    chance = random.Random(5)
    edges = [Reading() for _ in range(4)]
    for number in range(200):
        chance.choice(edges).segment(number, number * SEGMENT_MS)
    assert all(len(edge.followed) > 20 for edge in edges)


def test_what_is_taken_faster_or_slower_than_it_is_played_is_no_following() -> None:
    for pace in (0.2, 3.0, 10.0, 100.0):
        reading = Reading()
        for number in range(300):
            reading.segment(number, number * SEGMENT_MS / pace)
        assert reading.followed == [], pace
    reading = Reading()
    for second in range(120):  # the live window, over and over
        for number in range(WINDOW):
            reading.segment(number, second * 1000)
    assert reading.followed == []


def test_reading_at_random_is_no_following() -> None:
    chance = random.Random(7)
    reading = Reading()
    for second in range(120):
        for _ in range(50):
            reading.segment(chance.randrange(937), second * 1000)
    assert reading.followed == []


def test_many_behind_one_address_are_found_whoever_of_them_is_in_front() -> None:
    reading = Reading()
    lags = (3, 5, 3, 8, 4)  # segments; the first one leaves in mid-programme
    for now in range(60):
        for person, lag in enumerate(lags):
            if now < 30 or person != 0:
                reading.segment(1_000 + now - lag, now * SEGMENT_MS + person)
    assert {round(at // SEGMENT_MS) for at in reading.followed} >= set(range(4, 60))


def test_rooms_and_places_of_one_network_are_told_apart_as_far_as_there_is_room() -> None:
    reading = Reading()
    places = [(room, start) for room in "ab" for start in (0, 100, 900, 5_000)]
    for now in range(10):
        for room, start in places:
            reading.segment(start + now, now * SEGMENT_MS, room)
        if now >= 4:
            assert not reading.segment(7_000 + now, now * SEGMENT_MS, "c")
    assert len(reading.followed) == len(places) * 8
    assert reading.following.unremembered == 6


def test_one_who_follows_keeps_its_place_among_those_who_jump_about() -> None:
    chance = random.Random(3)
    reading = Reading()
    for number in range(5):
        reading.segment(number, number * SEGMENT_MS)
    for number in range(5, 50):
        for _ in range(20):
            reading.segment(chance.randrange(1_000, 10_000), number * SEGMENT_MS)
        assert reading.segment(number, number * SEGMENT_MS)


def test_networks_are_bounded_and_who_stopped_is_forgotten() -> None:
    following = Following(most=100)
    for number in range(300):
        following.read(number.to_bytes(4), ROOM, 0, 12, number)
    assert len(following) == 100
    assert following.unremembered == 200
    following.forget(250 + PAUSE_MS)
    assert len(following) == 50
    following.forget(400 + PAUSE_MS)
    assert len(following) == 0
