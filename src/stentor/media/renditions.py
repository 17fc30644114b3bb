"""The encodings of the programme. A rendition's name is what listeners ask for.

Names and bit rates are part of the public interface; an edge knows nothing else of audio.
"""

from dataclasses import dataclass
from enum import Enum


class Codec(Enum):
    """An audio codec, with its frame length in samples at 48 kHz."""

    OPUS = "opus"
    AAC = "aac"

    @property
    def frame_samples(self) -> int:
        """Samples in one encoded frame."""
        return 960 if self is Codec.OPUS else 1024


@dataclass(frozen=True, slots=True)
class Rendition:
    """One encoding of the programme: mono, 48 kHz."""

    name: str
    codec: Codec
    bitrate: int  # bits a second

    @property
    def codecs(self) -> str:
        """The RFC 6381 string that a playlist's CODECS and MSE's `addSourceBuffer` want."""
        return "opus" if self.codec is Codec.OPUS else "mp4a.40.2"


RENDITIONS: dict[str, Rendition] = {
    rendition.name: rendition
    for rendition in (
        Rendition("opus24", Codec.OPUS, 24_000),
        Rendition("aac48", Codec.AAC, 48_000),
        Rendition("aac96", Codec.AAC, 96_000),
    )
}
DEFAULT_RENDITION = "aac48"


def bitrate_of(name: str) -> int:
    """Return a rendition's bits a second; of one that is not known here, the highest."""
    known = RENDITIONS.get(name)
    return known.bitrate if known else max(one.bitrate for one in RENDITIONS.values())
