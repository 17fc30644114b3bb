"""The joiners' time: a share of what passes, so much at once, never more."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stentor.edge.budget import TURN_NS_MAX, Budget

S = 1_000_000_000


@given(
    st.floats(0.05, 1.0),
    st.lists(st.tuples(st.integers(0, 50_000_000), st.floats(0, 1.5)), min_size=1, max_size=300),
)
def test_no_more_than_the_share_is_spent(share: float, turns: list[tuple[int, float]]) -> None:
    budget, now_ns, spent = Budget(share), S, 0
    most = 0
    for passed, of_slice in turns:
        now_ns += passed
        slice_ns = budget.slice_ns(now_ns)
        assert slice_ns <= TURN_NS_MAX
        used = round(slice_ns * of_slice)  # a handshake may end beyond the slice
        most = max(most, used)
        now_ns += used
        spent += used
        budget.spend(used)
    depth = max(TURN_NS_MAX, round(0.25 * S * share))
    assert spent <= (now_ns - S) * share + depth + most


def test_after_the_rest_there_is_something_to_spend_and_not_before() -> None:
    budget, now_ns = Budget(0.1), S
    while slice_ns := budget.slice_ns(now_ns):
        budget.spend(slice_ns)
    rest_ns = budget.rest_ns()
    assert rest_ns > 0
    assert budget.slice_ns(now_ns + rest_ns // 2) == 0
    assert budget.slice_ns(now_ns + rest_ns + 1) > 0


def test_a_share_that_is_not_used_is_not_saved_for_ever() -> None:
    budget = Budget(0.5)
    budget.slice_ns(S)
    now_ns, spent = 1000 * S, 0
    while slice_ns := budget.slice_ns(now_ns):
        budget.spend(slice_ns)
        spent += slice_ns
    assert spent <= 0.125 * S + TURN_NS_MAX
