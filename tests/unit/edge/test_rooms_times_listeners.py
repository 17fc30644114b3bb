"""Cost grows with listeners and with rooms, and not at all with one times the other: counted."""

from __future__ import annotations

import gc
from itertools import product
from pathlib import Path

import pytest

from support.steps import Steps, steps

ROOMS, LISTENERS = (1, 4, 16), (16, 32, 64)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[int, int], Steps]:
    return {
        (rooms, listeners): steps(tmp_path_factory.mktemp("edge"), rooms, listeners)
        for rooms, listeners in product(ROOMS, LISTENERS)
    }


def test_each_listener_costs_one_send_a_delivery_in_however_many_rooms(
    found: dict[tuple[int, int], Steps],
) -> None:
    assert all(one.sends == listeners for (_, listeners), one in found.items())


def test_a_listener_more_costs_the_same_in_one_room_and_in_many(
    found: dict[tuple[int, int], Steps],
) -> None:
    of_each = {
        (
            (found[rooms, most].opcodes - found[rooms, least].opcodes) / (most - least),
            (found[rooms, most].calls - found[rooms, least].calls) / (most - least),
        )
        for rooms in ROOMS
        for least, most in ((16, 32), (32, 64))
    }
    [(opcodes, calls)] = of_each
    assert opcodes < 25
    assert calls == 1, "of C: the send"


def test_a_room_more_costs_the_same_whoever_listens(found: dict[tuple[int, int], Steps]) -> None:
    for least, most in ((1, 4), (4, 16)):
        grown = {found[most, n].opcodes - found[least, n].opcodes for n in LISTENERS}
        assert len(grown) == 1


def test_what_is_counted_is_the_same_each_time_whatever_else_this_process_did(
    tmp_path: Path, found: dict[tuple[int, int], Steps]
) -> None:
    often = gc.get_threshold()
    gc.callbacks.append(lambda phase, _info: phase.upper())
    gc.set_threshold(5)
    try:
        assert steps(tmp_path, 4, 32) == found[4, 32]
    finally:
        gc.set_threshold(*often)
        gc.callbacks.pop()
