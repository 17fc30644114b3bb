#!/usr/bin/env python
"""What TLS costs an edge: a delivery, a joiner with a full and with a resumed handshake, memory.

    bench/tls.py [--listeners 1000] [--seconds 12] [--lane-ms 7680] [--speed 4] [--rsa]

One edge process after another, plain and with TLS, in the same run; CPU is the edge's alone, from
/proc/PID/schedstat. The programme runs `--speed` times faster than life, so that slow lanes
deliver often; the listeners only drain their sockets. On loopback that includes receiving.
"""

import argparse
import contextlib
import multiprocessing
import select
import socket
import ssl
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from cryptography.hazmat.primitives.asymmetric import rsa
from edge import counted
from joins import cpu_s, free_port, resident_bytes

from stentor.base.clock import SystemClock
from stentor.base.paths import DataFolder
from stentor.base.settings import Settings
from stentor.edge.serve import run_edge
from stentor.media.grid import PART_S
from stentor.rooms.orders import Phase
from support.programme import FeedThread, Programme
from support.tls import Pair

_BACK_PARTS = 70
_BURST = 64


def shaken(one: ssl.SSLSocket) -> bool:
    """Go on with a handshake; say whether it is done."""
    try:
        one.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


class Crowd:
    """Listeners who came one after another, and drain what they get without looking at it."""

    def __init__(self, port: int, room: str, lane_ms: int, tls: ssl.SSLContext | None) -> None:
        self._port = port
        target = f"/r/{room}/live.mp4?rendition=aac48&period={lane_ms}"
        self._request = f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
        self._tls = tls
        self.session: ssl.SSLSession | None = None
        self.resumed = 0
        self._sockets: list[socket.socket] = []
        self._epoll = select.epoll()
        self._stopping = False
        self._thread = threading.Thread(target=self._drain, daemon=True)
        self._thread.start()

    def come(self, count: int, *, again: bool) -> None:
        """Join; `again`: with the ticket of whoever was first."""
        for start in range(0, count, _BURST):
            batch = [
                self._come(number, again) for number in range(start, min(count, start + _BURST))
            ]
            waiting = [one for one in batch if isinstance(one, ssl.SSLSocket)]
            while waiting:
                waiting = [one for one in waiting if not shaken(one)]
            for one in batch:
                one.settimeout(30)
                one.sendall(self._request)
            for one in batch:
                assert one.recv(12) == b"HTTP/1.1 200"
                if isinstance(one, ssl.SSLSocket):
                    self.session = self.session or one.session
                    self.resumed += bool(one.session_reused)
                self._sockets.append(one)
                self._epoll.register(one.fileno(), select.EPOLLIN)

    def _come(self, number: int, again: bool) -> socket.socket:
        one = socket.socket()
        one.bind((f"127.0.{1 + number % 40}.{1 + number // 40 % 200}", 0))
        one.connect(("127.0.0.1", self._port))
        if self._tls is None:
            return one
        one.setblocking(False)
        return self._tls.wrap_socket(
            one,
            server_hostname="localhost",
            session=self.session if again else None,
            do_handshake_on_connect=False,
        )

    def leave(self) -> None:
        """Everybody leaves."""
        self._stopping = True
        self._thread.join()
        for one in self._sockets:
            one.close()

    def _drain(self) -> None:
        room = bytearray(262_144)
        while not self._stopping:
            for fd, _ in self._epoll.poll(0.1):
                with contextlib.suppress(OSError), socket.socket(fileno=fd) as one:
                    one.recv_into(room, 0, socket.MSG_DONTWAIT)
                    one.detach()


@contextlib.contextmanager
def edge(pair: Pair | None, speed: float) -> Iterator[tuple[int, Settings, str]]:
    """Run one edge on the air; yield its pid, its settings and the room."""
    folder = DataFolder(Path(tempfile.mkdtemp(prefix="stentor-bench-")))
    feed = FeedThread(folder.origin_feed)
    feed.start()
    programme = Programme(feed)
    programme.open_doors()
    programme.state(Phase.LIVE)
    settings = Settings(
        port=free_port(),
        control_port=free_port(),
        data=str(folder.root),
        **(pair.settings if pair else {}),
    )
    context = multiprocessing.get_context("spawn")
    process = context.Process(
        target=run_edge, args=(settings, folder, SystemClock(), 0), daemon=True
    )
    process.start()
    while feed.subscribers < 1:
        time.sleep(0.05)
    programme.parts(_BACK_PARTS)
    time.sleep(0.5)
    stopping = threading.Event()

    def publish() -> None:
        due_s = time.monotonic()
        while not stopping.wait(max(0.0, due_s - time.monotonic())):
            programme.parts(1)
            due_s += PART_S / speed

    threading.Thread(target=publish, daemon=True).start()
    try:
        yield process.pid or 0, settings, programme.room
    finally:
        stopping.set()
        process.terminate()
        process.join()
        feed.stop()


def measure(pair: Pair | None, wish: argparse.Namespace) -> dict[str, float]:
    """Measure one edge."""
    tls = None
    if pair is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        tls.load_verify_locations(pair.certificate)
    found: dict[str, float] = {}
    with edge(pair, wish.speed) as (pid, settings, room):
        crowd = Crowd(settings.port, room, wish.lane_ms, tls)
        crowd.come(20, again=False)
        ports = [settings.metrics_port_used + 1]
        counted(ports, "deliveries")
        memory, before = resident_bytes(pid), cpu_s(pid)[0]
        crowd.come(wish.listeners // 2, again=False)
        found["join_us"] = (cpu_s(pid)[0] - before) / (wish.listeners // 2) * 1e6
        before = cpu_s(pid)[0]
        crowd.come(wish.listeners // 2, again=True)
        found["return_us"] = (cpu_s(pid)[0] - before) / (wish.listeners // 2) * 1e6
        found["resumed"] = crowd.resumed
        time.sleep(1)
        deliveries, before = counted(ports, "deliveries"), cpu_s(pid)[0]
        time.sleep(wish.seconds)
        found["deliveries"] = counted(ports, "deliveries") - deliveries
        found["delivery_us"] = (cpu_s(pid)[0] - before) / max(1, found["deliveries"]) * 1e6
        found["bytes"] = (resident_bytes(pid) - memory) / wish.listeners
        found["behind"] = counted(ports, "partial_sends")
        crowd.leave()
    return found


def main() -> None:
    """Run, print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--listeners", type=int, default=1000)
    options.add_argument("--seconds", type=float, default=12.0)
    options.add_argument("--lane-ms", type=int, default=7680)
    options.add_argument("--speed", type=float, default=4.0, help="times real time")
    options.add_argument("--rsa", action="store_true", help="a certificate of RSA 2048, not P-256")
    wish = options.parse_args()
    pair = Pair(Path(tempfile.mkdtemp(prefix="stentor-bench-")))
    if wish.rsa:
        pair.renew(key=rsa.generate_private_key(65_537, 2048))
    plain, secure = measure(None, wish), measure(pair, wish)
    print(f"{'':34}{'plain':>10}{'TLS':>10}")
    for name, label in (
        ("join_us", "µs of CPU a joiner, new"),
        ("return_us", "µs of CPU a joiner, resumed"),
        ("delivery_us", f"µs of CPU a delivery of {wish.lane_ms} ms"),
        ("bytes", "bytes of memory a listener"),
        ("deliveries", "deliveries"),
        ("behind", "partial sends"),
        ("resumed", "handshakes resumed"),
    ):
        print(f"{label:34}{plain[name]:10.1f}{secure[name]:10.1f}")
    for name, label in (("join_us", "full"), ("return_us", "resumed")):
        print(f"joins a second a core, TLS, {label}: {1e6 / secure[name]:.0f}")


if __name__ == "__main__":
    main()
