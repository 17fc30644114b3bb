"""The feed's framing: whatever the pieces, the same messages; garbage ends it."""

from __future__ import annotations

import struct

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.feed.wire import (
    MESSAGE_BYTES_MAX,
    FrameTooLarge,
    Kind,
    Message,
    Unframer,
    encode_message,
)

messages = st.builds(
    Message,
    kind=st.sampled_from(Kind),
    room=st.text(max_size=64),
    rendition=st.text(max_size=16),
    sequence=st.integers(0, 2**32),
    sample_index=st.integers(0, 2**48),
    payload=st.binary(max_size=3_000),
)


@given(st.lists(messages, max_size=8), st.data())
def test_messages_come_out_as_they_went_in_however_the_bytes_are_cut(
    sent: list[Message], data: st.DataObject
) -> None:
    stream = b"".join(map(encode_message, sent))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    unframer = Unframer()
    received: list[Message] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        received += unframer.feed(stream[start:end])
    assert received == sent


@given(messages)
def test_message_is_not_given_out_before_its_last_byte(message: Message) -> None:
    stream = encode_message(message)
    unframer = Unframer()
    assert unframer.feed(stream[:-1]) == []
    assert unframer.feed(stream[-1:]) == [message]


def test_frame_that_announces_too_much_is_refused_before_it_is_held() -> None:
    with pytest.raises(FrameTooLarge):
        Unframer().feed(struct.pack(">I", MESSAGE_BYTES_MAX + 1))


@given(st.binary(max_size=200))
def test_garbage_never_raises_anything_but_what_the_feed_expects(data: bytes) -> None:
    unframer = Unframer()
    try:
        unframer.feed(data)
        unframer.feed(struct.pack(">I", len(data)) + data)
    except (FrameTooLarge, msgspec.MsgspecError):
        pass
