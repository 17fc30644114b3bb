#!/usr/bin/env python
"""What facts and shield cost an edge: at N listeners, and in a join flood, on against off.

    bench/shield.py [--listeners 2000] [--seconds 20] [--joins 3000] [--rounds 6] [--bans 1000]
    bench/shield.py --listeners 100000 --apart --edges 6 --lane-ms 960 --ramp 25 --seconds 70

Three figures, each of the same run. Steady: two sets of edges, one with the shield and one without,
hold as many listeners at the same time (`--apart`: one after the other); what telling a second
takes is also the edge's own figure (`shield_us`). Flood: every connection from another address,
bans in force, in turns on either. Alone: the summary's calls without an edge around them. CPU is
from /proc: the edges', and that of the watch beside them as in production, which merges what they
tell, decides, writes a policy each second for them to read, and keeps and signs the ledger.
"""

import argparse
import contextlib
import json
import os
import resource
import socket
import statistics
import sys
import threading
import time
from pathlib import Path
from typing import Any

from attacks_ground import policy, watched
from ground import Ground, free_port, ground, machine

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from stentor.base.secrets import load_or_make_key
from stentor.load.plan import Plan, Reading
from stentor.load.report import figures
from stentor.load.run import Sums, run_load
from stentor.shield.keys import EventKey
from stentor.shield.policy import Ban, Policy, Why, encode_policy
from stentor.shield.summary import Summary
from stentor.trials.kernel import cpu_s

_BIND_ADDRESS_NO_PORT = 24
_LASTS_MS = 3_600_000
_SCRAPE_S = 3.0


def alone(distinct: int) -> dict[str, float]:
    """Return the microseconds of one who comes, asks and is let in, by how often each address."""
    summary = Summary(EventKey(bytes(32)), "bench")
    found = {}
    for name, addresses in (("one_an_address", distinct), ("hundred_an_address", distinct // 100)):
        peers = [os.urandom(4) for _ in range(addresses)] * (distinct // addresses)
        best = ends = 1e9
        for _ in range(5):
            began = time.thread_time()
            for peer in peers:
                summary.came(peer)
                summary.asked(peer)
                summary.admitted(peer)
            middle = time.thread_time()
            summary.second(0, counts={})
            best = min(best, (middle - began) / len(peers))
            ends = min(ends, time.thread_time() - middle)
        found[f"{name}_us"] = round(best * 1e6, 3)
        found[f"{name}_second_ms"] = round(ends * 1e3, 3)
    return found


def decree(at: Ground, count: int) -> None:
    """Have so many networks banned that never come, by a policy that the watch goes on from."""
    key = EventKey(load_or_make_key(at.folder.event_key))
    now_ms = at.clock.now_ns() // 1_000_000
    bans = tuple(
        Ban(key.name(b"\xcb\x00" + number.to_bytes(2)), now_ms + _LASTS_MS, Why.FORGED, kernel=True)
        for number in range(count)
    )
    policy = Policy(1, now_ms, now_ms + _LASTS_MS, key.id, bans=bans)
    at.folder.policy.write_bytes(encode_policy(policy))


def flood(at: Ground, count: int, first: int) -> float:
    """Return the edges' CPU microseconds a join, each from another address of 127.0.0.0/8."""
    request = f"GET /r/{at.programme.room}/live.mp4?rendition=opus24 HTTP/1.1\r\nHost: b\r\n\r\n"
    came: list[socket.socket] = []
    before = at.cpu_s()
    for number in range(first, first + count):
        one = socket.socket()
        one.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
        one.bind((f"127.{1 + number % 200}.{number // 200 % 250}.{1 + number // 50_000}", 0))
        one.connect(("127.0.0.1", at.settings.port))
        one.sendall(request.encode())
        came.append(one)
        if len(came) % 64 == 0:
            came[-1].settimeout(30)
            assert came[-1].recv(12) == b"HTTP/1.1 200"
    for one in came:
        one.settimeout(30)
        one.recv(12)
    cost_us = (at.cpu_s() - before) / count * 1e6
    for one in came:
        one.close()
    while at.counted("listeners"):
        time.sleep(0.1)
    return cost_us


def steady(
    at: Ground, listeners: int, seconds: float, ramp_s: float, watch: int = 0
) -> dict[str, Any]:
    """Return what it took while all were in, for the listeners of one set of edges.

    `watch` is the process of the watch beside them, 0 if there is none.
    """
    marks: list[tuple[float, float, float, float]] = []

    def look(sums: Sums) -> None:
        due_s = marks[-1][0] + _SCRAPE_S if marks else 0.0
        if sums.passed_s > ramp_s + 3 and time.monotonic() > due_s:
            told_s = at.counted("shield_us") / 1e6
            marks.append((time.monotonic(), at.cpu_s(), told_s, cpu_s(watch) if watch else 0.0))

    plan = Plan(at.target("opus24"), listeners, seconds, ramp_s, reading=Reading.HEADS)
    tally = figures(run_load(plan, look))
    began, ended = marks[0][0], marks[-1][0]
    edges_s, told_s, watch_s = (marks[-1][n] - marks[0][n] for n in (1, 2, 3))
    return {
        "seconds": round(ended - began, 1),
        "edges_cores": round(edges_s / (ended - began), 4),
        "telling_of_edges": round(told_s / edges_s, 5),
        "telling_ms_a_second_and_edge": round(told_s / (ended - began) / len(at.pids) * 1e3, 3),
        "watch_cores": round(watch_s / (ended - began), 4),
        "watch_of_edges": round(watch_s / edges_s, 5),
        "telling_and_watch_of_edges": round((told_s + watch_s) / edges_s, 5),
        "stalls": tally.get("stalls"),
        "gaps": tally.get("gaps"),
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--listeners", type=int, default=2_000)
    options.add_argument("--seconds", type=float, default=20.0, help="the joining included")
    options.add_argument("--ramp", type=float, default=4.0, help="seconds")
    options.add_argument("--edges", type=int, default=1, help="of either set")
    options.add_argument("--joins", type=int, default=3_000, help="of one round")
    options.add_argument("--rounds", type=int, default=6, help="of the flood, on either set")
    options.add_argument("--bans", type=int, default=1_000, help="in force during the flood")
    options.add_argument("--apart", action="store_true", help="hold one set after the other")
    options.add_argument("--lane-ms", type=int, default=960)
    wish = options.parse_args()
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    lanes = {"edge_lane_ms_min": wish.lane_ms, "edge_lane_ms_max": wish.lane_ms}
    found: dict[str, Any] = {"machine": machine(), "alone": alone(20_000)}
    everybody = {**lanes, "edge_network_exempt": "192.0.2.1/32", "edge_network_joins_per_s": 0.0}
    with (
        ground(wish.edges, shield=True, watch_port=free_port(1), **everybody) as on,
        ground(wish.edges, shield=False, **everybody) as off,
        contextlib.ExitStack() as stack,
    ):
        decree(on, wish.bans)
        (watch,) = stack.enter_context(watched(on, guarded=False))
        while (policy(on) or Policy()).number <= 1 or on.counted("policies") < wish.edges:
            time.sleep(0.2)
        costs: dict[str, list[float]] = {"on": [], "off": []}
        beside_us = []
        for number in range(wish.rounds * 2):
            name, at = (("on", on), ("off", off))[(number + number // 2) % 2]  # on off off on
            before_s = cpu_s(watch)
            costs[name].append(flood(at, wish.joins, number * wish.joins))
            if name == "on":
                beside_us.append((cpu_s(watch) - before_s) / wish.joins * 1e6)
        middles = {name: statistics.median(several) for name, several in costs.items()}
        found["flood"] = {
            "us_a_join": {name: [round(one, 1) for one in sorted(costs[name])] for name in costs},
            "median_us": {name: round(one, 2) for name, one in middles.items()},
            "share": round((middles["on"] - middles["off"]) / middles["on"], 4),
            "watch_us_a_join": round(statistics.median(beside_us), 2),
            "bans": len((policy(on) or Policy()).bans),
        }
        results: dict[str, dict[str, Any]] = {}

        def hold(name: str, at: Ground) -> None:
            beside = watch if name == "on" else 0
            results[name] = steady(at, wish.listeners, wish.seconds, wish.ramp, beside)

        threads = [threading.Thread(target=hold, args=one) for one in (("on", on), ("off", off))]
        for thread in threads:
            thread.start()
            if wish.apart:
                thread.join()
        for thread in threads:
            thread.join()
        cores = {name: one["edges_cores"] for name, one in results.items()}
        more = cores["on"] - cores["off"]
        found["steady"] = {
            "listeners_of_either": wish.listeners,
            **results,
            "edges_share": round(more / cores["on"], 4),
            "watch_share": results["on"]["watch_of_edges"],
            "both_share": round((more + results["on"]["watch_cores"]) / cores["on"], 4),
            "policy_age_s": round(
                on.clock.now_ns() / 1e9 - (policy(on) or Policy()).at_ms / 1e3, 1
            ),
            "ledger_bytes": sum(one.stat().st_size for one in on.folder.ledger.iterdir()),
        }
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
