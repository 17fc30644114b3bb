#!/usr/bin/env python
"""Whole evenings over real sockets: what happened, and what the report says of it afterwards.

    bench/evenings.py [--records FOLDER] [--only NAME…] [--at-once 5] [--keep docs/benchmarks]
    bench/evenings.py --judge FOLDER [--keep docs/benchmarks]

Every family of attacks and every crowd by its name, and a quiet one. Two edges as in production,
the watch and its ledger, and people who look at the page, join and stay, for a minute; in the
middle of it the attack, the crowd, or nothing. Then `stentor report` reads the ledger and nothing
else. As root each evening has a network namespace of its own. Ledgers are kept in the folder of
records: what is there already is not run again, and `--judge` reads them anew and runs nothing.
Small on purpose: some people a second, two or three times as many attackers. `--keep` writes
evenings.json and evenings.md.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from attacks_ground import LANE_MS, RENDITION, now_ms, p95, watched
from attacks_stage import beside_speaker
from evenings_page import FACTS, LEDGER, Happened, judge, page, tell
from ground import Ground, free_port, ground, machine

from stentor.base.errors import UnavailableError
from stentor.load.arrivals import Coming, due_s
from stentor.load.attacks.aim import ARENA_ADDRESS, Aim
from stentor.load.attacks.arena import enter_arena
from stentor.load.attacks.crowds import CROWDS, Crowd, Look, plan_crowd
from stentor.load.attacks.families import FAMILIES, By, Family
from stentor.load.attacks.faults import fault
from stentor.load.attacks.outcome import Outcome
from stentor.load.attacks.run import Attack, run_attack
from stentor.load.plan import Plan
from stentor.load.report import Tally
from stentor.load.run import run_load
from stentor.load.target import Target
from stentor.rooms.orders import Orders
from stentor.store.orders import OrdersFolder

CALM_S, MIDDLE_S, AFTER_S = 22.0, 18.0, 25.0
_VISITS, _LEAD_S = 0.6, 3.0  # who looks at the page, and how long before they join
_OVER_S = 300.0  # an evening that takes longer has failed
_IPV6_FREEBIND = 78


@dataclass(frozen=True)
class Evening:
    """What happens in the middle. `times` is against how many people join in a second."""

    name: str
    family: Family | None = None
    crowd: Crowd | None = None
    times: float = 0.0
    room_for: float = 6.0  # what the doors let in, times the people's pace

    @property
    def needs_namespace(self) -> bool:
        """Whether it cannot be had on the machine's own loopback."""
        return (self.family is not None and FAMILIES[self.family].by is By.HALF_OPEN) or (
            self.crowd is not None and CROWDS[self.crowd].v6
        )


# Datagrams and half-open connections are single packets, so there are more of them.
_TIMES = {Family.STUN_DTLS_SPRAY: 50.0, Family.SYN_FLOOD: 60.0}
_FEWER = (
    *(Family.SLOW_HEADERS, Family.SLOW_READS, Family.IDLE_CONNECTIONS),
    *(Family.TICKET_FORGERY, Family.MALFORMED_FLOOD),
)
_BEYOND = (Crowd.HOUR, Crowd.RETRY_BUG)  # more people than the doors let in
EVENINGS = {
    one.name: one
    for one in (
        Evening("quiet"),
        *(
            Evening(crowd, crowd=crowd, times=4.0, room_for=2.0 if crowd in _BEYOND else 6.0)
            for crowd in Crowd
        ),
        *(
            Evening(family, family, times=_TIMES.get(family, 2.0 if family in _FEWER else 3.0))
            for family in Family
        ),
    )
}


class People:
    """People who come, each from where the plan has them, and who mostly look at the page first."""

    def __init__(self, at: Ground, plan: Plan, begins_s: float) -> None:
        """`begins_s` is when the first may come, by the monotonic clock."""
        self._at, self._plan, self._begins_s = at, plan, begins_s
        self.tallies: list[Tally] = []
        self._thread = threading.Thread(target=self._come)
        self._thread.start()
        threading.Thread(target=self._look, daemon=True).start()

    def _come(self) -> None:
        time.sleep(max(0.0, self._begins_s - time.monotonic()))
        self.tallies.append(run_load(self._plan))

    def _look(self) -> None:
        plan, target = self._plan, self._plan.target
        coming = Coming(plan.pattern, plan.ramp_s, seed=plan.seed)
        chance = random.Random(plan.seed)
        request = f"GET /r/{target.room} HTTP/1.1\r\nHost: t\r\n\r\n".encode()
        for number in range(plan.count):
            due = self._begins_s + due_s(coming, number, plan.count, chance) - _LEAD_S
            if chance.random() > _VISITS or due < time.monotonic() - 1:
                continue
            time.sleep(max(0.0, due - time.monotonic()))
            with contextlib.suppress(OSError), socket.socket(target.family) as one:
                one.settimeout(5)
                if target.v6_sources:
                    one.setsockopt(socket.IPPROTO_IPV6, _IPV6_FREEBIND, 1)
                one.bind(target.source(0, number) or ("", 0))
                one.connect((target.address, target.port))
                one.sendall(request)
                one.recv(65_536)

    def leave(self) -> Tally:
        """Wait until they have left; say what they found."""
        self._thread.join()
        return self.tallies[0]


def audience(at: Ground, wish: argparse.Namespace, seconds: float) -> Plan:
    """Return who come all the evening, each from an address of their own."""
    target = replace(at.target(RENDITION, LANE_MS), listeners_per_source=1, sources_from=30)
    return Plan(
        target, round(wish.per_s * seconds), seconds, seconds - 5, processes=1, decoding=0,
        sampled_every=1000, seed=wish.seed,
    )  # fmt: skip


def crowd(at: Ground, wish: argparse.Namespace, evening: Evening, look: Look) -> Plan:
    """Return the crowd as `stentor load crowd` has it, as many as the evening wants."""
    seconds = MIDDLE_S + AFTER_S
    aim = Aim("::1" if look.v6 else "127.0.0.1", at.settings.port, at.programme.room)
    count = round(evening.times * wish.per_s * seconds / 2)
    plan = plan_crowd(look, aim, count, seconds, wish.seed + 1)
    target: Target = replace(plan.target, rendition=RENDITION, period_ms=LANE_MS)
    if not look.v6:  # who shares an address comes at the same moment in a load, in a house seldom
        target = replace(target, listeners_per_source=1)
    return replace(
        plan, target=target, all_at_s=plan.ramp_s + 1, processes=1, decoding=0, sampled_every=1000
    )


def attack(at: Ground, wish: argparse.Namespace, evening: Evening) -> Outcome:
    """Attack the edges, or a speaker on a stage beside them, for as long as the middle lasts."""
    assert evening.family is not None
    by = FAMILIES[evening.family].by
    address = ARENA_ADDRESS if by is By.HALF_OPEN else "127.0.0.1"
    key = (at.folder.secrets / "door.key").read_bytes()
    planned = Attack(
        evening.family,
        Aim(address, at.settings.port, at.programme.room),
        wish.per_s * evening.times,
        MIDDLE_S,
        seed=wish.seed,
        key=key,
    )
    if by is not By.DATAGRAMS:
        return run_attack(planned)
    return beside_speaker(
        at, lambda port: run_attack(replace(planned, ports=(port,))), filtered=True
    )[0]


@contextlib.contextmanager
def house(wish: argparse.Namespace, evening: Evening) -> Iterator[Ground]:
    """Start edges before a room that has begun, with the watch beside them."""
    bind = "127.0.0.1"
    if evening.needs_namespace:
        bind = "::" if evening.crowd is not None else "0.0.0.0"
    with contextlib.ExitStack() as stack:
        at = stack.enter_context(
            ground(
                2,
                bind=bind,
                edge_lane_ms_min=LANE_MS,
                watch_port=free_port(1),
                edge_admissions_per_s_max=wish.per_s * evening.room_for / 2,
                edge_network_exempt="",
                door_network_per_s=20.0,
                log_level="error",
            )
        )
        room, epoch_ms = at.programme.room, at.programme.epoch_ms
        OrdersFolder(at.folder.orders).write(Orders(room, 1, evening.name, epoch_ms))
        stack.enter_context(watched(at, guarded=False))
        yield at


def run(wish: argparse.Namespace, evening: Evening) -> None:
    """Let an evening pass, and keep its ledger and what is known of it."""
    happened = Happened(evening.name, str(evening.family or ""), str(evening.crowd or ""))
    whole_s = CALM_S + MIDDLE_S + AFTER_S
    with house(wish, evening) as at, contextlib.ExitStack() as stack:
        happened.room, happened.machine = at.programme.room, machine()
        begins_s = time.monotonic() + 1.0
        all_people = [People(at, audience(at, wish, whole_s), begins_s)]
        time.sleep(CALM_S - _LEAD_S)
        if evening.crowd is not None:
            look = CROWDS[evening.crowd]
            middle_s = begins_s + CALM_S
            all_people.append(People(at, crowd(at, wish, evening, look), middle_s))
            time.sleep(max(0.0, middle_s - time.monotonic()))
            for kind in look.faults:
                stack.enter_context(fault(kind, MIDDLE_S, at.folder.root))
        if evening.family is not None:
            time.sleep(max(0.0, begins_s + CALM_S - time.monotonic()))
            happened.sent = attack(at, wish, evening).sent
        tallies = [one.leave() for one in all_people]
        happened.people = sum(one.wanted for one in tallies)
        happened.heard = sum(one.heard for one in tallies)
        happened.stalls = sum(one.stalls for one in tallies)
        happened.first_audio_p95_s = p95(*(one.first_audio_s for one in tallies))
        room, epoch_ms = at.programme.room, at.programme.epoch_ms
        OrdersFolder(at.folder.orders).write(Orders(room, 2, evening.name, epoch_ms, now_ms(at)))
        time.sleep(3)
        shutil.copytree(at.folder.ledger, wish.records / evening.name / LEDGER, dirs_exist_ok=True)
    facts = wish.records / evening.name / FACTS
    facts.write_text(json.dumps(asdict(happened), indent=1) + "\n")


def run_all(wish: argparse.Namespace) -> bool:
    """Run what is not kept yet, several at a time, each in a process of its own."""
    waiting = [one for one in wish.only if not (wish.records / one / FACTS).exists()]
    going: dict[str, tuple[subprocess.Popen[bytes], float]] = {}
    whole = True
    while waiting or going:
        while waiting and len(going) < wish.at_once:
            name = waiting.pop(0)
            own = [sys.executable, __file__, "--one", name, "--per-s", str(wish.per_s)]
            own += ["--seed", str(wish.seed), "--records", str(wish.records)]
            going[name] = subprocess.Popen(own), time.monotonic() + _OVER_S
        time.sleep(0.5)
        for name, (process, until_s) in tuple(going.items()):
            if process.poll() is None and time.monotonic() < until_s:
                continue
            process.kill()
            if process.wait() or not (wish.records / name / FACTS).exists():
                print(f"{name}: not run to its end", file=sys.stderr, flush=True)
                whole = False
            else:
                print(tell(judge(wish.records / name)), flush=True)
            del going[name]
    return whole


def main() -> int:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--only", nargs="*", choices=EVENINGS, default=list(EVENINGS))
    options.add_argument("--at-once", type=int, default=5, help="evenings at the same time")
    options.add_argument("--per-s", type=float, default=8.0, help="people who join")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--records", type=Path, help="where ledgers are kept")
    options.add_argument("--judge", type=Path, help="read what is kept there, and run nothing")
    options.add_argument("--keep", type=Path)
    options.add_argument("--one", choices=EVENINGS, help="run this one, in this process")
    wish = options.parse_args()
    if wish.one:
        try:
            enter_arena()
        except UnavailableError:
            if EVENINGS[wish.one].needs_namespace:
                raise
        run(wish, EVENINGS[wish.one])
        return 0
    whole, began_s = True, time.monotonic()
    records = wish.judge or wish.records or Path(tempfile.mkdtemp(prefix="stentor-evenings-"))
    if wish.judge is None:
        wish.records = records
        records.mkdir(parents=True, exist_ok=True)
        if os.geteuid():
            wish.only = [one for one in wish.only if not EVENINGS[one].needs_namespace]
        whole = run_all(wish)
    found = [judge(records / name) for name in EVENINGS if (records / name / FACTS).exists()]
    told = {
        "judged_by": machine(),
        "took_s": round(time.monotonic() - began_s),
        "seconds": CALM_S + MIDDLE_S + AFTER_S,
        "middle_s": MIDDLE_S,
        "per_s": wish.per_s,
        "at_once": wish.at_once,
        "found": [asdict(one) for one in found],
    }
    if wish.judge is not None:
        for one in found:
            print(tell(one))
    print(f"records: {records}")
    if wish.keep is not None:
        (wish.keep / "evenings.json").write_text(json.dumps(told, indent=1) + "\n")
        (wish.keep / "evenings.md").write_text(page(told))
    return 0 if whole else 1


if __name__ == "__main__":
    raise SystemExit(main())
