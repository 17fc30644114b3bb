"""The PROXY protocol, versions 1 and 2: whom a front speaks for. Pure, sans I/O.

After HAProxy's specification (proxy-protocol.txt, 2020/03/05), whose sections are named here. Who
may send a header is decided by whoever reads it; what comes after it is not looked at.
"""

import socket
import struct
from dataclasses import dataclass

V1_BYTES_MAX = 107  # section 2.1: the longest line, CRLF included
V2_BYTES_MAX = 536  # section 2.2: address block plus TLVs; larger than any front's default
_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"  # section 2.2
_V1 = b"PROXY "
_MAPPED = b"\0" * 10 + b"\xff\xff"


@dataclass(frozen=True, slots=True)
class Spoken:
    """A whole header of `length` bytes. No peer: the front speaks for itself (LOCAL, UNKNOWN)."""

    length: int
    peer: bytes | None


def read_proxy_header(data: bytes) -> Spoken | None:
    """Return the header at the start of `data`, None while it is incomplete.

    Raises `ValueError` if there will never be one.
    """
    if not data or (_SIGNATURE.startswith(data[:12]) and len(data) < 12):
        return None
    if data.startswith(_SIGNATURE):
        return _binary(data)
    if data.startswith(_V1) or _V1.startswith(data[:6]):
        return _text(data)
    raise ValueError("no PROXY header")


def _text(data: bytes) -> Spoken | None:
    """Section 2.1: one line of ASCII, `PROXY TCP4 source destination port port`."""
    end = data.find(b"\r\n", 0, V1_BYTES_MAX)
    if end < 0:
        if len(data) >= V1_BYTES_MAX:
            raise ValueError("the PROXY line is too long")
        return None
    words = data[:end].decode("ascii").split(" ")  # a UnicodeDecodeError is a ValueError
    if len(words) > 1 and words[1] == "UNKNOWN":
        return Spoken(end + 2, None)
    if len(words) != 6 or words[1] not in ("TCP4", "TCP6"):
        raise ValueError("a malformed PROXY line")
    for port in words[4:]:
        if not (port.isdigit() and len(port) <= 5 and int(port) <= 65_535):
            raise ValueError("a malformed port")
    family = socket.AF_INET if words[1] == "TCP4" else socket.AF_INET6
    try:
        peer, _ = (socket.inet_pton(family, word) for word in words[2:4])
    except OSError:
        raise ValueError("a malformed address") from None
    return Spoken(end + 2, _plain(peer))


def _binary(data: bytes) -> Spoken | None:
    """Section 2.2: signature, version and command, family, length, addresses, TLVs."""
    if len(data) < 16:
        return None
    kind, family, size = struct.unpack_from("!BBH", data, 12)
    if kind >> 4 != 2 or kind & 0x0F > 1:
        raise ValueError("an unknown version or command")
    if 16 + size > V2_BYTES_MAX:
        raise ValueError("the PROXY header is too long")
    if len(data) < 16 + size:
        return None
    if kind & 0x0F == 0:  # LOCAL: the front's own health check
        return Spoken(16 + size, None)
    address_bytes = {0x1: 4, 0x2: 16}.get(family >> 4)
    if address_bytes is None:  # AF_UNSPEC, AF_UNIX: real, but nobody whom we could tell apart
        return Spoken(16 + size, None)
    if family & 0x0F != 1:  # STREAM
        raise ValueError("not a stream")
    if size < 2 * address_bytes + 4:
        raise ValueError("the addresses are cut off")
    return Spoken(16 + size, _plain(data[16 : 16 + address_bytes]))


def _plain(peer: bytes) -> bytes:
    """IPv4 within IPv6 is IPv4."""
    return peer[12:] if len(peer) == 16 and peer.startswith(_MAPPED) else peer
