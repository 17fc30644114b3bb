"""The PROXY protocol as HAProxy's specification has it, and everything that is not it."""

from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.edge.proxy import V1_BYTES_MAX, V2_BYTES_MAX, Spoken, read_proxy_header

SIGNATURE = bytes.fromhex("0D0A0D0A000D0A515549540A")
V4 = socket.inet_aton("192.0.2.7") + socket.inet_aton("10.0.0.1") + struct.pack("!HH", 5000, 443)
V6 = socket.inet_pton(socket.AF_INET6, "2001:db8::7")


def v2(command: int, family: int, body: bytes) -> bytes:
    return SIGNATURE + struct.pack("!BBH", 0x20 | command, family, len(body)) + body


@pytest.mark.parametrize(
    ("header", "peer"),
    [
        (b"PROXY TCP4 192.0.2.7 10.0.0.1 5000 443\r\n", "192.0.2.7"),
        (b"PROXY TCP6 2001:db8::7 ::1 65535 1\r\n", "2001:db8::7"),
        (b"PROXY TCP6 ::ffff:192.0.2.7 ::1 1 1\r\n", "192.0.2.7"),
        (b"PROXY UNKNOWN\r\n", None),
        (b"PROXY UNKNOWN 1.2.3.4 whatever it says here\r\n", None),
        (v2(1, 0x11, V4), "192.0.2.7"),
        (v2(1, 0x21, V6 + b"\0" * 16 + b"\0\1\0\2"), "2001:db8::7"),
        (v2(1, 0x11, V4 + b"\x04\x00\x03abc"), "192.0.2.7"),  # with a TLV
        (v2(0, 0x00, b""), None),
        (v2(0, 0x11, V4), None),  # the front's own check, whatever addresses it sends
        (v2(1, 0x31, b"/" * 216), None),
    ],
)
def test_header_names_the_client_in_any_number_of_pieces(header: bytes, peer: str | None) -> None:
    family = socket.AF_INET6 if peer and ":" in peer else socket.AF_INET
    packed = socket.inet_pton(family, peer) if peer else None
    assert read_proxy_header(header + b"GET /") == Spoken(len(header), packed)
    for cut in range(len(header)):
        assert read_proxy_header(header[:cut]) is None


@pytest.mark.parametrize(
    "header",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 5000\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 5000 443 1\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 5000 65536\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 5000 \xb2\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 -1 443\r\n",
        b"PROXY TCP4 ::1 10.0.0.1 1 1\r\n",
        b"PROXY TCP4 192.0.2 10.0.0.1 1 1\r\n",
        b"PROXY UDP4 192.0.2.7 10.0.0.1 1 1\r\n",
        b"PROXY  TCP4 192.0.2.7 10.0.0.1 1 1\r\n",
        b"PROXY " + b"x" * V1_BYTES_MAX,
        SIGNATURE + b"\x11\x11\x00\x0c" + V4,
        v2(2, 0x11, V4),
        v2(1, 0x12, V4),
        v2(1, 0x11, V4[:8]),
        v2(1, 0x11, V4 + b"\0" * V2_BYTES_MAX),
    ],
)
def test_what_is_no_header_is_refused(header: bytes) -> None:
    with pytest.raises(ValueError):
        read_proxy_header(header)


@given(st.binary(max_size=700), st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", SIGNATURE]))
def test_any_bytes_are_a_header_or_none_or_refused(data: bytes, start: bytes) -> None:
    said = start + data
    try:
        spoken = read_proxy_header(said)
    except ValueError:
        return
    if spoken is None:
        assert len(said) < max(V1_BYTES_MAX, V2_BYTES_MAX)
    else:
        assert spoken.length <= len(said)
        assert spoken.peer is None or len(spoken.peer) in (4, 16)
