"""What a place that many were told in one breath is worth when they come again."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from support.crowd import ROOM, Crowd, Visitor, errors_of

PER_S = 20


def test_who_was_told_before_there_was_a_line_stands_in_it_and_is_told_the_truth(
    tmp_path: Path,
) -> None:
    crowd = Crowd(tmp_path, edges=1)
    door = crowd.doors[0]
    crowd.run(1)
    shared = door.share(ROOM.id)
    for _ in range(1_000):
        door.note_shared(shared)
    crowd.run(3)
    door.wants_line, door.per_s = True, PER_S
    crowd.run(5)
    back = [
        crowd.come(Visitor(crowd.anybody(), 5 + n / 100, ticket=shared.text)) for n in range(1_000)
    ]
    crowd.run(16)
    assert door.sheet.waiting > 600, "all are counted"
    crowd.run(80)
    assert all(one.admitted_s is not None for one in back)
    late = [one for one in back if one.waited_s > 10]
    assert len(late) > 500
    errors = errors_of(late)
    assert errors[int(0.9 * len(errors))] < 0.2, "and what they were announced came true"
    assert crowd.count("line_again") < 100


def test_shared_place_is_no_way_around_a_networks_pace(tmp_path: Path) -> None:
    crowd = Crowd(
        tmp_path, edges=1, edge_admissions_per_s_max=1, door_network_per_s=1, door_network_burst=1
    )
    crowd.run(1)
    crowd.arrivals(20, 3, start_s=1)
    crowd.run(4)
    door = crowd.doors[0]
    assert door.turns_away
    shared = door.share(ROOM.id)
    assert shared.place_ms
    bots = [
        crowd.come(Visitor(bytes([9, 9, 9, 9]), 34 + n / 10, ticket=shared.text))
        for n in range(200)
    ]
    places: list[int] = []
    for one in bots:
        crowd.run(one.comes_s)
        places.append(one.said["place_ms"])
    assert Counter(places)[shared.place_ms] <= 2, "as old as the crowd is one, and not one a second"
    assert max(places) - shared.place_ms > 150_000, "the others are behind it by the network's pace"


def test_each_who_is_told_a_shared_place_in_a_line_counts_once(tmp_path: Path) -> None:
    crowd = Crowd(tmp_path, edges=1, edge_admissions_per_s_max=1)
    crowd.run(1)
    crowd.arrivals(20, 3, start_s=1)
    crowd.run(5)
    door = crowd.doors[0]
    before = door.sheet.waiting
    shared = door.share(ROOM.id)
    for _ in range(300):
        door.note_shared(shared)
    crowd.run(6)
    told = door.sheet.waiting
    assert told - before > 280
    for n in range(300):
        crowd.come(Visitor(crowd.anybody(), 6 + n / 1_000, ticket=shared.text))
    crowd.run(8)
    assert abs(door.sheet.waiting - told) < 20


def test_edge_with_too_many_takes_of_the_others_room(tmp_path: Path) -> None:
    crowd = Crowd(tmp_path)
    for door in crowd.doors.values():
        door.wants_line = True
    crowd.doors[0].room, crowd.doors[1].room = -500, 800
    crowd.run(1)
    assert crowd.doors[0].sheet.room == 300
    crowd.doors[1].room = 300
    crowd.run(2)
    assert crowd.doors[0].sheet.room <= 0
