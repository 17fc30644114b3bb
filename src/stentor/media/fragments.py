"""Init segments and fragments: one fragment is one part of a rendition, `moof` + `mdat`.

`tfdt` is the sample index since the room's epoch, and there is no edit list, so an init followed
by any parts in order is a valid MP4. This module never encodes or decodes audio.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from stentor.media.boxes import MalformedBox, box, boxes, full_box
from stentor.media.grid import PART_SAMPLES, SAMPLE_RATE
from stentor.media.renditions import Codec, Rendition

_TRACK = 1
_SYNC_SAMPLE = 0x02000000  # depends on no other: every audio frame is a point to start at
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


@dataclass(frozen=True, slots=True)
class Fragment:
    """What a part says of itself, and its encoded frames."""

    sequence: int
    decode_time: int  # samples since the room's epoch
    frame_samples: int
    frames: tuple[bytes, ...]

    @property
    def samples(self) -> int:
        """How many samples the part decodes to."""
        return self.frame_samples * len(self.frames)


def init_segment(rendition: Rendition, extradata: bytes) -> bytes:
    """Return `ftyp` + `moov`. `extradata` is the encoder's: AudioSpecificConfig or OpusHead."""
    entry = _opus_entry(extradata) if rendition.codec is Codec.OPUS else _aac_entry(extradata)
    empty_table = struct.pack(">I", 0)
    sample_table = box(
        "stbl",
        full_box("stsd", 0, 0, struct.pack(">I", 1), entry),
        full_box("stts", 0, 0, empty_table),
        full_box("stsc", 0, 0, empty_table),
        full_box("stsz", 0, 0, struct.pack(">II", 0, 0)),
        full_box("stco", 0, 0, empty_table),
    )
    data_reference = full_box("dref", 0, 0, struct.pack(">I", 1), full_box("url ", 0, 1))
    media = box(
        "mdia",
        full_box("mdhd", 0, 0, struct.pack(">IIIIHH", 0, 0, SAMPLE_RATE, 0, 0x55C4, 0)),
        full_box("hdlr", 0, 0, struct.pack(">I4s12x", 0, b"soun"), b"Stentor\0"),
        box("minf", full_box("smhd", 0, 0, bytes(4)), box("dinf", data_reference), sample_table),
    )
    track_header = full_box(
        "tkhd",
        0,
        7,
        struct.pack(">IIIII8xhhhH", 0, 0, _TRACK, 0, 0, 0, 0, 0x100, 0),
        _MATRIX,
        bytes(8),
    )
    movie_header = full_box(
        "mvhd", 0, 0, struct.pack(">IIIIIH10x", 0, 0, SAMPLE_RATE, 0, 0x10000, 0x100), _MATRIX,
        bytes(24), struct.pack(">I", _TRACK + 1),
    )  # fmt: skip
    defaults = full_box(
        "trex",
        0,
        0,
        struct.pack(">IIIII", _TRACK, 1, rendition.codec.frame_samples, 0, _SYNC_SAMPLE),
    )
    return box("ftyp", b"iso6", bytes(4), b"iso6mp41cmfc") + box(
        "moov", movie_header, box("trak", track_header, media), box("mvex", defaults)
    )


def _sample_entry(kind: str, codec_box: bytes) -> bytes:
    return box(
        kind,
        struct.pack(">6xH8xHHHHI", 1, 1, 16, 0, 0, SAMPLE_RATE << 16),
        codec_box,
    )


def _aac_entry(config: bytes) -> bytes:
    def descriptor(tag: int, payload: bytes) -> bytes:
        return bytes((tag, len(payload))) + payload

    decoder = struct.pack(">BBBHII", 0x40, 0x15, 0, 0, 0, 0) + descriptor(5, config)
    stream = struct.pack(">HB", 0, 0) + descriptor(4, decoder) + descriptor(6, b"\x02")
    return _sample_entry("mp4a", full_box("esds", 0, 0, descriptor(3, stream)))


def _opus_entry(head: bytes) -> bytes:
    """OpusHead is little-endian, `dOps` is big-endian.

    The pre-skip is given as 0: there is no edit list, and a decoder that obeyed the encoder's 312
    would shift everything against the grid that AAC shares.
    """
    channels, _pre_skip, rate, gain, family = struct.unpack_from("<BHIhB", head, 9)
    return _sample_entry(
        "Opus", box("dOps", struct.pack(">BBHIhB", 0, channels, 0, rate, gain, family))
    )


def fragment(part: int, frame_samples: int, frames: Sequence[bytes]) -> bytes:
    """Return part number `part` as `moof` + `mdat`."""
    count = len(frames)
    run_bytes = 20 + 4 * count
    moof_bytes = 8 + 16 + 8 + 20 + 20 + run_bytes
    header = struct.pack(
        ">I4s" "I4sII" "I4s" "I4sIII" "I4sIQ" "I4sIIi",
        moof_bytes, b"moof",
        16, b"mfhd", 0, (part + 1) & 0xFFFFFFFF,
        moof_bytes - 24, b"traf",
        20, b"tfhd", 0x020008, _TRACK, frame_samples,  # default-base-is-moof, default duration
        20, b"tfdt", 1 << 24, part * PART_SAMPLES,
        run_bytes, b"trun", 0x000201, count, moof_bytes + 8,  # data offset, sample sizes
    )  # fmt: skip
    sizes = struct.pack(f">{count}I", *map(len, frames))
    return b"".join((header, sizes, box("mdat", *frames)))


def _child(parent: bytes, kind: str) -> bytes:
    for one in boxes(parent):
        if one.kind == kind:
            return one.payload
    raise MalformedBox(f"no {kind} box")


def read_fragment(data: bytes) -> Fragment:
    """Return what `moof` + `mdat`, as `fragment` makes them, say; raises `MalformedBox`."""
    found = list(boxes(data))
    if [one.kind for one in found] != ["moof", "mdat"]:
        raise MalformedBox("not one moof and one mdat")
    return read_moof(found[0].payload, found[1].payload)


def read_moof(moof: bytes, mdat: bytes) -> Fragment:
    """Return what the payloads of `moof` and `mdat` say; raises `MalformedBox`."""
    try:
        (sequence,) = struct.unpack_from(">4xI", _child(moof, "mfhd"))
        run_parent = _child(moof, "traf")
        flags, _track, duration = struct.unpack_from(">III", _child(run_parent, "tfhd"))
        version, decode_time = struct.unpack_from(">B3xQ", _child(run_parent, "tfdt"))
        run = _child(run_parent, "trun")
        run_flags, count, offset = struct.unpack_from(">IIi", run)
        sizes = struct.unpack_from(f">{min(count, len(run) // 4)}I", run, 12)
    except struct.error as error:
        raise MalformedBox(f"not a fragment: {error}") from None
    if (flags, version, run_flags & 0xFFFFFF) != (0x020008, 1, 0x000201):
        raise MalformedBox("a fragment of another shape")
    if len(sizes) != count or sum(sizes) != len(mdat) or offset != len(moof) + 16:
        raise MalformedBox("the sizes of a fragment do not add up")
    frames: list[bytes] = []
    start = 0
    for size in sizes:
        frames.append(mdat[start : start + size])
        start += size
    return Fragment(sequence, decode_time, duration, tuple(frames))


def read_codec(init: bytes) -> tuple[Codec, bytes]:
    """Return an init segment's codec and its decoder's configuration; raises `MalformedBox`."""
    table = _child(init, "moov")
    for kind in ("trak", "mdia", "minf", "stbl", "stsd"):
        table = _child(table, kind)
    entry = next(boxes(table[8:]), None)
    if entry is None:
        raise MalformedBox("no sample entry")
    if entry.kind == "Opus":
        version, channels, pre_skip, rate, gain, family = _unpack(
            ">BBHIhB", _child(entry.payload[28:], "dOps")
        )
        head = struct.pack(
            "<8sBBHIhB", b"OpusHead", version + 1, channels, pre_skip, rate, gain, family
        )
        return Codec.OPUS, head
    if entry.kind == "mp4a":
        config = _child(entry.payload[28:], "esds")
        # 4 flags, ES descriptor (2 + 3), decoder descriptor (2 + 13), then tag 5 and its length.
        tag, length = _unpack(">BB", config[24:])
        if tag != 5 or len(config) < 26 + length:
            raise MalformedBox("no decoder configuration")
        return Codec.AAC, config[26 : 26 + length]
    raise MalformedBox(f"a sample entry of another kind: {entry.kind}")


def _unpack(layout: str, data: bytes) -> tuple[int, ...]:
    try:
        return struct.unpack_from(layout, data)
    except struct.error as error:
        raise MalformedBox(str(error)) from None
