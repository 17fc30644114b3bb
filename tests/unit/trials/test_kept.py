"""What was measured is kept, whatever happens to the rehearsal."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from stentor.rehearsal.trial import Trial, decode_trials
from stentor.trials.kept import Kept
from stentor.trials.plan import plan_trials

PLANS = plan_trials((100, 200, 400), 1)


def trial_of(number: int, void: str = "") -> Trial:
    plan = PLANS[number]
    return Trial(
        kind=plan.kind,
        size=plan.size,
        tls=plan.tls,
        lane_parts=plan.lane_parts,
        edges=plan.edges,
        cores=1,
        apart=True,
        join_share=plan.join_share,
        per_s=plan.per_s,
        at="2026-11-23T00:00:00+00:00",
        lasts_s=plan.lasts_s,
        version="this",
        void=void,
    )


def test_a_rehearsal_that_goes_on_knows_what_was_measured(tmp_path: Path) -> None:
    first = Kept(tmp_path, "this")
    first.add(trial_of(0))
    first.add(trial_of(3))
    again = Kept(tmp_path, "this")
    assert [bool(again.of(plan)) for plan in PLANS[:5]] == [True, False, False, True, False]
    assert again.of(PLANS[3])[0].kind is PLANS[3].kind


def test_a_line_that_was_cut_off_costs_that_trial_only(tmp_path: Path) -> None:
    kept = Kept(tmp_path, "this")
    kept.add(trial_of(0))
    kept.add(trial_of(1))
    file = tmp_path / "trials.jsonl"
    file.write_bytes(file.read_bytes()[:-40])
    again = Kept(tmp_path, "this")
    assert len(again.trials) == 1
    again.add(trial_of(1))
    assert len(decode_trials(file.read_bytes())) == 2


def test_what_other_code_measured_is_put_aside(tmp_path: Path) -> None:
    kept = Kept(tmp_path, "this")
    kept.add(replace(trial_of(0), version="other"))
    kept.add(trial_of(1))
    again = Kept(tmp_path, "this")
    assert again.aside == 1
    assert not again.of(PLANS[0])
    assert len(decode_trials((tmp_path / "trials.jsonl").read_bytes())) == 1
    assert len(decode_trials((tmp_path / "trials.old").read_bytes())) == 2


def test_what_ran_under_other_settings_is_put_aside(tmp_path: Path) -> None:
    kept = Kept(tmp_path, "this", {"shield": "False"})
    kept.add(replace(trial_of(0), settings={"shield": "False"}))
    kept.add(trial_of(1))
    again = Kept(tmp_path, "this", {"shield": "False"})
    assert again.aside == 1
    assert again.of(PLANS[0])


def test_of_several_trials_of_a_plan_the_last_counts(tmp_path: Path) -> None:
    kept = Kept(tmp_path, "this")
    kept.add(trial_of(0, void="the host took 9% of the edges' cores away"))
    kept.add(trial_of(0))
    assert [one.void for one in kept.newest(PLANS)] == [""]
