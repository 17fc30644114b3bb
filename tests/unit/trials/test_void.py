"""A trial that others disturbed says so."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from stentor.rehearsal.trial import Checked, Quantiles, Trial
from stentor.trials.seen import why_void
from support.trials import trials, truth

QUIET = next(
    replace(one, checked=Checked(came=100, heard=100)) for one in trials(truth(), (50, 100))
)


def test_a_quiet_trial_counts() -> None:
    assert why_void(QUIET) == ""


@pytest.mark.parametrize(
    ("disturbed", "word"),
    [
        (replace(QUIET, foreign=0.2), "other programs"),
        (replace(QUIET, stolen=0.1), "the host"),
        (replace(QUIET, late_s=Quantiles(100, 0.05, 0.4)), "late"),
        (replace(QUIET, checked=Checked(came=100, heard=90)), "only 90 of 100"),
    ],
)
def test_a_disturbed_one_does_not_and_says_why(disturbed: Trial, word: str) -> None:
    assert word in why_void(disturbed)


def test_on_one_core_what_others_took_cannot_be_told_apart() -> None:
    assert why_void(replace(QUIET, foreign=0.6, apart=False)) == ""
