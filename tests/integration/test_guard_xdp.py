"""The XDP program by itself: the kernel runs it on packets of the test's own making."""

from __future__ import annotations

import ipaddress
import socket
import struct
from collections.abc import Iterator

import pytest

from stentor.guard.kernel import Ground, KernelRefused
from stentor.guard.xdp import Xdp, prefix_key
from stentor.shield.vocabulary import Limits, Media
from support.programs import needs_program, needs_root

pytestmark = [needs_root, needs_program("clang")]

DROP, PASS = 1, 2  # linux/bpf.h, enum xdp_action
LISTENERS, CONTROL, STAGE, MEDIA = 8000, 8001, 8002, 61_000
SYN, ACK, RST, FIN = 2, 16, 4, 1
V4, V6 = "198.51.100.7", "2001:db8:1:2::7"
OWN = "192.0.2.9"
DTLS = b"\x16\xfe\xfd" + bytes(60)
STUN = b"\0\1\0\0\x21\x12\xa4\x42" + bytes(12)


def tcp(port: int = LISTENERS, flags: int = SYN) -> tuple[int, bytes]:
    return socket.IPPROTO_TCP, struct.pack("!HHIIBBHHH", 4_000, port, 0, 0, 0x50, flags, 9, 0, 0)


def udp(data: bytes, port: int = MEDIA, source: int = 4_000) -> tuple[int, bytes]:
    return socket.IPPROTO_UDP, struct.pack("!HHHH", source, port, 8 + len(data), 0) + data


def packet(
    source: str,
    payload: tuple[int, bytes],
    *,
    tags: int = 0,
    options: int = 0,
    fragment: int = 0,
    before: tuple[int, ...] = (),
) -> bytes:
    """Return a frame: with VLAN tags, IPv4 options, as a fragment, behind IPv6 extensions."""
    address = ipaddress.ip_address(source)
    protocol, data = payload
    if address.version == 4:
        kind = b"\x08\x00"
        head = struct.pack(
            "!BBHHHBBH4s4s", 0x45 + options, 0, 20 + 4 * options + len(data), 1, fragment, 64,
            protocol, 0, address.packed, bytes(4),
        )  # fmt: skip
        body = head + bytes(4 * options) + data
    else:
        kind = b"\x86\xdd"
        for extension in reversed(before):
            more = struct.pack("!BBH4x", protocol, 0, fragment if extension == 44 else 0)
            protocol, data = extension, more + data
        head = struct.pack("!IHBB", 6 << 28, len(data), protocol, 64)
        body = head + address.packed + bytes(16) + data
    return bytes(12) + b"\x81\x00\x00\x07" * tags + kind + body


@pytest.fixture(scope="module")
def loaded() -> Iterator[Xdp]:
    ground = Ground(
        LISTENERS, (CONTROL, STAGE), (MEDIA, 65_535), (ipaddress.ip_network(f"{OWN}/32"),)
    )
    try:
        kernel = Xdp(ground, ())
    except KernelRefused as error:
        if "not permitted" in str(error):
            pytest.skip(f"this kernel lets nobody load a program here: {error}")
        raise
    yield kernel
    kernel.close()


@pytest.fixture
def xdp(loaded: Xdp) -> Iterator[Xdp]:
    yield loaded
    loaded.limit(Limits())
    for network in (f"{V4}/32", "198.51.100.0/24", "2001:db8:1::/48", "2001:db8:1:2::/64"):
        loaded.unban(ipaddress.ip_network(network))


def verdict(xdp: Xdp, frame: bytes, times: int = 1) -> int:
    return xdp.loaded.run(frame, times)[0]


def ban(xdp: Xdp, network: str, seconds: int = 600) -> None:
    xdp.ban(ipaddress.ip_network(network), seconds)


@pytest.mark.parametrize(
    ("source", "shape"),
    [
        (V4, {}),
        (V4, {"tags": 1}),
        (V4, {"tags": 2}),
        (V4, {"options": 5}),
        (V6, {}),
        (V6, {"tags": 1}),
        (V6, {"before": (0, 60)}),  # hop-by-hop and destination options
        (V6, {"before": (44,)}),  # the first of fragments, or the only one
    ],
)
def test_a_beginning_from_a_banned_network_is_dropped_in_whatever_it_is_wrapped(
    xdp: Xdp, source: str, shape: dict
) -> None:
    frame = packet(source, tcp(), **shape)
    assert verdict(xdp, frame) == PASS
    before = xdp.drops()["banned"]
    ban(xdp, "198.51.100.0/24")
    ban(xdp, "2001:db8:1::/48")
    assert verdict(xdp, frame) == DROP
    assert xdp.drops()["banned"] == before + 1


@pytest.mark.parametrize(
    "payload",
    [
        tcp(flags=ACK),
        tcp(flags=SYN | ACK),
        tcp(flags=RST),
        tcp(flags=FIN | ACK),
        tcp(CONTROL),
        tcp(STAGE),
        tcp(22),
        udp(DTLS),
        udp(DTLS, port=53),
        (socket.IPPROTO_ICMP, bytes(8)),
    ],
)
def test_what_is_no_beginning_at_the_listeners_port_passes_also_from_who_is_banned(
    xdp: Xdp, payload: tuple[int, bytes]
) -> None:
    ban(xdp, f"{V4}/32")
    assert verdict(xdp, packet(V4, payload)) == PASS


def test_a_later_fragment_a_short_packet_and_the_operators_own_pass(xdp: Xdp) -> None:
    ban(xdp, f"{V4}/32")
    assert verdict(xdp, packet(V4, tcp(), fragment=5)) == PASS
    assert verdict(xdp, packet(V4, (6, tcp()[1][:12]))) == PASS
    assert verdict(xdp, bytes(12) + b"\x08\x06" + bytes(46)) == PASS  # ARP
    ban(xdp, "192.0.2.0/24")
    assert verdict(xdp, packet(OWN, tcp())) == PASS
    xdp.unban(ipaddress.ip_network("192.0.2.0/24"))


def test_a_ban_that_ended_passes_before_it_is_tidied_and_hides_no_wider_one(xdp: Xdp) -> None:
    frame = packet(V4, tcp())
    ban(xdp, f"{V4}/32", 0)  # over at once
    assert verdict(xdp, frame) == PASS
    ban(xdp, "198.51.100.0/24")
    assert verdict(xdp, frame) == DROP
    xdp.unban(ipaddress.ip_network("198.51.100.0/24"))
    assert verdict(xdp, frame) == PASS
    frame = packet(V6, tcp())
    ban(xdp, "2001:db8:1:2::/64", 0)
    ban(xdp, "2001:db8:1::/48")
    assert verdict(xdp, frame) == DROP
    xdp.tidy()
    assert verdict(xdp, frame) == DROP


def test_beginnings_have_a_pace_for_each_address_and_each_64_of_ipv6(xdp: Xdp) -> None:
    xdp.limit(Limits(syn_per_s=1))  # two at once
    for source, neighbour, other in (
        (V4, "", "198.51.100.8"),
        (V6, "2001:db8:1:2::8", "2001:db8:1:3::7"),
    ):
        frame = packet(source, tcp(CONTROL))
        assert verdict(xdp, frame) == PASS
        assert verdict(xdp, frame, 50) == DROP
        if neighbour:
            assert verdict(xdp, packet(neighbour, tcp(CONTROL)), 50) == DROP
        assert verdict(xdp, packet(other, tcp(CONTROL))) == PASS
        assert verdict(xdp, packet(source, tcp(22)), 50) == PASS
        assert verdict(xdp, packet(source, tcp(CONTROL, ACK)), 50) == PASS


def test_media_ports_take_checks_of_all_and_media_of_the_validated(xdp: Xdp) -> None:
    assert verdict(xdp, packet(V4, udp(DTLS))) == PASS
    xdp.limit(Limits(media=Media.VALIDATED))
    for data in (DTLS, b"\x80" * 100, b"", b"\0" * 20, STUN[:19]):
        assert verdict(xdp, packet(V4, udp(data))) == DROP
    assert verdict(xdp, packet(V4, udp(STUN))) == PASS
    assert verdict(xdp, packet(V4, udp(DTLS, port=53))) == PASS
    for source in (V4, V6):
        xdp.validate(ipaddress.ip_address(source), 4_001, 600)
        assert verdict(xdp, packet(source, udp(DTLS, source=4_001))) == PASS
        assert verdict(xdp, packet(source, udp(DTLS, source=4_002))) == DROP
        xdp.validate(ipaddress.ip_address(source), 4_001, 0)
        assert verdict(xdp, packet(source, udp(DTLS, source=4_001))) == DROP


def test_a_strangers_checks_have_a_pace_and_a_speakers_media_has_none(xdp: Xdp) -> None:
    xdp.limit(Limits(udp_per_s=1))
    assert verdict(xdp, packet(V4, udp(STUN)), 50) == DROP
    xdp.validate(ipaddress.ip_address(V4), 4_003, 600)
    assert verdict(xdp, packet(V4, udp(DTLS, source=4_003)), 1_000) == PASS


def test_what_has_expired_is_taken_out_of_the_kernels_map(xdp: Xdp) -> None:
    network = ipaddress.ip_network("203.0.113.0/24")
    xdp.ban(network, 0)
    assert xdp.loaded.look(xdp.loaded.map("bans"), prefix_key(network), 8) is not None
    xdp.tidy()
    assert xdp.loaded.look(xdp.loaded.map("bans"), prefix_key(network), 8) is None
