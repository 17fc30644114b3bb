"""The seconds of all edges become one second: what the shield decides on and the verdict reads.

Counters add up, sketches unite, the same way wherever the same records are read. Decides nothing;
knows no address.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from math import fsum

import msgspec
from datasketches import theta_a_not_b, theta_union

from stentor.shield import sketches
from stentor.shield.facts import DoorSecond, EdgeSecond, Heavy, Load

HEAVY_MERGED_MAX = 256
HEAVY_PEOPLE_MAX = 64  # more of them, in which somebody listens
KNOWN_AFTER_S = 30
_STEPS = ("all", "shed", "slower", "lower", "line")


class Spread(msgspec.Struct, frozen=True):
    """How many were measured, and a few quantiles, in seconds; all 0 if there were none."""

    n: int = 0
    p10: float = 0.0
    p50: float = 0.0
    p95: float = 0.0


class Merged(msgspec.Struct, frozen=True):
    """One second of all edges together. Distinct networks are estimates (theta, about 2 %)."""

    at_ms: int = 0
    edges: int = 0
    key_id: str = ""
    counts: dict[str, int] = {}
    listeners: int = 0
    load: Load = Load()
    door: DoorSecond = DoorSecond()
    addresses: float = 0.0  # that asked
    clusters: float = 0.0  # that came, whatever they did then
    known_clusters: float = 0.0  # of these, seen as visitors, or half a minute ago or more
    visitors: float = 0.0  # addresses that looked at the page
    holding: float = 0.0  # addresses that showed a good ticket
    wronging: float = 0.0  # addresses that did what no player does
    vouched: int = 0
    heavy: tuple[Heavy, ...] = ()
    first_audio_s: Spread = Spread()
    queue_s: Spread = Spread()
    turn_lag_s: Spread = Spread()  # from one's turn to coming
    kernel: dict[str, int] = {}
    obeyed: dict[str, int] = {}
    unremembered: int = 0
    unreadable: int = 0  # sketches that could not be read


class Merging:
    """Merges one second after the other; remembers only which clusters are known.

    A cluster is known from visitors to the page at once, and half a minute after it first came.
    """

    def __init__(self) -> None:
        self._known = theta_union(sketches.UNION_LG_K)
        self._lately: deque[bytes] = deque()
        self._unreadable = 0

    def merge(self, edges: Sequence[EdgeSecond], at_ms: int) -> Merged:
        """Return the second that all edges had together."""
        self._unreadable = 0
        for one in edges:
            try:
                visiting = sketches.read(one.visiting_clusters)
            except ValueError:
                self._unreadable += 1
                continue
            if visiting is not None:
                self._known.update(visiting)
        clusters = self._united(one.coming_clusters for one in edges)
        came = sketches.estimate(clusters)
        known = came - min(came, self._strange_of(clusters))
        self._lately.append(clusters)
        while len(self._lately) > KNOWN_AFTER_S:
            asked = sketches.read(self._lately.popleft())
            if asked is not None:
                self._known.update(asked)
        addresses = self._united(one.asking for one in edges)
        return Merged(
            at_ms=at_ms,
            edges=len(edges),
            key_id=next((one.key_id for one in edges if one.key_id), ""),
            counts=_sums(one.counts for one in edges),
            listeners=sum(room.listeners for one in edges for room in one.rooms.values()),
            load=merge_loads([one.load for one in edges]),
            door=_door([one.door for one in edges]),
            addresses=sketches.estimate(addresses),
            clusters=came,
            known_clusters=known,
            visitors=sketches.estimate(self._united(one.visiting for one in edges)),
            holding=sketches.estimate(self._united(one.holding for one in edges)),
            wronging=sketches.estimate(self._united(one.wronging for one in edges)),
            vouched=sum(one.vouched for one in edges),
            heavy=_heavy(edges),
            first_audio_s=self._spread(one.first_audio_s for one in edges),
            queue_s=self._spread(one.queue_s for one in edges),
            turn_lag_s=self._spread(one.turn_lag_s for one in edges),
            kernel=_sums(one.kernel for one in edges),
            obeyed=_sums(one.obeyed for one in edges),
            unremembered=sum(one.unremembered for one in edges),
            unreadable=self._unreadable,
        )

    def _strange_of(self, clusters: bytes) -> float:
        """Return about how many of these clusters are not known by now.

        They are estimated and not what is left of two estimates: where the known are very many it
        would be chance that is left, and everybody a little strange.
        """
        coming = sketches.read(clusters)
        if coming is None:
            return 0.0
        # In order, always: a set of 100,000 in none costs the library half a minute, not 0.1 ms.
        strange = theta_a_not_b().compute(coming, self._known.get_result(True), True)
        return float(strange.get_estimate())

    def _united(self, many: Iterable[bytes]) -> bytes:
        some = [one for one in many if one]
        try:
            if len(some) < 2:
                sketches.read(some[0] if some else b"")
                return some[0] if some else b""
            return sketches.united(some)
        except ValueError:
            self._unreadable += 1
            return b""

    def _spread(self, many: Iterable[bytes]) -> Spread:
        times = sketches.Times()
        for data in many:
            try:
                times.merge(sketches.Times.read(data))
            except ValueError:
                self._unreadable += 1
        if not times.counts:
            return Spread()
        p10, p50, p95 = (round(times.quantile(share), 4) for share in (0.1, 0.5, 0.95))
        return Spread(len(times), p10, p50, p95)


def _sums(many: Iterable[dict[str, int]]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for one in many:
        for name, n in one.items():
            sums[name] = sums.get(name, 0) + n
    return sums


def merge_loads(loads: Sequence[Load]) -> Load:
    """Return the load of all edges: sums of what adds up, means by cores, the worst of limits."""
    if len(loads) == 1:
        return loads[0]
    cores = fsum(one.cores for one in loads)
    if not loads or cores <= 0:
        return Load(cores=0.0)

    def mean(name: str) -> float:
        return fsum(getattr(one, name) * one.cores for one in loads) / cores

    return Load(
        cores=cores,
        use=mean("use"),
        delivery_cost_s=mean("delivery_cost_s"),
        join_cost_s=mean("join_cost_s"),
        joining=mean("joining"),
        late_s=max(one.late_s for one in loads),
        asked_per_s=fsum(one.asked_per_s for one in loads),
        connections=sum(one.connections for one in loads),
        unserved=sum(one.unserved for one in loads),
        descriptors=max(one.descriptors for one in loads),
        memory=max(one.memory for one in loads),
        bits=max(one.bits for one in loads),
        by_lane_ms=_sums(one.by_lane_ms for one in loads),
    )


def _door(doors: Sequence[DoorSecond]) -> DoorSecond:
    """Return how the door stood: the line is one, so each edge tells the same within a moment."""
    if not doors:
        return DoorSecond()
    step = max(_STEPS.index(one.step) if one.step in _STEPS else 0 for one in doors)
    return DoorSecond(
        step=_STEPS[step],
        lane_ms=max(one.lane_ms for one in doors),
        line=any(one.line for one in doors),
        waiting=max(one.waiting for one in doors),
        per_s=max(one.per_s for one in doors),
        serving_ms=max(one.serving_ms for one in doors),
    )


def _heavy(edges: Sequence[EdgeSecond]) -> tuple[Heavy, ...]:
    """Return the networks that stood out anywhere, as one each; those who did most first."""
    if len(edges) == 1:
        return edges[0].heavy
    by_name: dict[str, list[Heavy]] = {}
    for edge in edges:
        for one in edge.heavy:
            by_name.setdefault(one.network, []).append(one)
    merged = [ones[0] if len(ones) == 1 else _as_one(ones) for ones in by_name.values()]
    merged.sort(key=lambda one: (-one.wrongs, -one.asks, one.network))
    # Where somebody listens is what a ban depends on, and an edge may know nothing else of it.
    people = [one for one in merged[HEAVY_MERGED_MAX:] if one.listening]
    return tuple(merged[:HEAVY_MERGED_MAX] + people[:HEAVY_PEOPLE_MAX])


def _as_one(ones: Sequence[Heavy]) -> Heavy:
    return Heavy(
        network=ones[0].network,
        asks=sum(one.asks for one in ones),
        wrongs=sum(one.wrongs for one in ones),
        admitted=sum(one.admitted for one in ones),
        tickets=sum(one.tickets for one in ones),
        visited=any(one.visited for one in ones),
        present=sum(one.present for one in ones),
        listening=sum(one.listening for one in ones),
        error=sum(one.error for one in ones),
        why=max(ones, key=lambda one: (one.wrongs, one.why)).why,
    )
