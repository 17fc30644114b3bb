"""What a simulated edge does at its door is what an edge does: standby, who is gone, wrong ones."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from stentor.admission.tickets import Kind
from stentor.shield.keys import EventKey
from stentor.shield.policy import Why
from stentor.shield.sketches import Times
from stentor.simulate import draw
from stentor.simulate.attackers import Attack, Family
from stentor.simulate.evening import Evening
from stentor.simulate.events import Event, Machine, Noise, People
from stentor.simulate.line import Line
from stentor.simulate.machine import Edge
from stentor.simulate.scene import Outcome
from stentor.simulate.truth import Fared, fared, fared_surely

PEOPLE = People(600, reminded=0.0, bad_radio=0.0, visits=0.0, patience_s=1e6, stays_s=60.0)
# No network comes too often.
MACHINE = Machine(
    joins_per_s=200.0,
    descriptors=10_000,
    network_per_s=1e6,
    network_burst=1e6,
    network_joins_per_s=1e5,
    joins_burst=100_000,
)


def evening(people: People, machine: Machine) -> Outcome:
    return Evening(Event(5, "test", people, machine, Noise(0, 0, 0))).run()


def counted(outcome: Outcome) -> Counter[str]:
    counts: Counter[str] = Counter()
    for second in outcome.seconds:
        for edge in second.edges:
            counts.update(edge.counts)
    return counts


def test_reminders_at_a_full_house_stand_by_and_are_let_in_as_others_leave_in_order() -> None:
    machine = replace(MACHINE, listeners_max=250)
    outcome = evening(replace(PEOPLE, reminded=0.8), machine)
    counts = counted(outcome)
    stood = [one for one in outcome.people if one.ticket is Kind.STANDBY]
    heard = sorted((one.place_ms, one.audio_s) for one in stood if one.audio_s >= 0)
    assert counts["standby_given"] == len(stood) > 100
    assert counts["line_again"] < len(stood), "nobody asks for nothing every two seconds"
    assert len(heard) > 30, "room came free"
    later = [audio_s for _, audio_s in heard[len(heard) // 2 :]]
    earlier = [audio_s for _, audio_s in heard[: len(heard) // 2]]
    assert sum(later) / len(later) > sum(earlier) / len(earlier) + 3


def test_who_hung_up_before_they_were_looked_at_is_let_go_unheard() -> None:
    machine = replace(MACHINE, joins_per_s=4.0, queue_s=1e6)
    counts = counted(evening(PEOPLE, machine))
    assert counts["gave_up"] > 100
    assert counts["accepted"] == counts["gave_up"] + counts["asked"]


def test_wrong_requests_have_a_pace_of_their_own_that_takes_no_connection_from_others() -> None:
    machine = replace(MACHINE, edges=1, joins_burst=40, network_joins_per_s=1.0)
    edge = Edge(0, machine, EventKey(bytes(32)), Line())
    peer = bytes((192, 0, 2, 1))
    for _ in range(100):
        edge.wrong(peer, Why.PROBING, 1.0)
    assert edge.counts["answers_4xx"] == 100
    assert edge.counts["wrongs_closed"] == 60
    assert edge.comes(peer, 1.0)


def test_a_draw_that_is_left_early_would_not_have_fitted_and_only_such_is() -> None:
    left = kept = 0
    for n in range(5):
        event = draw.draw(draw.Kind.MIMIC, n, 19, sizes=draw.SMALL).without_attack
        begun = Evening(event).run(draw._fits_no_more)
        whole = Evening(event).run()
        assert whole.seconds[: len(begun.seconds)] == begun.seconds
        fits = fared(whole, event.end_s).share < draw._FITS
        assert fits == (fared(begun, event.end_s).share < draw._FITS)
        if len(begun.seconds) < len(whole.seconds):
            left += 1
            assert fared_surely(begun, len(begun.seconds)).share >= draw._FITS
        kept += fits
    assert left
    assert kept


def test_harm_that_is_sure_only_grows_and_is_never_more_than_what_comes_of_it() -> None:
    sure: list[Fared] = []
    people = replace(PEOPLE, bad_radio=0.4)
    event = Event(5, "test", people, replace(MACHINE, joins_per_s=25.0), Noise(0, 0, 0))

    # Who has a bad link breaks off, and is in ten seconds later: that is nobody's fault.
    def looks(so_far: Outcome, now_s: float) -> bool:
        sure.append(fared_surely(so_far, now_s))
        return False

    outcome = Evening(event).run(looks)
    found = fared(outcome, event.end_s)
    harmed = [one.harmed for one in sure]
    assert {one.people for one in sure} == {found.people}
    assert harmed == sorted(harmed)
    assert 0.8 * found.harmed < harmed[-1] <= found.harmed


def test_people_alone_are_run_only_until_it_is_known_how_they_fare() -> None:
    event, alone = draw.settled(draw.Kind.BOTH, 1, 17, draw.SMALL)
    whole = Evening(event.without_attack).run()
    assert len(alone.seconds) < len(whole.seconds)
    assert fared(alone, event.end_s).failed
    assert fared(whole, event.end_s).share > draw._OVERLOADED


def test_who_waits_for_tls_is_known_while_they_wait_and_few_wait_for_long() -> None:
    machine = replace(MACHINE, joins_per_s=40.0, tls=True)
    outcome = evening(replace(PEOPLE, n=4_000, shape="hour"), machine)
    crowded = [one for second in outcome.seconds for one in second.edges if one.load.unserved]
    assert len(crowded) > 5
    assert all(one.counts["accepted"] > 0 for one in crowded)
    behind = [one for one in crowded if one.kernel.get("listen_overflows")]
    assert max(one.load.unserved for one in behind[3:]) < 20, "a quarter of a second's worth"
    assert max(Times.read(one.queue_s).quantile(0.5) for one in behind[3:]) < 1.5


def test_silent_bots_make_way_where_people_wait_for_tls() -> None:
    attack = Attack(Family.SLOW_HEADERS, 20.0, 30.0, 100.0)
    event = Event(5, "test", replace(PEOPLE, shape="hour"), MACHINE, Noise(0, 0, 0), attack=attack)
    slow = replace(event, machine=replace(MACHINE, joins_per_s=20.0, tls=True))
    assert counted(Evening(slow).run())["tls_crowded_out"] > 100
    ample = replace(event, machine=replace(MACHINE, joins_per_s=5_000.0, tls=True))
    counts = counted(Evening(ample).run())
    assert counts["tls_crowded_out"] == 0
    assert counts["slow_heads"] > 1_000, "there is room for them until their time is over"
