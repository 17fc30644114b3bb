"""The operator's page is for when it is needed: edges are flooded, and it answers and goes on.

Two real edges and the watch as processes of their own, and attackers at the highest rate that
`stentor load attack` takes, on the same processors.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from stentor.base.paths import DataFolder
from stentor.base.secrets import operator_token
from stentor.base.settings import Settings, as_environment
from stentor.load.attacks.aim import Aim
from stentor.load.attacks.bounds import PER_S_MAX
from stentor.load.attacks.families import Family
from stentor.load.attacks.outcome import Outcome
from stentor.load.attacks.run import Attack, Running
from support.edge import eventually
from support.edge_process import EdgeProcess, edge_process
from support.machine import Machine
from support.network import free_port

ANSWERS_S = 5.0
ATTACK_S = 4.0
SOURCES = 50  # few enough for each to stand out
BETWEEN_S = 0.1
PATHS = ("/", "/api/now", "/api/ledger", "/metrics", "/healthz")


class Operator:
    """Somebody who looks at the page again and again, each time by a new connection."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._token = operator_token(DataFolder(Path(settings.data)))
        self.took_s: list[float] = []

    def ask(self, path: str) -> bytes:
        asked = urllib.request.Request(
            f"http://127.0.0.1:{self._settings.watch_port}{path}",
            headers={"Authorization": f"Bearer {self._token}"},
        )
        began_s = time.monotonic()
        with urllib.request.urlopen(asked, timeout=60) as answer:
            data: bytes = answer.read()
        self.took_s.append(time.monotonic() - began_s)
        return data

    def now(self) -> Any:
        return json.loads(self.ask("/api/now"))

    def sees_edges(self, count: int) -> Any:
        """Return how things stand once so many edges tell; None before."""
        with contextlib.suppress(OSError):  # it is not there yet
            now = self.now()
            if len(now["edges"]) == count and now["points"]:
                return now
        return None

    def looks_on(self, attack: Future[Outcome]) -> list[Any]:
        """Ask for all that there is until the attack is over; return how things stood."""
        found: list[Any] = []
        while not attack.done():
            for path in PATHS:
                data = self.ask(path)
                if path == "/api/now":
                    found.append(json.loads(data))
            wait([attack], BETWEEN_S)
        return found


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[EdgeProcess]:
    """Two edges on one port, and their watch."""
    with edge_process(tmp_path, edges=2, watch_port=free_port(), edge_network_exempt="") as edge:
        environment = as_environment(edge.settings)
        with ExitStack() as stack:
            for part in (("edge", "--index", "1"), ("watch",)):
                command = (sys.executable, "-m", "stentor", "part", *part)
                process = stack.enter_context(subprocess.Popen(command, env=environment))
                stack.callback(process.terminate)
            eventually(lambda: edge.feed.subscribers == 2, 30)
            yield edge.on_air(3)


def test_page_answers_and_shows_the_attack_while_edges_are_flooded(
    edge: EdgeProcess, machine: Machine
) -> None:
    operator = Operator(edge.settings)
    begun = eventually(lambda: operator.sees_edges(2), 30)
    operator.took_s.clear()
    machine.watch_anew()
    aim = Aim("127.0.0.1", edge.port, edge.programme.room)
    flood = Attack(Family.MALFORMED_FLOOD, aim, PER_S_MAX, ATTACK_S, sources=SOURCES)
    with Running(flood) as running, ThreadPoolExecutor(1) as waiting:
        attack = waiting.submit(running.outcome)
        shown = operator.looks_on(attack)
    assert max(operator.took_s) < ANSWERS_S + machine.held_up_s()
    # What was shown while it went on: second after second, with the attack in it.
    last = shown[-1]
    points = after(begun, last)
    assert len(points) >= 2
    assert last["ledger"]["records"] >= begun["ledger"]["records"] + len(points)
    assert any(one["kinds"].get("wrong_requests") for one in points)
    # And nothing is left out, nor what was done about it.
    answered = attack.result().answered
    assert answered > 1_000
    eventually(lambda: sum(one["accepted"] for one in after(begun, operator.now())) >= answered, 30)
    assert any(one["bans"] for one in after(begun, operator.now()))


def after(begun: Any, now: Any) -> list[Any]:
    """Return the seconds that are shown now and were not when it began."""
    points = [one for one in now["points"] if one["at_ms"] > begun["now_ms"]]
    assert len({one["at_ms"] for one in points}) == len(points)
    return points
