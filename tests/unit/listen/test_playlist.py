"""Playlists, read as a player reads them."""

from __future__ import annotations

import pytest

from stentor.base.errors import StentorError
from stentor.listen.playlist import is_multivariant, parse_media_playlist, variant_urls
from stentor.listen.run import push_url
from stentor.listen.shelf import _start, _wanted

URL = "http://host/r/room/hls/aac48/live.m3u8"

LIVE = """#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:4
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=0.96
#EXT-X-PART-INF:PART-TARGET=0.32
#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-MAP:URI="init.mp4"
#EXTINF:3.84,
seg/7.m4s
#EXT-X-PART:DURATION=0.32,URI="part/96.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.32,URI="part/97.m4s",INDEPENDENT=YES
#EXTINF:0.64,
seg/8.m4s
#EXT-X-PART:DURATION=0.32,URI="part/98.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.32,URI="part/99.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.32,URI="part/100.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.32,URI="part/101.m4s",INDEPENDENT=YES
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="part/102.m4s"
"""

VOD = """#EXTM3U
#EXT-X-TARGETDURATION:4
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-MAP:URI="init.mp4"
#EXTINF:3.84,
seg/0.m4s
#EXTINF:1.28,
seg/1.m4s
#EXT-X-ENDLIST
"""


def test_live_listener_starts_the_hold_back_before_the_live_edge() -> None:
    playlist = parse_media_playlist(URL, LIVE)
    assert playlist.blocking
    assert _start(playlist) == (9, 1)
    pieces = _wanted(playlist, (9, 1))
    assert [one.url.rsplit("/", 1)[-1] for one in pieces] == ["99.m4s", "100.m4s", "101.m4s"]
    assert playlist.after_last() == (9, 4)


def test_listener_who_wants_more_gets_whole_segments_then_parts() -> None:
    pieces = _wanted(parse_media_playlist(URL, LIVE), (7, 0))
    names = ["/".join(one.url.rsplit("/", 2)[-2:]) for one in pieces]
    assert names[:3] == ["seg/7.m4s", "seg/8.m4s", "part/98.m4s"]


def test_replay_starts_at_minute_zero() -> None:
    playlist = parse_media_playlist(URL, VOD)
    assert playlist.ended
    assert _start(playlist) == (0, 0)
    assert len(_wanted(playlist, (0, 0))) == 2
    assert _wanted(playlist, (2, 0)) == []


def test_page_is_no_playlist() -> None:
    with pytest.raises(StentorError, match="not a playlist"):
        parse_media_playlist(URL, "<!doctype html>")


def test_variants_are_known_by_their_rendition() -> None:
    text = '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="opus"\nopus24/live.m3u8\n'
    assert is_multivariant(text)
    assert variant_urls("http://host/r/room/hls/opus.m3u8", text) == {
        "opus24": "http://host/r/room/hls/opus24/live.m3u8"
    }


@pytest.mark.parametrize(
    ("given", "rendition", "asked"),
    [
        ("http://h/r/a", None, "http://h/r/a/live.mp4?rendition=aac48"),
        ("http://h/r/a/", "opus24", "http://h/r/a/live.mp4?rendition=opus24"),
        ("http://h/r/a/live.mp4?rendition=aac96", None, "http://h/r/a/live.mp4?rendition=aac96"),
        ("http://h/r/a/live.mp4", None, "http://h/r/a/live.mp4?rendition=aac48"),
    ],
)
def test_page_and_stream_are_the_same_address_to_a_listener(given, rendition, asked) -> None:
    assert push_url(given, rendition) == asked
