"""From a simulation and trials to a certificate: the same seed gives the same claims."""

from __future__ import annotations

import msgspec
import pytest

from stentor.rehearsal.answer import Answer, Witness
from stentor.rehearsal.certificate import TRIALS_FILE, Uncertifiable, check
from stentor.rehearsal.certified import certificate_of, claims_of, digest_of, simulated_again
from stentor.rehearsal.claims import Measured, Simulated, measured
from stentor.rehearsal.judge import make_answer
from stentor.rehearsal.plan import make_plan, planned_fleet
from stentor.simulate.fleet.course import Course
from stentor.simulate.fleet.reading import read
from stentor.simulate.fleet.run import simulate
from support.rehearsed import KEY, MEASURED, PUBLIC_KEY, RUN, SCENARIO, TRIALS, files

SMALL = read(SCENARIO)
ASKED = msgspec.structs.replace(RUN, listeners=None, seed=1)


def rehearsed(seed: int = 1, witnesses: tuple[Witness, ...] = ()) -> tuple[Answer, Course]:
    plan = make_plan(SMALL, MEASURED)
    course = simulate(SMALL, planned_fleet(SMALL, plan), MEASURED, seed)
    return make_answer(course, plan, witnesses=witnesses), course


def witness(predicted: float) -> Witness:
    return Witness("CPU", "cores", 2_000, "TLS", predicted, 1.0, True, predicted - 1.0)


def test_claims_are_what_was_found_and_bear_their_labels() -> None:
    answer, course = rehearsed()
    found = check(certificate_of(ASKED, answer, course, files(), KEY), PUBLIC_KEY)
    assert found.whole, found.faults
    assert found.certificate is not None
    one = found.certificate
    assert tuple(one for one in one.claims if isinstance(one, Measured)) == measured(TRIALS)
    [simulated] = [claim for claim in one.claims if isinstance(claim, Simulated)]
    assert simulated.listeners == 400
    assert 0 < simulated.peak <= 400
    assert one.sentence == ("Tested here with 2,000 real listeners on 2 cores; simulated with 400.")
    assert TRIALS_FILE in one.files


def test_the_course_that_is_named_is_found_again_from_the_same_seed_only() -> None:
    assert claims_of(*rehearsed(3), TRIALS) == claims_of(*rehearsed(3), TRIALS)
    assert digest_of(rehearsed(3)[1]) != digest_of(rehearsed(4)[1])


def test_what_was_simulated_is_simulated_again_from_the_certificate_alone() -> None:
    one = check(certificate_of(ASKED, *rehearsed(), files(), KEY)).certificate
    assert one is not None
    assert simulated_again(one)
    other_seed = msgspec.structs.replace(one.run, seed=2)
    assert not simulated_again(msgspec.structs.replace(one, run=other_seed))
    fewer = msgspec.structs.replace(one.run, listeners=399)
    assert not simulated_again(msgspec.structs.replace(one, run=fewer))


def test_witnesses_that_refute_the_simulation_leave_no_certificate() -> None:
    answer, course = rehearsed(witnesses=(witness(1.05),))
    assert check(certificate_of(ASKED, answer, course, files(), KEY)).whole
    # What the witness itself calls a match does not count: the figures do.
    refuted = msgspec.structs.replace(answer, witnesses=(witness(0.5),))
    with pytest.raises(Uncertifiable, match="refuted"):
        certificate_of(ASKED, refuted, course, files(), KEY)
