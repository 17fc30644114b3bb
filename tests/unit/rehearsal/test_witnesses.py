"""Two witnesses of one trial: a simulation that real listeners refute is refuted."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from stentor.rehearsal.trial import Kind, Quantiles, Trial
from stentor.rehearsal.witnesses import as_scenario, refuted, witnesses
from support.trials import SIZES, trials, truth


@pytest.fixture(scope="module")
def measured() -> list[Trial]:
    return trials(truth())


def longer(trial: Trial, factor: float) -> Trial:
    wait = trial.wait_s
    return replace(trial, wait_s=Quantiles(wait.of, wait.p50 * factor, wait.p95 * factor))


def test_trials_that_cost_what_was_fitted_bear_the_simulation_out(measured: list[Trial]) -> None:
    found = witnesses(measured, "a test's", 2)
    assert {one.listeners for one in found} == set(SIZES)
    assert {one.way for one in found} == {"plain"}
    whats = {one.what for one in found}
    assert any("CPU" in what for what in whats)
    assert any("wait" in what for what in whats)
    assert any("first audio" in what for what in whats)
    assert [one for one in found if not one.holds] == []
    assert refuted(found, measured) == ""


def test_a_wait_that_is_an_eighth_longer_than_predicted_refutes_it(measured: list[Trial]) -> None:
    """Optimistic by more than a tenth, although within 15 %."""
    wrong = [
        longer(one, 1.125) if one.kind is Kind.LINE and one.size == SIZES[1] else one
        for one in measured
    ]
    found = witnesses(wrong, "a test's", 2)
    odd = [one for one in found if not one.holds]
    assert {one.listeners for one in odd} == {SIZES[1]}
    assert all("wait" in one.what and -0.15 < one.off < -0.10 for one in odd)
    sentence = refuted(found, wrong)
    assert "refute" in sentence
    assert "wait" in sentence
    assert f"{SIZES[1]:,} listeners" in sentence


def test_a_wait_that_is_an_eighth_shorter_does_not(measured: list[Trial]) -> None:
    """A pessimistic prediction may be 15 % off."""
    shorter = [longer(one, 1 / 1.125) if one.kind is Kind.LINE else one for one in measured]
    assert refuted(witnesses(shorter, "a test's", 2), shorter) == ""


def test_cpu_that_only_one_size_shows_refutes_it(measured: list[Trial]) -> None:
    """Its own trial is not what a size's prediction is made of."""
    odd = [replace(one, cpu_s=one.cpu_s * 1.3) if one.size == SIZES[2] else one for one in measured]
    wrong = [one for one in witnesses(odd, "a test's", 2) if not one.holds]
    assert wrong
    assert all("CPU" in one.what and one.listeners == SIZES[2] for one in wrong)


def test_void_trials_are_no_witnesses_and_too_few_sizes_are_none(measured: list[Trial]) -> None:
    void = [
        replace(one, void="others took 30% of the edges' cores")
        if one.size == SIZES[0] and one.kind in (Kind.CROWD, Kind.LINE)
        else one
        for one in measured
    ]
    found = witnesses(void, "a test's", 2)
    assert {one.listeners for one in found} == set(SIZES[1:])
    assert "others took 30%" in refuted(found, void)


def test_without_a_delivery_s_cost_nothing_is_borne_out(measured: list[Trial]) -> None:
    """It would be the code's own, and called measured."""
    void = [
        replace(one, void="others took 6% of the edges' cores")
        if one.kind is Kind.DELIVERIES
        else one
        for one in measured
    ]
    held = [one for one in witnesses(measured, "a test's", 2) if one.holds]
    assert "others took 6%" in refuted(held, void)


def test_a_trial_is_simulated_as_it_was_run(measured: list[Trial]) -> None:
    trial = next(one for one in measured if one.kind is Kind.LINE)
    scenario, fleet = as_scenario(trial)
    assert scenario.event.listeners == sum(one.count for one in trial.groups)
    assert fleet.admissions_per_s_max == trial.per_s
    assert fleet.edges == trial.edges
    assert scenario.programme.lane_ms_min == scenario.programme.lane_ms_max
