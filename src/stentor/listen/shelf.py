"""The HLS shelf, read as a player reads it: parts near the live edge, or all from minute 0.

A player of whole programmes takes pieces no faster than it plays them once it has enough in hand;
a listener of a replay takes them as they come, because nobody waits for it.
"""

from collections.abc import Callable
from urllib.parse import urlsplit

import msgspec

from stentor.base.errors import StentorError, UnavailableError
from stentor.listen.heard import Heard
from stentor.listen.http import Interrupted, Unknown, get
from stentor.listen.limit import Limit
from stentor.listen.playlist import (
    MediaPlaylist,
    Piece,
    is_multivariant,
    parse_media_playlist,
    variant_urls,
)
from stentor.media.boxes import MalformedBox, boxes
from stentor.rooms.orders import Phase
from stentor.rooms.state import decode_room_state

RETRY_S = 0.25
FAILURES_MAX = 240  # in a row: a minute
FAILURES_FIRST = 5
_STATE_EVERY_S = 2.0


class Shelf:
    """One listener at the shelf."""

    def __init__(
        self, url: str, rendition: str | None, heard: Heard, now_ns: Callable[[], int], limit: Limit
    ) -> None:
        self._url = url
        self._rendition = rendition
        self._heard = heard
        self._now_ns = now_ns
        self._limit = limit
        self._at: tuple[int, int] | None = None  # segment and part to fetch next
        self._init_url = ""
        self._failures = 0
        self._state_ns = 0

    def listen(self) -> None:
        """Listen until the programme has ended or the limit is reached."""
        playlist: MediaPlaylist | None = None
        while not self._limit.reached():
            try:
                if playlist is None:
                    self._find_playlist()
                self._look_at_state()
                playlist = self._load(playlist)
                fetched = self._fetch_all(playlist)
                self._failures = 0
            except (Unknown, Interrupted) as error:
                self._failed(error)
                continue
            if playlist.ended and not fetched:
                self._look_at_state(at_once=True)
                return
            if not playlist.blocking and not fetched:
                self._limit.sleep(min(1.0, playlist.target_s / 2))

    def _failed(self, error: Unknown | Interrupted) -> None:
        """Wait a little, or give up: sooner if there never was anything."""
        state = self._heard.state
        if state is None or state.phase is not Phase.SCHEDULED:  # else it just is not the hour
            self._failures += 1
        if self._failures >= (FAILURES_MAX if self._heard.findings.parts else FAILURES_FIRST):
            if isinstance(error, Unknown):
                raise error
            raise UnavailableError(f"{self._url} cannot be reached: {error}.") from None
        self._limit.sleep(RETRY_S)

    def _text(self, url: str) -> str:
        with get(url) as answer:
            return answer.document().decode("utf-8", "replace")

    def _find_playlist(self) -> None:
        text = self._text(self._url)
        if is_multivariant(text):
            variants = variant_urls(self._url, text)
            name = self._rendition or next(iter(variants), "")
            if name not in variants:
                raise StentorError(f"{self._url} has no rendition {name!r}: {', '.join(variants)}.")
            self._url = variants[name]
        self._heard.findings.rendition = self._url.split("?")[0].rsplit("/", 2)[-2]
        self._heard.connected()

    def _load(self, before: MediaPlaylist | None) -> MediaPlaylist:
        if before is not None and before.blocking and not before.ended:
            segment, part = before.after_last()
            query = f"{'&' if '?' in self._url else '?'}_HLS_msn={segment}&_HLS_part={part}"
            try:
                return parse_media_playlist(self._url, self._text(self._url + query))
            except Unknown:
                raise
            except StentorError:  # an edge that has just begun may know less than the one before
                self._limit.sleep(RETRY_S)
        return parse_media_playlist(self._url, self._text(self._url))

    def _fetch_all(self, playlist: MediaPlaylist) -> int:
        if playlist.init_url and playlist.init_url != self._init_url:
            self._take(playlist.init_url)
            self._init_url = playlist.init_url
        if self._at is None:
            self._at = _start(playlist)
        fetched = 0
        for piece in _wanted(playlist, self._at):
            if self._limit.reached():
                break
            self._take(piece.url)
            fetched += 1
            self._at = (
                (piece.segment + 1, 0) if piece.part is None else (piece.segment, piece.part + 1)
            )
        return fetched

    def _take(self, url: str) -> None:
        with get(url) as answer:
            data = answer.document()
        try:
            for one in boxes(data):
                self._heard.take(one, self._now_ns())
        except MalformedBox as error:
            raise StentorError(f"{url} is damaged: {error}.") from None

    def _look_at_state(self, *, at_once: bool = False) -> None:
        """Players that care read `state.json` beside the playlists."""
        now_ns = self._now_ns()
        room, hls, _ = self._url.partition("/hls/")
        if not hls or (not at_once and now_ns - self._state_ns < _STATE_EVERY_S * 1e9):
            return
        self._state_ns = now_ns
        try:
            with get(f"{room}/state.json") as answer:
                self._heard.take_state(decode_room_state(answer.document()))
        except (StentorError, msgspec.MsgspecError):
            pass  # a shelf behind a CDN may have none


def _start(playlist: MediaPlaylist) -> tuple[int, int]:
    """Return where to begin: minute 0, or the hold-back before the live edge."""
    if playlist.whole or playlist.ended:
        return (playlist.segments[0].segment, 0) if playlist.segments else (0, 0)
    ahead_s = 0.0
    newest = playlist.parts or playlist.segments
    for piece in reversed(newest):
        ahead_s += piece.duration_s
        if ahead_s >= playlist.hold_back_s:
            return piece.segment, piece.part or 0
    return (newest[0].segment, newest[0].part or 0) if newest else playlist.after_last()


def _wanted(playlist: MediaPlaylist, at: tuple[int, int]) -> list[Piece]:
    """Return what is there from `at` on: parts where there are parts, else whole segments."""
    by_part: dict[int, list[Piece]] = {}
    for part in playlist.parts:
        by_part.setdefault(part.segment, []).append(part)
    wanted: list[Piece] = []
    last = max((piece.segment for piece in (*playlist.segments, *playlist.parts)), default=-1)
    whole = {piece.segment: piece for piece in playlist.segments}
    for segment in range(at[0], last + 1):
        from_part = at[1] if segment == at[0] else 0
        parts = by_part.get(segment)
        if parts and (from_part or segment not in whole):
            wanted += [one for one in parts if one.part is not None and one.part >= from_part]
        elif segment in whole and from_part == 0:
            wanted.append(whole[segment])
    return wanted


def playlist_url(room_url: str, name: str) -> str:
    """Return a playlist of a room, given the address of its page."""
    parts = urlsplit(room_url)
    path = f"{parts.path.rstrip('/')}/hls/{name}"
    return parts._replace(path=path, query="", fragment="").geturl()
