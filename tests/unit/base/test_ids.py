"""Names can be read aloud, are short, and come from the chance that is passed in."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.base.ids import is_room_id, readable_id, room_id


@given(st.text(max_size=300))
def test_every_title_makes_a_room_id(title: str) -> None:
    name = room_id(title, os.urandom)
    assert is_room_id(name)
    assert len(name) <= 45


def test_title_can_be_seen_in_the_id() -> None:
    assert room_id("Town Hall: budget 2027!", bytes).startswith("town-hall-budget-2027-")
    assert room_id("記者会見", bytes) == "room-2222"


def test_unlisted_room_cannot_be_guessed_from_its_title() -> None:
    chance = room_id("Board", os.urandom, listed=False).removeprefix("board-")
    assert len(chance) == 16
    assert is_room_id(room_id("x" * 300, os.urandom, listed=False))


def test_chance_is_used_evenly_and_refused_where_it_is_not() -> None:
    assert readable_id(3, lambda count: bytes([0, 255, 29, 240, 30] + [1] * count)) == "2z2"
    seen = {readable_id(10, os.urandom) for _ in range(1_000)}
    assert len(seen) == 1_000


@pytest.mark.parametrize(
    "text", ["", "-", "a-", "-a", "A", "a_b", "a/b", "..", "a\n", "é", "x" * 65, "a b"]
)
def test_what_is_no_room_id_is_not_taken_for_one(text: str) -> None:
    assert not is_room_id(text)


def test_room_ids_are_taken() -> None:
    assert is_room_id("a")
    assert is_room_id("town-hall-x2y3")
    assert is_room_id("x" * 64)
