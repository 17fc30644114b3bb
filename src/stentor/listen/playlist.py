"""HLS playlists as a listener reads them: as much of RFC 8216bis as Stentor's shelf speaks."""

import re
from dataclasses import dataclass
from urllib.parse import urljoin

from stentor.base.errors import StentorError

_ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"]*"|[^,]*)')


@dataclass(frozen=True, slots=True)
class Piece:
    """Something to fetch: a segment, or a part of one."""

    url: str
    duration_s: float
    segment: int
    part: int | None = None  # None: a whole segment


@dataclass(frozen=True, slots=True)
class MediaPlaylist:
    """One rendition's playlist."""

    url: str
    init_url: str
    segments: tuple[Piece, ...]
    parts: tuple[Piece, ...]
    hold_back_s: float
    target_s: float
    blocking: bool
    ended: bool
    whole: bool  # from minute 0: EVENT or VOD

    def after_last(self) -> tuple[int, int]:
        """Return the segment and part that will come next: what a blocking reload asks for."""
        following = max((one.segment + 1 for one in self.segments), default=0)
        last = max(
            ((one.segment, one.part + 1) for one in self.parts if one.part is not None),
            default=(following, 0),
        )
        return max(last, (following, 0))


def _attributes(line: str) -> dict[str, str]:
    return {name: value.strip('"') for name, value in _ATTRIBUTE.findall(line.partition(":")[2])}


def variant_urls(url: str, text: str) -> dict[str, str]:
    """Return a multivariant playlist's media playlists by rendition (the folder's name)."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            address = urljoin(url, line)
            found[address.split("?")[0].rsplit("/", 2)[-2]] = address
    return found


def is_multivariant(text: str) -> bool:
    """Say whether the playlist lists playlists."""
    return "#EXT-X-STREAM-INF" in text


def parse_media_playlist(url: str, text: str) -> MediaPlaylist:
    """Return the playlist; raises `StentorError` if it is none."""
    if not text.startswith("#EXTM3U"):
        raise StentorError(f"{url} is not a playlist.")
    segments: list[Piece] = []
    parts: list[Piece] = []
    init_url, server, target_s, sequence, duration_s, part = "", {}, 4.0, 0, 0.0, 0
    try:
        for line in text.splitlines():
            tag = line.partition(":")[0]
            match tag:
                case "#EXT-X-MEDIA-SEQUENCE":
                    sequence = int(line.partition(":")[2])
                case "#EXT-X-TARGETDURATION":
                    target_s = float(line.partition(":")[2])
                case "#EXT-X-MAP":
                    init_url = urljoin(url, _attributes(line)["URI"])
                case "#EXT-X-SERVER-CONTROL":
                    server = _attributes(line)
                case "#EXT-X-PART":
                    own = _attributes(line)
                    address = urljoin(url, own["URI"])
                    parts.append(Piece(address, float(own["DURATION"]), sequence, part))
                    part += 1
                case "#EXTINF":
                    duration_s = float(line.partition(":")[2].split(",")[0])
                case _ if line and not line.startswith("#"):
                    segments.append(Piece(urljoin(url, line), duration_s, sequence))
                    sequence, part = sequence + 1, 0
                case _:
                    pass
    except (ValueError, KeyError):
        raise StentorError(f"{url} is not a playlist that can be read.") from None
    return MediaPlaylist(
        url=url,
        init_url=init_url,
        segments=tuple(segments),
        parts=tuple(parts),
        hold_back_s=float(server.get("PART-HOLD-BACK") or server.get("HOLD-BACK") or 3 * target_s),
        target_s=target_s,
        blocking=server.get("CAN-BLOCK-RELOAD") == "YES",
        ended="#EXT-X-ENDLIST" in text,
        whole="#EXT-X-PLAYLIST-TYPE" in text,
    )
