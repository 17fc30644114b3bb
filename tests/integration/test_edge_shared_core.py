"""An edge whose core is mostly taken by others: who comes waits for it, who listens does not."""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from support.edge import Client, eventually
from support.edge_process import edge_process

OTHERS = 4
SECONDS = 4.0
IN_HAND_S = 0.64  # what a listener of the fastest lane has beyond its period, at least


@contextlib.contextmanager
def others_on(core: int) -> Iterator[None]:
    """Have processes take most of a core."""
    spin = f"import os; os.sched_setaffinity(0, {{{core}}})\nwhile True: pass"
    found = [subprocess.Popen((sys.executable, "-c", spin)) for _ in range(OTHERS)]
    try:
        yield
    finally:
        for one in found:
            one.kill()
            one.wait()


def test_listeners_get_every_part_in_time_while_joiners_and_others_want_the_core(
    tmp_path: Path,
) -> None:
    core = min(os.sched_getaffinity(0))
    with edge_process(
        tmp_path, edges=1, edge_network_exempt="127.0.0.0/8", edge_lane_ms_max=960
    ) as edge:
        os.sched_setaffinity(edge.pid, {core})
        edge.on_air(8)
        target = f"/r/{edge.programme.room}/live.mp4?rendition=aac48"
        with others_on(core), edge.ear() as ear:
            ear.listen(lambda: ear.parts)
            published: dict[int, float] = {}
            last: list[int] = []
            hears = threading.Thread(
                target=ear.listen, args=(lambda: last and last[0] in ear.arrived, 30)
            )
            hears.start()
            comers = 0
            before = edge.count("joined_total")
            ends_s = time.monotonic() + SECONDS
            while time.monotonic() < ends_s:
                published[edge.programme.next] = time.monotonic()
                edge.programme.parts(1)
                next_s = time.monotonic() + 0.32
                while time.monotonic() < next_s:  # nobody waits for an answer
                    with contextlib.suppress(OSError), Client(edge.port) as one:
                        one.get(target)
                        comers += 1
            last.append(edge.programme.next - 1)
            edge.programme.parts(3)  # fill the last delivery
            hears.join()
            assert last[0] in ear.arrived
            assert comers > 50
            eventually(lambda: edge.count("joined_total") > before, 20)  # they are served, too
        heard = [number for number in ear.parts if number in published]
        assert heard == sorted(published)
        assert not ear.jumps
        # Half of all parts, so that one stall of the whole machine is not held against it.
        late_s = [ear.arrived[number] - at_s for number, at_s in published.items()]
        assert statistics.median(late_s) < IN_HAND_S
