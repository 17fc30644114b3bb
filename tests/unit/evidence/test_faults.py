"""What of ours broke, and whose waits count, as far as records tell."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from stentor.evidence.columns import Columns
from stentor.evidence.faults import own_faults
from stentor.evidence.hostile import Hostile
from stentor.evidence.repeats import Knocks
from stentor.evidence.replay import usual
from stentor.evidence.verdict import failed_share
from stentor.shield.facts import Load
from stentor.shield.merge import Merged, Spread

CHEAP_S, DEAR_S = 7e-6, 16e-6
FAST, SLOW = {"960": 900}, {"3840": 900}


def evening(merged: Sequence[Merged], came: float = 100.0) -> Columns:
    n = len(merged)
    return Columns(
        merged=list(merged),
        accepted=[came] * n,
        fresh=[came] * n,
        ticketed=[0.0] * n,
        vouched=[0.0] * n,
        lag_s=[0.0] * n,
        missing=[0] * n,
        knocks=Knocks(begun=[came] * n, late=[0.0] * n),
    )


def second(listeners: int, cost_s: float, by_lane_ms: dict[str, int]) -> Merged:
    return Merged(listeners=listeners, load=Load(delivery_cost_s=cost_s, by_lane_ms=by_lane_ms))


def test_deliveries_that_cost_more_in_the_same_lane_are_a_fault_of_ours() -> None:
    whole, halved = second(900, CHEAP_S, FAST), second(900, DEAR_S, FAST)
    assert own_faults(evening([whole] * 40 + [halved] * 40)) == (
        "each delivery cost 2.3 times what it had",
    )


def test_deliveries_of_a_slower_lane_are_larger_and_no_fault() -> None:
    fast, slow = second(900, CHEAP_S, FAST), second(900, DEAR_S, SLOW)
    assert own_faults(evening([fast] * 40 + [slow] * 40)) == ()


def test_what_is_usual_is_not_what_an_edge_supposed_before_anybody_came() -> None:
    supposed, measured = second(0, CHEAP_S, {}), second(900, DEAR_S, FAST)
    assert own_faults(evening([supposed] * 100 + [measured] * 60)) == ()
    dear = second(900, 2 * DEAR_S, FAST)
    assert own_faults(evening([supposed] * 100 + [measured] * 30 + [dear] * 30)) != ()


@pytest.mark.parametrize(
    ("listeners", "begins"),
    [([0.0] * 50, 2), ([5.0] * 50, 2), ([0.0] * 20 + [900.0] * 30, 20), ([1.0] * 20 + [900.0], 20)],
)
def test_an_evening_begins_with_listeners_worth_the_name(
    listeners: list[float], begins: int
) -> None:
    assert usual(listeners).start == begins


def test_bots_who_wait_while_hardly_anybody_else_comes_are_no_failure_of_the_evening() -> None:
    calm = Merged(queue_s=Spread(n=100, p50=0.01, p95=0.02))
    queued = Merged(queue_s=Spread(n=100, p50=5.0, p95=6.0))
    columns = evening([calm] * 50 + [queued] * 50)
    bots = Hostile((0.0,) * 50 + (99.0,) * 50, (0.0,) * 100)
    assert failed_share(columns) > 0.4
    assert failed_share(columns, bots) < 0.05
    half = Hostile((0.0,) * 50 + (50.0,) * 50, (0.0,) * 100)
    assert failed_share(columns, half) == pytest.approx(1 / 3, abs=0.02), "people waited as well"
