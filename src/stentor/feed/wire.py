"""The feed's messages and how they are framed on a byte stream. Sans I/O.

A frame is a 32-bit big-endian length and a MessagePack array of the message's fields. Parts carry
their own sample index, so a receiver can always tell what it missed.
"""

import struct
from enum import IntEnum

import msgspec

MESSAGE_BYTES_MAX = 4 * 1024 * 1024
_LENGTH = struct.Struct(">I")


class Kind(IntEnum):
    """What a message carries."""

    INIT = 1  # a rendition's initialisation segment
    PART = 2  # one part of a rendition: moof + mdat
    STATE = 3  # a room's state, JSON (`rooms.state`)
    END = 4  # a rendition's last part has been sent; `sequence` is how many there were
    FRAME = 5  # 960 samples of programme from the stage, signed 16-bit native-endian mono


class Message(msgspec.Struct, frozen=True, array_like=True):
    """One thing on its way. `sequence` is the part number, counted from the room's epoch."""

    kind: Kind
    room: str
    rendition: str = ""
    sequence: int = 0
    sample_index: int = 0
    payload: bytes = b""


class FrameTooLarge(ValueError):
    """The peer announced a frame beyond `MESSAGE_BYTES_MAX`."""


def encode_message(message: Message) -> bytes:
    """Return the message as one frame."""
    body = msgspec.msgpack.encode(message)
    return _LENGTH.pack(len(body)) + body


class Unframer:
    """Turns bytes, in whatever pieces they come, back into messages."""

    def __init__(self) -> None:
        self._rest = b""
        self._decode = msgspec.msgpack.Decoder(Message).decode

    def feed(self, data: bytes | memoryview) -> list[Message]:
        """Return every message that `data` completes; raises on garbage, which ends the feed.

        Nothing of `data` is held afterwards: payloads are copied out of it, once.
        """
        view = memoryview(b"".join((self._rest, data)) if self._rest else data)
        messages: list[Message] = []
        start, size = 0, len(view)
        while size - start >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(view, start)
            if length > MESSAGE_BYTES_MAX:
                raise FrameTooLarge(f"a frame of {length} bytes")
            end = start + _LENGTH.size + length
            if size < end:
                break
            messages.append(self._decode(view[start + _LENGTH.size : end]))
            start = end
        self._rest = bytes(view[start:])
        return messages
