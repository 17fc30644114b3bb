"""The answer: what it concludes from a course, and that page, JSON and terminal say the same."""

from __future__ import annotations

import re
from dataclasses import fields
from html.parser import HTMLParser

import msgspec
import pytest
from msgspec.structs import replace

from stentor.base.build import PACKAGE
from stentor.base.settings import Settings
from stentor.rehearsal.answer import Answer, Basis, Outcome, Witness, encoded
from stentor.rehearsal.courses import moments, spans
from stentor.rehearsal.found import ATTACKERS, COUNTS
from stentor.rehearsal.judge import make_answer
from stentor.rehearsal.page import answer_page
from stentor.rehearsal.terminal import LINES_MAX, summary
from stentor.rehearsal.wording import scaled, span, whole, with_unit
from stentor.simulate.fleet.calibration import SHIPPED
from stentor.simulate.fleet.course import Course
from stentor.simulate.fleet.edges import make_edges
from stentor.simulate.fleet.scenario import Fault
from support.fleet_course import a_broken_scenario, a_course, a_scenario

NASTY = '<script>alert("1")</script>'
WITNESSES = (
    Witness("CPU", "%", 1000, "plain", 11.0, 12.0, True, -0.08),
    Witness("first audio", "s", 2000, "in a flood", 0.5, 0.8, False, -0.375),
)


def _answer(course_and_plan: tuple[Course, object], **more: object) -> Answer:
    course, plan = course_and_plan
    return make_answer(course, plan, version="1", again="stentor rehearse x.toml", **more)  # type: ignore[arg-type]


def test_a_course_in_which_all_hear_audio_at_once_holds() -> None:
    answer = _answer(a_course())
    assert answer.outcome is Outcome.HOLDS
    assert all(one.kept for one in answer.promises)
    assert answer.sentence.startswith("It would hold: simulated, 8,000,000 people")


def test_people_who_wait_while_nobody_goes_silent_make_it_a_line() -> None:
    answer = _answer(a_course(waiting=50_000.0))
    assert answer.outcome is Outcome.LINE
    assert "up to 50,000 wait in line" in answer.sentence


@pytest.mark.parametrize("failing", [{"stalled": 100_000}, {"first_audio_s": 12.0}])
def test_silence_or_late_audio_is_a_failure_and_is_named(failing: dict[str, float]) -> None:
    answer = _answer(a_course(**failing))  # type: ignore[arg-type]
    assert answer.outcome is Outcome.FAILS
    assert answer.sentence.startswith("It would not hold")
    assert [one for one in answer.because if one.startswith("Not kept")]


def test_waits_off_by_more_than_a_fifth_for_many_are_not_as_announced() -> None:
    course, plan = a_course(waiting=50_000.0)
    (kept,) = [one for one in _answer((course, plan)).promises if "announced" in one.about]
    assert kept.kept
    wrong = course.people["wait_s"]  # tens of seconds, taken for shares: hardly any within a fifth
    course.people["wait_error"] = wrong  # type: ignore[index]
    (broken,) = [one for one in _answer((course, plan)).promises if "announced" in one.about]
    assert not broken.kept


def test_refuted_simulation_says_that_it_is_not_to_be_relied_on() -> None:
    answer = _answer(a_course(), witnesses=WITNESSES)
    assert any("refute 1 of" in one for one in answer.because)
    assert answer.sentence.startswith("Not to be relied on")
    assert not any("refute" in one for one in _answer(a_course(), witnesses=WITNESSES[:1]).because)


def test_refuted_answer_looks_like_none_that_holds() -> None:
    course, plan = a_course()
    why = "Only 1 of 3 sizes could be measured: others took 30% of the edges' cores."
    for more in ({"witnesses": WITNESSES}, {"refuted": why}):
        answer = _answer((course, plan), **more)
        assert answer.outcome is Outcome.HOLDS
        assert answer.refuted
        assert answer.sentence.startswith("Not to be relied on")
        page = answer_page(answer, course)
        assert '<b class="no">Not to be relied on</b>' in page
        assert "it was only simulated" not in page
        assert summary(answer)[0].startswith("[bold red]Not to be relied on[/]")
    assert why in _answer((course, plan), refuted=why).because
    assert _answer((course, plan), witnesses=WITNESSES[:1]).refuted == ""


def test_what_was_simulated_is_never_called_tested_or_measured() -> None:
    answer = _answer(a_course())
    assert "tested" not in answer.sentence
    assert Basis.MEASURED not in {one.basis for one in answer.figures}
    assert answer.costs is Basis.ASSUMED
    measured = replace(SHIPPED, measured=True)
    assert _answer(a_course(calibration=measured)).costs is Basis.MEASURED


def test_limit_that_carries_fewest_is_the_one_that_breaks_first() -> None:
    answer = _answer(a_course())
    assert answer.limits[0].name == "network"
    assert [one.listeners for one in answer.limits] == sorted(
        one.listeners for one in answer.limits
    )
    assert answer.limits[0].at_s == 986  # when most listen


def test_what_attackers_got_and_who_was_kept_out_for_them_is_in_the_answer() -> None:
    course, plan = a_course()
    got = {name: 10 + n for n, name in enumerate((*ATTACKERS, "barred"))}
    course.counts.update(got)  # type: ignore[attr-defined]
    answer = _answer((course, plan))
    for name in ATTACKERS:
        assert answer.figure(name).value == got[name]
    assert answer.figure("people_barred").value == got["barred"]


def test_each_count_of_the_answer_is_one_that_simulations_make() -> None:
    folder = PACKAGE / "simulate" / "fleet"
    source = "".join(path.read_text() for path in folder.glob("*.py"))
    assert [name for name in (*COUNTS, *ATTACKERS) if f'"{name}"' not in source] == []


def test_what_is_over_at_once_is_marked_and_what_lasts_is_shaded() -> None:
    faults = (Fault("cut", 1500.0), Fault("exit", 1600.0), Fault("slow", 1700.0, 60.0))
    course, _ = a_course(replace(a_scenario(), faults=faults))
    assert [(one.first_s, one.last_s) for one in spans(course)] == [(1700.0, 1760.0)]
    assert [one.at_s for one in moments(course)] == [600.0, 1500.0, 1600.0]


def test_descriptors_carry_as_many_as_the_simulated_edges_take() -> None:
    fleet = replace(a_scenario().fleet, descriptors_per_process=1_000)
    course, plan = a_course(replace(a_scenario(), fleet=fleet))
    (found,) = [one for one in _answer((course, plan)).limits if one.name == "descriptors"]
    edges = make_edges(course.scenario, course.fleet, SHIPPED)
    assert found.listeners == int(len(edges) * edges.descriptors * found.ceiling)


def test_money_in_the_answer_is_machines_and_traffic() -> None:
    answer = _answer(a_course())
    prices = a_scenario().prices
    traffic = answer.figure("bytes").value / 1e9 * prices.gigabyte
    expected = answer.machines * 1.0 * prices.machine_hour + traffic
    assert answer.figure("cost").value == pytest.approx(expected)


def test_peers_are_divided_and_called_published() -> None:
    answer = _answer(a_course())
    livekit = answer.peers[0]
    assert livekit.machines == -(-answer.plan.peak // 3000)
    assert livekit.cores == 16 * livekit.machines
    assert {one.basis for one in answer.peers} == {Basis.PUBLISHED}


def test_json_reads_back_as_the_same_answer_and_has_no_nan() -> None:
    answer = _answer(a_course(a_broken_scenario(), waiting=10.0), witnesses=WITNESSES)
    found = encoded(answer)
    assert msgspec.json.decode(found, type=Answer) == answer
    assert b"NaN" not in found
    assert encoded(_answer(a_course(a_broken_scenario(), waiting=10.0), witnesses=WITNESSES)) == (
        found
    )


class _Checked(HTMLParser):
    """Follows the tags of a page: all closed in order, and nothing fetched."""

    VOID = frozenset({"meta", "br", "hr", "img", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.charts = self.named_charts = 0
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        given = dict(attrs)
        assert not {"src", "href", "srcset", "action"} & given.keys()
        assert not any(name.startswith("on") for name in given)
        if tag == "svg":
            self.charts += 1
            self.named_charts += bool(given.get("aria-label")) and given.get("role") == "img"
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def _page(name: str = "an evening", **more: object) -> tuple[str, _Checked]:
    course, plan = a_course(a_broken_scenario(name), waiting=30_000.0, stalled=5)
    answer = make_answer(course, plan, witnesses=WITNESSES, version="1", again=name)
    found = answer_page(answer, course)
    checked = _Checked()
    checked.feed(found)
    checked.close()
    return found, checked


def test_page_is_well_formed_stands_alone_and_is_small() -> None:
    found, checked = _page()
    assert not checked.open
    assert "script" not in checked.seen
    assert not re.search(r"https?:|url\(|@import", found)
    assert len(found.encode()) < 1_000_000


def test_page_is_the_same_bytes_each_time() -> None:
    assert _page()[0] == _page()[0]


def test_every_chart_has_a_text_and_every_table_a_caption_and_a_head() -> None:
    _, checked = _page()
    assert checked.charts >= 12
    assert checked.charts == checked.named_charts
    assert checked.seen.count("caption") == checked.seen.count("table")
    assert checked.seen.count("h1") == checked.seen.count("main") == 1


def test_scenario_cannot_write_into_the_page_or_the_terminal() -> None:
    found, checked = _page(NASTY)
    assert "script" not in checked.seen
    assert NASTY not in found
    assert NASTY in checked.text
    course, plan = a_course(a_scenario("[bold]x[/]"))
    lines = summary(make_answer(course, plan, version="1"))
    assert not any("[bold]x" in one for one in lines)


def test_page_says_first_whether_it_would_hold_and_last_how_to_run_it_again() -> None:
    _, checked = _page()
    text = checked.text
    assert text.index("It would hold, with a line") < text.index("Would each promise be kept?")
    assert text.index("How to run it again") > text.index("What this rests on")


def test_page_shows_predicted_beside_measured_or_says_that_nothing_was_measured() -> None:
    _, checked = _page()
    assert "1 of 2 predictions hold" in checked.text
    course, plan = a_course()
    assert "it was only simulated" in answer_page(make_answer(course, plan), course)


def test_summary_is_short_and_says_what_matters() -> None:
    lines = summary(_answer(a_course(a_broken_scenario(), waiting=9e4, stalled=90_000)))
    assert len(lines) <= LINES_MAX
    told = "\n".join(lines)
    assert "It would not hold" in told
    assert "machines" in told
    assert "(extrapolated)" in told


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (whole(7_003_972), "7,000,000"),
        (whole(9_999), "9,999"),
        (scaled(437.2e9, "bit/s"), "437 Gbit/s"),
        (scaled(999, "B"), "999 B"),
        (span(90), "90 s"),
        (span(600), "10 min"),
        (with_unit(0.0038, ""), "0.38%"),
        (with_unit(0.42, ""), "42%"),
        (with_unit(2.5, "s"), "2.5 s"),
    ],
)
def test_figures_are_said_as_people_would(found: str, expected: str) -> None:
    assert found == expected


def test_settings_of_a_machine_are_known_settings_and_share_out_what_it_has() -> None:
    course, plan = a_course()
    found = _answer((course, plan)).settings
    known = {one.name for one in fields(Settings)}
    assert {one.removeprefix("STENTOR_").lower() for one in found} <= known
    each = int(found["STENTOR_EDGES"])
    assert each == plan.processes_per_machine
    assert float(found["STENTOR_EDGE_MEGABITS_MAX"]) * each == pytest.approx(10_000, rel=0.01)
    assert float(found["STENTOR_EDGE_MEMORY_BYTES_MAX"]) * each == pytest.approx(32 * 2**30)


def test_settings_that_a_scenario_states_are_told_and_not_the_default() -> None:
    stated = {"join_share": 0.2, "admissions_per_s_max": 50.0, "door_network_per_s": 5.0}
    scenario = replace(a_scenario(), fleet=replace(a_scenario().fleet, **stated))
    answer = _answer(a_course(scenario))
    assert answer.settings["STENTOR_EDGE_JOIN_SHARE"] == "0.2"
    assert answer.settings["STENTOR_EDGE_ADMISSIONS_PER_S_MAX"] == "50"
    assert answer.settings["STENTOR_DOOR_NETWORK_PER_S"] == "5"
    assert any("may take 20% of an edge's CPU" in one for one in answer.assumed)


def test_a_share_of_a_fleet_that_is_too_small_to_be_shared_is_told() -> None:
    """As one machine a region is the least, half of three are three."""
    told = {}
    for listeners in (100_000, 8_000_000):
        half = a_scenario(listeners=listeners)
        half = replace(half, fleet=replace(half.fleet, share=0.5))
        told[listeners] = [one for one in _answer(a_course(half)).because if "not 50%" in one]
    assert len(told[100_000]) == 1
    assert told[8_000_000] == []
