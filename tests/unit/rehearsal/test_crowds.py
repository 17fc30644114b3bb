"""What crowds tell of a join is what it takes, however much what was saved up is worth."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from stentor.rehearsal.crowds import tell
from stentor.rehearsal.trial import TWENTIETHS, Group, Kind, Quantiles, Time, Trial
from stentor.rehearsal.witnesses import as_scenario, quantile
from stentor.simulate.fleet.delivering import saved_s
from stentor.simulate.fleet.rationing import ASKING_S
from stentor.simulate.fleet.run import simulate
from support.trials import trials, truth

JOIN_S, SHARE, PER_S = 50e-6, 0.02, 2500.0
SIZES = (1800, 2200, 2600)


@pytest.fixture(scope="module")
def one() -> Trial:
    return next(one for one in trials(truth(), (100,)) if one.kind is Kind.CROWD)


def crowd(one: Trial, size: int, worth: float, *, slower: float = 1.0) -> Trial:
    """Return a crowd served in order: what is saved up first, then what is earned."""
    waits, asked = [], 0.0
    until_s, had_s = size / PER_S, saved_s(SHARE) * worth / slower
    for n in range(1, size + 1):
        came_s = n / PER_S
        wait_s = max(0.01, (JOIN_S * n + asked - had_s) / (SHARE / slower) - came_s)
        waits.append(wait_s)
        asked += ASKING_S * (wait_s > 1.0)
    curve = tuple(waits[round(share * size) - 1] for share in TWENTIETHS)
    return replace(
        one,
        size=size,
        join_share=SHARE,
        groups=(Group(size, 0.0, until_s),),
        windows=(replace(one.named("crowd")[0], joined=size, asked_s=JOIN_S * size),),
        first_audio_s=Quantiles(size, curve[9], curve[18], curve),
    )


def free(_parts: int) -> float:
    return 0.0


@pytest.mark.parametrize("worth", [0.5, 1.0, 1.3])
@pytest.mark.parametrize("whole", [True, False], ids=["curve", "median-and-p95"])
def test_both_figures_are_found_again(one: Trial, worth: float, whole: bool) -> None:
    crowds = [crowd(one, size, worth) for size in SIZES]
    if not whole:
        crowds = [
            replace(each, first_audio_s=replace(each.first_audio_s, curve=())) for each in crowds
        ]
    found = tell(crowds, 0.0, free, tls=False)
    assert found is not None
    assert found.join_s == pytest.approx(JOIN_S, rel=0.01)
    assert found.saved_worth == pytest.approx(worth, abs=0.05)


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("worth", [0.5, 1.3])
def test_simulated_edges_serve_a_crowd_on_the_line_that_is_read_off(
    one: Trial, worth: float, tls: bool
) -> None:
    costs = truth(join_s=JOIN_S, saved_worth=worth)
    crowds = []
    for size in (1400, 1900):
        trial = replace(crowd(one, size, worth), tls=tls, lasts_s=8.0)
        scenario, fleet = as_scenario(trial)
        waited = simulate(scenario, fleet, costs, 1).people["first_audio_s"]
        curve = tuple(quantile(waited, share) for share in TWENTIETHS)
        shown = Quantiles(size, curve[9], curve[18], curve)
        crowds.append(replace(trial, first_audio_s=shown))
    found = tell(crowds, 0.0, free, tls=tls)
    assert found is not None
    assert found.join_s == pytest.approx(JOIN_S, rel=0.03)
    assert found.saved_worth == pytest.approx(worth, abs=0.15)


def test_an_edge_goes_on_however_little_its_savings_and_however_dear_a_join(one: Trial) -> None:
    """A join of more than is earned in a twentieth of a tick: what it owes is paid as it waits."""
    trial = replace(crowd(one, 150, 1.0), tls=True, lasts_s=20.0)
    costs = truth(join_s=600e-6, saved_worth=0.05)
    found = simulate(*as_scenario(trial), costs, 1)
    alone_s = 150 * 600e-6 / SHARE
    assert found.counts["heard"] == 150
    assert quantile(found.people["first_audio_s"], 0.95) < 1.2 * alone_s


def test_first_parts_are_not_counted_twice(one: Trial) -> None:
    found = tell([crowd(one, size, 1.0) for size in SIZES], 0.0, lambda _parts: 5e-6, tls=False)
    assert found is not None
    assert found.join_s == pytest.approx(JOIN_S - 5e-6, rel=0.01)


def test_by_tls_others_handshakes_are_no_cost_of_ones_own(one: Trial) -> None:
    """Everybody waits for about twenty joins more, which is neither a join nor what was saved."""
    crowds = [crowd(one, size, 1.0) for size in SIZES]
    held_s = 64 / 2 * 0.65 * JOIN_S / SHARE
    later = [
        replace(
            each,
            first_audio_s=replace(
                each.first_audio_s, curve=tuple(wait + held_s for wait in each.first_audio_s.curve)
            ),
        )
        for each in crowds
    ]
    found = tell(later, 0.0, free, tls=True)
    assert found is not None
    assert found.join_s == pytest.approx(JOIN_S, rel=0.02)
    assert found.saved_worth == pytest.approx(1.0, abs=0.1)
    plain = tell(later, 0.0, free, tls=False)
    assert plain is not None
    assert plain.saved_worth < 0.98


def test_each_time_is_read_at_its_own_speed(one: Trial) -> None:
    """A machine that is a quarter slower shows the same costs."""
    usual_s = 15e-6
    times = {
        slower: [crowd(one, size, 1.0, slower=slower) for size in SIZES] for slower in (1.0, 1.25)
    }
    mixed = [
        replace(
            first,
            each=tuple(
                Time(0.0, usual_s * slower, found.first_audio_s, Quantiles())
                for slower, found in ((1.0, first), (1.25, second))
            ),
        )
        for first, second in zip(times[1.0], times[1.25], strict=True)
    ]
    found = tell(mixed, usual_s, free, tls=False)
    assert found is not None
    assert found.join_s == pytest.approx(JOIN_S, rel=0.02)
    unsaid = tell(mixed, 0.0, free, tls=False)
    assert unsaid is not None
    assert unsaid.join_s > 1.05 * JOIN_S


def test_an_edge_that_stood_still_at_first_tells_the_same(one: Trial) -> None:
    """The first waited for its core, not for its share: that is on no line."""
    crowds = [crowd(one, size, 1.2) for size in SIZES]
    stood = [
        replace(
            each,
            first_audio_s=replace(
                each.first_audio_s,
                curve=tuple(
                    max(wait, 0.3) if n < 4 else wait
                    for n, wait in enumerate(each.first_audio_s.curve)
                ),
            ),
        )
        for each in crowds
    ]
    assert tell(stood, 0.0, free, tls=False) == tell(crowds, 0.0, free, tls=False)


def test_a_figure_that_cannot_be_leaves_the_other_right_for_these_crowds(one: Trial) -> None:
    """Where more than all that was saved up was lost, a join takes what keeps their waits."""
    crowds = [crowd(one, size, -1.0) for size in SIZES]
    found = tell(crowds, 0.0, free, tls=False)
    assert found is not None
    assert 0 < found.saved_worth < 0.1
    assert 1.02 * JOIN_S < found.join_s < 1.5 * JOIN_S


def test_what_is_no_queue_tells_nothing(one: Trial) -> None:
    at_once = Quantiles(100, 0.02, 0.05)
    assert (
        tell([replace(crowd(one, 1800, 1.0), first_audio_s=at_once)], 0.0, free, tls=False) is None
    )
    assert tell([], 0.0, free, tls=False) is None


def test_by_tls_a_simulated_crowd_waits_for_others_handshakes_too(one: Trial) -> None:
    medians = []
    for tls in (False, True):
        trial = replace(crowd(one, 1400, 1.0), tls=tls, lasts_s=8.0)
        waited = simulate(*as_scenario(trial), truth(join_s=JOIN_S), 1).people["first_audio_s"]
        medians.append(quantile(waited, 0.5))
    assert medians[1] - medians[0] == pytest.approx(64 / 2 * 0.65 * JOIN_S / SHARE, rel=0.3)
