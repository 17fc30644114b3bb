"""An evening's figures by the second, read from its records alone: what signs are read from. Pure.

Concludes nothing. An address is a keyed name here, and only where it did more than others.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from datasketches import theta_union

from stentor.evidence.beneath import Beneath, look_beneath
from stentor.evidence.hindsight import Hindsight, read_hindsight
from stentor.evidence.records import Second
from stentor.evidence.repeats import Knocks, read_knocks
from stentor.media.grid import PART_S
from stentor.shield import sketches
from stentor.shield.facts import Heavy
from stentor.shield.merge import Merged, Merging
from stentor.shield.policy import Why

FIRST_S = 2  # a record begins with all who are there already
_HOUSES = ("4/32", "6/64")  # a larger network's heavy figures hold those of its houses again
_HEAVY_ASKS = 4
# Of what others are given for as many connections, people of an address get at least this.
_PEOPLE_GET = 0.25
_EXODUS = 0.3  # of all who listened, within a second
_EXPECTED = 6.0  # looks at the page from as many connections elsewhere: fewer may be chance
# Refusals and failures that no player of ours causes.
_FALSE = ("answers_4xx", "tls_failed", "proxy_refused")


@dataclass(slots=True)
class Columns:
    """An evening's figures, one entry a second."""

    merged: list[Merged] = field(default_factory=list)
    accepted: list[float] = field(default_factory=list)
    heard: list[float] = field(default_factory=list)  # of these, but for more who wait for TLS
    false: list[float] = field(default_factory=list)  # requests that no player makes
    mute: list[float] = field(default_factory=list)  # who came and said nothing, or took nothing
    strangers: list[float] = field(default_factory=list)  # clusters that were not known
    clusters: list[float] = field(default_factory=list)
    fresh: list[float] = field(default_factory=list)  # addresses that asked for the first time
    heavy: list[float] = field(default_factory=list)  # asks of heavy networks without visitors
    ticketed: list[float] = field(default_factory=list)  # addresses that showed a good ticket
    vouched: list[float] = field(default_factory=list)
    lag_s: list[float] = field(default_factory=list)  # of the programme
    missing: list[int] = field(default_factory=list)
    knocks: Knocks = field(default_factory=Knocks)  # with those whom the kernel turned away
    hindsight: Hindsight = field(default_factory=Hindsight)
    beneath: Beneath = field(default_factory=Beneath)

    def __len__(self) -> int:
        """Return how many seconds there are."""
        return len(self.merged)

    def counted(self, name: str) -> list[float]:
        """Return a counter's growth by the second."""
        return [float(one.counts.get(name, 0)) for one in self.merged]


def soon_of(columns: Columns) -> list[float]:
    """Return by the second how many left soon after joining, but for those who left with all.

    When a programme ends or a network breaks, who came last has not listened for long either.
    """
    soon, left = columns.counted("left_soon"), columns.counted("left")
    return [
        0.0 if gone > _EXODUS * (one.listeners + gone) else early
        for one, early, gone in zip(columns.merged, soon, left, strict=True)
    ]


def false_of(second: Merged) -> float:
    """Return how many requests were false: forged, malformed, for what does not exist."""
    return float(sum(second.counts.get(name, 0) for name in _FALSE))


def mute_of(second: Merged) -> float:
    """Return how often somebody said nothing to the end or took next to nothing, by network."""
    soft = (Why.SILENT, Why.SLOW)
    told = sum(one.wrongs for one in houses(second.heavy) if one.why in soft)
    return float(told)


def houses(heavy: Sequence[Heavy]) -> list[Heavy]:
    """Return the networks that are an address, or an IPv6 /64."""
    return [one for one in heavy if one.network.startswith(_HOUSES)]


def read_columns(seconds: Sequence[Second]) -> Columns:
    """Return an evening's figures by the second."""
    columns, merging, unserved = Columns(), Merging(), 0
    seen, known = theta_union(sketches.UNION_LG_K), 0.0
    for second in seconds:
        merged = merging.merge(second.edges, second.at_ms)
        columns.merged.append(merged)
        accepted = float(merged.counts.get("accepted", 0))
        columns.accepted.append(accepted)
        columns.heard.append(accepted - max(0, merged.load.unserved - unserved))
        unserved = merged.load.unserved
        columns.false.append(false_of(merged))
        columns.mute.append(mute_of(merged))
        columns.strangers.append(max(0.0, merged.clusters - merged.known_clusters))
        columns.clusters.append(merged.clusters)
        for edge in second.edges:
            asking = sketches.read(edge.asking)
            if asking is not None:
                seen.update(asking)
        total = float(seen.get_result(True).get_estimate())
        columns.fresh.append(max(0.0, total - known))
        known = max(known, total)
        columns.ticketed.append(merged.holding)
        columns.vouched.append(float(merged.vouched))
        columns.lag_s.append(_lag_s(second))
        columns.missing.append(len(second.missing))
    turned_away = [float(one.kernel.get("listen_overflows", 0)) for one in columns.merged]
    columns.knocks = read_knocks(columns.accepted, turned_away)
    columns.heavy = read_heavy(columns)
    columns.hindsight = read_hindsight(seconds)
    columns.beneath = look_beneath(seconds, columns.merged)
    return columns


def _lag_s(second: Second) -> float:
    """Return how far behind its clock the programme is at the edge where it is most so."""
    lags = [
        (second.at_ms - room.epoch_ms) / 1000 - (room.part + 1) * PART_S
        for edge in second.edges
        for room in edge.rooms.values()
        if room.phase == "live" and room.part >= 0 and room.epoch_ms
    ]
    return max(lags, default=0.0)


def read_heavy(columns: Columns) -> list[float]:
    """Return by the second what networks asked for that ask much, and have no people.

    People show a ticket at some time, or look at the page and are let in now and then: as often,
    for as many connections, as others are. Where hardly anybody gets so far nobody is called so.
    """
    asks: dict[str, int] = {}
    good: dict[str, int] = {}
    visited: set[str] = set()
    people: set[str] = set()
    for second in columns.merged:
        for one in houses(second.heavy):
            # Whom our own pace refused was given nothing: that is no sign of who they are.
            heard = one.asks - (one.wrongs if one.why == Why.HASTY else 0)
            asks[one.network] = asks.get(one.network, 0) + heard
            good[one.network] = good.get(one.network, 0) + one.admitted
            if one.visited:
                visited.add(one.network)
            if one.tickets:
                people.add(one.network)
    came = max(1.0, sum(columns.accepted))
    joined, looked = sum(columns.counted("joined")) / came, sum(columns.counted("looked")) / came
    for name, n in asks.items():
        if name in visited:
            is_like_others = good[name] >= _PEOPLE_GET * (joined * n - _EXPECTED)
        else:
            is_like_others = looked * n < _EXPECTED
        if is_like_others:
            people.add(name)
    return [
        float(
            sum(
                one.asks
                for one in houses(second.heavy)
                if one.asks >= _HEAVY_ASKS and one.network not in people
            )
        )
        for second in columns.merged
    ]
