"""Property tests neither have a clock nor try their luck: unit tests get no second chance."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

SEEN: list[list[int]] = []


def test_no_example_is_timed() -> None:
    assert settings.default is not None
    assert settings.default.deadline is None


def test_the_same_examples_are_tried_each_time() -> None:
    @given(st.integers())
    def tries(number: int) -> None:
        SEEN[-1].append(number)

    for _ in range(2):
        SEEN.append([])
        tries()
    assert SEEN[0] == SEEN[1]
    assert len(set(SEEN[0])) > 10
