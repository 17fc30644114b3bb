"""People whom a full queue turned away are counted once, however often they knocked."""

import heapq

import numpy as np
import pytest

from stentor.evidence.repeats import read_knocks


def _before_a_queue(coming: list[int], per_s: int) -> tuple[list[float], list[float], int, int]:
    """Return accepted and dropped by second, and who was let wait 3 s or left out, of Linux."""
    chance = np.random.default_rng(1)
    heap = [(t + float(at), 0) for t, n in enumerate(coming) for at in chance.random(n)]
    heapq.heapify(heap)
    accepted, dropped = [0.0] * len(coming), [0.0] * len(coming)
    room = last_s = 0.0
    late = left_out = 0
    while heap:
        at_s, tries = heapq.heappop(heap)
        if at_s >= len(coming):
            break
        room, last_s = min(0.35 * per_s, room + (at_s - last_s) * per_s), at_s
        if room >= 1:
            room -= 1
            accepted[int(at_s)] += 1
            continue
        dropped[int(at_s)] += 1
        late += tries == 1
        left_out += tries == 3
        if tries < 3:
            heapq.heappush(heap, (at_s + (1, 2, 4)[tries], tries + 1))
    return accepted, dropped, late, left_out


@pytest.mark.parametrize(("peak", "per_s"), [(300, 100), (1_000, 50), (120, 100), (2_000, 20)])
def test_each_person_is_counted_about_once_where_packets_were_up_to_four(
    peak: int, per_s: int
) -> None:
    coming = [20] * 10 + [peak] * 15 + [20] * 35
    accepted, dropped, late, left_out = _before_a_queue(coming, per_s)
    found = read_knocks(accepted, dropped)
    assert 0.9 < sum(found.begun) / sum(coming) < 1.35
    assert 0.9 < sum(found.late) / late < 1.1
    assert 0.4 < sum(found.left_out) / left_out < 1.05


def test_nobody_is_turned_away_by_a_queue_that_is_never_full() -> None:
    found = read_knocks([5.0, 0.0, 7.0], [0.0, 0.0, 0.0])
    assert found.begun == [5.0, 0.0, 7.0]
    assert not any(found.late)
    assert not any(found.left_out)


def test_who_knocks_and_never_again_is_one_each() -> None:
    found = read_knocks([0.0] * 12, [9.0] + [0.0] * 11)
    assert sum(found.begun) == 9
    assert not any(found.left_out)
