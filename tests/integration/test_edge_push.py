"""The push stream over real sockets: who listens hears every part, whatever others do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stentor.media.grid import PART_SAMPLES
from stentor.media.renditions import RENDITIONS
from stentor.rooms.orders import Phase
from support.edge import Client, RunningEdge, edge_running, eventually
from support.machine import watched_machine
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


def test_heartbeats_of_the_same_state_are_not_all_passed_on(on_edge: RunningEdge) -> None:
    on_edge.programme.open_doors()
    on_edge.has_parts(0)
    with on_edge.ear() as early:
        early.listen(lambda: early.states)
        for _ in range(5):
            on_edge.programme.revision = 1
            on_edge.programme.state(Phase.SCHEDULED)
        on_edge.programme.state(Phase.LIVE)
        early.listen(lambda: early.states[-1]["phase"] == "live")
        assert [state["revision"] for state in early.states].count(2) <= 2


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
    monkeypatch.setattr("stentor.edge.broadcast._RETIRE_S", 0.5)
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
        with watched_machine() as machine, slow, on_edge.ear("aac96") as quick:
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
            assert late < 0.32 + machine.held_up_s()
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
    monkeypatch.setattr("stentor.edge.phases.TOGETHER", 1)
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
