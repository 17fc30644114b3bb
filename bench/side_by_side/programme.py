"""The programme that every server is given: 48 kbit/s of AAC-sized frames that tell their time.

Only framing differs, as it does in the wild: fragmented MP4 for this edge, Nchan and HLS, ADTS for
Icecast. Nothing here can be heard; nothing here knows a socket.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from stentor.media.fragments import fragment
from stentor.media.grid import PART_S, SAMPLE_RATE
from stentor.media.renditions import RENDITIONS
from support.programme import init_of, part_of

RENDITION = RENDITIONS["aac48"]
FRAME_SAMPLES = RENDITION.codec.frame_samples
FRAME_BYTES = RENDITION.bitrate * FRAME_SAMPLES // SAMPLE_RATE // 8
SEGMENT_S = 4.0
SEGMENTS_LISTED = 6
CHUNK_PARTS = 3  # what Nchan is given at once, and this edge's lane beside it
CHUNK_S = CHUNK_PARTS * PART_S
HISTORY_S = 40.0  # so much programme is over when the servers start: nobody waits for a window

ADTS_TIME = b"@TIME@"
_ADTS_HEADER = bytes.fromhex("fff14c4010fffc")
ADTS_BYTES = len(_ADTS_HEADER) + FRAME_BYTES
ADTS_BYTES_PER_S = ADTS_BYTES * SAMPLE_RATE / FRAME_SAMPLES
_TFDT_TIME_AT = 8 + 16 + 8 + 20 + 12


@dataclass(frozen=True, slots=True)
class Timeline:
    """When the programme began, by the monotonic clock that all processes share."""

    epoch_ns: int

    def at_s(self, now_ns: int) -> float:
        """Return how much of the programme is over."""
        return (now_ns - self.epoch_ns) / 1e9

    def due_ns(self, at_s: float) -> int:
        """Return when so much of the programme will be over."""
        return self.epoch_ns + round(at_s * 1e9)


def hls_init() -> bytes:
    """Return the initialisation segment."""
    return init_of(RENDITION)


def hls_segment(number: int) -> bytes:
    """Return one segment: the whole frames that begin within its four seconds."""
    frames_per_segment = SEGMENT_S * SAMPLE_RATE / FRAME_SAMPLES
    first, last = (-int(-n * frames_per_segment // 1) for n in (number, number + 1))
    frames = [b"." * FRAME_BYTES] * (last - first)
    made = bytearray(fragment(number, FRAME_SAMPLES, frames))
    made[_TFDT_TIME_AT : _TFDT_TIME_AT + 8] = (first * FRAME_SAMPLES).to_bytes(8, "big")
    return bytes(made)


def hls_playlist(newest: int) -> bytes:
    """Return the live playlist whose last segment is `newest`."""
    first = max(0, newest + 1 - SEGMENTS_LISTED)
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:6",
        "#EXT-X-TARGETDURATION:4",
        f"#EXT-X-MEDIA-SEQUENCE:{first}",
        '#EXT-X-MAP:URI="init.mp4"',
    ]
    for number in range(first, newest + 1):
        lines += ["#EXTINF:4.000,", f"{number}.m4s"]
    return ("\n".join(lines) + "\n").encode()


def chunk(number: int) -> bytes:
    """Return the parts that Nchan publishes as one message, the same bytes as this edge's."""
    first = number * CHUNK_PARTS
    return b"".join(part_of(RENDITION, part) for part in range(first, first + CHUNK_PARTS))


def adts_frame(number: int) -> bytes:
    """Return one frame of the Icecast stream; its payload says when it ends."""
    ends = ((number + 1) * FRAME_SAMPLES).to_bytes(8, "big")
    return _ADTS_HEADER + (ADTS_TIME + ends).ljust(FRAME_BYTES, b".")
