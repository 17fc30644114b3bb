"""The HLS shelf over real sockets: reloads that wait, pieces that are exact, the end, replay."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import m3u8
import pytest

from stentor.listen.heard import Heard
from stentor.listen.limit import Limit
from stentor.listen.shelf import Shelf
from stentor.media.renditions import RENDITIONS
from stentor.rooms.orders import Phase
from support.edge import Client, Response, RunningEdge, edge_running, eventually
from support.machine import watched_machine
from support.programme import init_of, part_of

AAC = RENDITIONS["aac48"]


@pytest.fixture
def on_edge(tmp_path: Path) -> Iterator[RunningEdge]:
    with edge_running(tmp_path) as running:
        yield running


def ended_at(on_edge: RunningEdge) -> bool:
    room = on_edge.edge.rooms.by_id.get("town-hall")
    return room is not None and room.ended


def parts_bytes(first: int, stop: int) -> bytes:
    return b"".join(part_of(AAC, number) for number in range(first, stop))


def test_every_address_in_the_playlists_has_what_it_promises(on_edge: RunningEdge) -> None:
    on_edge.on_air(130)
    master = m3u8.loads(on_edge.get("hls/master.m3u8").body.decode())
    uris = [one.uri.partition("?pass=") for one in master.playlists]
    assert [name for name, *_ in uris] == ["aac48/live.m3u8", "aac96/live.m3u8"]
    assert len({shown for *_, shown in uris} - {""}) == 1
    opus = m3u8.loads(on_edge.get("hls/opus.m3u8").body.decode())
    assert [one.uri.partition("?")[0] for one in opus.playlists] == ["opus24/live.m3u8"]
    live = m3u8.loads(on_edge.get("hls/" + master.playlists[0].uri).body.decode())
    assert on_edge.get("hls/aac48/" + live.segment_map[0].uri).body == init_of(AAC)
    segments = [one for one in live.segments if one.uri]
    assert len(segments) == 8
    for place, segment in enumerate(segments):
        number = live.media_sequence + place
        answer = on_edge.get("hls/aac48/" + segment.uri)
        assert answer.body == parts_bytes(number * 12, number * 12 + 12)
        assert "immutable" in answer.headers["cache-control"]
    for segment in live.segments:
        for part in segment.parts:
            number = int(part.uri.split("/")[1].split(".")[0])
            assert on_edge.get("hls/aac48/" + part.uri).body == part_of(AAC, number)


def test_blocking_reload_is_answered_when_the_part_comes(on_edge: RunningEdge) -> None:
    on_edge.on_air(25)
    with Client(on_edge.port) as player, Client(on_edge.port) as hint:
        player.get("/r/town-hall/hls/aac48/live.m3u8?_HLS_msn=2&_HLS_part=2")
        hint.get("/r/town-hall/hls/aac48/part/26.m4s")
        eventually(lambda: on_edge.edge.shelf.waiting == 2)
        on_edge.programme.parts(1)
        on_edge.has_parts(26)
        assert on_edge.edge.shelf.waiting == 2
        on_edge.programme.parts(1)
        playlist = player.response()
        assert playlist.status == 200
        assert b'URI="part/26.m4s"' in playlist.body
        assert hint.response().body == part_of(AAC, 26)
        # The connection goes on, and what is there already does not wait.
        assert player.get("/r/town-hall/hls/aac48/live.m3u8?_HLS_msn=1").response().status == 200
        assert on_edge.edge.shelf.waiting == 0


def test_reload_without_a_part_waits_for_the_whole_segment(on_edge: RunningEdge) -> None:
    on_edge.on_air(30)
    with Client(on_edge.port) as player:
        player.get("/r/town-hall/hls/aac48/live.m3u8?_HLS_msn=2")
        eventually(lambda: on_edge.edge.shelf.waiting == 1)
        on_edge.programme.parts(6)
        assert b"seg/2.m4s" in player.response().body


def test_playlists_come_compressed_and_report_on_their_siblings(on_edge: RunningEdge) -> None:
    on_edge.on_air(100)
    on_edge.programme.write_recording(on_edge.folder)
    for name in ("live", "dvr"):
        plain = on_edge.get(f"hls/aac48/{name}.m3u8")
        packed = on_edge.get(f"hls/aac48/{name}.m3u8", Accept_Encoding="gzip, br")
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.headers["vary"] == "accept-encoding"
        assert gzip.decompress(packed.body) == plain.body
        assert len(packed.body) < len(plain.body) / 3
    live = m3u8.loads(on_edge.get("hls/aac48/live.m3u8").body.decode())
    assert [one.uri for one in live.rendition_reports] == ["../aac96/live.m3u8"]


def test_far_future_reload_is_400(on_edge: RunningEdge) -> None:
    on_edge.on_air(30)
    assert on_edge.get("hls/aac48/live.m3u8?_HLS_msn=5").status == 400
    assert on_edge.get("hls/aac48/live.m3u8?_HLS_msn=999999999").status == 400
    assert on_edge.get("hls/aac48/part/999999.m4s").status == 404
    assert on_edge.get("hls/aac48/seg/999999.m4s").status == 404


def test_listener_who_knows_more_than_a_fresh_edge_goes_on_with_what_that_has(
    on_edge: RunningEdge,
) -> None:
    on_edge.on_air(30)
    url = f"http://127.0.0.1:{on_edge.port}/r/{on_edge.programme.room}/hls/aac48/live.m3u8"
    shelf = Shelf(url, None, Heard(0), time.time_ns, Limit(60))
    here = shelf._load(None)
    ahead = replace(here, parts=tuple(replace(one, segment=one.segment + 9) for one in here.parts))
    assert shelf._load(ahead) == here, "it was refused, and asked for what there is"


def test_waiting_is_bounded_in_time(tmp_path: Path) -> None:
    with edge_running(tmp_path, edge_reload_s=0.5) as on_edge, watched_machine() as machine:
        on_edge.on_air(5)
        began = time.monotonic()
        answer = on_edge.get("hls/aac48/live.m3u8?_HLS_msn=1")
        assert answer.status == 503
        assert answer.headers["retry-after"] == "1"
        assert 0.4 < time.monotonic() - began < 2 + machine.held_up_s()


def test_waiting_is_bounded_in_number(tmp_path: Path) -> None:
    with edge_running(tmp_path, edge_reloads_max=2) as on_edge:
        on_edge.on_air(5)
        waiting = [Client(on_edge.port) for _ in range(2)]
        for client in waiting:
            client.get("/r/town-hall/hls/aac48/live.m3u8?_HLS_msn=1")
        eventually(lambda: on_edge.edge.shelf.waiting == 2)
        assert on_edge.get("hls/aac48/live.m3u8?_HLS_msn=1").status == 503
        waiting[0].close()
        eventually(lambda: on_edge.edge.shelf.waiting == 1)
        waiting[1].close()
        eventually(lambda: on_edge.edge.shelf.waiting == 0)


def test_playlist_asked_for_before_the_hour_comes_with_the_first_part(
    on_edge: RunningEdge,
) -> None:
    on_edge.programme.open_doors()
    on_edge.has_parts(0)
    found: list[Response] = []
    asking = threading.Thread(target=lambda: found.append(on_edge.get("hls/aac48/live.m3u8")))
    asking.start()
    eventually(lambda: on_edge.edge.shelf.waiting == 1)
    on_edge.programme.state(Phase.LIVE)
    on_edge.programme.parts(1)
    asking.join(5)
    assert b"part/0.m4s" in found[0].body


def test_listener_who_wants_minute_0_has_it_while_live(on_edge: RunningEdge) -> None:
    on_edge.on_air(200)
    on_edge.programme.write_recording(on_edge.folder)
    dvr = m3u8.loads(on_edge.get("hls/aac48/dvr.m3u8").body.decode())
    assert dvr.playlist_type == "event"
    assert not dvr.is_endlist
    assert len(dvr.segments) == 200 // 12
    for number, segment in enumerate(dvr.segments):
        body = on_edge.get("hls/aac48/" + segment.uri).body
        assert body == parts_bytes(number * 12, number * 12 + 12)
    on_edge.programme.parts(12)
    on_edge.has_parts(212)
    grown = m3u8.loads(on_edge.get("hls/aac48/dvr.m3u8").body.decode())
    assert [one.uri for one in grown.segments][:-1] == [one.uri for one in dvr.segments]


def test_end_comes_in_the_live_playlist_and_the_replay_is_there_at_once(
    on_edge: RunningEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stentor.edge.broadcast._RETIRE_S", 0.5)
    on_edge.on_air(150)
    with Client(on_edge.port) as player:
        player.get("/r/town-hall/hls/aac48/live.m3u8?_HLS_msn=12&_HLS_part=9")
        eventually(lambda: on_edge.edge.shelf.waiting == 1)
        on_edge.programme.write_recording(on_edge.folder)
        on_edge.programme.end()
        last = m3u8.loads(player.response().body.decode())
    assert last.is_endlist
    assert last.media_sequence == 4
    assert on_edge.get("hls/aac48/seg/12.m4s").body == parts_bytes(144, 150)
    eventually(lambda: not on_edge.edge.rooms.by_id["town-hall"].streams)  # the media retired
    replay = m3u8.loads(on_edge.get("hls/aac48/live.m3u8").body.decode())
    assert replay.playlist_type == "vod"
    assert replay.media_sequence == 0
    assert sum(one.duration for one in replay.segments) == pytest.approx(150 * 0.32)
    whole = on_edge.get("hls/aac48/init.mp4").body
    for segment in replay.segments:
        whole += on_edge.get("hls/aac48/" + segment.uri).body
    assert whole == on_edge.get("recording/aac48.mp4").body
    assert whole == on_edge.folder.recording("town-hall", "aac48").read_bytes()
    assert on_edge.get("hls/aac48/seg/13.m4s").status == 404


def test_recording_is_served_in_ranges(on_edge: RunningEdge) -> None:
    on_edge.on_air(60)
    on_edge.programme.write_recording(on_edge.folder)
    data = on_edge.folder.recording("town-hall", "aac96").read_bytes()
    whole = on_edge.get("recording/aac96.mp4")
    assert whole.body == data
    assert whole.headers["accept-ranges"] == "bytes"
    some = on_edge.get("recording/aac96.mp4", Range="bytes=1000-1999")
    assert some.status == 206
    assert some.body == data[1000:2000]
    assert some.headers["content-range"] == f"bytes 1000-1999/{len(data)}"
    last = on_edge.get("recording/aac96.mp4", Range="bytes=-100")
    assert last.body == data[-100:]
    assert on_edge.get("recording/aac96.mp4", Range="bytes=99999999-").status == 416
    changed = on_edge.get("recording/aac96.mp4", Range="bytes=0-9", If_Range='"other"')
    assert changed.status == 200
    assert on_edge.get("recording/aac96.mp4", "HEAD").headers["content-length"] == str(len(data))
    assert on_edge.get("recording/opus24.mp4").status == 200
    assert on_edge.get("/r/nowhere/recording/aac48.mp4").status == 404


def test_download_that_is_read_slowly_holds_up_nobody(tmp_path: Path) -> None:
    with edge_running(tmp_path) as on_edge:
        on_edge.on_air(40)
        on_edge.programme.next = 3000
        on_edge.programme.write_recording(on_edge.folder)
        on_edge.programme.next = 40
        size = on_edge.folder.recording("town-hall", "aac96").stat().st_size
        assert size > 10_000_000
        with Client(on_edge.port, receive_bytes=4096) as slow, on_edge.ear() as ear:
            slow.get("/r/town-hall/recording/aac96.mp4")
            status, headers = slow.head()
            assert (status, headers["content-length"]) == (200, str(size))
            for number in range(40, 50):
                on_edge.programme.parts(1)
                ear.listen(lambda n=number: ear.parts[-1:] == [n], timeout_s=1)


def test_room_whose_media_have_retired_is_replayed_by_a_fresh_edge(tmp_path: Path) -> None:
    with edge_running(tmp_path) as on_edge:
        on_edge.programme.next = 30
        on_edge.programme.write_recording(on_edge.folder)
        on_edge.programme.state(Phase.ENDED, end_samples=30 * 15_360)
        eventually(lambda: on_edge.edge.rooms.by_id)
        assert on_edge.get("live.mp4").status == 410
        replay = m3u8.loads(on_edge.get("hls/opus24/live.m3u8").body.decode())
        assert replay.is_endlist
        assert len(replay.segments) == 3
        assert on_edge.get("hls/opus24/init.mp4").body == init_of(RENDITIONS["opus24"])
        assert on_edge.get("hls/aac48/part/29.m4s").body == part_of(AAC, 29)
        assert on_edge.get("hls/aac48/part/30.m4s").status == 404


def test_ended_room_that_an_origin_speaks_of_again_is_replayed_from_disk(
    on_edge: RunningEdge,
) -> None:
    programme = on_edge.programme
    programme.next = 30
    programme.write_recording(on_edge.folder)
    programme.open_doors()
    programme.end()  # inits and ends, as a restarted origin may say them, but no parts
    eventually(lambda: ended_at(on_edge))
    for playlist in ("live", "dvr"):
        answer = on_edge.get(f"hls/aac48/{playlist}.m3u8")
        assert answer.status == 200
        assert answer.body.rstrip().endswith(b"#EXT-X-ENDLIST")
        assert answer.body.count(b"#EXTINF") == 3
    for number in range(3):
        assert on_edge.get(f"hls/aac48/seg/{number}.m4s").status == 200
    assert on_edge.get("hls/aac48/seg/3.m4s").status == 404


def test_room_that_is_called_off_has_no_playlist_and_says_so_at_once(on_edge: RunningEdge) -> None:
    on_edge.programme.open_doors()
    on_edge.programme.state(Phase.ENDED)
    eventually(lambda: ended_at(on_edge))
    assert on_edge.get("hls/aac48/live.m3u8").status == 404
    assert on_edge.edge.shelf.waiting == 0
