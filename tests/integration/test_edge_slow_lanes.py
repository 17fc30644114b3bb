"""Slow lanes, moves and returns over real sockets: every part once, whatever the lane."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from stentor.admission.lanes import margin_parts
from stentor.media.renditions import RENDITIONS
from stentor.rooms.orders import Phase
from support.edge import Ear, RunningEdge, edge_running, eventually
from support.programme import part_of

AAC = RENDITIONS["aac48"]


@pytest.fixture
def on_edge(tmp_path: Path) -> Iterator[RunningEdge]:
    with edge_running(tmp_path) as running:
        yield running


def media_in_order(ear: Ear) -> list[int]:
    """Return the parts that were heard, each the very bytes that were published."""
    for number, data in zip(ear.parts, ear.media, strict=True):
        assert data == part_of(AAC, number)
    return ear.parts


@pytest.mark.parametrize("period_ms", [1920, 3840, 7680, 15_360])
def test_slow_lanes_begin_with_a_full_burst_and_are_given_one_fragment_at_a_time(
    on_edge: RunningEdge, period_ms: int
) -> None:
    parts = round(period_ms / 320)
    on_edge.on_air(80)
    with on_edge.ear(f"aac48&period={period_ms}") as ear:
        assert ear.headers["stentor-period-ms"] == str(period_ms)
        assert ear.headers["stentor-rendition"] == "aac48"
        lane = next(on_edge.edge.push.lanes())
        first = 80 - parts - margin_parts(parts)
        ear.listen(lambda: ear.parts[-1:] == [lane.at - 1])
        assert ear.parts[0] == first
        deliveries = on_edge.edge.counts.deliveries
        for _ in range(2 * parts):
            on_edge.programme.parts(1)
        ear.listen(lambda: ear.parts[-1] >= 80 + parts)  # more than one fragment's worth
        assert media_in_order(ear) == list(range(first, ear.parts[-1] + 1))
        eventually(lambda: on_edge.edge.counts.deliveries - deliveries == 2)
        assert (ear.parts[-1] + 1) % parts == lane.phase


def test_edge_gives_the_slower_of_what_is_asked_for_and_what_it_can(tmp_path: Path) -> None:
    with edge_running(tmp_path, edge_lane_ms_min=3840) as on_edge:
        on_edge.on_air(60)
        for asked, given in (("", 3840), ("&period=320", 3840), ("&period=7000", 7680)):
            with on_edge.ear("aac48" + asked) as ear:
                assert ear.headers["stentor-period-ms"] == str(given)


@pytest.mark.parametrize(("period_ms", "start"), [(320, 50), (960, 58), (3840, 60), (15_360, 59)])
def test_who_moves_goes_on_exactly_where_they_stood(
    on_edge: RunningEdge, period_ms: int, start: int
) -> None:
    on_edge.on_air(60)
    with on_edge.ear(f"aac48&from={start}&period={period_ms}") as ear:
        eventually(lambda: on_edge.edge.push.listeners == 1)
        while on_edge.programme.next < 116:
            on_edge.programme.parts(4)
            on_edge.has_parts(on_edge.programme.next)
        ear.listen(lambda: ear.parts[-1:] > [66])
        on_edge.programme.end()
        ear.listen(lambda: ear.ended)
        assert media_in_order(ear) == list(range(start, 116))
        assert not ear.jumps


def test_who_comes_back_too_late_is_told_what_was_left_out(on_edge: RunningEdge) -> None:
    on_edge.on_air(200)
    with on_edge.ear("aac48&from=10") as ear:
        ear.listen(lambda: ear.parts)
        assert ear.jumps == [{"from_part": 10, "to_part": ear.parts[0]}]
        assert ear.parts[0] == 197


def test_a_part_of_the_near_future_is_waited_for_and_of_the_far_future_refused(
    on_edge: RunningEdge,
) -> None:
    on_edge.on_air(20)
    with on_edge.ear("aac48&from=23") as ear:  # another edge was a little ahead
        eventually(lambda: on_edge.edge.push.listeners == 1)
        on_edge.programme.parts(6)
        ear.listen(lambda: ear.parts[-1:] == [25])
        assert ear.parts == [23, 24, 25]
    answer = on_edge.get("live.mp4?rendition=aac48&from=90")
    assert (answer.status, answer.json()["type"]) == (
        400,
        "urn:stentor:problem:part-of-the-future",
    )


def test_lower_rendition_is_for_who_can_play_it(on_edge: RunningEdge) -> None:
    on_edge.on_air(20)
    on_edge.edge.push.lower_rendition = True
    for asked, given in (
        ("aac96&also=aac48", "aac48"),
        ("aac48&also=opus24", "opus24"),
        ("aac48", "aac48"),
        ("opus24&also=aac96", "opus24"),
    ):
        with on_edge.ear(asked) as ear:
            assert ear.headers["stentor-rendition"] == given
            ear.listen(lambda ear=ear: ear.parts)
            assert ear.media[0] == part_of(RENDITIONS[given], ear.parts[0])
    assert on_edge.get("live.mp4?rendition=aac96&also=flac").status == 404


def test_advice_comes_with_the_next_delivery_to_all_of_a_lane_and_no_other(
    on_edge: RunningEdge,
) -> None:
    on_edge.on_air(60)
    push = on_edge.edge.push
    with on_edge.ear("aac48") as quick, on_edge.ear("aac48&period=1920") as slow:
        eventually(lambda: sorted(lane.listeners for lane in push.lanes()) == [1, 1])
        lane = next(lane for lane in push.lanes() if lane.parts == 6)
        push.advise(lane, 12, 30.0, "load")
        on_edge.programme.parts(7)
        slow.listen(lambda: slow.parts[-1] >= 60)
        quick.listen(lambda: quick.parts[-1] >= 65)
        assert [(one["period_ms"], one["within_s"], one["reason"]) for one in slow.advice] == [
            (3840, 30.0, "load")
        ]
        assert not quick.advice
        assert on_edge.edge.counts.advised == 1


def test_state_that_changes_within_a_slow_delivery_comes_before_its_audio(
    on_edge: RunningEdge,
) -> None:
    on_edge.on_air(60)
    with on_edge.ear("aac48&period=1920") as slow:
        slow.listen(lambda: slow.states)
        seen = len(slow.states)
        for title in ("One", "Two"):
            on_edge.programme.parts(1)
            pinned = ({"title": title, "url": "https://a.example"},)
            on_edge.programme.state(Phase.LIVE, pinned=pinned)
        on_edge.programme.parts(12)
        slow.listen(lambda: slow.parts[-1] >= 67)
        titles = [one["pinned"][0]["title"] for one in slow.states[seen:] if one["pinned"]]
        assert titles == ["One", "Two"]
        assert media_in_order(slow) == list(range(slow.parts[0], slow.parts[-1] + 1))


def held_unsent(fd: int) -> int:
    with socket.socket(fileno=os.dup(fd)) as one:
        return one.getsockopt(socket.IPPROTO_TCP, 25)  # TCP_NOTSENT_LOWAT


def test_kernel_takes_all_that_a_listener_of_a_slow_lane_is_given(tmp_path: Path) -> None:
    with edge_running(tmp_path, edge_lane_ms_min=7680) as on_edge:
        on_edge.on_air(80)
        push, limits = on_edge.edge.push, on_edge.edge.limits
        burst = len(part_of(RENDITIONS["aac96"], 0)) * (48 + margin_parts(48))
        with on_edge.ear("aac96&period=15360"):  # more than what joiners are given by default
            eventually(lambda: any(lane.caught_up for lane in push.lanes()))
            lane = next(push.lanes())
            assert held_unsent(next(iter(lane.caught_up))) >= burst
        door = on_edge.edge._public.fileno()
        eventually(lambda: held_unsent(door) > limits.unsent_bytes)
        with on_edge.ear("aac48") as usual:  # inherits it: nothing is set on its own socket
            usual.listen(lambda: usual.parts)
            lane = next(lane for lane in push.lanes() if lane.parts == 24)
            eventually(lambda: lane.caught_up)
            assert held_unsent(next(iter(lane.caught_up))) == held_unsent(door)
