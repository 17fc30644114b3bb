"""What an attack may never do: go elsewhere, ask for more than its caps, or outlive its parent."""

from __future__ import annotations

import ast
import os
import random
import signal
import subprocess
import sys
import time
from ipaddress import IPv6Address
from pathlib import Path

import pytest

import stentor.load.attacks
from stentor.base.errors import UsageError
from stentor.load.attacks import bounds
from stentor.load.attacks.aim import (
    ARENA_ADDRESS,
    Aim,
    begin_half_open,
    bot,
    open_datagram,
    open_stream,
)
from stentor.load.attacks.crowds import CROWDS, PEOPLE_MAX, Crowd, plan_crowd
from stentor.load.attacks.families import FAMILIES, By, Family, about
from stentor.load.attacks.faults import Fault, fault
from stentor.load.attacks.run import Attack, Running
from stentor.load.attacks.spray import datagram

PACKAGE = Path(stentor.load.attacks.__file__).parent
COMMAND = PACKAGE.parents[1] / "cli" / "attack.py"
# An address of nobody (RFC 5737), names, wildcards, private networks, and loopback in disguise.
ELSEWHERE = (
    "192.0.2.1", "example.org", "localhost", "0.0.0.0", "::", "10.0.0.1", "192.168.1.1",
    "169.254.1.1", "224.0.0.1", "255.255.255.255", "2001:db8::1", "fe80::1", "::ffff:192.0.2.1",
    "", ARENA_ADDRESS,
)  # fmt: skip


@pytest.mark.parametrize("address", ELSEWHERE)
def test_nothing_is_opened_to_anywhere_else(address: str) -> None:
    aim = Aim(address, 80, "hall")
    for open_to in (open_stream, open_datagram):
        with pytest.raises(UsageError):
            open_to(aim, "127.0.0.1")
    with pytest.raises(UsageError):
        begin_half_open(aim, "127.0.0.1")
    for family in Family:
        with pytest.raises(UsageError):
            Attack(family, aim, ports=(9,)).orders()


def test_half_open_connections_are_refused_on_loopback_too() -> None:
    with pytest.raises(UsageError):
        begin_half_open(Aim("127.0.0.1", 80), "127.0.0.1")


def test_sockets_are_made_in_one_module_only() -> None:
    makers = {
        path.name
        for path in PACKAGE.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func)
        in ("socket.socket", "socket.create_connection", "socket", "socket.fromfd", "Aim.open")
    }
    assert makers == {"aim.py"}
    raw = [path.name for path in PACKAGE.glob("*.py") if "SOCK_RAW" in path.read_text()]
    assert raw == []


def test_command_has_no_option_for_a_host() -> None:
    text = COMMAND.read_text()
    options = {
        node.value
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant) and str(node.value).startswith("--")
    }
    assert options == {
        "--list", "--room", "--port", "--per-s", "--seconds", "--sources", "--arena", "--ipv6",
        "--seed",
    }  # fmt: skip


@pytest.mark.parametrize("family", Family, ids=str)
def test_caps_hold_for_every_family(family: Family) -> None:
    aim = Aim("127.0.0.1", 80, "hall")
    facts = FAMILIES[family]
    for wrong in (
        Attack(family, aim, per_s=bounds.PER_S_MAX + 1, ports=(9,)),
        Attack(family, aim, per_s=0, ports=(9,)),
        Attack(family, aim, seconds=bounds.SECONDS_MAX + 1, ports=(9,)),
        Attack(family, aim, seconds=float("inf"), ports=(9,)),
        Attack(family, aim, seconds=float("nan"), ports=(9,)),
        Attack(family, aim, sources=facts.sources_max + 1, ports=(9,)),
    ):
        with pytest.raises(UsageError):
            wrong.orders()
    most = Attack(family, aim, per_s=bounds.PER_S_MAX, seconds=bounds.SECONDS_MAX, ports=(9,))
    if facts.by is not By.HALF_OPEN:
        assert len(most.orders()) <= bounds.PROCESSES_MAX


def test_unknown_family_is_refused_with_a_hint() -> None:
    with pytest.raises(UsageError, match="--list"):
        about("flood-everybody")


def test_sources_are_loopback_and_none_is_there_twice() -> None:
    found = {bot(number) for number in range(10_000)}
    assert len(found) == 10_000
    assert all(one.startswith("127.") and int(one.split(".")[1]) >= 128 for one in found)
    clusters = {one.rpartition(".")[0] for one in found}
    assert len(clusters) > 5_000, "bots are of many networks"
    assert all(bot(number, v6=True).startswith("2001:db8:5e17:") for number in range(100))


def test_same_seed_says_the_same() -> None:
    aim = Aim("127.0.0.1", 80, "hall")
    for facts in FAMILIES.values():
        if facts.conduct is None:
            continue
        said = [
            [conduct.visit(number) for number in range(50)]
            for conduct in (facts.conduct(aim, random.Random(7), 5) for _ in range(2))
        ]
        assert said[0] == said[1]
    assert [datagram(n, random.Random(7)) for n in range(4)] == [
        datagram(n, random.Random(7)) for n in range(4)
    ]


@pytest.mark.parametrize("crowd", Crowd, ids=str)
def test_crowds_stay_on_this_machine_and_within_their_caps(crowd: Crowd) -> None:
    look, here = CROWDS[crowd], Aim("::1" if CROWDS[crowd].v6 else "127.0.0.1", 80, "hall")
    plan = plan_crowd(look, here, 100, 10.0, seed=1)
    assert plan.target.address == here.address
    sources = {plan.target.source(0, who) for who in range(100)}
    assert (len(sources) == 1) == (crowd is Crowd.CARRIER_NAT)
    for people, seconds in ((PEOPLE_MAX + 1, 10.0), (0, 10.0), (10, 61.0), (10, float("nan"))):
        with pytest.raises(UsageError):
            plan_crowd(look, here, people, seconds, seed=1)
    with pytest.raises(UsageError):
        plan_crowd(look, Aim("192.0.2.1", 80, "hall"), 10, 10.0, seed=1)


def test_houses_of_an_ipv6_crowd_have_a_56_each() -> None:
    target = plan_crowd(
        CROWDS[Crowd.IPV6_PRIVACY], Aim("::1", 80, "hall"), 3000, 10.0, seed=1
    ).target
    found = [target.source(0, who) for who in range(3000)]
    addresses = [IPv6Address(one[0]) for one in found if one is not None]
    assert len(set(addresses)) == 3000
    houses = {address.packed[:7] for address in addresses}
    assert len(houses) == 1000
    assert len({house[:6] for house in houses}) == 4, "of a larger network there are 256 houses"


def test_faults_are_bounded_in_time(tmp_path: Path) -> None:
    for wrong in (0.0, bounds.SECONDS_MAX + 1, float("nan")):
        with pytest.raises(UsageError), fault(Fault.SLOW_DISK, wrong, tmp_path):
            pass
    with fault(Fault.HALVED_CAPACITY, 0.2, tmp_path) as pids:
        assert len(pids) == len(os.sched_getaffinity(0))
        _await(lambda: all(_gone(pid) for pid in pids))


def _gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def _await(condition: object, timeout_s: float = 30) -> None:
    until = time.monotonic() + timeout_s
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < until
        time.sleep(0.02)


def test_attack_stops_by_itself_when_its_time_is_over() -> None:
    aim = Aim("127.0.0.1", 1, "hall")  # nobody is there
    with Running(Attack(Family.IDLE_CONNECTIONS, aim, 20, 0.3)) as running:
        outcome = running.outcome()
        assert all(_gone(pid) for pid in running.pids)
    assert outcome.sent == outcome.unconnected + outcome.cut + outcome.held
    assert outcome.seconds < bounds.SECONDS_MAX


def test_attack_that_is_ended_before_its_time_says_what_came_of_it() -> None:
    attack = Attack(Family.IDLE_CONNECTIONS, Aim("127.0.0.1", 1, "hall"), 50, bounds.SECONDS_MAX)
    with Running(attack) as running:
        _await(lambda: all(_takes_sigterm(pid) for pid in running.pids))
        running.end()
        outcome = running.outcome()
    assert outcome.sent == outcome.unconnected + outcome.cut + outcome.held
    assert outcome.seconds < bounds.SECONDS_MAX / 2


def _takes_sigterm(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    caught = int(status.split("SigCgt:")[1].split()[0], 16)
    return bool(caught >> (signal.SIGTERM - 1) & 1)


_PARENT = """
import sys, time
from stentor.load.attacks.aim import Aim
from stentor.load.attacks.crowds import CROWDS, PEOPLE_MAX, Crowd, plan_crowd
from stentor.load.attacks.families import Family
from stentor.load.attacks.faults import Fault, fault
from stentor.load.attacks.run import Attack, Running
with Running(Attack(Family.IDLE_CONNECTIONS, Aim("127.0.0.1", 1, "hall"), 1, 50)) as running:
    print(*running.pids, flush=True)
    time.sleep(60)
"""


def test_attack_ends_with_its_parent_however_that_dies() -> None:
    with subprocess.Popen([sys.executable, "-c", _PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pids = [int(one) for one in parent.stdout.readline().split()]
        assert pids
        os.kill(parent.pid, signal.SIGKILL)
    _await(lambda: all(_gone(pid) for pid in pids))
