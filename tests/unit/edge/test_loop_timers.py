"""Timers of the loop: after each other, or in phase with a clock."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stentor.edge import loop as loops
from stentor.edge.loop import Loop

MS = 1_000_000


class Time:
    """A monotonic clock that the test sets."""

    def __init__(self) -> None:
        self.now_ns = 10_250 * MS

    def monotonic_ns(self) -> int:
        return self.now_ns

    def thread_time_ns(self) -> int:
        return 0


class Turns:
    """A loop that waits for nothing: each turn is at a time that the test says."""

    def __init__(self, time: Time) -> None:
        self.time = time
        self.loop = Loop()
        self.called_ms: list[int] = []
        self._at_ms: list[int] = []
        self.loop.first = self._first
        self.loop.in_haste = True

    def _first(self) -> None:
        if self._at_ms:
            self.time.now_ns = self._at_ms.pop(0) * MS
        if not self._at_ms:
            self.loop.stop()

    def note(self, now_ns: int) -> None:
        self.called_ms.append(now_ns // MS)

    def run(self, *at_ms: int) -> list[int]:
        self._at_ms = list(at_ms)
        self.loop.run()
        return self.called_ms


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> Iterator[Turns]:
    time = Time()
    monkeypatch.setattr(loops, "time", time)
    turns = Turns(time)
    yield turns
    turns.loop.close()


def test_a_task_in_phase_comes_at_whole_intervals_from_a_moment(turns: Turns) -> None:
    turns.loop.every(1.0, turns.note, phase_ns=400 * MS)
    assert turns.run(10_300, 10_400, 10_900, 11_399, 11_401, 12_400) == [10_400, 11_401, 12_400]


def test_one_that_is_late_puts_off_none_and_what_was_missed_is_not_made_up_for(
    turns: Turns,
) -> None:
    turns.loop.every(1.0, turns.note, phase_ns=400 * MS)
    assert turns.run(10_700, 11_400, 13_900, 14_000, 14_400) == [10_700, 11_400, 13_900, 14_400]


def test_any_other_task_comes_at_once_and_then_so_long_after_it_came(turns: Turns) -> None:
    turns.loop.every(1.0, turns.note)
    assert turns.run(10_300, 11_299, 11_500, 12_400, 12_500) == [10_300, 11_500, 12_500]
