"""Recordings as one file: whole or a range, sent by the kernel from the page cache in slices."""

import os
from functools import partial

from stentor.base.errors import Problem
from stentor.edge.answer import MP4, Answer, head
from stentor.edge.archive import Archive, read_range
from stentor.edge.connection import Connection
from stentor.edge.counts import Counts
from stentor.edge.limits import Limits
from stentor.edge.networks import Networks
from stentor.edge.request import Method, Request
from stentor.edge.rooms import Room
from stentor.edge.routes import Whole


class Downloads:
    """Serves recordings, at most so many at once."""

    def __init__(
        self, archive: Archive, limits: Limits, counts: Counts, networks: Networks
    ) -> None:
        self._archive = archive
        self._networks = networks
        self._limits = limits
        self._counts = counts
        self._open = 0
        self.shed = False  # the ladder's first step

    def serve(self, connection: Connection, request: Request, room: Room, intent: Whole) -> None:
        """Answer with the recording as far as it is on disk now."""
        extent = self._archive.whole(room.id, intent.rendition)
        if extent is None:
            raise Problem(404, "no-recording", "There is no recording of this room")
        etag = f'"{extent.end:x}"'
        start, end, status = 0, extent.end, 200
        wanted = request.headers.get("range")
        if wanted is not None and request.headers.get("if-range", etag) == etag:
            try:
                span = read_range(wanted, extent.end)
            except ValueError:
                connection.answer(Answer(416, headers={"Content-Range": f"bytes */{extent.end}"}))
                return
            if span is not None:
                (start, end), status = span, 206
        headers = {
            "Content-Type": MP4,
            "Cache-Control": "public, max-age=60" if room.ended else "no-cache",
            "Accept-Ranges": "bytes",
            "ETag": etag,
            "Content-Disposition": f'inline; filename="{room.id}-{intent.rendition}.mp4"',
        }
        if status == 206:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{extent.end}"
        first = head(status, headers, length=end - start, keep_alive=request.keep_alive)
        if request.method is Method.HEAD:
            connection.send(first, keep=request.keep_alive)
            return
        if self.shed:
            raise Problem(
                503, "busy", "Recordings wait while there is a crowd", "Come again later."
            )
        if self._open >= self._limits.downloads_max:
            raise Problem(503, "too-many-downloads", "Too many recordings are being read")
        peer = connection.peer
        if not self._networks.begin(self._networks.downloads, peer):
            self._counts.refused_by_network += 1
            raise Problem(429, "downloads-of-network", "Your network reads too many recordings")
        try:
            file = os.open(extent.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._networks.end(self._networks.downloads, peer)
            raise Problem(503, "unreadable", "The recording cannot be read just now") from None
        self._open += 1
        self._counts.downloads += 1
        connection.send_file(first, file, start, end, partial(self._closed, peer))

    def _closed(self, peer: bytes) -> None:
        self._open -= 1
        self._networks.end(self._networks.downloads, peer)
