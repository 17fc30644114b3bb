"""A crowd that comes several times is measured by those times that nobody disturbed."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from stentor.load.report import Histogram, Tally
from stentor.rehearsal.trial import Group, Kind, Trial, Window
from stentor.trials.meter import Others
from stentor.trials.times import Once, together
from support.trials import trials, truth

QUIET = Others(0.0, 0.0)


@pytest.fixture
def trial() -> Trial:
    found = next(one for one in trials(truth()) if one.kind is Kind.CROWD)
    return replace(found, windows=found.windows[:1])


def once(cpu_s: float, audio_s: float, others: Others = QUIET, *, heard: int = 10) -> Once:
    times = Histogram()
    for _ in range(10):
        times.add(audio_s)
    tally = Tally(wanted=10, listeners=heard, heard=heard, parts=50, first_audio_s=times)
    window = Window("crowd", 10, 1.0, cpu_s, 0.0, 0.0, 10.0, 0.0, 0.0, cpu_s)
    return Once(tally, (Group(10, 0.0, 1.0),), (window,), cpu_s, 16e-6, others)


def test_all_times_count_together(trial: Trial) -> None:
    found = together(trial, [once(1.0, 0.5), once(2.0, 1.5), once(3.0, 2.5)])
    assert found.void == ""
    assert (found.times, found.left_out) == (3, ())
    assert found.cpu_s == pytest.approx(2.0)
    assert found.first_audio_s.of == 30
    assert found.first_audio_s.p50 == pytest.approx(1.5, abs=0.01)
    assert [one.name for one in found.windows] == ["idle", "crowd", "crowd", "crowd"]


def test_one_odd_time_is_neither_left_out_nor_does_it_decide(trial: Trial) -> None:
    found = together(trial, [once(1.0, 0.5), once(1.1, 0.6), once(9.0, 9.0)])
    assert (found.times, found.left_out) == (3, ())
    assert found.cpu_s == pytest.approx(1.1)
    assert found.first_audio_s.p95 == pytest.approx(0.6, abs=0.01)
    assert [one.cpu_s for one in found.each] == [1.0, 1.1, 9.0]


def test_nobody_is_said_to_have_heard_who_came_at_another_time(trial: Trial) -> None:
    checked = together(trial, [once(1.0, 0.5), once(1.0, 0.5)]).checked
    assert (checked.came, checked.heard, checked.listening) == (10, 10, 10)
    assert checked.parts == 100


def test_a_time_that_others_disturbed_is_left_out_and_says_why(trial: Trial) -> None:
    disturbed = once(9.0, 9.0, Others(0.3, 0.0))
    found = together(trial, [once(1.0, 0.5), disturbed, once(2.0, 0.5)])
    assert found.times == 2
    assert "other programs" in found.left_out[0]
    assert found.cpu_s == pytest.approx(1.5)
    assert found.first_audio_s.p95 < 1.0
    assert len(found.windows) == 3


def test_a_time_in_which_not_all_heard_is_left_out(trial: Trial) -> None:
    found = together(trial, [once(1.0, 0.5), once(1.0, 0.5, heard=5)])
    assert found.times == 1
    assert "only 5 of 10" in found.left_out[0]


def test_where_most_times_were_disturbed_the_trial_is_void(trial: Trial) -> None:
    disturbed = [once(1.0, 0.5, Others(0.0, 0.2)), once(1.0, 0.5, Others(0.3, 0.0))]
    found = together(trial, [once(1.0, 0.5), *disturbed])
    assert "the host" in found.void
    assert found.windows[-1].name == "crowd"
