"""A flood of joiners over real sockets: it gets its share of the edge's time, and nobody waits."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from pathlib import Path

from stentor.edge.budget import TURN_NS_MAX
from support.edge import edge_running

_SHARE = 0.05
_REQUEST = b"GET /r/town-hall/live.mp4 HTTP/1.1\r\nHost: test\r\n\r\n"


def flood(port: int, stopping: threading.Event) -> None:
    """Come, ask, and go at once, again and again; who is not looked at is not waited for."""
    while not stopping.is_set():
        with contextlib.suppress(OSError), socket.socket() as one:
            one.settimeout(0.2)
            one.connect(("127.0.0.1", port))
            one.sendall(_REQUEST)


def test_a_flood_of_joiners_gets_its_share_and_listeners_get_every_part(tmp_path: Path) -> None:
    with edge_running(
        tmp_path, edges=1, edge_join_share=_SHARE, edge_network_exempt="127.0.0.0/8"
    ) as on_edge:
        on_edge.on_air(10)
        loop, programme = on_edge.edge.loop, on_edge.programme
        with on_edge.ear() as ear:
            ear.listen(lambda: ear.parts)
            stopping = threading.Event()
            crowd = [
                threading.Thread(target=flood, args=(on_edge.port, stopping), daemon=True)
                for _ in range(3)
            ]
            for one in crowd:
                one.start()
            turns = [0]
            first = loop.first
            loop.first = lambda: (turns.__setitem__(0, turns[0] + 1), first())[1]
            began_s, spent_ns = time.monotonic(), loop.join_cpu_ns
            while time.monotonic() < began_s + 2.0:
                programme.parts(1)
                ear.listen(lambda: ear.parts[-1:] == [programme.next - 1], timeout_s=2.0)
            wall_ns = (time.monotonic() - began_s) * 1e9
            spent_ns = loop.join_cpu_ns - spent_ns
            stopping.set()
            for one in crowd:
                one.join(5)
            parts = programme.next - 10
            assert ear.parts[-parts:] == list(range(10, programme.next))
            assert not ear.jumps
            assert on_edge.edge.counts.accepted > 50  # but it is served
            assert spent_ns <= wall_ns * _SHARE + 2 * TURN_NS_MAX
            assert turns[0] < 10 * parts + 500, "the loop turned hot"
