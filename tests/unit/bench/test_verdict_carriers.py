"""Refusals behind a carrier: evenings are held against themselves, not against each other."""

import pytest
from verdict_carriers import interval, together, within
from verdict_events import Harm


def harm(shared: int, people: int, refused: float, *, behind: float = 1.0) -> Harm:
    """Return an evening that refuses a share of people, those behind the carrier more often."""
    return Harm(
        people=people,
        refused=round(people * refused),
        shared=shared,
        shared_refused=round(shared * refused * behind),
    )


def test_evenings_that_refuse_all_alike_are_even_however_many_share_an_address() -> None:
    evenings = [harm(4000, 6000, 0.5), harm(1000, 9000, 0.1)]
    assert within(evenings) == pytest.approx(1.0)
    assert together(evenings) > 1.5


@pytest.mark.parametrize("behind", [0.5, 1.5])
def test_who_is_treated_otherwise_behind_a_carrier_is_seen_in_both_ratios(behind: float) -> None:
    evenings = [harm(1000, 4000, 0.4, behind=behind), harm(2000, 8000, 0.2, behind=behind)]
    assert within(evenings) == pytest.approx(behind)
    assert together(evenings) == pytest.approx(behind)


def test_an_interval_over_evenings_that_differ_is_wide_and_has_the_ratio_in_it() -> None:
    evenings = [harm(1000, 4000, 0.3, behind=0.6 + 0.1 * (n % 9)) for n in range(27)]
    low, high = interval(evenings, within)
    assert low < within(evenings) < high
    assert 0.05 < high - low < 0.4
