"""The programme clock's arithmetic: samples since the room's epoch, and the grid laid over them.

Everything that a listener or a file ever sees is derived from the sample index here. This module
never looks at a clock: wall time comes in as whole milliseconds or nanoseconds.
"""

SAMPLE_RATE = 48_000
FRAME_SAMPLES = 960  # 20 ms: one Opus packet, one tick of the mix
PART_SAMPLES = 15_360  # 0.32 s: the LCM of AAC's 1024 and Opus's 960
CHUNK_SAMPLES = 46_080  # 0.96 s
SEGMENT_SAMPLES = 184_320  # 3.84 s

PARTS_PER_SEGMENT = SEGMENT_SAMPLES // PART_SAMPLES
PART_S = PART_SAMPLES / SAMPLE_RATE
SEGMENT_S = SEGMENT_SAMPLES / SAMPLE_RATE

_NS_PER_S = 1_000_000_000


def sample_at(epoch_ms: int, now_ns: int) -> int:
    """Return the index of the sample that is due at `now_ns` (negative before the epoch)."""
    return ((now_ns - epoch_ms * 1_000_000) * SAMPLE_RATE) // _NS_PER_S


def time_of(epoch_ms: int, sample_index: int) -> int:
    """Return the wall time in nanoseconds at which `sample_index` is due."""
    return epoch_ms * 1_000_000 + sample_index * _NS_PER_S // SAMPLE_RATE


def parts_in(sample_count: int) -> int:
    """Return how many parts hold `sample_count` samples, the last one perhaps padded."""
    return -(-sample_count // PART_SAMPLES)
