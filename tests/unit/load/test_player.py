"""The player model: when a listener would have heard nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stentor.load.player import Player
from stentor.media.grid import PART_SAMPLES

PART_NS = 320_000_000


def fed(times_ns: list[int], target_s: float = 0.8, first: int = 10) -> Player:
    player = Player(target_s)
    for place, now_ns in enumerate(times_ns):
        player.take(first + place, 1, now_ns, contiguous=True)
    return player


def test_parts_on_time_never_stall() -> None:
    player = fed([place * PART_NS for place in range(100)])
    assert player.playing
    assert player.stalled_ns == 0


def test_it_starts_when_the_target_is_there_and_keeps_no_more() -> None:
    player = Player(0.8)
    player.take(0, 2, 0, contiguous=True)
    assert not player.playing
    player.take(2, 4, 0, contiguous=True)
    assert player.playing
    assert player.position(0) == 6 * PART_SAMPLES - 38_400


def test_part_later_than_the_buffer_is_a_stall_of_the_difference() -> None:
    times = [place * PART_NS for place in range(10)]
    late_ns = times[-1] + PART_NS + 1_500_000_000
    player = fed([*times, late_ns])
    buffered_ns = 800_000_000 + (times[2] - times[-1]) + 7 * PART_NS
    assert player.stalled_ns == late_ns - times[-1] - buffered_ns
    assert not player.playing  # one part is less than the target


def test_parts_that_come_late_but_before_the_buffer_is_dry_are_no_stall() -> None:
    times = [place * PART_NS for place in range(10)]
    assert fed([*times, times[-1] + 750_000_000]).stalled_ns == 0


@given(st.lists(st.integers(0, 2_000_000_000), min_size=1, max_size=60))
def test_time_is_either_played_or_stalled(gaps_ns: list[int]) -> None:
    now_ns, times = 0, []
    for gap_ns in gaps_ns:
        now_ns += gap_ns
        times.append(now_ns)
    player = fed(times)
    assert 0 <= player.stalled_ns <= now_ns
    assert player.dry_ns(now_ns) == 0
    if player.playing:
        assert player.position(now_ns) <= (10 + len(gaps_ns)) * PART_SAMPLES
