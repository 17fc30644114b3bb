"""Edges, watch and the real guard together: who does what no player does is dropped by the kernel.

A whole server in a namespace of its own, attackers and a listener at the other end of a cable. The
shield decides, edges tell the guard, the operator undoes it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import pytest

from stentor.shield.policy import Ban, shut_for_ms
from support.guard import Guarded, guard_at
from support.namespaces import NEAR_INTERFACE
from support.programs import needs_program, needs_root
from support.server import wait_until
from support.siege import AT_ONCE, Siege, besieged

pytestmark = [needs_root, needs_program("ip", "nft")]

PATIENCE_S = 25
PARDONED = {"nftables": "203.0.113.9", "xdp": "203.0.113.10"}
BANNED = "2001:db8:1:1::5"  # whom nobody pardons
QUIET_S = 2


@pytest.fixture(scope="module")
def siege(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Siege]:
    with besieged(tmp_path_factory.mktemp("siege"), *PARDONED.values(), BANNED) as siege:
        yield siege


@contextlib.contextmanager
def guarded(siege: Siege, how: str) -> Iterator[Guarded]:
    """Run the guard beside the server and with its settings, as docs/operating.md has it."""
    server = siege.server
    ports = {"port": server.port, "control_port": server.control_port}
    settings = {name: str(port) for name, port in ports.items()}
    with guard_at(siege.link, how, server.folder.root, **settings) as guard:
        yield guard


@pytest.mark.parametrize("how", ["nftables", pytest.param("xdp", marks=needs_program("clang"))])
def test_the_kernel_drops_whom_the_shield_bans_until_the_operator_lifts_it(
    siege: Siege, how: str
) -> None:
    near, source = siege.link.near, PARDONED[how]
    pardoned, banned = siege.attackers[source], siege.attackers[BANNED]
    with guarded(siege, how) as guard:
        # The edges alone enforce the first ban; they have the kernel enforce the second.
        wait_until(lambda: guard.count("bans") >= 2, PATIENCE_S, "the guard is told of bans")
        if how == "nftables":
            wait_until(lambda: source in near.run("nft", "list", "ruleset"), PATIENCE_S)
        unreached = pardoned.unreached, banned.unreached
        heard = len(siege.ear.parts)
        wait_until(lambda: nobody_comes(siege), PATIENCE_S, "no attacker reaches an edge")
        wait_until(lambda: pardoned.unreached > unreached[0], PATIENCE_S)
        wait_until(lambda: banned.unreached > unreached[1], PATIENCE_S)
        assert guard.count("banned") >= QUIET_S
        wait_until(lambda: siege.now()["shield"]["guard"] == how, PATIENCE_S)
        siege.ear.wait_parts(heard + QUIET_S)

        ban = wait_until(lambda: ban_that_lasts(siege, source), PATIENCE_S)
        unreached = pardoned.unreached, banned.unreached
        siege.ask("POST", "/api/shield/pardon", json={"network": ban.network})
        is_let_in = LetIn(siege, source, ban)
        wait_until(is_let_in, PATIENCE_S, "whoever is pardoned gets through")
        wait_until(lambda: banned.unreached > unreached[1], PATIENCE_S, "others are kept out")
        notes = [(one["what"], one["about"]) for one in siege.now()["notes"]]
        assert ("undo-ban", ban.network) in notes
        pardoned.stop()

        guard.process.kill()
        guard.process.wait(PATIENCE_S)
        wait_until(lambda: near.run("nft", "list", "tables") == "", PATIENCE_S, "no rule is left")
        wait_until(lambda: "xdp" not in near.run("ip", "link", "show", NEAR_INTERFACE), PATIENCE_S)
        cut = banned.cut
        wait_until(lambda: banned.cut > cut, PATIENCE_S, "an edge keeps them out by itself")
    siege.ear.wait_more(3)
    findings = siege.ear.findings
    assert findings.gaps == findings.jumps == 0
    assert findings.connections == 1


def nobody_comes(siege: Siege) -> bool:
    """Say whether for some seconds edges had nobody to accept, while the kernel dropped some."""
    points = siege.now()["points"]
    quiet = [one["accepted"] == 0 and one["guard"].get("banned", 0) > 0 for one in points]
    return len(quiet) >= QUIET_S and all(quiet[-QUIET_S:])


def ban_that_lasts(siege: Siege, source: str) -> Ban | None:
    """Return a network's ban, if there is time enough left to see what becomes without it."""
    ban = siege.ban_of(source)
    lasts = ban is not None and ban.kernel and ban.until_ms - siege.server.now_ms() > 15_000
    return ban if lasts else None


class LetIn:
    """Whether an attacker is answered time and again while a ban of before would cut it off."""

    def __init__(self, siege: Siege, source: str, ban: Ban) -> None:
        self._attacker = siege.attackers[source]
        self._ban = ban
        self._since: int | None = None

    def __call__(self) -> bool:
        now_ms = time.time_ns() // 1_000_000
        if not shut_for_ms(self._ban, now_ms):  # everybody is let in just now
            self._since = None
        elif self._since is None:
            self._since = self._attacker.answered
        return self._since is not None and self._attacker.answered > self._since + 3 * AT_ONCE
