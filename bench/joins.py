#!/usr/bin/env python
"""What a join costs an edge: connections that ask for the stream, in batches, from many addresses.

    bench/joins.py [--joins 12000] [--rounds 3] [--lane-ms 320] [--browser]

One edge process and one client; CPU is the edge's alone, from /proc, while nothing but joins (and
one room's parts at real time) happens. On loopback that includes what the kernel does to deliver
to the client. Listeners leave between rounds; what that costs is shown apart.
"""

import argparse
import time

from crowd import Crowd
from ground import ground, user_share

from stentor.trials.kernel import cpu_s, kernel_bytes, own_bytes

BROWSER = (
    "Host: 127.0.0.1:{port}\r\nConnection: keep-alive\r\n"
    'sec-ch-ua: "Chromium";v="130", "Google Chrome";v="130", "Not?A_Brand";v="99"\r\n'
    "sec-ch-ua-mobile: ?0\r\nUser-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
    " AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36\r\n"
    'sec-ch-ua-platform: "Windows"\r\nAccept: */*\r\nSec-Fetch-Site: same-origin\r\n'
    "Sec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\nReferer: http://127.0.0.1:{port}/r/hall\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9,de;q=0.8\r\n"
)


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--joins", type=int, default=12_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--lane-ms", type=int, default=320)
    options.add_argument("--browser", action="store_true", help="a browser's header fields")
    wish = options.parse_args()
    with ground(1, edge_join_share=1.0, edge_lane_ms_min=wish.lane_ms) as at:
        [pid] = at.pids
        fields = BROWSER.format(port=at.settings.port) if wish.browser else "Host: 127.0.0.1\r\n"
        path = f"/r/{at.programme.room}/live.mp4?rendition=aac48"
        crowd = Crowd(at.target("aac48"), [f"GET {path} HTTP/1.1\r\n{fields}\r\n".encode()])
        for number in range(wish.rounds):
            empty, kernel_empty = own_bytes(pid), kernel_bytes()
            before_s, user_before_s = cpu_s(pid), cpu_s(pid) * user_share(pid)
            began_s = time.monotonic()
            crowd.come(wish.joins)
            wall_s = time.monotonic() - began_s
            after_s, user_s = cpu_s(pid), cpu_s(pid) * user_share(pid) - user_before_s
            crowd.take()
            grown = (own_bytes(pid) - empty) / wish.joins
            kernel = (kernel_bytes() - kernel_empty) / wish.joins
            crowd.leave()
            time.sleep(1.5)
            cost_us = (after_s - before_s) / wish.joins * 1e6
            print(
                f"round {number + 1}: {1e6 / cost_us:.0f} joins a second a core,"
                f" {cost_us:.1f} µs each, of which about {user_s / wish.joins * 1e6:.1f} user;"
                f" {wish.joins / wall_s:.0f} a second with the client;"
                f" leaving {(cpu_s(pid) - after_s) / wish.joins * 1e6:.1f} µs;"
                f" {grown:.0f} bytes a listener, and {kernel:.0f} of the kernel for both its ends",
                flush=True,
            )


if __name__ == "__main__":
    main()
