"""Listeners who come late, pause or read slowly get what can be had; nobody else notices."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from stentor.listen.heard import Findings, Heard
from stentor.media.boxes import BoxStream
from stentor.media.grid import PART_S
from support.listeners import Ear, listening
from support.server import RoomMade, Server, serving
from support.voices import speaking, strength, tone_file

TONE = 700.0
SMALL_BUFFER = 2_304
LAG_S = 4.0
KERNEL_S = 4.0  # what both ends may hold of a slow stream: 16 KiB unsent, and some received
PAUSE_S = LAG_S + KERNEL_S + 4


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RoomMade]:
    folder = tmp_path_factory.mktemp("listeners")
    with serving(folder, settings={"edge_lag_s": LAG_S}) as server:
        room = server.create_room("Going on", in_s=1.0)
        with speaking(tone_file(folder / "tone.wav", TONE), room.link("host"), "--loop"):
            with listening(room.url(), seconds=20) as (ear,):
                ear.wait(lambda it: strength(it.pcm(it.last_part - 2), TONE) > 0.5, 15, "a tone")
            yield room


def test_listener_who_joins_in_mid_conversation_hears_at_once(live: RoomMade) -> None:
    with listening(live.url(), count=5, seconds=4) as ears:
        for ear in ears:
            ear.join()
    for ear in ears:
        found = ear.findings
        assert (found.gaps, found.undecodable) == (0, 0)
        assert ear.smooth
        assert found.first_audio_s is not None
        assert found.first_audio_s < 1.0 + ear.held_up_s
        assert found.behind_s_mean is not None
        assert found.behind_s_mean < 1.2 + ear.held_up_s
        assert strength(ear.pcm(), TONE) > 0.5


def test_listener_who_wants_minute_zero_gets_it_while_live(live: RoomMade) -> None:
    aac, opus = (live.url(f"/hls/{name}") for name in ("dvr.m3u8", "dvr-opus.m3u8"))
    with listening(aac, seconds=5) as ears, listening(opus, seconds=5) as others:
        for ear in (*ears, *others):
            ear.join()
    for ear in (*ears, *others):
        assert ear.findings.first_part == 0
        assert ear.findings.gaps == 0
        assert ear.findings.parts >= 12


def test_who_pauses_and_who_reads_slowly_are_moved_to_the_live_edge_and_told_and_others_hear_on(
    live: RoomMade,
) -> None:
    with listening(live.url(), count=2, seconds=60) as others, ThreadPoolExecutor() as both:
        pausing = both.submit(_moved, live, others[0], lambda at: PAUSE_S if at == 4 else 0, 12)
        slow = both.submit(_moved, live, others[1], lambda at: 0.8, 20)
        paused, behind_s = pausing.result()
        assert behind_s < 8 * PART_S + others[0].held_up_s
        read_slowly, behind_s = slow.result()
        assert behind_s < LAG_S + KERNEL_S + others[1].held_up_s
        for ear in others:
            assert ear.findings.gaps == 0
            assert ear.smooth
    for findings in (paused, read_slowly):
        assert (findings.gaps, findings.undecodable) == (0, 0)
    assert paused.jumps == 1
    assert read_slowly.jumps >= 1


def _moved(
    room: RoomMade, other: Ear, pause_s: Callable[[int], float], parts: int
) -> tuple[Findings, float]:
    """Listen with pauses; return what was found, and how far behind another it was at the end."""
    heard, newest = _listen_through(room, pause_s, parts)
    other.wait(lambda it: it.last_part >= newest, 5, "others are as far")
    return heard.findings, (other.last_part - newest) * PART_S


def _listen_through(
    room: RoomMade, pause_s: Callable[[int], float], parts: int, rendition: str = "aac96"
) -> tuple[Heard, int]:
    """Listen on a socket with little room, pausing after each part as told."""
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
    line.settimeout(15)
    line.connect(("127.0.0.1", room.server.port))
    connection = http.client.HTTPConnection("127.0.0.1", room.server.port)
    connection.sock = line
    connection.request("GET", f"/r/{room.id}/live.mp4?rendition={rendition}")
    response = connection.getresponse()
    assert response.status == 200
    heard, stream = Heard(time.time_ns()), BoxStream()
    try:
        while heard.findings.parts < parts:
            data = response.read1(1_024)
            assert data, "the stream ended"
            before = heard.findings.parts
            for one in stream.feed(data):
                heard.take(one, time.time_ns())
            if heard.findings.parts > before:
                time.sleep(pause_s(heard.findings.parts))
        assert heard.findings.last_part is not None
        return heard, heard.findings.last_part
    finally:
        response.close()
        connection.close()


def test_server_takes_an_ended_room_and_a_live_one_at_once(live: RoomMade) -> None:
    server: Server = live.server
    short = server.create_room("Short", in_s=0.5)
    with listening(short.url()) as (ear,), listening(live.url(), seconds=6) as (other,):
        ear.wait_parts(6)
        short.act("end")
        ear.join()
        with listening(short.url(), hls=True, seconds=10) as (replay,):
            replay.join()
        other.join()
    assert replay.findings.first_part == 0
    assert replay.last_part == ear.last_part
    assert other.findings.gaps == 0
    assert other.smooth
