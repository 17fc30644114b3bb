#!/usr/bin/env python
"""What TLS costs an edge: a delivery, a joiner with a full and with a resumed handshake, memory.

    bench/tls.py [--listeners 1000] [--seconds 12] [--lane-ms 7680] [--speed 4] [--rsa]

One edge process after another, plain and with TLS, in the same run; CPU is the edge's alone, from
/proc. The programme runs `--speed` times faster than life, so that slow lanes deliver often; the
listeners only drain their sockets. On loopback that includes receiving.
"""

import argparse
import ssl
import tempfile
import time
from pathlib import Path

from crowd import Crowd
from cryptography.hazmat.primitives.asymmetric import rsa
from ground import ground

from stentor.trials.kernel import cpu_s, own_bytes
from support.tls import Pair


def measure(pair: Pair | None, wish: argparse.Namespace) -> dict[str, float]:
    """Measure one edge."""
    tls = None
    if pair is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        tls.load_verify_locations(pair.certificate)
    found: dict[str, float] = {}
    half = wish.listeners // 2
    with ground(1, speed=wish.speed, **(pair.settings if pair else {})) as at:
        [pid] = at.pids
        path = f"/r/{at.programme.room}/live.mp4?rendition=aac48&period={wish.lane_ms}"
        request = f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
        crowd = Crowd(at.target("aac48"), [request], tls)
        crowd.come(20)
        crowd.drain()
        at.counted("deliveries")
        memory, before_s = own_bytes(pid), cpu_s(pid)
        crowd.come(half)
        found["join_us"] = (cpu_s(pid) - before_s) / half * 1e6
        before_s = cpu_s(pid)
        crowd.come(half, again=True)
        found["return_us"] = (cpu_s(pid) - before_s) / half * 1e6
        found["resumed"] = crowd.resumed
        time.sleep(1)
        deliveries, before_s = at.counted("deliveries"), cpu_s(pid)
        time.sleep(wish.seconds)
        found["deliveries"] = at.counted("deliveries") - deliveries
        found["delivery_us"] = (cpu_s(pid) - before_s) / max(1, found["deliveries"]) * 1e6
        found["bytes"] = (own_bytes(pid) - memory) / wish.listeners
        found["behind"] = at.counted("partial_sends")
        crowd.leave()
    return found


def main() -> None:
    """Run, print."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
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
