"""A pre-flight's yes or no from facts: each thing that can be missing, and what is said of it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from stentor.base.build import Build
from stentor.base.machine import Machine
from stentor.rehearsal.capacity import (
    lane_for,
    listeners_in_lane,
)
from stentor.rehearsal.preflight import decide
from stentor.rehearsal.readiness import (
    Answer,
    ClockFacts,
    DiskFacts,
    EdgeFacts,
    Expected,
    Facts,
    Item,
    NetworkFacts,
    PartFacts,
    PortFacts,
    RehearsalFacts,
    RoomFacts,
    TlsFacts,
    Weight,
    Word,
)
from stentor.simulate.fleet.calibration import SHIPPED, Calibration, Costs

NOW_MS = 1_800_000_000_000
DAY_MS = 86_400_000
HOUR_MS = NOW_MS + 3_600_000
CODE = Build("1.0", "a" * 40, "d" * 64)
HERE = Machine("A CPU", 8, 32 << 30, "Linux 6.1", "3.11.2")
LISTENER = Costs(
    delivery_s={1: 16e-6, 3: 18e-6, 6: 20e-6, 12: 26e-6, 24: 38e-6, 48: 60e-6},
    join_s=580e-6,
    place_s=630e-6,
    page_s=700e-6,
    memory_bytes=24_000.0,
    overhead=1.14,
)
COSTS = Calibration("here", 8, True, LISTENER, LISTENER, 0.01, 40e6, 0.02)
EXPECTED = Expected(50_000, 7_200)

REHEARSAL = RehearsalFacts(
    name="2027-01-10-interview",
    at_ms=NOW_MS - 2 * DAY_MS,
    faults=(),
    sentence="Tested here with 2,000 real listeners on 8 cores; simulated with 100,000.",
    build=CODE,
    machine=HERE,
    settings={"edges": "8", "port": "80"},
    calibration=COSTS,
    measured_max=2_000,
    simulated_max=100_000,
)
READY = Facts(
    now_ms=NOW_MS,
    room=RoomFacts(HOUR_MS, None, 2, 3, HOUR_MS + 7 * DAY_MS),
    parts=tuple(PartFacts(name, True) for name in ("control", "stage", "origin", "watch")),
    ports=(PortFacts("listeners", "0.0.0.0:8000", True),),
    edges=EdgeFacts(
        wanted=8,
        telling=8,
        cores=8,
        connections_each=19_500,
        room_listeners_each=1_000_000,
        memory_each_bytes=1 << 30,
        memory_free_bytes=16 << 30,
        tls=True,
        lane_ms_min=320,
        lane_ms_max=15_360,
        join_share=0.5,
    ),
    network=NetworkFacts(10e9, "the interface"),
    disk=DiskFacts(100_000_000_000, 0, 16 << 30),
    clock=ClockFacts(True, 0.002),
    tls=TlsFacts("edges", HOUR_MS + 60 * DAY_MS),
    build=CODE,
    machine=HERE,
    settings={"edges": "8", "log_level": "debug"},
    rehearsals=(REHEARSAL,),
)


def but(facts: Facts = READY, **changes: Any) -> Facts:
    """Return the facts with some fields of some of them changed: `edges={"wanted": 2}`."""
    if isinstance(changes.get("rehearsal"), dict):
        [last] = facts.rehearsals
        changes["rehearsals"] = (msgspec.structs.replace(last, **changes["rehearsal"]),)
    elif "rehearsal" in changes:
        changes["rehearsals"] = ()
    changes.pop("rehearsal", None)
    changed = {
        name: msgspec.structs.replace(getattr(facts, name), **value)
        if isinstance(value, dict) and name != "settings"
        else value
        for name, value in changes.items()
    }
    return msgspec.structs.replace(facts, **changed)


def ask(facts: Facts, expected: Expected = EXPECTED) -> Answer:
    return decide("a-hearing-x1y2", facts, expected)


def item(answer: Answer, name: str) -> Item:
    return next(one for one in answer.items if one.name == name)


def test_all_that_is_there_is_a_yes_without_warnings() -> None:
    answer = ask(READY)
    assert {one.word for one in answer.items} == {Word.YES}
    assert (answer.ready, answer.sentence) == (True, "Yes: ready for 50,000 listeners.")
    assert answer.rehearsal == REHEARSAL.name


# What is changed, which item says so, and what it says: every item is in this table.
STOPS: list[tuple[dict[str, Any], str, Word, str]] = [
    ({"room": None}, "room", Word.NO, "There is no such room."),
    ({"room": {"epoch_ms": NOW_MS - 1}}, "room", Word.NO, "on the air already"),
    ({"room": {"end_ms": NOW_MS - 1}}, "room", Word.NO, "over, or was called off"),
    ({"room": {"host_links": 0, "speaker_links": 0}}, "links", Word.NO, "Nobody has a link"),
    ({"room": {"links_end_ms": HOUR_MS + 7_199_999}}, "links", Word.NO, "ends before the event"),
    ({"parts": (PartFacts("stage", False, 3),)}, "stage", Word.NO, "started 3 times again"),
    ({"parts": (PartFacts("origin", None),)}, "origin", Word.UNKNOWN, "cannot be seen"),
    ({"edges": {"telling": 7}}, "edges alive", Word.NO, "7 of 8"),
    ({"ports": (PortFacts("listeners", ":8000", False),)}, "port for listeners", Word.NO, ":8000"),
    ({"edges": {"wanted": 2, "telling": 2, "lane_ms_max": 320}}, "edges", Word.NO, "at most"),
    ({"network": {"bits_per_s": 3e9}}, "network", Word.NO, "Gbit/s, packets included"),
    ({"network": {"bits_per_s": None}}, "network", Word.UNKNOWN, "is not known"),
    ({"edges": {"connections_each": 6_000}}, "descriptors", Word.NO, "46,560 in all"),
    ({"edges": {"connections_each": None}}, "descriptors", Word.UNKNOWN, "could not be read"),
    ({"edges": {"room_listeners_each": 6_000}}, "descriptors", Word.NO, "48,000 in all"),
    ({"edges": {"memory_free_bytes": 1 << 30}}, "memory", Word.NO, "1.2 GB"),
    ({"edges": {"memory_each_bytes": 64 << 20}}, "memory", Word.NO, "one edge process may have"),
    ({"edges": {"memory_free_bytes": None}}, "memory", Word.UNKNOWN, "is not known"),
    ({"disk": {"free_bytes": 1_000_000_000}}, "disk", Word.NO, "1 GB are free"),
    ({"disk": {"free_bytes": None}}, "disk", Word.UNKNOWN, "is not known"),
    ({"clock": {"synchronised": False}}, "clock", Word.NO, "Nothing keeps the clock right"),
    ({"clock": {"synchronised": None}}, "clock", Word.UNKNOWN, "does not tell"),
    ({"clock": {"error_s": 0.9}}, "clock", Word.NO, "off by 0.9 s"),
    ({"tls": {"expires_ms": HOUR_MS + 9_000_000}}, "TLS", Word.NO, "less than three days"),
    ({"tls": {"expires_ms": HOUR_MS}}, "TLS", Word.NO, "before the event is over"),
    ({"tls": {"expires_ms": None}}, "TLS", Word.UNKNOWN, "could not be read"),
    ({"rehearsal": None}, "rehearsal", Word.NO, "There was no rehearsal"),
    ({"rehearsal": {"faults": ("it was changed",)}}, "rehearsal", Word.NO, "does not hold"),
    ({"rehearsal": {"at_ms": NOW_MS - 31 * DAY_MS}}, "rehearsal", Word.NO, "31 days ago"),
    ({"rehearsal": {"at_ms": NOW_MS + 2 * DAY_MS}}, "rehearsal", Word.NO, "cannot be"),
    ({"rehearsal": {"at_ms": None}}, "rehearsal", Word.NO, "cannot be"),
    ({"rehearsal": {"measured_max": 0}}, "rehearsed listeners", Word.NO, "Nothing was measured"),
    ({"rehearsal": {"simulated_max": 9}}, "rehearsed listeners", Word.NO, "less than the 50,000"),
    ({"build": Build("1.1", "", "e" * 64)}, "rehearsed code", Word.NO, "other code, 1.0 aaaaaaaa"),
    ({"build": Build("1.0", "", "")}, "rehearsed code", Word.UNKNOWN, "being replaced just now"),
    ({"machine": {"cores": 4}}, "rehearsed machine", Word.NO, "8 cores, here 4"),
    ({"machine": {"cpu": "Another"}}, "rehearsed machine", Word.NO, "A CPU, here Another"),
    ({"machine": {"memory_bytes": 16 << 30}}, "rehearsed machine", Word.NO, "32 GiB of memory"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "name", "word", "told"), STOPS)
def test_what_is_vital_and_missing_or_unknown_is_a_no(
    changes: dict[str, Any], name: str, word: Word, told: str
) -> None:
    answer = ask(but(**changes))
    found = item(answer, name)
    assert (found.word, found.weight) == (word, Weight.VITAL)
    assert told in found.told
    assert found.do.endswith("."), "a no says what to do"
    assert not answer.ready
    assert answer.sentence.startswith("No: not ready for 50,000 listeners:")
    assert name in answer.sentence


WARNINGS: list[tuple[dict[str, Any], str, str]] = [
    ({"room": {"host_links": 0}}, "links", "no link for a host"),
    ({"parts": (PartFacts("watch", False),)}, "watch", "does not answer"),
    ({"ports": (PortFacts("listeners from outside", "https://x", None),)},
     "port for listeners from outside", "cannot be seen"),
    ({"edges": {"join_share": 0.05}}, "joins", "a second"),
    ({"tls": TlsFacts("nobody", None)}, "TLS", "without TLS"),
    ({"rehearsal": {"at_ms": NOW_MS - 8 * DAY_MS}}, "rehearsal", "8 days ago"),
    ({"rehearsal": {"failed_since": 2}}, "rehearsal", "2 have no certificate"),
    ({"machine": {"kernel": "Linux 6.2"}}, "rehearsed machine", "Linux 6.1"),
    ({"settings": {"edges": "4"}}, "rehearsed settings", "edges was 8, now 4"),
    ({"settings": {}}, "rehearsed settings", "edges was 8, now as shipped"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "name", "told"), WARNINGS)
def test_what_is_not_vital_is_a_warning_and_a_yes(
    changes: dict[str, Any], name: str, told: str
) -> None:
    many = Expected(400_000, 7_200) if name == "joins" else EXPECTED
    ample = but(
        edges={"connections_each": 200_000, "memory_each_bytes": 0, "memory_free_bytes": 64 << 30},
        network={"bits_per_s": 100e9},
        rehearsal={"simulated_max": 1_000_000},
    )
    answer = ask(but(ample, **changes), many)
    found = item(answer, name)
    assert found.word is not Word.YES
    assert found.weight is Weight.WARNING
    assert told in found.told
    assert answer.ready, answer.sentence
    assert f"Warnings: {name}." in answer.sentence


@pytest.mark.parametrize(
    ("changed", "advice"),
    [
        ({"edges": "4"}, "The scenario says these"),
        ({"edges": "4", "edge_accepts_per_turn": "8"}, "with these settings"),
        ({"edges": "8", "media_ports": "50000-51000"}, "No rehearsal tries these"),
    ],
)
def test_other_settings_are_to_be_rehearsed_only_where_that_tries_them(
    changed: dict[str, str], advice: str
) -> None:
    assert advice in item(ask(but(settings=changed)), "rehearsed settings").do


def test_an_operator_may_vouch_for_a_clock_that_the_kernel_says_nothing_of() -> None:
    assert ask(but(clock={"synchronised": None, "vouched": True})).ready


def test_costs_are_the_rehearsals_only_where_it_speaks_for_this_machine() -> None:
    dear = msgspec.structs.replace(COSTS, tls=msgspec.structs.replace(COSTS.tls, memory_bytes=1e6))
    answer = ask(but(rehearsal={"calibration": dear}))
    assert "50 GB of memory" in item(answer, "memory").told
    assert answer.rehearsal == REHEARSAL.name
    for no_use in ({"calibration": SHIPPED}, {"faults": ("it was changed",)}):
        answer = ask(but(rehearsal=no_use))
        assert answer.rehearsal == ""
        assert "not measured here" in item(answer, "edges").told
    elsewhere = ask(but(rehearsal={"calibration": dear}, machine={"cores": 4}))
    assert elsewhere.rehearsal == ""


def test_more_listeners_are_put_into_slower_lanes_until_there_is_none() -> None:
    edges = READY.edges
    lanes = [lane_for(COSTS, edges, n) for n in (1, 100_000, 200_000, 400_000, 10_000_000)]
    assert lanes[0] == 1
    assert lanes[-1] is None
    assert [one for one in lanes if one] == sorted(one for one in lanes if one)
    most = listeners_in_lane(COSTS, edges, 48)
    assert lane_for(COSTS, edges, most) == 48
    assert lane_for(COSTS, edges, most + 1) is None


def test_processes_that_are_fewer_than_cores_are_the_remedy_before_machines() -> None:
    one = but(edges={"wanted": 1, "telling": 1})
    told = item(ask(one, Expected(1_700_000, 7_200)), "edges")
    assert told.word is Word.NO
    assert "STENTOR_EDGES" in told.do
    none = item(ask(READY, Expected(90_000_000, 7_200)), "edges")
    assert "cores with an edge process each" in none.do


def test_two_edges_of_many_cores_use_two_of_them() -> None:
    few = msgspec.structs.replace(READY.edges, wanted=2)
    assert listeners_in_lane(COSTS, few, 48) * 4 == pytest.approx(
        listeners_in_lane(COSTS, READY.edges, 48), rel=1e-4
    )


def test_the_ledger_takes_no_more_than_its_limit_leaves() -> None:
    full = but(disk={"ledger_bytes": 16 << 30, "free_bytes": 250_000_000})
    assert ask(full).ready
    assert not ask(but(full, disk={"ledger_bytes": 15 << 30})).ready


def test_a_later_simulation_or_smaller_rehearsal_does_not_hide_one_that_is_enough() -> None:
    later = (
        msgspec.structs.replace(REHEARSAL, name="simulated", measured_max=0),
        msgspec.structs.replace(REHEARSAL, name="small", simulated_max=10),
        msgspec.structs.replace(REHEARSAL, name="other code", build=Build("2", "", "x" * 64)),
    )
    answer = ask(but(rehearsals=(*later, REHEARSAL)))
    assert (answer.ready, answer.rehearsal) == (True, REHEARSAL.name)
    assert ask(but(rehearsals=later)).rehearsal == "small"
    assert "only simulated" in item(ask(but(rehearsals=later[:1])), "rehearsed listeners").told
