"""A host that is slower for minutes makes no cost another one, and no prediction worse."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from stentor.rehearsal.fitting import fit
from stentor.rehearsal.pooled import pooled
from stentor.rehearsal.speed import usual_piece_s
from stentor.rehearsal.trial import Kind, Quantiles, Time, Trial
from stentor.rehearsal.witnesses import witnesses
from support.trials import SIZES, trials, truth

PIECE_S = 16e-6
SLOWER = 1.3


def said(trial: Trial, times: float) -> Trial:
    """Let the trial say how fast the machine was."""
    piece_s = PIECE_S * times
    windows = tuple(replace(one, piece_s=piece_s) for one in trial.windows)
    return replace(trial, piece_s=piece_s, windows=windows)


@pytest.fixture(scope="module")
def uneven() -> list[Trial]:
    """The machine was slower when one size was tried, and everything cost as much more."""
    usual = [said(one, 1.0) for one in trials(truth()) if one.size != SIZES[1]]
    slow = [
        said(one, SLOWER)
        for one in trials(truth().times(SLOWER))
        if one.size == SIZES[1] and one.kind is not Kind.DELIVERIES
    ]
    return usual + slow


def unsaid(found: list[Trial]) -> list[Trial]:
    return [
        replace(one, piece_s=0.0, windows=tuple(replace(w, piece_s=0.0) for w in one.windows))
        for one in found
    ]


def test_costs_are_fitted_at_one_speed(uneven: list[Trial]) -> None:
    found = fit(uneven, machine="a test's", cores=2)
    low, high = found.spread["plain.join_s"]
    assert high == pytest.approx(low, rel=0.1)
    low, high = fit(unsaid(uneven), machine="a test's", cores=2).spread["plain.join_s"]
    assert high > 1.2 * low
    assert PIECE_S < found.piece_s < PIECE_S * SLOWER
    assert found.piece_s == usual_piece_s(uneven)


def test_a_trial_is_predicted_for_the_speed_that_the_machine_had(uneven: list[Trial]) -> None:
    assert [one for one in witnesses(uneven, "a test's", 2) if not one.holds] == []
    wrong = [one for one in witnesses(unsaid(uneven), "a test's", 2) if not one.holds]
    assert any(one.listeners == SIZES[1] and "CPU" in one.what for one in wrong)


def test_what_took_longer_without_a_slower_machine_still_refutes(uneven: list[Trial]) -> None:
    odd = [replace(one, cpu_s=one.cpu_s * 1.3) if one.size == SIZES[2] else one for one in uneven]
    wrong = [one for one in witnesses(odd, "a test's", 2) if not one.holds]
    assert wrong
    assert all("CPU" in one.what and one.listeners == SIZES[2] for one in wrong)


def test_rounds_are_one_trial_and_void_ones_count_only_where_there_are_no_others() -> None:
    one = next(one for one in trials(truth()) if one.kind is Kind.CROWD)
    time = Time(one.cpu_s * 2, 0.0, Quantiles(3, 1.0, 2.0), Quantiles())
    again = replace(one, round=2, times=3, each=(time, time, time))
    first = replace(one, first_audio_s=Quantiles(3, 2.0, 4.0))
    void = replace(one, round=3, cpu_s=99.0, void="others were at work")
    (both,) = pooled([first, again, void])
    assert both.cpu_s == pytest.approx(one.cpu_s * 2)
    assert both.first_audio_s == Quantiles(12, 1.0, 2.0)
    assert len(both.windows) == 2 * len(one.windows)
    assert both.void == ""
    (alone,) = pooled([void, replace(void, round=1)])
    assert alone.void
    assert len(pooled([first, replace(first, size=first.size + 1)])) == 2
