"""What the ladder decides is what an edge's parts go by."""

from __future__ import annotations

from pathlib import Path

from stentor.base.clock import ManualClock
from stentor.base.paths import DataFolder
from stentor.base.settings import Settings
from stentor.edge.edge import Edge


def test_lanes_that_the_ladder_decides_are_those_of_joiners_and_of_who_is_here(
    tmp_path: Path,
) -> None:
    settings = Settings(port=0, data=str(tmp_path), edge_lane_ms_min=960)
    edge = Edge(settings, DataFolder(tmp_path), ManualClock(), 0, now_ns=lambda: 1)
    try:
        edge.steps.second(1)
        decided = edge.steps.decision
        assert (decided.fastest_parts, decided.present_parts) == (3, 3)
        assert (edge.push.fastest_parts, edge.push.present_parts) == (3, 3)
    finally:
        edge.close()
