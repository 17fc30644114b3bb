"""How many bytes a delivery is on the wire: the programme, its boxes, TLS records, packets.

Counted, not measured: loopback has packets of 64 KB, so what a listener far away costs a network
cannot be seen there. Up to the packets it agrees with what clients get (docs/benchmarks/edges.md:
52.3 of 48 kbit/s in the 0.96 s lane, 49.6 in the 7.68 s lane).
"""

from dataclasses import dataclass
from math import ceil

from stentor.media.grid import PART_S

# Of Ethernet, a frame on the wire: 14 + 4 bytes, and 20 of preamble and gap; IPv4 20, TCP with
# timestamps 32. IPv6 has 20 more. What listeners send back goes the other way.
FRAME_BYTES, PAYLOAD_BYTES = 90, 1_448
RECORD_BYTES, RECORD_MAX = 22, 16_384  # TLS 1.3, and how much one record takes
_FRAGMENT_BYTES = 100  # moof, traf, mdat and the rest (media.fragments), without its table
_TABLE_BYTES = 4  # a frame's size
_FRAMES = 16  # of a part: 15 of AAC, 16 of Opus
_CHUNK_BYTES = 8  # HTTP: a length and two line ends
_MERGED_PARTS_MIN = 6  # edge.lane: from here on a delivery is one fragment


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery, in bytes. `boxes` are the container's, and HTTP's."""

    programme: float
    boxes: float
    records: int
    frames: int

    @property
    def on_wire(self) -> float:
        """All of it."""
        return self.programme + self.boxes + self.records + self.frames * FRAME_BYTES

    @property
    def overhead(self) -> float:
        """On the wire against the programme."""
        return self.on_wire / self.programme


def delivery(parts: int, bits_per_s: float, *, tls: bool = True) -> Delivery:
    """Return one delivery of a lane of so many parts, of a programme of so many bits a second."""
    programme = parts * PART_S * bits_per_s / 8
    fragments = 1 if parts >= _MERGED_PARTS_MIN else parts
    boxes = fragments * _FRAGMENT_BYTES + parts * _FRAMES * _TABLE_BYTES + _CHUNK_BYTES
    records = ceil((programme + boxes) / RECORD_MAX) * RECORD_BYTES if tls else 0
    frames = ceil((programme + boxes + records) / PAYLOAD_BYTES)
    return Delivery(programme, boxes, records, frames)
