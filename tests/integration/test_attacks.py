"""Each family of attacks against a real edge: counted under its name, and nobody present notices.

One edge for all of them, with listeners who hear every part meanwhile.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from stentor.base.paths import DataFolder
from stentor.load.attacks.aim import Aim
from stentor.load.attacks.crowds import CROWDS, Crowd, plan_crowd
from stentor.load.attacks.families import FAMILIES, By, Family
from stentor.load.attacks.faults import Fault, fault
from stentor.load.attacks.outcome import Outcome
from stentor.load.attacks.run import Attack, Running, run_attack
from stentor.load.run import run_load
from stentor.supervise.supervisor import stentor_command
from support.edge import eventually
from support.edge_process import EdgeProcess, edge_process
from support.hall import Hall, hall
from support.programme import Tone
from support.programs import needs_program, needs_root

PRESENT = 20
TESTS = Path(__file__).resolve().parents[1]


class Besieged:
    """An edge under attack, and those who listen to it."""

    def __init__(self, edge: EdgeProcess, listening: Hall, key: bytes) -> None:
        self.edge = edge
        self._listening = listening
        self.aim = Aim("127.0.0.1", edge.port, edge.programme.room)
        self._key = key

    def attack(
        self, family: Family, per_s: float = 200, seconds: float = 0.5, sources: int = 0
    ) -> Outcome:
        return run_attack(Attack(family, self.aim, per_s, seconds, sources, key=self._key))

    def counted(self, *names: str) -> dict[str, float]:
        """Return counters by name; of `one|other` the sum."""
        return {
            name: sum(self.edge.count(f"{one}_total") for one in name.split("|")) for name in names
        }

    def grew(self, before: dict[str, float]) -> bool:
        """Say whether each of these counters has grown."""
        now = self.counted(*before)
        return all(now[name] > count for name, count in before.items())

    def nobody_noticed(self) -> None:
        published = self.edge.programme.next
        eventually(lambda: self._listening.newest() > published, 30)
        seats = self._listening.seats
        assert len(seats) == PRESENT
        assert all(seat.status == 200 and not seat.lost and seat.whole for seat in seats)


@pytest.fixture(scope="module")
def besieged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Besieged]:
    path = tmp_path_factory.mktemp("besieged")
    (path / "data" / "run").mkdir(parents=True)
    with edge_process(
        path,
        stentor_command("part", "edge"),
        edge_network_exempt="127.0.0.1",  # who listens; attackers come from elsewhere
        edge_network_joins_per_s=20.0,
        edge_network_joins_burst=40,
        edge_network_reloads_max=4,
        edge_admissions_per_s_max=40.0,
        edge_head_s=0.5,
        edge_idle_s=1.0,
        edge_stalled_s=1.0,
        edge_rate_min=20_000.0,
        edge_unsent_bytes=4096,
    ) as edge:
        edge.programme = Tone(edge.feed)
        edge.on_air(12)
        stream = f"/r/{edge.programme.room}/live.mp4?rendition=opus24"
        key = (path / "data" / "secrets" / "door.key").read_bytes()
        with edge.programme.at_real_time(), ExitStack() as stack:
            listening = eventually(lambda: _seated(stack, edge.port, stream), 30)
            yield Besieged(edge, listening, key)


def _seated(stack: ExitStack, port: int, stream: str) -> Hall | None:
    """Return listeners who were all let in at once; a door that has just opened has a line."""
    listening = stack.enter_context(hall(port, [stream] * PRESENT))
    eventually(lambda: all(seat.status for seat in listening.seats), 20)
    if all(seat.status == 200 for seat in listening.seats):
        return listening
    stack.pop_all().close()
    time.sleep(1.5)  # until those places have been called, and nobody came
    return None


@pytest.mark.parametrize(
    ("crowd", "more"),
    [(Crowd.CARRIER_NAT, ()), (Crowd.SLOW_DISK, (Fault.HALVED_CAPACITY,))],
    ids=["behind one address", "on a busy disk and half the processors"],
)
def test_crowd_gets_audio_and_nobody_present_notices(
    besieged: Besieged, crowd: Crowd, more: tuple[Fault, ...], tmp_path: Path
) -> None:
    look = CROWDS[crowd]
    people = 30  # one address may come so often at once here
    plan = replace(plan_crowd(look, besieged.aim, people, 1.0, seed=1), seconds=40.0)
    with ExitStack() as stack:
        for kind in look.faults + more:
            stack.enter_context(fault(kind, 40.0, tmp_path))
        tally = run_load(plan, lambda sums: sums.heard >= people)
    assert tally.heard == people
    assert tally.gaps == tally.broken == tally.tickets_lost == 0
    besieged.nobody_noticed()
    assert list(tmp_path.iterdir()) == [], "what kept the disk busy is gone"


# Which counters must grow, at how many visits a second, from how many addresses (0: its own).
COUNTED = {
    Family.JOIN_FLOOD_FEW: (("refused_by_network",), 400, 1),
    Family.JOIN_FLOOD_MANY: (("line_given|joined",), 300, 0),
    Family.ONE_REQUEST_AN_ADDRESS: (("line_given|joined",), 300, 0),
    Family.CACHE_BUSTING: (("answers_4xx",), 200, 0),
    Family.RELOAD_ABUSE: (("reloads", "answers_4xx"), 200, 0),
    Family.TICKET_FORGERY: (
        ("tickets_forged", "tickets_malformed", "tickets_expired", "tickets_other_network"),
        400,
        0,
    ),
    Family.MALFORMED_FLOOD: (("answers_4xx", "answers_5xx"), 200, 0),
    Family.MIMIC: (("line_given|joined",), 100, 0),
}
# Who is slow must be so for several times as long as the edge waits: all three at once.
SLOW = {
    Family.SLOW_HEADERS: "timed_out",
    Family.IDLE_CONNECTIONS: "timed_out",
    Family.SLOW_READS: "slow_closed",
}


@pytest.mark.parametrize("family", COUNTED, ids=str)
def test_family_is_counted_by_its_name_and_nobody_present_notices(
    besieged: Besieged, family: Family
) -> None:
    names, per_s, sources = COUNTED[family]
    before = besieged.counted(*names)

    def attacked() -> bool:
        besieged.attack(family, per_s, sources=sources)
        return besieged.grew(before)

    eventually(attacked, 20)  # mostly the first time
    besieged.nobody_noticed()


def test_slow_families_are_let_go_and_nobody_present_notices(besieged: Besieged) -> None:
    before = besieged.counted(*SLOW.values())
    with ExitStack() as stack:
        running = {
            family: stack.enter_context(Running(Attack(family, besieged.aim, 60, 4.5)))
            for family in SLOW
        }
        outcomes = {family: one.outcome() for family, one in running.items()}
    assert outcomes[Family.SLOW_HEADERS].by_kind["begun"]["408"] > 0
    assert outcomes[Family.IDLE_CONNECTIONS].by_kind["sat"]["cut"] > 0
    assert besieged.grew(before)
    besieged.nobody_noticed()


def test_every_family_over_connections_is_tried() -> None:
    assert set(COUNTED) | set(SLOW) == {
        name for name, about in FAMILIES.items() if about.by is By.CONNECTIONS
    }


def test_ticket_that_is_no_good_lets_nobody_past_the_line(besieged: Besieged) -> None:
    # The line is there while more come than the door lets in.
    with Running(Attack(Family.JOIN_FLOOD_MANY, besieged.aim, 300, 4.0)):
        eventually(lambda: besieged.edge.count("line_given_total") > 0, 20)
        outcome = besieged.attack(Family.TICKET_FORGERY, 200, 1.5)
    for kind in ("forged", "malformed", "other-room"):
        assert "200" not in outcome.by_kind.get(kind, {}), kind
        # The last ones may not have been answered when the attack was over: they are "open".
        refused = {"403", "404", "429", "cut", "unanswered", "open"}
        assert set(outcome.by_kind.get(kind, {})) <= refused
    besieged.nobody_noticed()


def test_who_ignores_the_line_gains_nothing_on_those_who_wait(besieged: Besieged) -> None:
    people = 300  # nearly at once, where 40 a second are let in
    look = CROWDS[Crowd.RETRY_BUG]
    plan = replace(plan_crowd(look, besieged.aim, people, 1.0, seed=1), ramp_s=0.25, seconds=60.0)
    obedient = people // 2  # more than half are, whatever the seed
    tally = run_load(plan, lambda sums: sums.heard >= obedient)
    assert tally.heard >= obedient
    assert tally.heedless > 0
    assert tally.waited > 0
    assert tally.tickets_lost == 0
    besieged.nobody_noticed()


def attack_command(data: Path, *more: str) -> subprocess.CompletedProcess[str]:
    words = ["load", "attack", "malformed-flood", "--seconds", "0.5", "--json", *more]
    return subprocess.run(
        [sys.executable, "-m", "stentor", *words, "--data", str(data)],
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )


def test_command_finds_the_server_of_its_data_folder(besieged: Besieged, tmp_path: Path) -> None:
    edge = besieged.edge
    port = str(edge.port)
    stranger = attack_command(tmp_path, "--port", port, "--room", edge.programme.room)
    assert stranger.returncode == 4, "whoever is there is none of this folder's edges"
    own = DataFolder(Path(edge.settings.data))
    own.parts.write_text(json.dumps({"edge-0": {"pid": edge.pid}}))
    done = attack_command(own.root, "--port", port)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["sent"] > 0
    assert "exempt" in done.stderr, "whoever tests is told which limits do not hold"
    nobody = attack_command(own.root, "--port", "1")
    assert nobody.returncode == 4
    assert "stentor serve" in nobody.stderr
    # An edge, but of another folder.
    other = DataFolder(tmp_path)
    other.run.mkdir()
    other.parts.write_text(json.dumps({"edge-0": {"pid": edge.pid}}))
    assert attack_command(other.root, "--port", port).returncode == 4
    besieged.nobody_noticed()


@needs_root
@needs_program("ip")
def test_half_open_connections_keep_nobody_out_of_an_arena(tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-c", _ARENA, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert found.returncode == 0, found.stderr
    told = json.loads(found.stdout.splitlines()[-1])
    assert told["sent"] > 5_000, "more than a listening socket remembers"
    assert told["kernel"]["SyncookiesSent"] > 0
    assert told["answered"] == 20
    assert told["v6"] == 200
    assert told["outside"] == "refused"


_ARENA = """
import json, socket, sys
from pathlib import Path
from stentor.load.attacks.arena import enter_arena
enter_arena()  # before there are threads
from stentor.base.errors import UsageError
from stentor.load.attacks.aim import ARENA_ADDRESS, Aim, bot, open_stream
from stentor.load.attacks.families import Family
from stentor.load.attacks.run import Attack, Running
from support.edge import Client, edge_running
with edge_running(Path(sys.argv[1]), bind="::") as on_edge:
    on_edge.on_air(2)
    answered = 0
    with Running(Attack(Family.SYN_FLOOD, Aim(ARENA_ADDRESS, on_edge.port), 20_000, 2.0)) as flood:
        for _ in range(20):
            with Client(on_edge.port) as client:
                answered += client.get("/healthz").response().status == 200
        outcome = flood.outcome()
    aim = Aim("::1", on_edge.port)
    with open_stream(aim, bot(7, v6=True)) as one:
        one.settimeout(20)
        one.sendall(aim.request("/healthz"))
        v6 = int(one.recv(4096)[9:12])
try:
    open_stream(Aim("192.0.2.1", 80), "0.0.0.0")
except UsageError:
    outside = "refused"
told = {"sent": outcome.sent, "kernel": outcome.kernel, "answered": answered, "v6": v6}
print(json.dumps({**told, "outside": outside}))
"""
