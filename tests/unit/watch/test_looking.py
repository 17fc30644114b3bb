"""When the watch looks: soon after the edges have told of a second."""

import pytest

from stentor.watch.serve import LOOKS_AFTER_S, until_look_s

S = 1_000_000_000
BEGAN_NS = 1_700_000_000 * S


@pytest.mark.parametrize("at_s", [0.0, 0.05, 0.2, 0.31, 0.5, 0.97])
def test_the_watch_looks_a_little_after_a_whole_second_whenever_it_began(at_s: float) -> None:
    wait_s = until_look_s(BEGAN_NS + round(at_s * S))
    assert (at_s + wait_s) % 1.0 == pytest.approx(LOOKS_AFTER_S)
    assert 0 < wait_s <= 1.2


def test_a_timer_that_wakes_a_little_early_makes_no_look_more() -> None:
    early_ns = BEGAN_NS + round(LOOKS_AFTER_S * S) - 1_000_000
    assert until_look_s(early_ns) == pytest.approx(1.001)
