"""Playlists as bytes, rendered and compressed once for everyone who asks between two parts.

A low-latency player reads a playlist for every part, so an uncompressed one would cost more than
the audio that it names. What a playlist says is arithmetic (`media.playlist`).
"""

import gzip
from collections import OrderedDict

from stentor.edge.answer import PLAYLIST, Answer
from stentor.edge.rooms import Room, Stream
from stentor.media.playlist import (
    history_head,
    history_tail,
    live_playlist,
    segment_lines,
    segments_complete,
)
from stentor.media.renditions import RENDITIONS

_HISTORIES_MAX = 64
_GZIP_LEVEL = 3


class Rendered:
    """A playlist, and what it was made from."""

    __slots__ = ("_body", "_packed", "made_from")

    def __init__(self, made_from: tuple[int, int, bool], body: bytes) -> None:
        self.made_from = made_from
        self._body = body
        self._packed = b""

    def answer(self, *, cache: str, packed: bool) -> Answer:
        """Return it as an answer, compressed for who can take that."""
        headers = {"Vary": "Accept-Encoding"}
        if not packed:
            return Answer(200, self._body, PLAYLIST, headers, cache)
        if not self._packed:
            self._packed = gzip.compress(self._body, _GZIP_LEVEL, mtime=0)
        headers["Content-Encoding"] = "gzip"
        return Answer(200, self._packed, PLAYLIST, headers, cache)


class _History:
    """The whole segments of one rendition as playlist lines, which only ever grow."""

    __slots__ = ("epoch_ms", "lines", "rendered", "segments")

    def __init__(self, epoch_ms: int) -> None:
        self.epoch_ms = epoch_ms
        self.segments = 0
        self.lines = bytearray()
        self.rendered: Rendered | None = None

    def grow(self, segments: int) -> None:
        if segments > self.segments:
            self.lines += segment_lines(self.epoch_ms, self.segments, segments).encode()
            self.segments = segments


class Playlists:
    """All rendered playlists of one edge; histories are bounded in number."""

    def __init__(self) -> None:
        self._live: dict[Stream, Rendered] = {}
        self._histories: OrderedDict[tuple[str, str], _History] = OrderedDict()

    def live(self, room: Room, stream: Stream) -> Rendered:
        """Return the low-latency playlist as it is now."""
        epoch_ms = room.state.epoch_ms if room.state else 0
        made_from = (stream.next, epoch_ms, stream.whole)
        held = self._live.get(stream)
        if held is None or held.made_from != made_from:
            text = live_playlist(
                epoch_ms, stream.next, ended=stream.whole, siblings=_siblings(room, stream)
            )
            held = self._live[stream] = Rendered(made_from, text.encode())
        return held

    def history(self, room: Room, rendition: str, parts: int, *, ended: bool) -> Rendered:
        """Return the playlist from minute 0."""
        epoch_ms = room.state.epoch_ms if room.state else 0
        key = (room.id, rendition)
        history = self._histories.get(key)
        if history is None or history.epoch_ms != epoch_ms:
            history = self._histories[key] = _History(epoch_ms)
            if len(self._histories) > _HISTORIES_MAX:
                self._histories.popitem(last=False)
        self._histories.move_to_end(key)
        segments = segments_complete(parts)
        made_from = (parts if ended else segments, epoch_ms, ended)
        if history.rendered is None or history.rendered.made_from != made_from:
            history.grow(segments)
            pieces = (
                history_head(ended=ended).encode(),
                history.lines,
                history_tail(epoch_ms, parts, ended=ended).encode(),
            )
            history.rendered = Rendered(made_from, b"".join(pieces))
        return history.rendered

    def forget(self, stream: Stream) -> None:
        """Drop what was rendered of a stream."""
        self._live.pop(stream, None)


def _siblings(room: Room, stream: Stream) -> tuple[str, ...]:
    """Return the other renditions of the same codec: what a player may switch to."""
    codec = RENDITIONS[stream.rendition].codec
    return tuple(
        name
        for name, one in RENDITIONS.items()
        if one.codec is codec and name != stream.rendition and name in room.streams
    )
