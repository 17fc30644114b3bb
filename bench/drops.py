#!/usr/bin/env python
"""What a dropped packet or connection costs: XDP, nftables, the stage's filter, the edge.

    bench/drops.py [--packets 200000] [--connections 4000] [--rounds 5] [--markdown]

Root; needs nft and clang. XDP: the kernel's own test run of the guard's program. nftables and a
whole stack: packets over a cable between two namespaces of the bench's own, sent from a packet
socket; what sending alone costs (to a hardware address that nobody has) is taken off. Edge: the CPU
of one edge process, for connections that it refuses. Everything stays on this machine.
"""

import argparse
import contextlib
import ipaddress
import itertools
import multiprocessing
import os
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from ground import free_port

from stentor.base.clock import SystemClock
from stentor.base.paths import DataFolder
from stentor.base.settings import Settings
from stentor.edge.serve import run_edge
from stentor.guard.kernel import Ground, Kernel
from stentor.guard.nftables import Nftables
from stentor.guard.xdp import Xdp
from stentor.rooms.orders import Phase
from stentor.shield.vocabulary import Limits, Media
from stentor.stage import sieve
from stentor.trials.kernel import cpu_s
from support.namespaces import FAR_INTERFACE, NEAR, NEAR_INTERFACE, Cable, cable
from support.programme import FeedThread, Programme
from support.seconds import watch_of

PORT, MEDIA = 8000, 61_000
BANS = 10_000
GROUND = Ground(PORT, (8001, 8002), (MEDIA, 65_535), (ipaddress.ip_network("127.0.0.0/8"),))
BANNED, FREE = "198.51.100.7", "203.0.113.9"
BANNED6 = "2001:db8:1::7"
SYN, ACK = 0x02, 0x10
_REPEAT = 1_000_000
_BURSTS = 20
Row = tuple[str, float, str]


def tcp(
    source: str, flags: int, destination: str = NEAR, port: int = PORT, of: int = 4_000
) -> bytes:
    """Return an IP packet that begins a TCP connection, or is of one."""
    head = struct.pack("!HHIIBBHHH", of, port, 1, 0, 0x50, flags, 65_535, 0, 0)
    return ip(source, destination, socket.IPPROTO_TCP, head)


def udp(source: str, data: bytes, destination: str = NEAR, port: int = MEDIA) -> bytes:
    """Return an IP packet with a datagram, to a media port."""
    head = struct.pack("!HHHH", 4_000, port, 8 + len(data), 0)
    return ip(source, destination, socket.IPPROTO_UDP, head + data)


def ip(source: str, destination: str, protocol: int, payload: bytes) -> bytes:
    """Return a packet with the headers of its family, checksums included."""
    here, there = ipaddress.ip_address(source), ipaddress.ip_address(destination)
    if here.version == 6:
        return struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64) + (
            here.packed + there.packed + payload
        )
    if protocol == socket.IPPROTO_TCP:
        pseudo = here.packed + there.packed + struct.pack("!HH", protocol, len(payload))
        payload = payload[:16] + _sum(pseudo + payload) + payload[18:]
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0)
    head += here.packed + there.packed
    return head[:10] + _sum(head) + head[12:] + payload


def _sum(data: bytes) -> bytes:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total >> 16) + (total & 0xFFFF)
    return struct.pack("!H", total ^ 0xFFFF)


def banned_many(kernel: Kernel, count: int) -> None:
    """Ban two sources, among many others."""
    for number in range(count):
        kernel.ban(ipaddress.ip_network((0x0B00_0000 + number, 32)), 3_600)
    kernel.ban(ipaddress.ip_network(f"{BANNED}/32"), 3_600)
    kernel.ban(ipaddress.ip_network("2001:db8:1::/48"), 3_600)


def xdp_rows(rounds: int) -> list[Row]:
    """Run the program in the kernel, by itself."""
    rows: list[Row] = []
    kernel = Xdp(GROUND, ())
    frame = {4: bytes(12) + b"\x08\x00", 6: bytes(12) + b"\x86\xdd"}

    def run(label: str, packet: bytes, verdict: int) -> None:
        found = [kernel.loaded.run(frame[packet[0] >> 4] + packet, _REPEAT) for _ in range(rounds)]
        assert {code for code, _ in found} == {verdict}, (label, found)
        rows.append((f"XDP: {label}", min(ns for _, ns in found), "ns"))

    drop, let_pass = 1, 2  # XDP_DROP, XDP_PASS
    run("a packet of a connection that is there passes", tcp(BANNED, ACK), let_pass)
    run("SYN passes, nobody banned", tcp(FREE, SYN), let_pass)
    banned_many(kernel, 0)
    run("SYN dropped, 2 bans", tcp(BANNED, SYN), drop)
    banned_many(kernel, BANS)
    run(f"SYN dropped, {BANS:,} bans", tcp(BANNED, SYN), drop)
    run(f"SYN dropped, {BANS:,} bans, IPv6", tcp(BANNED6, SYN, "fd77::1"), drop)
    run(f"SYN passes, {BANS:,} bans", tcp(FREE, SYN), let_pass)
    kernel.limit(Limits(syn_per_s=1))
    run("SYN beyond the pace dropped", tcp(FREE, SYN), drop)
    kernel.limit(Limits(media=Media.VALIDATED))
    run("media of a stranger dropped", udp(FREE, b"\x16" + bytes(60)), drop)
    kernel.validate(ipaddress.ip_address(FREE), 4_000, 3_600)
    run("media of a speaker passes", udp(FREE, b"\x80" + bytes(160)), let_pass)
    kernel.close()
    return rows


class Sender:
    """Sends packets over the cable as fast as one thread can."""

    def __init__(self, link: Cable) -> None:
        with link.far.entered():
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            self._socket.bind((FAR_INTERFACE, 0))
        self._socket.setsockopt(263, 20, 1)  # SOL_PACKET, PACKET_QDISC_BYPASS
        self._near = _hardware(link, NEAR_INTERFACE)

    def ns(self, packets: list[bytes], count: int, *, to_nobody: bool = False) -> float:
        """Return nanoseconds a packet, the work of the receiving end included."""
        target = b"\x02\0\0\0\0\x99" if to_nobody else self._near
        frames = [target + b"\x02\0\0\0\0\x01" + b"\x08\x00" + packet for packet in packets]
        send = self._socket.send
        sending = itertools.islice(itertools.cycle(frames), count)
        began = time.thread_time_ns()  # the kernel does the receiver's work in the sender's call
        for frame in sending:
            send(frame)
        return (time.thread_time_ns() - began) / count


def _hardware(link: Cable, interface: str) -> bytes:
    text = link.near.run("cat", f"/sys/class/net/{interface}/address")
    return bytes.fromhex(text.strip().replace(":", ""))


def stack_rows(packets: int, rounds: int) -> list[Row]:
    """Send over a cable, with and without the guard's table behind it."""
    best: dict[str, float] = {}
    with cable() as link:
        listener = link.near.listen((NEAR, PORT))
        media = link.near.listen((NEAR, MEDIA), socket.SOCK_DGRAM)
        sieve.attach(media, "AbCd", ())
        sender = Sender(link)
        many = [tcp(FREE, SYN, of=10_000 + number) for number in range(4_096)]

        def note(label: str, *sent: bytes, to_nobody: bool = False) -> None:
            for _ in range(_BURSTS):  # the best of many short ones: others use this machine, too
                ns = sender.ns(list(sent), packets // _BURSTS, to_nobody=to_nobody)
                best[label] = min(ns, best.get(label, ns))

        def with_kernel(make: Callable[[], Kernel], name: str) -> None:
            with link.near.entered():
                kernel = make()
            banned_many(kernel, BANS)
            note(f"{name}: SYN dropped, {BANS:,} bans", tcp(BANNED, SYN))
            note(f"{name}: a datagram that passes, to no port", udp(FREE, bytes(60), port=9))
            kernel.limit(Limits(media=Media.VALIDATED))
            note(f"{name}: media of a stranger dropped", udp(FREE, b"\x16" + bytes(60)))
            kernel.close()
            time.sleep(0.2)  # the kernel takes tables away behind our back

        for _ in range(rounds):
            note("alone", tcp(FREE, ACK), to_nobody=True)
            note("no rules: SYN to a listening port, answered", *many)
            note("no rules: a datagram that passes, to no port", udp(FREE, bytes(60), port=9))
            note(
                "the stage's own filter: media of a stranger dropped",
                udp(FREE, b"\x16" + bytes(60)),
            )
            with_kernel(lambda: Nftables(GROUND), "nftables")
            with_kernel(lambda: Xdp(GROUND, (NEAR_INTERFACE,)), "XDP on the cable")
        for sock in (listener, media):
            sock.close()
    alone = best.pop("alone")
    return [
        ("sending alone, taken off below", alone, "ns"),
        *((label, ns - alone, "ns") for label, ns in best.items()),
    ]


@contextlib.contextmanager
def edge(**more: object) -> Iterator[tuple[int, int, str, DataFolder]]:
    """Run one edge on the air; yield its pid, its port, its room and its folder."""
    folder = DataFolder(Path(tempfile.mkdtemp(prefix="stentor-bench-")))
    feed = FeedThread(folder.origin_feed)
    feed.start()
    programme = Programme(feed)
    programme.open_doors()
    programme.state(Phase.LIVE)
    settings = Settings(
        port=free_port(11), control_port=free_port(11), data=str(folder.root),
        edge_network_exempt="", door_network_per_s=0,
        **{"edge_network_joins_per_s": 0, **more},  # type: ignore[arg-type]
    )  # fmt: skip
    process = multiprocessing.get_context("spawn").Process(
        target=run_edge, args=(settings, folder, SystemClock(), 0), daemon=True
    )
    process.start()
    while feed.subscribers < 1:
        time.sleep(0.05)
    programme.parts(20)
    time.sleep(0.5)
    try:
        yield process.pid or 0, settings.port, programme.room, folder
    finally:
        process.terminate()
        process.join()
        feed.stop()


def come(port: int, source: str, request: bytes) -> bytes:
    """Ask once; return how the answer begins."""
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind((source, 0))
        one.connect(("127.0.0.1", port))
        one.settimeout(30)
        try:
            one.sendall(request)
            return one.recv(12)
        except ConnectionError:
            return b""


def edge_rows(connections: int) -> list[Row]:
    """Have one edge refuse connections, at accept and with a place in line."""
    rows: list[Row] = []
    banned = "127.9.9.9"

    def measure(label: str, pid: int, port: int, request: bytes, answer: bytes) -> None:
        for _ in range(50):
            come(port, banned, request)
        before = cpu_s(pid)
        got = [come(port, banned, request) for _ in range(connections)]
        spent = cpu_s(pid) - before
        share = sum(one.startswith(answer) for one in got) / connections
        assert share > 0.99, (label, got[-1])
        rows.append((f"edge: {label}", spent / connections * 1e6, "µs of its CPU"))

    with (
        edge(edge_admissions_per_s_max=0.1) as (pid, port, room, folder),
        watch_of(folder) as heard,
    ):
        request = f"GET /r/{room}/live.mp4 HTTP/1.1\r\nHost: a\r\n\r\n".encode()
        while not come(port, "127.0.0.2", request).startswith(b"HTTP/1.1 503"):
            pass
        measure("503 with a place in line", pid, port, request, b"HTTP/1.1 503")
        heard.ban(socket.inet_aton(banned), kernel=True)
        while come(port, banned, request) != b"":
            time.sleep(0.1)
        measure("banned, closed at accept", pid, port, request, b"")
    with edge(edge_network_joins_per_s=0.1, edge_network_joins_burst=1) as (pid, port, *_):
        measure("beyond its network's pace, closed at accept", pid, port, request, b"")
        # While somebody listens there and there is time for all, only what is wrong is paced.
        with socket.socket() as listener:
            listener.bind((banned, 0))
            time.sleep(12)  # until one may come again
            listener.connect(("127.0.0.1", port))
            listener.sendall(request)
            measure("wrong, beyond that pace, closed unanswered", pid, port, b"noise\r\n\r\n", b"")
    return rows


def main() -> None:
    """Run, print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--packets", type=int, default=200_000)
    options.add_argument("--connections", type=int, default=4_000)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--markdown", action="store_true")
    wish = options.parse_args()
    if os.geteuid():
        sys.exit("stentor: this bench makes network namespaces; run it as root.")
    rows = [*xdp_rows(wish.rounds), *stack_rows(wish.packets, wish.rounds)]
    rows += edge_rows(wish.connections)
    if wish.markdown:
        print("| what | cost |\n|---|---|")
    for label, cost, unit in rows:
        text = f"{cost:,.0f} {unit}"
        print(f"| {label} | {text} |" if wish.markdown else f"{label:62}{text:>20}")


if __name__ == "__main__":
    main()
