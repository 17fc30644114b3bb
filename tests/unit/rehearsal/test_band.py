"""What is measured refutes a prediction that is too good sooner than one that is too bad."""

from __future__ import annotations

import pytest

from stentor.rehearsal.band import is_borne_out, off_by


@pytest.mark.parametrize(
    ("predicted", "measured", "holds"),
    [
        (1.0, 1.0, True),
        (1.149, 1.0, True),
        (1.151, 1.0, False),
        (0.901, 1.0, True),
        (0.899, 1.0, False),
        (0.0, 1.0, False),
        (1.0, 0.0, False),
        (0.0, 0.0, True),
        (-1.0, 1.0, False),
        (float("nan"), 1.0, False),
        (1.0, float("nan"), False),
    ],
)
def test_a_prediction_may_be_a_tenth_too_good_or_three_twentieths_too_bad(
    predicted: float, measured: float, holds: bool
) -> None:
    assert is_borne_out(predicted, measured) is holds


def test_what_differs_by_less_than_can_be_told_apart_is_the_same() -> None:
    assert is_borne_out(0.004, 0.02, resolution=0.02)
    assert not is_borne_out(0.004, 0.03, resolution=0.02)


def test_nothing_measured_is_off_by_nothing_that_could_be_said() -> None:
    assert (off_by(1.1, 1.0), off_by(5.0, 0.0)) == (pytest.approx(0.1), 0.0)
