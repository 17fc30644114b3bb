"""When a room begins, as people write it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.rooms.changes import START_DELAY_MS
from stentor.rooms.when import parse_when

NOW_MS = 1_700_000_000_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", NOW_MS + START_DELAY_MS),
        ("+10m", NOW_MS + 600_000),
        ("+90s", NOW_MS + 90_000),
        ("+2 h", NOW_MS + 7_200_000),
        ("+1d", NOW_MS + 86_400_000),
        ("2026-12-01T20:00Z", 1_796_155_200_000),
        ("2026-12-01T21:00:00.500+01:00", 1_796_155_200_500),
        (" 2026-12-01 20:00+00:00 ", 1_796_155_200_000),
    ],
)
def test_times_are_understood(text: str, expected: int) -> None:
    assert parse_when(text, NOW_MS) == expected


@pytest.mark.parametrize(
    "text", ["", "soon", "10m", "+10", "+m", "+9999999s", "2026-12-01", "2026-12-01T20:00", "²"]
)
def test_anything_else_is_told_how_to_be_written(text: str) -> None:
    answer = parse_when(text, NOW_MS)
    assert isinstance(answer, str)
    assert "2026-12-01T20:00Z" in answer


@given(st.text())
def test_no_text_raises(text: str) -> None:
    parse_when(text, NOW_MS)
