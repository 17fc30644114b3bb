"""Sketches unite in any order to the same bytes, and say about what was put in."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.shield.sketches import Distinct, Times, estimate, read, split, united, without


def sketch(numbers: range) -> bytes:
    distinct = Distinct()
    for number in numbers:
        distinct.add(random.Random(number).getrandbits(63))
    return distinct.take()


def test_few_are_counted_exactly() -> None:
    assert estimate(sketch(range(500))) == 500
    assert estimate(b"") == 0


def test_union_depends_on_no_order_and_no_grouping() -> None:
    parts = [sketch(range(at, at + 3_000)) for at in range(0, 20_000, 2_000)]
    whole = united(parts)
    assert united(reversed(parts)) == whole
    assert united([united(parts[:4]), united(parts[4:])]) == whole
    assert estimate(whole) == pytest.approx(21_000, rel=0.12)


def test_of_few_it_is_known_which_are_in_another_too() -> None:
    one, other = sketch(range(800)), sketch(range(600, 1_000))
    assert split(one, other) == (200, 600)
    assert estimate(without(one, other)) == 600
    assert split(one, b"") == (0, 800)
    assert split(b"", one) == (0, 0)
    assert without(one, b"") == one


def test_of_many_it_is_known_of_a_fair_sample() -> None:
    one, other = sketch(range(20_000)), sketch(range(15_000, 40_000))
    both, only = split(one, other)
    assert both + only < 2_000
    assert both / (both + only) == pytest.approx(0.25, abs=0.06)
    assert estimate(without(one, other)) == pytest.approx(15_000, rel=0.12)


@given(st.binary(min_size=1, max_size=64))
def test_bytes_that_are_no_sketch_are_refused_and_break_nothing(data: bytes) -> None:
    for reader in (read, Times.read):
        try:
            reader(data)
        except ValueError:
            pass


@settings(max_examples=50)
@given(st.lists(st.lists(st.floats(0, 1_000), max_size=50), max_size=5))
def test_times_add_up_to_the_same_however_they_were_split(groups: list[list[float]]) -> None:
    whole, merged = Times(), Times()
    for group in groups:
        part = Times()
        for time in group:
            part.add(time)
            whole.add(time)
        merged.merge(Times.read(part.take()))
    assert merged.take() == whole.take()


@given(st.lists(st.floats(0.002, 1_500), min_size=1, max_size=200), st.floats(0.01, 1))
def test_quantile_is_off_by_less_than_three_in_a_hundred(times: list[float], share: float) -> None:
    held = Times()
    for time in times:
        held.add(time)
    found = held.quantile(share)
    ordered = sorted(times)
    near = [one for one in ordered if abs(found - one) <= 0.03 * one]
    assert near
    below = sum(one <= found * 1.03 for one in ordered)
    assert below >= share * len(ordered) - 1e-6
