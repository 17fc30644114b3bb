"""Networks are named under one key for one event; between events it is replaced and destroyed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stentor.rooms.orders import Orders
from stentor.watch.event import KEY_AGE_MS_MIN, NEAR_MS, EventKeys, is_between_events

HOUR_MS = 1_700_000_000_000


def room(end_ms: int | None = None) -> Orders:
    return Orders("hall", 1, "Hall", HOUR_MS, end_ms)


@pytest.mark.parametrize(
    ("now_ms", "end_ms", "between"),
    [
        (HOUR_MS - NEAR_MS - 1, None, True),
        (HOUR_MS - NEAR_MS + 1, None, False),
        (HOUR_MS + 1, None, False),
        (HOUR_MS + NEAR_MS * 10, None, False),  # still live
        (HOUR_MS + 10_000, HOUR_MS + 9_000, False),  # just over
        (HOUR_MS + NEAR_MS * 2, HOUR_MS + 9_000, True),
    ],
)
def test_an_event_is_a_room_that_is_live_or_near(
    now_ms: int, end_ms: int | None, between: bool
) -> None:
    assert is_between_events([room(end_ms)], now_ms) is between
    assert is_between_events([], now_ms)


def aged(path: Path, now_ms: int, age_ms: int) -> None:
    os.utime(path, ns=((now_ms - age_ms) * 1_000_000,) * 2)


def test_an_old_key_is_replaced_between_events_and_its_bytes_are_gone(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "event.key"
    keys = EventKeys(path)
    first = keys.key
    assert path.read_bytes() == first.key
    os.link(path, tmp_path / "old")  # the same bytes on disk, by another name
    aged(path, HOUR_MS, KEY_AGE_MS_MIN + 1)
    assert not keys.look([room()], HOUR_MS)  # live
    assert keys.look([], HOUR_MS)
    assert keys.key.id != first.id
    assert path.read_bytes() == keys.key.key
    assert path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "old").read_bytes() == bytes(32)


def test_a_young_key_stays_and_one_that_was_taken_away_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "event.key"
    keys = EventKeys(path)
    first = keys.key
    aged(path, HOUR_MS, KEY_AGE_MS_MIN - 1)
    assert not keys.look([], HOUR_MS)
    assert EventKeys(path).key == first
    path.unlink()
    assert keys.look([], HOUR_MS)
    assert keys.key != first
