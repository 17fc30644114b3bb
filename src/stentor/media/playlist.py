"""HLS playlists as arithmetic on one number: how many parts of the programme there are.

Part n of every rendition exists, so nothing here keeps a history: segments, media sequence,
dates and hints all follow from the count and the room's epoch, and there never is a discontinuity.
Addresses are relative to `/r/ROOM/hls/` for masters and `/r/ROOM/hls/RENDITION/` for the rest.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from stentor.media.grid import (
    PART_S,
    PART_SAMPLES,
    PARTS_PER_SEGMENT,
    SEGMENT_S,
    time_of,
)
from stentor.media.renditions import Rendition

TARGET_DURATION_S = 4
PART_HOLD_BACK_S = 3 * PART_S
WINDOW_SEGMENTS = 8
SEGMENTS_WITH_PARTS = 3
FUTURE_SEGMENTS_MAX = 2  # RFC 8216bis 6.2.5.2: what is asked for beyond this is refused

_OVERHEAD_BPS = 8_000  # moof, mdat header, sizes: about 190 bytes a part
_PEAK = 1.2


def bandwidth(rendition: Rendition) -> int:
    """Return an upper bound of a segment's bit rate, with its boxes."""
    return round(rendition.bitrate * _PEAK) + _OVERHEAD_BPS


def master_playlist(renditions: Iterable[Rendition], name: str, query: str = "") -> str:
    """Return the multivariant playlist of one codec family; `name` is `live` or `dvr`.

    Its playlists are asked for with that query.
    """
    lines = ["#EXTM3U", "#EXT-X-VERSION:9", "#EXT-X-INDEPENDENT-SEGMENTS"]
    for one in renditions:
        lines.append(
            f"#EXT-X-STREAM-INF:BANDWIDTH={bandwidth(one)},"
            f'AVERAGE-BANDWIDTH={one.bitrate + _OVERHEAD_BPS},CODECS="{one.codecs}"'
        )
        lines.append(f"{one.name}/{name}.m3u8{query}")
    return "\n".join(lines) + "\n"


def segments_complete(parts: int) -> int:
    """Return how many whole segments so many parts make."""
    return parts // PARTS_PER_SEGMENT


def first_listed(parts: int) -> int:
    """Return the number of the oldest segment in the live playlist (its media sequence)."""
    return max(0, segments_complete(parts) - WINDOW_SEGMENTS)


def _date(epoch_ms: int, segment: int) -> str:
    at_ms = time_of(epoch_ms, segment * PARTS_PER_SEGMENT * PART_SAMPLES) // 1_000_000
    seconds, ms = divmod(at_ms, 1000)
    # isoformat, not strftime: a replay of 12 hours has 11,250 dates and is rendered on the loop
    return f"{datetime.fromtimestamp(seconds, UTC).isoformat()[:19]}.{ms:03d}Z"


def _parts(first: int, stop: int) -> Iterator[str]:
    for number in range(first, stop):
        yield f'#EXT-X-PART:DURATION={PART_S:.5f},URI="part/{number}.m4s",INDEPENDENT=YES'


def segment_lines(epoch_ms: int, first: int, stop: int) -> str:
    """Return the lines of whole segments, without their parts."""
    return "".join(
        f"#EXT-X-PROGRAM-DATE-TIME:{_date(epoch_ms, number)}\n"
        f"#EXTINF:{SEGMENT_S:.5f},\n"
        f"seg/{number}.m4s\n"
        for number in range(first, stop)
    )


def _last_short(epoch_ms: int, parts: int) -> str:
    """Return the lines of the segment that the end of the programme cut short."""
    number, left = divmod(parts, PARTS_PER_SEGMENT)
    if left == 0:
        return ""
    return (
        f"#EXT-X-PROGRAM-DATE-TIME:{_date(epoch_ms, number)}\n"
        f"#EXTINF:{left * PART_S:.5f},\n"
        f"seg/{number}.m4s\n"
    )


def live_playlist(
    epoch_ms: int, parts: int, *, ended: bool = False, siblings: Iterable[str] = ()
) -> str:
    """Return the low-latency playlist when `parts` parts are there; at least one must be.

    `siblings` are the renditions that a player may switch to: all have the same parts.
    """
    whole = segments_complete(parts)
    first = first_listed(parts)
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:9",
        f"#EXT-X-TARGETDURATION:{TARGET_DURATION_S}",
        f"#EXT-X-PART-INF:PART-TARGET={PART_S:.5f}",
        f"#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK={PART_HOLD_BACK_S:.5f}",
        f"#EXT-X-MEDIA-SEQUENCE:{first}",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        '#EXT-X-MAP:URI="init.mp4"',
    ]
    for number in range(first, whole):
        lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{_date(epoch_ms, number)}")
        if number >= whole - SEGMENTS_WITH_PARTS:
            start = number * PARTS_PER_SEGMENT
            lines.extend(_parts(start, start + PARTS_PER_SEGMENT))
        lines.append(f"#EXTINF:{SEGMENT_S:.5f},")
        lines.append(f"seg/{number}.m4s")
    if ended:
        return "\n".join(lines) + "\n" + _last_short(epoch_ms, parts) + "#EXT-X-ENDLIST\n"
    start = whole * PARTS_PER_SEGMENT
    if parts > start:
        lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{_date(epoch_ms, whole)}")
        lines.extend(_parts(start, parts))
    lines.append(f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="part/{parts}.m4s"')
    msn, part = divmod(parts - 1, PARTS_PER_SEGMENT)
    lines.extend(
        f'#EXT-X-RENDITION-REPORT:URI="../{name}/live.m3u8",LAST-MSN={msn},LAST-PART={part}'
        for name in siblings
    )
    return "\n".join(lines) + "\n"


def history_head(*, ended: bool) -> str:
    """Return the opening of a playlist that begins with minute 0: EVENT while live, then VOD."""
    kind = "VOD" if ended else "EVENT"
    return (
        "#EXTM3U\n#EXT-X-VERSION:7\n"
        f"#EXT-X-TARGETDURATION:{TARGET_DURATION_S}\n"
        f"#EXT-X-PLAYLIST-TYPE:{kind}\n"
        "#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-INDEPENDENT-SEGMENTS\n"
        '#EXT-X-MAP:URI="init.mp4"\n'
    )


def history_tail(epoch_ms: int, parts: int, *, ended: bool) -> str:
    """Return what follows the whole segments of such a playlist."""
    return _last_short(epoch_ms, parts) + "#EXT-X-ENDLIST\n" if ended else ""


def parts_needed(msn: int, part: int | None) -> int:
    """Return how many parts there must be before a blocking reload is answered."""
    if part is None:
        return (msn + 1) * PARTS_PER_SEGMENT
    return msn * PARTS_PER_SEGMENT + min(part, PARTS_PER_SEGMENT) + 1


def is_far_future(msn: int, parts: int) -> bool:
    """Say whether a reload asks for a segment that nobody can be waiting for yet."""
    return msn > segments_complete(parts) + FUTURE_SEGMENTS_MAX
