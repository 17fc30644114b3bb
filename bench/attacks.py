#!/usr/bin/env python
"""Every family of attacks against real edges: who listens, who comes, and what the shield says.

    bench/attacks.py [--quick] [--families NAME…] [--present 1000] [--per-s 100] [--keep FOLDER]

Edges as in production with listeners present (each part of each checked), people who join at a
constant rate, each from an address of their own, and one family after the other at 10 times that
rate, for as long as anybody waits, and at the highest rate that this machine sends, some seconds;
then the same with limits of networks, watch, guard and SYN cookies off, and the same seed. The
spray goes to the media port of a speaker on a stage beside them. All figures are the clients'. As
root everything happens in a network namespace of its own; otherwise on loopback, without SYN flood
and guard. `--keep docs/benchmarks` writes attacks.json, attacks.md, attacks.svg.
"""

import argparse
import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from attacks_carrier import behind_carrier
from attacks_ground import (
    LANE_MS,
    RENDITION,
    Measured,
    Present,
    counters,
    is_open,
    p95,
    policy,
    watched,
)
from attacks_page import page, plot
from attacks_stage import beside_speaker
from ground import Ground, free_port, ground, machine

from stentor.base.errors import StentorError
from stentor.load.attacks.aim import ARENA_ADDRESS, Aim
from stentor.load.attacks.arena import enter_arena
from stentor.load.attacks.bounds import PER_S_MAX, SECONDS_MAX
from stentor.load.attacks.families import FAMILIES, By, Family
from stentor.load.attacks.outcome import Outcome
from stentor.load.attacks.run import Attack, Running
from stentor.load.plan import Plan
from stentor.load.report import Tally
from stentor.load.run import run_load

_NOBODYS_LIMITS = {  # the defences off; what bounds one connection stays
    "edge_network_exempt": "0.0.0.0/0, ::/0",
    "door_network_per_s": 0.0,
}
_EVERYBODYS_LIMITS = {"edge_network_exempt": "", "door_network_per_s": 20.0}
_IN_TIME_S = 60.0
_WORST_S = 7.0  # at the highest rate, of which only the stalls of those present are promised
_BEFORE_S = 0.5  # the attack's processes begin, before people come
_SCARCE = 1.2  # what the doors let in, times --per-s, while twice as many come: a line
_AT_CAP = 0.95  # of what the tool sends at most
_REST_S = 3.0  # after the worst of one family
_BOTS_OF_FAMILY = 1 << 19  # whoever was banned in one family is not of the next


def join(
    at: Ground, wish: argparse.Namespace, within_s: float, number: int, one: str = ""
) -> Tally:
    """People come at a constant rate; return when all have audio, or have waited too long."""
    count = round(wish.per_s * wish.seconds)
    target = replace(
        at.target(RENDITION, LANE_MS),
        listeners_per_source=1,
        sources_from=30 + 6 * (number % 14),
        one_source=one,
    )
    plan = Plan(
        target, count, wish.seconds + within_s, wish.seconds, processes=1, decoding=0,
        sampled_every=1000, seed=wish.seed,
    )  # fmt: skip
    return run_load(plan, lambda sums: sums.heard >= count)


def measure(
    at: Ground,
    wish: argparse.Namespace,
    present: Present,
    family: Family | None,
    times: float,
    *,
    defences: bool,
    number: int,
    ports: tuple[int, ...] = (),
) -> Measured:
    """Attack while people join: at one rate until all are in, or (0) as fast as can be."""
    told = Measured(str(family or "none"), defences, times)
    before = counters(at)
    present.begin()
    outcome = Outcome()
    with contextlib.ExitStack() as stack:
        running = None
        if family is not None:
            attack = plan_attack(at, wish, family, times, ports)
            running = stack.enter_context(Running(attack))
            time.sleep(_BEFORE_S)
        came = join(at, wish, _IN_TIME_S if times else _WORST_S - wish.seconds, number)
        if running is not None:
            if times:
                running.end()
            outcome = running.outcome()
    present.look(told)
    told.attack_s = round(outcome.seconds, 1)
    told.sent_per_s = round(outcome.sent / max(0.1, outcome.seconds), 1)
    told.at_cap = told.sent_per_s >= _AT_CAP * PER_S_MAX
    told.let_in, told.kernel = outcome.let_in, outcome.kernel
    told.people = came.wanted
    in_time = came.first_audio_s.within(_IN_TIME_S) + came.wait_s.within(_IN_TIME_S)
    told.came_in = min(came.heard, in_time)
    told.first_audio_p95_s = p95(came.first_audio_s)
    told.waited, told.wait_p95_s = came.waited, p95(came.wait_s)
    told.wait_max_s = round(came.wait_s.largest_s, 2)
    after = counters(at)
    told.counted = {n: c - before.get(n, 0) for n, c in after.items() if c != before.get(n, 0)}
    wanted = policy(at)
    if wanted is not None:
        told.bans, told.stress = len(wanted.bans), str(wanted.stress)
    return told


def spray(
    at: Ground, wish: argparse.Namespace, present: Present, times: float, **more: Any
) -> Measured:
    """Attack a speaker's media port on a stage beside the edges; off: its socket has no filter."""
    family = Family.STUN_DTLS_SPRAY

    def attacked(port: int) -> Measured:
        return measure(at, wish, present, family, times, ports=(port,), **more)

    told, told.stage = beside_speaker(at, attacked, filtered=more["defences"])
    return told


def plan_attack(
    at: Ground, wish: argparse.Namespace, family: Family, times: float, ports: tuple[int, ...] = ()
) -> Attack:
    """Return the attack on these edges, or on the stage's ports."""
    half_open = FAMILIES[family].by is By.HALF_OPEN
    address = ARENA_ADDRESS if half_open else "127.0.0.1"
    aim = Aim(address, at.settings.port, at.programme.room)
    per_s = min(PER_S_MAX, wish.per_s * times) if times else PER_S_MAX
    lasts_s = min(SECONDS_MAX, _BEFORE_S + wish.seconds + _IN_TIME_S) if times else _WORST_S
    key = (at.folder.secrets / "door.key").read_bytes()
    first = (1 + list(Family).index(family)) * _BOTS_OF_FAMILY
    return Attack(family, aim, per_s, lasts_s, seed=wish.seed, ports=ports, key=key, first=first)


def line(told: Measured) -> str:
    """Return one phase as a line for who watches."""
    rate = f"{told.times:g}×" if told.times else "max"
    share = told.came_in / max(1, told.people)
    return (
        f"{told.family:23} {'on ' if told.defences else 'off'} {rate:>5}"
        f" {told.sent_per_s:8,.0f}/s{'!' if told.at_cap else ' '} {told.attack_s:4.1f} s"
        f"  in {share:7.2%}  first audio p95 {told.first_audio_p95_s} s"
        f"  {told.waited} waited, p95 {told.wait_p95_s} s  stalls {told.stalls}"
        f" ({told.stalled_points} points)  lost {told.lost}  bans {told.bans} {told.stress}"
        f"{f'  {told.stage}' if told.stage else ''}"
    )


@contextlib.contextmanager
def besieged(
    wish: argparse.Namespace, *, defences: bool, capacity: float = 0.0
) -> Iterator[tuple[Ground, Present]]:
    """Start edges, watch and guard, with listeners present."""
    limits: dict[str, Any] = dict(_EVERYBODYS_LIMITS if defences else _NOBODYS_LIMITS)
    if wish.arena:
        limits["bind"] = "0.0.0.0"
        Path("/proc/sys/net/ipv4/tcp_syncookies").write_text(str(int(defences)))
    with contextlib.ExitStack() as stack:
        at = stack.enter_context(
            ground(
                2,
                edge_lane_ms_min=LANE_MS,
                watch_port=free_port(1),
                edge_admissions_per_s_max=wish.per_s * (capacity or wish.capacity) / 2,
                **limits,
            )
        )
        if defences:
            stack.enter_context(watched(at, guarded=wish.arena))
        present = Present(at, wish.present)
        stack.callback(present.leave)
        present.await_all()
        yield at, present


def run(wish: argparse.Namespace) -> dict[str, Any]:
    """Measure all of it."""
    measured: list[Measured] = []
    began_s = time.monotonic()
    for defences, rates in ((True, wish.rates), (False, wish.rates if wish.off else [])):
        if not rates:
            continue
        phases = [(None, 1.0)] + [(one, rate) for one in wish.families for rate in rates]
        # On other edges, when these have not recovered from a family in time, or cannot have: a
        # line has learnt from it how many come of whom it calls, the kernel's backlog is full.
        while phases:
            with besieged(wish, defences=defences) as (at, present):
                recovered, marked = True, False
                while phases and recovered:
                    family, times = phases.pop(0)
                    more: dict[str, Any] = {"defences": defences, "number": len(measured)}
                    if family is Family.STUN_DTLS_SPRAY:
                        told = spray(at, wish, present, times, **more)
                    else:
                        told = measure(at, wish, present, family, times, **more)
                    print(line(told), flush=True)
                    measured.append(told)
                    half_open = family is not None and FAMILIES[family].by is By.HALF_OPEN
                    marked = marked or half_open or bool(told.counted.get("line_given"))
                    if phases and phases[0][0] is not family:
                        recovered = not marked and is_open(at, _REST_S)
    carriers = []
    for capacity in (wish.capacity, _SCARCE):
        with besieged(wish, defences=True, capacity=capacity) as (at, present):
            carriers.append(behind_carrier(at, present, wish, partial(join, at, wish, _IN_TIME_S)))
            print(f"carrier, {capacity:g} times", json.dumps(carriers[-1]), flush=True)
    return {
        "machine": machine(),
        "seed": wish.seed,
        "present": wish.present,
        "per_s": wish.per_s,
        "capacity": wish.capacity,
        "seconds": wish.seconds,
        "worst_s": _WORST_S,
        "namespace": wish.arena,
        "took_s": round(time.monotonic() - began_s),
        "measured": [asdict(one) for one in measured],
        "carrier": carriers[0],
        "carrier_scarce": {"capacity": _SCARCE, **carriers[1]},
    }


def main() -> int:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--quick", action="store_true", help="one rate, fewer people")
    options.add_argument("--families", nargs="*", type=Family, default=None)
    options.add_argument(
        "--rates", nargs="*", type=float, default=[10.0, 0.0], help="0: the highest"
    )
    options.add_argument("--present", type=int, default=1000)
    options.add_argument("--per-s", type=float, default=100.0, help="people who join")
    options.add_argument("--seconds", type=float, default=4.0, help="that people come for")
    options.add_argument(
        "--capacity", type=float, default=3.0, help="what the doors let in, times --per-s"
    )
    options.add_argument(
        "--bot-per-s", type=float, default=10.0, help="what each bot behind the carrier sends"
    )
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--no-off", dest="off", action="store_false")
    options.add_argument("--keep", type=Path)
    wish = options.parse_args()
    wish.rates = [10.0] if wish.quick else wish.rates
    if wish.quick:
        wish.present, wish.seconds = min(wish.present, 200), min(wish.seconds, 2.0)
    wish.arena = os.geteuid() == 0
    if wish.arena:
        try:
            enter_arena()
        except StentorError as error:
            print(error, file=sys.stderr)
            wish.arena = False
    possible = [one for one in FAMILIES if FAMILIES[one].by is not By.HALF_OPEN or wish.arena]
    wish.families = [one for one in wish.families or possible if one in possible]
    found = run(wish)
    if wish.keep is not None:
        wish.keep.mkdir(parents=True, exist_ok=True)
        (wish.keep / "attacks.json").write_text(json.dumps(found, indent=1) + "\n")
        (wish.keep / "attacks.md").write_text(page(found))
        (wish.keep / "attacks.svg").write_text(plot(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
