"""Each family of attacks against a real edge: counted under its name, and nobody present notices.

One edge for all of them, with listeners who hear every part meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from stentor.load.attacks.aim import Aim
from stentor.load.attacks.families import FAMILIES, By, Family
from stentor.load.attacks.outcome import Outcome
from stentor.load.attacks.run import Attack, Running, run_attack
from support.edge import eventually
from support.edge_process import EdgeProcess, edge_process
from support.hall import Hall, hall
from support.programme import Tone

PRESENT = 20
TESTS = Path(__file__).resolve().parents[1]


class Besieged:
    """An edge under attack, and those who listen to it."""

    def __init__(self, edge: EdgeProcess, listening: Hall, key: bytes) -> None:
        self.edge = edge
        self._listening = listening
        self.aim = Aim("127.0.0.1", edge.port, edge.programme.room)
        self._key = key

    def attack(self, family: Family, per_s: float = 200, seconds: float = 1.0) -> Outcome:
        return run_attack(Attack(family, self.aim, per_s, seconds, key=self._key))

    def counted(self, *names: str) -> dict[str, float]:
        return {name: self.edge.count(f"{name}_total") for name in names}

    def grew(self, before: dict[str, float], least: int = 1) -> None:
        """Wait until each of these counters has grown by so many."""

        def grown() -> bool:
            now = self.counted(*before)
            return all(now[name] >= count + least for name, count in before.items())

        eventually(grown, 20)

    def nobody_noticed(self) -> None:
        published = self.edge.programme.next
        eventually(lambda: self._listening.newest() > published, 30)
        seats = self._listening.seats
        assert len(seats) == PRESENT
        assert all(seat.status == 200 and not seat.lost and seat.whole for seat in seats)


@pytest.fixture(scope="module")
def besieged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Besieged]:
    path = tmp_path_factory.mktemp("besieged")
    with edge_process(
        path,
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


# Which counters must grow, at how many visits a second.
COUNTED = {
    Family.JOIN_FLOOD_FEW: (("refused_by_network",), 400),
    Family.JOIN_FLOOD_MANY: (("line_given",), 300),
    Family.ONE_REQUEST_AN_ADDRESS: (("line_given",), 300),
    Family.SLOW_HEADERS: (("timed_out",), 100),
    Family.SLOW_READS: (("slow_closed",), 100),
    Family.IDLE_CONNECTIONS: (("timed_out",), 100),
    Family.CACHE_BUSTING: (("answers_4xx",), 200),
    Family.RELOAD_ABUSE: (("reloads", "answers_4xx"), 200),
    Family.TICKET_FORGERY: (
        ("tickets_forged", "tickets_malformed", "tickets_expired", "tickets_other_network"),
        400,
    ),
    Family.MALFORMED_FLOOD: (("answers_4xx", "answers_5xx"), 200),
    Family.MIMIC: (("joined",), 100),
}


LONGER_S = {Family.SLOW_READS: 3.5}  # who is slow must be so for as long as the edge waits


@pytest.mark.parametrize("family", COUNTED, ids=str)
def test_family_is_counted_by_its_name_and_nobody_present_notices(
    besieged: Besieged, family: Family
) -> None:
    names, per_s = COUNTED[family]
    before = besieged.counted(*names)
    outcome = besieged.attack(family, per_s, seconds=LONGER_S.get(family, 0.6))
    assert outcome.sent > 0
    besieged.grew(before)
    besieged.nobody_noticed()


def test_every_family_over_connections_is_tried() -> None:
    assert set(COUNTED) == {name for name, about in FAMILIES.items() if about.by is By.CONNECTIONS}


def test_ticket_that_is_no_good_lets_nobody_past_the_line(besieged: Besieged) -> None:
    # The line is there while more come than the door lets in.
    with Running(Attack(Family.JOIN_FLOOD_MANY, besieged.aim, 300, 4.0)):
        eventually(lambda: besieged.edge.count("line_given_total") > 0, 20)
        outcome = besieged.attack(Family.TICKET_FORGERY, 200, 1.5)
    for kind in ("forged", "malformed", "other-room"):
        assert "200" not in outcome.by_kind.get(kind, {}), kind
        assert set(outcome.by_kind.get(kind, {})) <= {"403", "404", "429", "cut", "unanswered"}
    besieged.nobody_noticed()
