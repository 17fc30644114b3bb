"""The push stream over real sockets: who listens hears every part, whatever others do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stentor.admission.lanes import margin_parts
from stentor.media.grid import PART_SAMPLES
from stentor.media.renditions import RENDITIONS
from stentor.rooms.orders import Phase
from support.edge import Client, Ear, RunningEdge, edge_running, eventually
from support.programme import init_of, part_of

AAC = RENDITIONS["aac48"]


@pytest.fixture
def on_edge(tmp_path: Path) -> Iterator[RunningEdge]:
    with edge_running(tmp_path) as running:
        yield running


def test_listener_who_joins_in_mid_programme_gets_init_state_back_parts_and_the_rest(
    on_edge: RunningEdge,
) -> None:
    on_edge.on_air(40)
    with on_edge.ear() as ear:
        assert ear.status == 200
        assert ear.headers["transfer-encoding"] == "chunked"
        assert ear.headers["stentor-period-ms"] == "320"
        ear.listen(lambda: len(ear.parts) == 3)
        assert ear.init == init_of(AAC)
        assert ear.states[0]["title"] == "Town hall"
        on_edge.programme.parts(10)
        ear.listen(lambda: len(ear.parts) == 13)
        assert ear.parts == list(range(37, 50))
        assert ear.media == [part_of(AAC, number) for number in range(37, 50)]


def test_listeners_who_wait_before_the_hour_hear_on_the_same_connection(
    on_edge: RunningEdge,
) -> None:
    on_edge.programme.open_doors()
    on_edge.has_parts(0)
    with on_edge.ear("opus24") as early, on_edge.ear("aac96") as other:
        early.listen(lambda: early.states)
        assert early.states[0]["phase"] == "scheduled"
        on_edge.programme.state(Phase.SCHEDULED)  # the heartbeat
        early.listen(lambda: len(early.states) == 2)
        on_edge.programme.state(Phase.LIVE)
        on_edge.programme.parts(3)
        early.listen(lambda: early.parts == [0, 1, 2])
        other.listen(lambda: other.parts == [0, 1, 2])
        assert [state["phase"] for state in early.states][-1] == "live"


def test_origin_that_dies_before_the_hour_costs_those_who_wait_nothing(
    on_edge: RunningEdge,
) -> None:
    on_edge.programme.open_doors()
    on_edge.has_parts(0)
    with on_edge.ear() as early:
        early.listen(lambda: early.states)
        on_edge.feed.stop()
        eventually(lambda: on_edge.edge.counts.feed_lost == 1)
        with on_edge.ear() as late:  # comes while there is no origin
            on_edge.feed.start()
            on_edge.programme.state(Phase.LIVE)
            on_edge.programme.parts(2)
            for ear in (early, late):
                ear.listen(lambda ear=ear: ear.parts == [0, 1])
                assert len(ear.init) == len(early.init)


def test_state_that_changes_between_parts_comes_with_the_next_part(on_edge: RunningEdge) -> None:
    on_edge.on_air(5)
    with on_edge.ear() as ear:
        ear.listen(lambda: len(ear.parts) == 3)
        on_edge.programme.parts(1)
        ear.listen(lambda: len(ear.parts) == 4)
        seen = len(ear.states)
        on_edge.programme.state(
            Phase.LIVE, pinned=({"title": "Notes", "url": "https://a.example"},)
        )
        on_edge.programme.parts(1)
        ear.listen(lambda: len(ear.parts) == 5)
        assert ear.states[seen:][-1]["pinned"][0]["title"] == "Notes"


def test_stream_ends_with_the_room(on_edge: RunningEdge) -> None:
    on_edge.on_air(5)
    with on_edge.ear() as ear:
        ear.listen(lambda: len(ear.parts) == 3)
        on_edge.programme.parts(2)
        on_edge.programme.end()
        ear.listen(lambda: ear.ended)
        assert ear.parts[-1] == 6
        assert ear.states[-1]["phase"] == "ended"
        assert ear.states[-1]["end_samples"] == 7 * PART_SAMPLES
        assert ear.closed()
    assert on_edge.get("live.mp4?rendition=aac48").status == 410


def test_room_that_is_cancelled_lets_those_who_wait_go(
    on_edge: RunningEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stentor.edge.edge._RETIRE_S", 0.5)
    on_edge.programme.open_doors()
    on_edge.has_parts(0)
    with on_edge.ear() as ear:
        on_edge.programme.state(Phase.ENDED, end_samples=0)
        ear.listen(lambda: ear.ended)
        assert ear.states[-1]["phase"] == "ended"
        assert not ear.parts


def test_listener_who_falls_behind_jumps_to_live_edge_and_is_told(tmp_path: Path) -> None:
    with edge_running(tmp_path, edge_lag_s=3.2, edge_unsent_bytes=4096) as on_edge:
        on_edge.on_air(8)
        slow = on_edge.ear("aac96", receive_bytes=4096)
        with slow, on_edge.ear("aac96") as quick:
            counts = on_edge.edge.counts
            published: dict[int, float] = {}
            while not counts.partial_sends or on_edge.programme.next < 60:
                published[on_edge.programme.next] = time.monotonic()
                on_edge.programme.parts(1)
                quick.listen(lambda: quick.parts[-1:] == [on_edge.programme.next - 1])
                assert on_edge.programme.next < 1000, "the slow listener never fell behind"
            for _ in range(40):
                published[on_edge.programme.next] = time.monotonic()
                on_edge.programme.parts(1)
                quick.listen(lambda: quick.parts[-1:] == [on_edge.programme.next - 1])
            last = on_edge.programme.next - 1
            assert quick.parts == list(range(5, last + 1))
            assert not quick.jumps
            late = max(quick.arrived[number] - at for number, at in published.items())
            assert late < 0.32
            slow.listen(lambda: slow.parts[-1:] == [last])
            assert len(slow.jumps) == 1
            jump = slow.jumps[0]
            heard = set(slow.parts)
            left_out = set(range(slow.parts[0], last + 1)) - heard
            assert left_out == set(range(jump["from_part"], jump["to_part"]))
            assert slow.parts == sorted(heard)
            for number, data in zip(slow.parts, slow.media, strict=True):
                assert data == part_of(RENDITIONS["aac96"], number)
            on_edge.programme.parts(3)
            slow.listen(lambda: slow.parts[-1:] == [last + 3])
            assert len(slow.jumps) == 1
            assert counts.jumped == 1


def test_listener_who_is_a_little_slow_misses_nothing(tmp_path: Path) -> None:
    with edge_running(tmp_path, edge_unsent_bytes=4096) as on_edge:
        on_edge.on_air(4)
        with on_edge.ear("aac96", receive_bytes=4096) as slow:
            while not on_edge.edge.counts.partial_sends:
                on_edge.programme.parts(1)
                assert on_edge.programme.next < 500
            on_edge.programme.parts(20)
            last = on_edge.programme.next - 1
            slow.listen(lambda: slow.parts[-1:] == [last])
            assert slow.parts == list(range(1, last + 1))
            assert not slow.jumps


def test_pause_of_the_feed_costs_nobody_a_part(on_edge: RunningEdge) -> None:
    on_edge.on_air(10)
    with on_edge.ear() as ear:
        ear.listen(lambda: len(ear.parts) == 3)
        on_edge.feed.stop()
        eventually(lambda: on_edge.edge.counts.feed_lost == 1)
        on_edge.programme.parts(7)  # recorded meanwhile, so in the window of the next origin
        on_edge.feed.start()
        ear.listen(lambda: ear.parts[-1:] == [16])
        on_edge.programme.parts(3)
        ear.listen(lambda: ear.parts[-1:] == [19])
        assert ear.parts == list(range(7, 20))
        assert not ear.jumps
        assert on_edge.edge.counts.parts_twice >= 10


def test_hole_in_the_feed_is_told_as_a_jump(on_edge: RunningEdge) -> None:
    on_edge.on_air(10)
    with on_edge.ear() as ear:
        ear.listen(lambda: len(ear.parts) == 3)
        on_edge.programme.next = 20
        on_edge.programme.parts(2)
        ear.listen(lambda: ear.parts[-1:] == [21])
        assert ear.jumps == [{"from_part": 10, "to_part": 20}]


def test_large_audience_joins_lanes_of_whole_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stentor.edge.phases.LISTENERS_MIN", 2)
    with edge_running(tmp_path) as on_edge:
        on_edge.on_air(30)
        ears = [on_edge.ear() for _ in range(2)]
        on_edge.edge.push.fastest_parts = 3  # as the ladder would
        ears += [on_edge.ear() for _ in range(6)]
        periods = [ear.headers["stentor-period-ms"] for ear in ears]
        assert periods == ["320"] * 2 + ["960"] * 6
        deliveries = on_edge.edge.counts.deliveries
        for _ in range(9):
            on_edge.programme.parts(1)
            on_edge.has_parts(on_edge.programme.next)
        for ear in ears[:2]:
            ear.listen(lambda ear=ear: ear.parts[-1:] == [38])
        for ear in ears[2:]:
            ear.listen(lambda ear=ear: ear.parts[-1:] >= [36])
            assert ear.parts == list(range(ear.parts[0], ear.parts[-1] + 1))
            assert len([n for n in ear.parts if n < 30]) >= 4
        assert {ear.parts[-1] % 3 for ear in ears[2:]} == {0, 1, 2}  # spread over the period
        assert on_edge.edge.counts.deliveries - deliveries == 2 * 9 + 6 * 3
        on_edge.programme.end()
        for ear in ears:
            ear.listen(lambda ear=ear: ear.ended)
            assert ear.parts[-1] == 38
            ear.close()


def test_audience_is_told_once_a_second(tmp_path: Path) -> None:
    import json
    import socket

    with (
        edge_running(tmp_path) as on_edge,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as control,
    ):
        on_edge.folder.audience_socket.unlink(missing_ok=True)
        control.bind(str(on_edge.folder.audience_socket))
        control.settimeout(5)
        on_edge.on_air(5)
        with on_edge.ear(), on_edge.ear("opus24"):
            assert on_edge.get("hls/aac48/live.m3u8").status == 200

            def told() -> bool:
                room = json.loads(control.recv(65_536))["rooms"].get("town-hall", {})
                return (
                    room.get("listeners") == 2
                    and room["by_rendition"] == {"aac48": 1, "opus24": 1}
                    and room["shelf_listeners"] == 1
                    and room["joined_total"] == 2
                )

            eventually(told)


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
        ear.listen(lambda: ear.parts[-1] >= 80 + parts - 1)
        assert media_in_order(ear) == list(range(first, ear.parts[-1] + 1))
        assert on_edge.edge.counts.deliveries - deliveries == 2
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


def test_what_cannot_be_heard_is_refused(on_edge: RunningEdge) -> None:
    on_edge.on_air(3)
    for target, status in (
        ("/r/nowhere/live.mp4", 404),
        ("live.mp4?rendition=flac", 404),
        ("live.mp4?rendition=aac48&x=1", 400),
    ):
        answer = on_edge.get(target)
        assert answer.status == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status


def test_head_says_what_get_would(on_edge: RunningEdge) -> None:
    on_edge.on_air(3)
    answer = on_edge.get("live.mp4", "HEAD")
    assert answer.status == 200
    assert answer.headers["content-type"] == "audio/mp4"
    assert on_edge.edge.push.listeners == 0


def test_listeners_who_leave_are_noticed_at_once(on_edge: RunningEdge) -> None:
    on_edge.on_air(3)
    ears = [on_edge.ear() for _ in range(5)]
    eventually(lambda: on_edge.edge.push.listeners == 5)
    for ear in ears[:3]:
        ear.close()
    eventually(lambda: on_edge.edge.push.listeners == 2)
    with Client(on_edge.port) as half:  # who closes one half has left too
        import socket

        half.get("/r/town-hall/live.mp4")
        eventually(lambda: on_edge.edge.push.listeners == 3)
        half.socket.shutdown(socket.SHUT_WR)
        eventually(lambda: on_edge.edge.push.listeners == 2)
    for ear in ears[3:]:
        ear.close()


def test_listener_who_takes_nothing_is_let_go_in_the_end(tmp_path: Path) -> None:
    with edge_running(tmp_path, edge_listener_stalled_s=1.0, edge_unsent_bytes=4096) as on_edge:
        on_edge.on_air(4)
        with on_edge.ear("aac96", receive_bytes=4096):
            while not on_edge.edge.counts.partial_sends:
                on_edge.programme.parts(1)
                assert on_edge.programme.next < 500
            eventually(lambda: on_edge.edge.push.listeners == 0)
            assert on_edge.edge.counts.stalled_closed == 1
