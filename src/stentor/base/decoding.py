"""JSON from elsewhere as typed values: one error for whatever is wrong with it."""

from typing import TypeVar

import msgspec

T = TypeVar("T")


def decode_json(data: bytes, kind: type[T]) -> T:
    """Return a value of that type; raises `msgspec.MsgspecError` on anything else.

    msgspec itself lets a `UnicodeDecodeError` out where a string is not UTF-8.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except UnicodeDecodeError as error:
        raise msgspec.DecodeError(f"not UTF-8: {error.reason}") from None
