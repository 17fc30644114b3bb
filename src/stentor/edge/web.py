"""What all connections of one edge share. Decides nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from stentor.base.errors import Problem
from stentor.edge.counts import Counts
from stentor.edge.deadlines import Deadlines
from stentor.edge.limits import Limits
from stentor.edge.loop import Loop
from stentor.edge.networks import Networks, Reception
from stentor.edge.request import Request
from stentor.edge.unfinished import Unfinished
from stentor.shield.summary import Summary

if TYPE_CHECKING:
    from stentor.edge.connection import Connection

REFUSALS = {
    Reception.CROWDED: Problem(
        429, "crowded-network", "Your network has as many connections here as one may have"
    ),
    Reception.HASTY: Problem(
        429, "hasty-network", "Too many connections at once from your network"
    ),
}


class Web:
    """What all connections of an edge share."""

    def __init__(
        self,
        loop: Loop,
        deadlines: Deadlines,
        counts: Counts,
        dispatch: Callable[[Connection, Request], None],
        now_ns: Callable[[], int],
        networks: Networks,
        limits: Limits,
        summary: Summary,
    ) -> None:
        self.loop = loop
        self.deadlines = deadlines
        self.counts = counts
        self.dispatch = dispatch
        self.now_ns = now_ns
        self.networks = networks
        self.limits = limits
        self.summary = summary  # of what those who come do
        # Whether who comes from there is closed at once: the policy has its network kept out.
        self.closes: Callable[[bytes], bool] = lambda _peer: False
        self.unfinished = Unfinished(limits.unfinished_bytes_max)
        self.open = 0  # connections, push listeners included
        self.at_rest: Callable[[Connection], None] | None = None  # once a successor is here
