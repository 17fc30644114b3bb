#!/usr/bin/env python
"""Whole evenings over real sockets: what happened, and what the report says of it afterwards.

    bench/evenings.py [--only NAME…] [--at-once 2] [--per-s 8] [--seed 1] [--keep docs/benchmarks]

Two edges as in production, the watch and its ledger, and people who look at the page, join and
stay, for a minute and a half; in the middle of it an attack, a crowd, or nothing. Then
`stentor report` reads the ledger and nothing else. Small on purpose: some people a second, two or
three times as many attackers, all on loopback. `--keep` writes evenings.json and evenings.md.
"""

import argparse
import contextlib
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from attacks_ground import LANE_MS, RENDITION, now_ms, p95, watched
from ground import Ground, free_port, ground, machine

from stentor.load.arrivals import Arrivals
from stentor.load.attacks.aim import Aim
from stentor.load.attacks.families import Family
from stentor.load.attacks.run import Attack, Running
from stentor.load.plan import Plan
from stentor.load.report import Tally
from stentor.load.run import run_load
from stentor.rooms.orders import Orders
from stentor.store.orders import OrdersFolder

CALM_S, MIDDLE_S, AFTER_S = 40.0, 25.0, 25.0
_VISITS, _LEAD_S = 0.6, 3.0  # who looks at the page, and how long before they join
_CROWD_S = 12.0


@dataclass(frozen=True)
class Evening:
    """What happens in the middle. `times` is against how many people join in a second."""

    name: str
    family: Family | None = None
    times: float = 0.0
    crowd: float = 0.0  # people at once, against what the doors let in during the crowd
    room_for: float = 6.0  # what the doors let in, times the people's pace


EVENINGS = {
    one.name: one
    for one in (
        Evening("quiet"),
        Evening("crowd within capacity", crowd=0.5),
        Evening("crowd beyond capacity", crowd=6.0, room_for=2.0),
        Evening("join-flood-many", Family.JOIN_FLOOD_MANY, 3.0),
        Evening("slow-headers", Family.SLOW_HEADERS, 2.0),
        Evening("idle-connections", Family.IDLE_CONNECTIONS, 2.0),
        Evening("cache-busting", Family.CACHE_BUSTING, 3.0),
        Evening("reload-abuse", Family.RELOAD_ABUSE, 3.0),
        Evening("ticket-forgery", Family.TICKET_FORGERY, 2.0),
    )
}


@dataclass
class Found:
    """What was so, and what was said."""

    name: str
    attacked: bool
    sent: int = 0
    people: int = 0
    heard: int = 0
    first_audio_p95_s: float | None = None
    word: str = ""
    present: str = ""
    likelihood: float = 0.0
    because: tuple[str, ...] = ()
    hostile: float | None = None
    seconds: int = 0


def people(
    at: Ground, seed: int, count: int, seconds: float, *, crowd: bool = False
) -> tuple[threading.Thread, list[Tally]]:
    """Let people come, each from an address of their own; they stay until `seconds` are over."""
    target = replace(
        at.target(RENDITION, LANE_MS), listeners_per_source=1, sources_from=90 if crowd else 30
    )
    ramp_s = _CROWD_S if crowd else seconds - 5
    plan = Plan(
        target, count, seconds, ramp_s, processes=1, decoding=0, sampled_every=1000, seed=seed,
        pattern=Arrivals.CROWD if crowd else Arrivals.CONSTANT,
    )  # fmt: skip
    found: list[Tally] = []
    thread = threading.Thread(target=lambda: found.append(run_load(plan)))
    thread.start()
    pace_s = ramp_s / count
    threading.Thread(target=_look, args=(at, target, count, pace_s), daemon=True).start()
    return thread, found


def _look(at: Ground, target: Any, count: int, pace_s: float) -> None:
    """Look at the page as those do who join some seconds later, from the same addresses."""
    began_s, request = time.monotonic(), f"GET /r/{at.programme.room} HTTP/1.1\r\nHost: t\r\n\r\n"
    first = round(_LEAD_S / pace_s)
    for number in range(first, count):
        if (number * 7919) % 100 >= 100 * _VISITS:
            continue
        time.sleep(max(0.0, began_s + number * pace_s - _LEAD_S - time.monotonic()))
        with contextlib.suppress(OSError), socket.socket() as one:
            one.settimeout(5)
            one.bind((target.source(0, number)[0], 0))
            one.connect(("127.0.0.1", at.settings.port))
            one.sendall(request.encode())
            one.recv(65_536)


@contextlib.contextmanager
def house(wish: argparse.Namespace, evening: Evening) -> Iterator[Ground]:
    """Start edges before a room that has begun, with the watch beside them."""
    with contextlib.ExitStack() as stack:
        at = stack.enter_context(
            ground(
                2,
                edge_lane_ms_min=LANE_MS,
                watch_port=free_port(1),
                edge_admissions_per_s_max=wish.per_s * evening.room_for / 2,
                edge_network_exempt="",
            )
        )
        room, epoch_ms = at.programme.room, at.programme.epoch_ms
        OrdersFolder(at.folder.orders).write(Orders(room, 1, evening.name, epoch_ms))
        stack.enter_context(watched(at, guarded=False))
        yield at


def run(wish: argparse.Namespace, evening: Evening) -> Found:
    """Let an evening pass, and read its report."""
    found = Found(evening.name, evening.family is not None)
    whole_s = CALM_S + MIDDLE_S + AFTER_S
    with house(wish, evening) as at:
        threads = [people(at, wish.seed, round(wish.per_s * whole_s), whole_s)]
        time.sleep(CALM_S)
        if evening.crowd:
            count = round(evening.crowd * evening.room_for * wish.per_s * _CROWD_S)
            rest_s = whole_s - CALM_S
            threads.append(people(at, wish.seed + 1, count, rest_s, crowd=True))
        if evening.family is not None:
            aim = Aim("127.0.0.1", at.settings.port, at.programme.room)
            key = (at.folder.secrets / "door.key").read_bytes()
            attack = Attack(
                evening.family, aim, wish.per_s * evening.times, MIDDLE_S, seed=wish.seed, key=key
            )
            with Running(attack) as running:
                found.sent = running.outcome().sent
        for thread, _ in threads:
            thread.join()
        tallies = [tally for _, ones in threads for tally in ones]
        found.people = sum(one.wanted for one in tallies)
        found.heard = sum(one.heard for one in tallies)
        found.first_audio_p95_s = p95(*(one.first_audio_s for one in tallies))
        end_ms = now_ms(at)
        room, epoch_ms = at.programme.room, at.programme.epoch_ms
        OrdersFolder(at.folder.orders).write(Orders(room, 2, evening.name, epoch_ms, end_ms))
        time.sleep(3)
        _read_report(at, found)
    return found


def _read_report(at: Ground, found: Found) -> None:
    command = "import sys; from stentor.cli import main; sys.argv[0] = 'stentor'; main()"
    arguments = ["report", at.programme.room, "--data", str(at.folder.root), "--json"]
    told = json.loads(subprocess.check_output([sys.executable, "-c", command, *arguments]))
    verdict = told["verdict"]
    found.word, found.likelihood = verdict["word"], verdict["likelihood"]
    found.present = verdict["answers"][0]["told"]
    found.because = tuple(verdict["answers"][0]["because"])
    found.hostile, found.seconds = verdict["answers"][1].get("figure"), told["seconds"]


def page(told: dict[str, Any]) -> str:
    """Return what was found as Markdown."""
    lines = [
        "# Evenings over real sockets, and what the report said",
        "",
        f"`{told['command']}`, {told['machine']}. Two edges, watch, ledger and `stentor report`;"
        f" {told['per_s']:g} people join a second for {told['seconds']:.0f} s and stay; in the"
        f" middle {MIDDLE_S:.0f} s of what the first column says.",
        "",
        "| evening | attackers' deeds | people who heard | first audio p95 | attack there? |"
        " the word | strongest sign |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in told["found"]:
        audio = one["first_audio_p95_s"]
        sign = (one["because"] or ["–"])[0]
        lines.append(
            f"| {one['name']} | {one['sent'] or '–'} | {one['heard']} of {one['people']} |"
            f" {'–' if audio is None else f'{audio:.2f} s'} | {one['present']}"
            f" ({one['likelihood']:.2f}) | {one['word']} | {sign} |"
        )
    return "\n".join([*lines, ""])


def main() -> int:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--only", nargs="*", choices=EVENINGS, default=None)
    options.add_argument("--at-once", type=int, default=2, help="evenings at the same time")
    options.add_argument("--per-s", type=float, default=8.0, help="people who join")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--keep", type=Path)
    options.add_argument("--one", choices=EVENINGS, help="print this one as JSON")
    wish = options.parse_args()
    if wish.one:
        print(json.dumps(asdict(run(wish, EVENINGS[wish.one]))))
        return 0
    waiting, going, found = list(wish.only or EVENINGS), {}, {}
    while waiting or going:
        while waiting and len(going) < wish.at_once:
            name = waiting.pop(0)
            own = [sys.executable, __file__, "--one", name, "--per-s", str(wish.per_s)]
            own += ["--seed", str(wish.seed)]
            going[name] = subprocess.Popen(own, stdout=subprocess.PIPE, text=True)
        for name, process in tuple(going.items()):
            if process.poll() is not None:
                assert process.stdout is not None
                said = process.stdout.read().strip().splitlines()
                found[name] = json.loads(said[-1]) if process.returncode == 0 else None
                print(name, found[name], flush=True)
                del going[name]
        time.sleep(0.5)
    told = {
        "command": f"bench/evenings.py --at-once {wish.at_once} --per-s {wish.per_s:g}"
        f" --seed {wish.seed}",
        "machine": machine(),
        "per_s": wish.per_s,
        "seconds": CALM_S + MIDDLE_S + AFTER_S,
        "found": [found[name] for name in EVENINGS if found.get(name)],
    }
    if wish.keep is not None:
        (wish.keep / "evenings.json").write_text(json.dumps(told, indent=1) + "\n")
        (wish.keep / "evenings.md").write_text(page(told))
    return 0 if all(found.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
