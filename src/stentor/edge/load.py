"""What an edge measures of its own load, once a second, as facts for the ladder.

CPU time and the wait for it are the kernel's figures for this thread; costs are what deliveries
and joins took. Decides nothing.
"""

from collections.abc import Mapping
from pathlib import Path

from stentor.admission.ladder import LoadFacts
from stentor.edge.counts import Counts
from stentor.edge.knocks import Knocks
from stentor.media.grid import PART_S

_SCHEDSTAT = Path("/proc/thread-self/schedstat")
_DELIVERIES_MIN = 50  # fewer say nothing of what one costs
_JOINS_MIN = 20
_SMOOTH = 0.3
_ASKED_SMOOTH = 0.5


def queued_ns() -> int:
    """Return how long this thread has waited for a CPU; 0 where the kernel does not say."""
    try:
        return int(_SCHEDSTAT.read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0


class LoadMeter:
    """Sums up what one edge did since the last look."""

    def __init__(self, counts: Counts, knocks: Knocks, *, cores: float, join_share: float) -> None:
        self._counts = counts
        self._knocks = knocks
        self._cores = cores
        self._join_share = join_share
        self._delivery_ns = 0
        self._seen = self._totals(0, 0)
        self._delivery_cost_s = 12e-6
        self._join_cost_s = 50e-6
        self._asked_per_s = 0.0
        self._left_per_s = 0.0
        self._shelf_per_s = 0.0
        self._late_s = 0.0
        self.facts = LoadFacts(cores=cores, join_share=join_share)

    def delivered(self, cpu_ns: int) -> None:
        """Note what deliveries took."""
        self._delivery_ns += cpu_ns

    def look(
        self,
        past_s: float,
        *,
        asked: int,
        join_cpu_ns: int,
        late_ns: int,
        listeners: Mapping[int, int],
        descriptors: float,
        descriptors_max: int,
        memory: float,
        bits_max: float,
        due_bits_per_s: float,
        waiting: int,
    ) -> LoadFacts:
        """Return the facts of the time since the last look, `past_s` seconds ago.

        `asked` is how many wanted to join, and `join_cpu_ns` what those who come cost, until now;
        `late_ns` is how long anybody waited for what was due.
        """
        seen, self._seen = self._seen, self._totals(asked, join_cpu_ns)
        asked, left, deliveries, sent, handshakes, shelf, joining_ns, queue_ns = (
            new - old for new, old in zip(self._seen, seen, strict=True)
        )
        past_s = max(0.1, past_s)
        if deliveries >= _DELIVERIES_MIN:
            cost_s = self._delivery_ns / deliveries / 1e9
            self._delivery_cost_s += (cost_s - self._delivery_cost_s) * _SMOOTH
        join_cost_s = self._join_costs(joining_ns / 1e9, handshakes)
        if join_cost_s is not None:
            self._join_cost_s += (join_cost_s - self._join_cost_s) * _SMOOTH
        self._asked_per_s += (asked / past_s - self._asked_per_s) * _ASKED_SMOOTH
        self._shelf_per_s += (shelf / past_s - self._shelf_per_s) * _ASKED_SMOOTH
        self._left_per_s += (left / past_s - self._left_per_s) * _SMOOTH
        # What comes is seen as late as one waits for a CPU: about once for each part.
        late_s = late_ns / 1e9 + max(0, queue_ns) / 1e9 / past_s * PART_S
        self._late_s += (late_s - self._late_s) * _ASKED_SMOOTH
        self._delivery_ns = 0
        self.facts = LoadFacts(
            cores=self._cores,
            listeners=listeners,
            delivery_cost_s=self._delivery_cost_s,
            join_cost_s=self._join_cost_s,
            late_s=self._late_s,
            joining=joining_ns / 1e9 / past_s / self._join_share,
            join_share=self._join_share,
            asked_per_s=self._asked_per_s,
            left_per_s=self._left_per_s,
            descriptors=descriptors,
            descriptors_max=descriptors_max,
            memory=memory,
            # Who is inside before the hour takes nothing until it strikes, then all at once.
            bits=max(sent * 8 / past_s, due_bits_per_s) / bits_max if bits_max else 0.0,
            waiting=waiting,
            shelf_per_s=self._shelf_per_s,
        )
        return self.facts

    def _join_costs(self, joining_s: float, handshakes: int) -> float | None:
        """Return what one who joins costs; with TLS, what one who comes costs is nearly the same.

        Not the average of all who ask: a crowd that is told to wait would change what is announced.
        """
        seen_s = self._knocks.take_cost_s()
        return joining_s / handshakes if handshakes >= _JOINS_MIN else seen_s

    def _totals(self, asked: int, join_cpu_ns: int) -> tuple[int, ...]:
        counts = self._counts
        return (
            asked,
            counts.left,
            counts.deliveries,
            counts.bytes_sent,
            counts.tls_handshakes,
            counts.shelf_requests,
            join_cpu_ns,
            queued_ns(),
        )
