"""An edge that knows how much it may send: a full network lowers the bitrate, then makes a line."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from stentor.rooms.orders import Phase
from support.edge import RunningEdge, edge_running, eventually


def _before_the_hour(on_edge: RunningEdge) -> RunningEdge:
    on_edge.programme.open_doors()
    on_edge.programme.state(Phase.SCHEDULED)
    eventually(lambda: on_edge.get("live.mp4?rendition=flac").status == 404)
    return on_edge


@pytest.mark.parametrize(("megabits", "full"), [(1.2, True), (12.0, False)])
def test_who_is_inside_before_the_hour_counts_with_what_they_will_take(
    tmp_path: Path, megabits: float, full: bool
) -> None:
    with (
        edge_running(tmp_path, edge_megabits_max=megabits) as on_edge,
        contextlib.ExitStack() as inside,
    ):
        _before_the_hour(on_edge)
        for _ in range(21):  # of 48 kbit/s, and without audio yet
            inside.enter_context(on_edge.ear("aac48"))
        steps, push = on_edge.edge.steps, on_edge.edge.push
        due = 21 * 0.048 / megabits
        eventually(lambda: steps.meter.facts.bits == pytest.approx(due))
        eventually(lambda: push.lower_rendition is full)
        assert push.fastest_parts == 1, "a slower lane would not help the network"


def test_edge_that_does_not_know_its_network_is_never_full_of_it(tmp_path: Path) -> None:
    with edge_running(tmp_path) as on_edge, _before_the_hour(on_edge).ear("aac48"):
        steps = on_edge.edge.steps
        eventually(lambda: sum(steps.meter.facts.listeners.values()) == 1)
        assert steps.meter.facts.bits == 0.0
