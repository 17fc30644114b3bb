"""Changes by one seat are paced; another seat's are not touched by that."""

from __future__ import annotations

from stentor.control.pace import SEATS_MAX, Pace


def test_burst_is_let_through_and_then_the_rate() -> None:
    pace = Pace(acts_per_s=2)
    assert [pace.allows("ann", 0.0) for _ in range(8)] == [True] * 6 + [False] * 2
    assert pace.allows("bob", 0.0)
    assert not pace.allows("ann", 0.4)
    assert pace.allows("ann", 0.6)
    assert sum(pace.allows("ann", 100.0) for _ in range(20)) == 6


def test_memory_is_bounded() -> None:
    pace = Pace(acts_per_s=1)
    for number in range(SEATS_MAX + 10):
        assert pace.allows(str(number), 0.0)
    assert len(pace._buckets) <= SEATS_MAX
