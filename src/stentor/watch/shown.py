"""What the operator sees: a point a second for ten minutes, and how things stand now.

Sums up what is in the records already; decides nothing, and keeps no address.
"""

from collections import deque
from collections.abc import Sequence

import msgspec

from stentor.evidence.beneath import unanswered
from stentor.evidence.records import Second
from stentor.shield.facts import EdgeSecond
from stentor.shield.merge import Merged
from stentor.shield.policy import Policy

HISTORY_S = 600
# Traffic by kind, and the edges' counters that each is the sum of; none is in two of them.
KINDS: dict[str, tuple[str, ...]] = {
    "let_in": ("joined",),
    "in_line": ("line_given", "line_again", "line_early"),
    "network_full": ("refused_by_network", "line_full", "wrongs_closed"),
    "banned": ("banned_refused", "banned_closed"),
    "wrong_tickets": (
        "tickets_forged",
        "tickets_malformed",
        "tickets_replayed",
        "tickets_other_network",
        "tickets_other_room",
        "tickets_expired",
        "tickets_late",
        "proofs_false",
    ),
    "wrong_requests": (
        "malformed",
        "unknown_paths",
        "unknown_queries",
        "far_future",
        "proxy_refused",
    ),
    "slow": (
        "silent_closed",
        "slow_heads",
        "slow_closed",
        "stalled_closed",
        "unfinished_closed",
    ),
    "no_tls": ("tls_failed", "tls_crowded_out"),
    "no_room": ("refused_connections",),
    "gave_up": ("gave_up",),
}


class Point(msgspec.Struct, frozen=True):
    """One second as the charts draw it. Times in seconds; -1 where nothing was measured."""

    at_ms: int
    edges: int
    missing: int
    listeners: int
    inside: int
    waiting: int
    accepted: int
    kinds: dict[str, int]
    left: int
    jumped: int
    first_audio_p50: float
    first_audio_p95: float
    queue_p95: float
    turn_lag_p95: float
    late: float
    use: float
    bits: float
    memory: float
    descriptors: float
    connections: int
    sent_bytes: int
    addresses: float
    wronging: float
    stress: str
    step: str
    bans: int
    obeyed: dict[str, int]
    kernel: dict[str, int]
    guard: dict[str, int]
    unfinished: int = 0  # SYN-ACKs that nobody answered
    strays: int = 0  # datagrams at media ports from nobody who speaks


class History:
    """The points of the last ten minutes."""

    def __init__(self) -> None:
        self._points: deque[Point] = deque(maxlen=HISTORY_S)

    def add(self, point: Point) -> None:
        """Append a second."""
        self._points.append(point)

    def after(self, at_ms: int) -> list[Point]:
        """Return the points later than that."""
        return [point for point in self._points if point.at_ms > at_ms]

    @property
    def newest(self) -> Point | None:
        """The last point."""
        return self._points[-1] if self._points else None


def point_of(
    second: Second, present: Sequence[EdgeSecond], merged: Merged, policy: Policy
) -> Point:
    """Return a second as one point; `present` is the newest of each edge that tells.

    An edge whose second came a moment too late for this one still has its listeners.
    """
    counts = merged.counts
    audio, queue, turn = merged.first_audio_s, merged.queue_s, merged.turn_lag_s
    return Point(
        at_ms=second.at_ms,
        edges=len(present),
        missing=len(second.missing),
        listeners=sum(room.listeners for one in present for room in one.rooms.values()),
        inside=sum(room.inside for one in present for room in one.rooms.values()),
        waiting=merged.door.waiting,
        accepted=counts.get("accepted", 0),
        kinds={
            kind: total
            for kind, names in KINDS.items()
            if (total := sum(counts.get(name, 0) for name in names))
        },
        left=counts.get("left", 0),
        jumped=counts.get("jumped", 0),
        first_audio_p50=audio.p50 if audio.n else -1.0,
        first_audio_p95=audio.p95 if audio.n else -1.0,
        queue_p95=queue.p95 if queue.n else -1.0,
        turn_lag_p95=turn.p95 if turn.n else -1.0,
        late=round(merged.load.late_s, 4),
        use=round(merged.load.use, 4),
        bits=round(merged.load.bits, 4),
        memory=round(merged.load.memory, 4),
        descriptors=round(merged.load.descriptors, 4),
        connections=sum(one.load.connections for one in present),
        sent_bytes=counts.get("bytes_sent", 0),
        addresses=round(merged.addresses),
        wronging=round(merged.wronging),
        stress=str(policy.stress),
        step=merged.door.step,
        bans=len(policy.bans),
        obeyed=merged.obeyed,
        kernel=merged.kernel,
        guard=second.guard,
        unfinished=round(unanswered(merged.kernel)),
        strays=sum(one.strays for one in second.stages),
    )
