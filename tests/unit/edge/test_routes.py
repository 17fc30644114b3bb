"""What addresses mean."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.base.errors import Problem
from stentor.edge import routes
from stentor.edge.request import Method, Request
from stentor.edge.routes import Live, Master, Media, Page, Piece, Playlist, Push, Shape, Whole
from stentor.media.renditions import Codec


def asked(target: str, *, on_metrics_port: bool = False) -> object:
    path, _, query = target.partition("?")
    request = Request(Method.GET, path, query, {})
    return routes.route(request, on_metrics_port=on_metrics_port)


@pytest.mark.parametrize(
    ("target", "intent"),
    [
        ("/", Page("home.html")),
        ("/r/hall-x2y3", Page("room.html", "hall-x2y3")),
        ("/r/hall-x2y3/", Page("room.html", "hall-x2y3")),
        ("/r/hall?fbclid=Iw.aZ%20&utm_source=a+b&x", Page("room.html", "hall")),
        ("/?utm_source=news", Page("home.html")),
        ("/site/theme.css", Page("theme.css")),
        ("/rooms.json", Live.ROOMS),
        ("/healthz", Live.HEALTH),
        ("/r/hall/state.json", routes.StateOf("hall")),
        ("/r/hall/live.mp4", Push("hall", "aac48")),
        ("/r/hall/live.mp4?rendition=opus24", Push("hall", "opus24")),
        ("/r/hall/hls/master.m3u8", Master("hall", Codec.AAC, Shape.LIVE)),
        ("/r/hall/hls/opus.m3u8", Master("hall", Codec.OPUS, Shape.LIVE)),
        ("/r/hall/hls/dvr.m3u8", Master("hall", Codec.AAC, Shape.DVR)),
        ("/r/hall/hls/dvr-opus.m3u8", Master("hall", Codec.OPUS, Shape.DVR)),
        ("/r/hall/hls/aac48/live.m3u8", Playlist("hall", "aac48", Shape.LIVE)),
        (
            "/r/hall/hls/aac48/live.m3u8?_HLS_msn=7&_HLS_part=3",
            Playlist("hall", "aac48", Shape.LIVE, 7, 3),
        ),
        ("/r/hall/hls/aac48/dvr.m3u8", Playlist("hall", "aac48", Shape.DVR)),
        ("/r/hall/hls/aac96/init.mp4", Media("hall", "aac96", Piece.INIT)),
        ("/r/hall/hls/aac96/part/12.m4s", Media("hall", "aac96", Piece.PART, 12)),
        ("/r/hall/hls/aac96/seg/0.m4s", Media("hall", "aac96", Piece.SEGMENT, 0)),
        ("/r/hall/recording/opus24.mp4", Whole("hall", "opus24")),
    ],
)
def test_addresses_are_understood(target: str, intent: object) -> None:
    assert asked(target) == intent


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/nothing", 404),
        ("/metrics", 404),
        ("/site/../edge.py", 404),
        ("/site/", 404),
        ("/r/UPPER", 404),
        ("/r/../../etc/passwd", 404),
        ("/r/hall/live.mp3", 404),
        ("/r/hall/live.mp4?rendition=flac", 404),
        ("/r/hall/live.mp4?rendition=aac48&token=1", 400),
        ("/r/hall/hls/aac48/live.m3u8?_HLS_msn=x", 400),
        ("/r/hall/hls/aac48/live.m3u8?_HLS_msn=99999999999999", 400),
        ("/r/hall/hls/aac48/live.m3u8?_HLS_part=1", 400),
        ("/r/hall/hls/aac48/live.m3u8?_HLS_skip=YES", 400),
        ("/r/hall/hls/aac48/dvr.m3u8?_HLS_msn=1", 400),
        ("/r/hall/hls/aac48/part/-1.m4s", 404),
        ("/r/hall/hls/aac48/part/1.mp4", 404),
        ("/r/hall/hls/other/live.m3u8", 404),
        ("/rooms.json?x=1", 400),
        ("/r/hall/live.mp4?rendition=aac48&rendition=opus24", 400),
        ("/r/hall/live.mp4?rendition", 400),
        ("/r/hall/live.mp4?rendition=aac%34", 400),
        ("/r/hall/hls/aac48/seg/1.m4s?a=%20", 400),
    ],
)
def test_other_addresses_are_refused(target: str, status: int) -> None:
    with pytest.raises(Problem) as refusal:
        asked(target)
    assert refusal.value.status == status


def test_metrics_are_on_their_own_port_only() -> None:
    assert asked("/metrics", on_metrics_port=True) is Live.METRICS


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=200))
def test_any_address_is_understood_or_refused(text: str) -> None:
    for target in ("/" + text, "/r/hall/" + text):
        with contextlib.suppress(Problem):
            asked(target)
