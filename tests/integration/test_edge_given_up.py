"""Who has hung up by the time that they are looked at is let go: they cost no join."""

from __future__ import annotations

import time
from pathlib import Path

from support.edge import Client, edge_running, eventually

MANY = 40


def test_crowd_that_has_given_up_is_let_go_and_who_still_waits_is_let_in(tmp_path: Path) -> None:
    with edge_running(tmp_path, edge_network_exempt="127.0.0.0/8") as edge:
        edge.on_air(8)
        public, counts = edge.edge._public, edge.edge.counts
        target = f"/r/{edge.programme.room}/live.mp4?rendition=aac48"
        public.pause()
        began_s = time.monotonic()
        for _ in range(MANY):
            Client(edge.port).get(target).close()
        with Client(edge.port).get(target) as patient:
            eventually(lambda: time.monotonic() - began_s > 1.5)
            public.resume()
            assert patient.head()[0] == 200
            eventually(lambda: counts.accepted == MANY + 1)
        # Who is looked at first in a turn tells how long all of it has waited.
        assert counts.gave_up >= MANY - 1
        assert counts.joined <= 2
