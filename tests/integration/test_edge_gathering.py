"""People who come one by one to a real edge share its turns, and a page's files wait for none."""

from __future__ import annotations

import statistics
import threading
import time
from contextlib import ExitStack
from pathlib import Path

from stentor.admission.gathering import APART_NS, AT_ONCE
from support.edge import Client, edge_running, eventually

_APART_S = APART_NS / 1e9
_CAME, _ASKED = 150, 100


def test_who_come_one_by_one_are_taken_together(tmp_path: Path) -> None:
    with edge_running(tmp_path, edges=1) as on_edge, ExitStack() as here:
        on_edge.on_air(10)
        counts, knocks = on_edge.edge.counts, on_edge.edge._public.knocks
        turns, turn = [0], knocks.turn

        def counted() -> None:
            turns[0] += 1
            turn()

        knocks.turn = counted  # type: ignore[method-assign]
        pace, before, began_s = threading.Event(), counts.accepted, time.monotonic()
        for _ in range(_CAME):
            here.enter_context(Client(on_edge.port))
            pace.wait(0.001)
        eventually(lambda: counts.accepted >= before + _CAME)
        most = AT_ONCE + (time.monotonic() - began_s) / _APART_S
        assert turns[0] <= 2 * most + 2  # each may be followed by a look at an empty queue


def test_who_has_been_accepted_waits_for_no_turn(tmp_path: Path) -> None:
    with edge_running(tmp_path, edges=1) as on_edge, Client(on_edge.port) as client:
        took_s = []
        for _ in range(_ASKED):
            began_s = time.monotonic()
            client.get("/healthz")
            assert client.response().status == 200
            took_s.append(time.monotonic() - began_s)
        assert statistics.median(took_s) < _APART_S / 2
