#!/usr/bin/env python
"""What it costs an edge to tell somebody their place in line, beside what it costs to let one in.

    bench/refusals.py [--count 12000] [--rounds 3] [--lane-ms 960] [--browser] [--again] [--shelf]

One edge process and one client, in the same run: first a crowd that is let in, in batches from
many addresses, then as many who are told their place and hang up. `--again` shows the ticket that
one was given, as who comes too early does. `--shelf` asks for a playlist and a part of HLS instead,
on one connection. CPU is the edge's alone, from /proc.
"""

import argparse
import contextlib
import re
import socket
import time
from collections.abc import Callable, Sequence

from crowd import Crowd
from ground import Ground, ground, user_share
from joins import BROWSER

from stentor.load.sockets import open_socket
from stentor.trials.kernel import cpu_s

_AT_ONCE = 64
_TICKET = re.compile(rb'"ticket":"([^"]+)"')


def refused(
    at: Ground, count: int, requests: Sequence[bytes], *, forming: bool = False
) -> list[bytes]:
    """Let so many come who are told their place; return what they were told.

    While the line is `forming`, the first are let in.
    """
    target, told = at.target("aac48"), []
    for first in range(0, count, _AT_ONCE):
        whole = range(first, min(count, first + _AT_ONCE))
        batch = [open_socket(target, 0, who, small_window=False) for who in whole]
        for who, one in zip(whole, batch, strict=True):
            one.settimeout(10)
            one.sendall(requests[who % len(requests)])
        for one in batch:
            said = b""
            with contextlib.suppress(TimeoutError):  # one that is kept waits for another request
                while not said.endswith(b"}") and (more := one.recv(65_536)):
                    said += more
                    if said.startswith(b"HTTP/1.1 200"):
                        break
            one.close()
            if not said.startswith(b"HTTP/1.1 503"):
                if said.startswith(b"HTTP/1.1 200") and forming:
                    continue
                raise SystemExit(f"Not told to wait: {said[:300]!r}")
            told.append(said)
    return told


def shelf_cost_s(at: Ground, count: int) -> float:
    """Return the CPU time of one answer of the shelf."""
    [pid] = at.pids
    room = at.programme.room
    with socket.create_connection((at.settings.bind, at.settings.port), timeout=10) as one:
        before_s, asked = cpu_s(pid), at.counted("shelf_requests")
        answered = one.makefile("rb")
        for number in range(count):
            number = at.programme.next - 2
            for name in ("live.m3u8", f"part/{number}.m4s"):
                one.sendall(f"GET /r/{room}/hls/aac48/{name} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
                length = 0
                while (line := answered.readline()) != b"\r\n":
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                answered.read(length)
        return (cpu_s(pid) - before_s) / (at.counted("shelf_requests") - asked)


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--count", type=int, default=12_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--lane-ms", type=int, default=960)
    options.add_argument("--browser", action="store_true", help="a browser's header fields")
    options.add_argument("--shelf", action="store_true", help="what HLS costs, instead")
    options.add_argument("--again", action="store_true", help="show the ticket one was given")
    wish = options.parse_args()
    if wish.shelf:
        with ground(1, edge_join_share=1.0) as at:
            for _ in range(wish.rounds):
                print(f"an answer of the shelf: {shelf_cost_s(at, wish.count // 4) * 1e6:.1f} µs")
        return
    fields = BROWSER if wish.browser else "Host: 127.0.0.1\r\n"
    joins = []
    with ground(1, edge_join_share=1.0, edge_lane_ms_min=wish.lane_ms) as at:
        [pid] = at.pids
        wanted = f"GET /r/{at.programme.room}/live.mp4?rendition=aac48"
        request = f"{wanted} HTTP/1.1\r\n{fields.format(port=at.settings.port)}\r\n".encode()
        crowd = Crowd(at.target("aac48"), [request])
        for _ in range(wish.rounds):
            joins.append(measured(pid, wish.count, lambda: crowd.come(wish.count)))
            crowd.leave()
            time.sleep(1.5)
    with ground(
        1,
        edge_join_share=1.0,
        edge_lane_ms_min=wish.lane_ms,
        edge_admissions_per_s_max=0.01,
    ) as at:
        [pid] = at.pids
        fields_here = fields.format(port=at.settings.port)
        request = f"{wanted} HTTP/1.1\r\n{fields_here}\r\n".encode()
        time.sleep(1.5)
        told = refused(at, 200, [request], forming=True)
        requests = [
            f"{wanted}&ticket={ticket[1].decode()} HTTP/1.1\r\n{fields_here}\r\n".encode()
            for ticket in map(_TICKET.search, told)
            if ticket and wish.again
        ] or [request]
        places = [
            measured(pid, wish.count, lambda: refused(at, wish.count, requests))
            for _ in range(wish.rounds)
        ]
    for name, found in (("let in", joins), ("told their place", places)):
        each = ", ".join(f"{whole:.1f} ({user:.1f} user)" for whole, user in found)
        print(f"{name:18} µs each: {each}")
    ratio = min(one for one, _ in places) / min(one for one, _ in joins)
    print(f"{'place : join':18} {ratio:.2f} (the best rounds)")


def measured(pid: int, count: int, do: Callable[[], object]) -> tuple[float, float]:
    """Return the CPU time of one, µs, and how much of that was user mode."""
    before_s, user_before_s = cpu_s(pid), cpu_s(pid) * user_share(pid)
    do()
    spent_s = cpu_s(pid) - before_s
    user_s = cpu_s(pid) * user_share(pid) - user_before_s
    return spent_s / count * 1e6, user_s / count * 1e6


if __name__ == "__main__":
    main()
