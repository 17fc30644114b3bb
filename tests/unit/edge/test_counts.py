"""Everything that an edge counts is explained where all metrics are."""

from __future__ import annotations

from dataclasses import fields

from stentor.base.metrics import EDGE_COUNTED
from stentor.edge.counts import Counts


def test_every_count_is_a_metric_that_says_what_it_is() -> None:
    assert [one.name for one in fields(Counts)] == sorted(EDGE_COUNTED)
    assert all(EDGE_COUNTED.values())
