"""What a media socket's own filter lets through: who ICE knows, and checks that know our name.

A classic BPF program on the socket, which needs no privilege. What it drops never wakes this
process and takes no place in the socket's buffer, so a spray cannot crowd out a speaker's packets.
It sees the datagram from its UDP header on. It checks no signature: `gate` and aioice do.
"""

import ctypes
import ipaddress
import socket
import struct
from collections.abc import Collection
from typing import Any

SOURCES_MAX = 8  # addresses and ports of one speaker that are let through
_ATTACH_FILTER = 26  # SO_ATTACH_FILTER, asm-generic/socket.h
_MEMINFO = 55  # SO_MEMINFO
_MEMINFO_DROPS = 8  # SK_MEMINFO_DROPS, linux/sock_diag.h
_MEMINFO_BYTES = 36
_NETWORK = 0xFFF0_0000  # SKF_NET_OFF, linux/filter.h: from the IP header on
_COOKIE = 0x2112A442  # RFC 8489, section 5
_BINDING_REQUEST = 0x0001
_USERNAME = 0x0006
_PAYLOAD = 8  # behind the UDP header
_ATTRIBUTES = _PAYLOAD + 20
_ATTRIBUTES_MAX = 12  # looked at for USERNAME, which all known clients put among the first
_INSTRUCTION = struct.Struct("=HBBI")
_PASS, _DROP = 0xFFFF, 0
# Codes of linux/bpf_common.h: load word, half, byte, absolute; the same behind X; and the rest.
_LD_W, _LD_H = 0x20, 0x28
_LDX_IMM, _LD_W_X, _LD_H_X = 0x01, 0x40, 0x48
_ADD, _ADD_X, _AND, _TAX = 0x04, 0x0C, 0x54, 0x07
_JEQ, _RET = 0x15, 0x06

Source = tuple[str, int]
Instruction = tuple[int, int, int, int]


def program(family: int, ufrag: str, sources: Collection[Source]) -> list[Instruction]:
    """Return the filter of a socket of a family, for a session with this user name fragment."""
    out: list[Instruction] = []
    for address, port in sources:
        words = _words(address)
        if len(words) != (1 if family == socket.AF_INET else 4):
            continue
        begin = 12 if family == socket.AF_INET else 8  # of the source in the IP header
        tests = [(_LD_W, _NETWORK + begin + 4 * n, word) for n, word in enumerate(words)]
        out += _all_equal([*tests, (_LD_H, 0, port)])
    out += _check(ufrag.encode())
    return out


def _words(address: str) -> list[int]:
    packed = ipaddress.ip_address(address.partition("%")[0]).packed
    return [int.from_bytes(packed[at : at + 4]) for at in range(0, len(packed), 4)]


def _all_equal(tests: list[tuple[int, int, int]]) -> list[Instruction]:
    """Pass what equals in all of these; go on behind this with the rest."""
    out: list[Instruction] = []
    for number, (load, at, value) in enumerate(tests):
        left = 2 * (len(tests) - number - 1) + 1  # instructions behind this test, the pass included
        out += [(load, 0, 0, at), (_JEQ, 0, left, value)]
    return [*out, (_RET, 0, 0, _PASS)]


def _check(ufrag: bytes) -> list[Instruction]:
    """Pass a STUN binding request whose user name begins with ours; drop all else."""
    head = int.from_bytes(ufrag[:4].ljust(4, b":"))
    out: list[Instruction] = [
        (_LD_W, 0, 0, _PAYLOAD + 4),
        (_JEQ, 1, 0, _COOKIE),
        (_RET, 0, 0, _DROP),
        (_LD_H, 0, 0, _PAYLOAD),
        (_JEQ, 1, 0, _BINDING_REQUEST),
        (_RET, 0, 0, _DROP),
        (_LDX_IMM, 0, 0, _ATTRIBUTES),
    ]
    for _ in range(_ATTRIBUTES_MAX):
        out += [
            (_LD_H_X, 0, 0, 0),
            (_JEQ, 0, 4, _USERNAME),
            (_LD_W_X, 0, 0, 4),
            (_JEQ, 0, 1, head),
            (_RET, 0, 0, _PASS),
            (_RET, 0, 0, _DROP),
            (_LD_H_X, 0, 0, 2),  # its length, padded to four bytes, and its own head
            (_ADD, 0, 0, 7),
            (_AND, 0, 0, 0x1FFFC),
            (_ADD_X, 0, 0, 0),
            (_TAX, 0, 0, 0),
        ]
    return [*out, (_RET, 0, 0, _DROP)]


def attach(sock: Any, ufrag: str, sources: Collection[Source]) -> bool:
    """Put the filter on a socket, in place of the one before; say whether the kernel took it."""
    code = b"".join(
        _INSTRUCTION.pack(*one) for one in program(sock.family, ufrag, list(sources)[-SOURCES_MAX:])
    )
    held = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("HP", len(code) // _INSTRUCTION.size, ctypes.addressof(held))
    try:
        sock.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, header)
    except OSError:
        return False
    return True


def sifted_total(sock: Any) -> int:
    """Return how many datagrams the kernel dropped at a socket, by its filter or unread."""
    try:
        facts = sock.getsockopt(socket.SOL_SOCKET, _MEMINFO, _MEMINFO_BYTES)
    except OSError:
        return 0
    return int(struct.unpack(f"={len(facts) // 4}I", facts)[_MEMINFO_DROPS])
