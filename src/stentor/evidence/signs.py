"""Signs of an attack, of our own faults, and of people, read from an evening's records alone. Pure.

Each sign is a figure that somebody can check: how often networks did what no player does, how many
came from clusters where nobody had looked at the page, and so on. Concludes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log1p, sqrt
from statistics import median

from datasketches import theta_union

from stentor.evidence.records import Second
from stentor.media.grid import PART_S
from stentor.shield import sketches
from stentor.shield.facts import Heavy
from stentor.shield.merge import Merged, Merging
from stentor.shield.policy import Why

WINDOW_S = 10
_BEFORE_S = 20
_LONG_S, _LEAD_S = 30, 8
_PRIOR = 10.0  # clusters: few say little of what is usual
_FIRST_S = 2  # a record begins with all who are there already
_HOUSES = ("4/32", "6/64")  # a larger network's heavy figures hold those of its houses again
_HEAVY_ASKS = 4
_KEPT, _QUEUED = 0.25, 0.6  # of the connections of half a minute
_LET_IN = 0.01  # of all that a network asks, in whatever crowd
_AGAIN = 8  # wrongs of one address in an evening: bad radio does not make as many
# Answers that no player of ours asks for; each is also counted among the first.
_FALSE = ("answers_4xx", "tls_failed", "proxy_refused")


@dataclass(slots=True)
class Columns:
    """An evening's figures, one entry a second."""

    merged: list[Merged] = field(default_factory=list)
    accepted: list[float] = field(default_factory=list)
    false: list[float] = field(default_factory=list)  # requests that no player makes
    mute: list[float] = field(default_factory=list)  # who came and said nothing, or took nothing
    strangers: list[float] = field(default_factory=list)  # clusters that were not known
    clusters: list[float] = field(default_factory=list)
    fresh: list[float] = field(default_factory=list)  # addresses that asked for the first time
    heavy: list[float] = field(default_factory=list)  # asks of heavy networks without visitors
    left_soon: list[float] = field(default_factory=list)
    idle: list[float] = field(default_factory=list)  # connections that are no listener's
    ticketed: list[float] = field(default_factory=list)  # addresses that showed a good ticket
    vouched: list[float] = field(default_factory=list)
    lag_s: list[float] = field(default_factory=list)  # of the programme
    missing: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        """Return how many seconds there are."""
        return len(self.merged)

    def counted(self, name: str) -> list[float]:
        """Return a counter's growth by the second."""
        return [float(one.counts.get(name, 0)) for one in self.merged]


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
    columns, merging = Columns(), Merging()
    seen, known = theta_union(sketches.UNION_LG_K), 0.0
    for second in seconds:
        merged = merging.merge(second.edges, second.at_ms)
        columns.merged.append(merged)
        columns.accepted.append(float(merged.counts.get("accepted", 0)))
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
        columns.idle.append(max(0.0, merged.load.connections - merged.listeners))
        columns.ticketed.append(merged.holding)
        columns.vouched.append(float(merged.vouched))
        columns.lag_s.append(_lag_s(second))
        columns.missing.append(len(second.missing))
    columns.heavy = read_heavy(columns.merged)
    columns.left_soon = _left_soon(columns)
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


def read_heavy(merged: Sequence[Merged]) -> list[float]:
    """Return by the second what networks asked for that ask much, and have no people.

    People show a ticket at some time, or look at the page and are let in now and then.
    """
    asks: dict[str, int] = {}
    good: dict[str, int] = {}
    visited: set[str] = set()
    people: set[str] = set()
    for second in merged:
        for one in houses(second.heavy):
            asks[one.network] = asks.get(one.network, 0) + one.asks
            good[one.network] = good.get(one.network, 0) + one.admitted
            if one.visited:
                visited.add(one.network)
            if one.tickets:
                people.add(one.network)
    people |= {one for one in visited if good[one] >= _LET_IN * asks[one] - 1}
    return [
        float(
            sum(
                one.asks
                for one in houses(second.heavy)
                if one.asks >= _HEAVY_ASKS and one.network not in people
            )
        )
        for second in merged
    ]


def _left_soon(columns: Columns) -> list[float]:
    """Return by the second how many joined and were gone a second later, beyond what is usual."""
    joined, left = columns.counted("joined"), columns.counted("left")
    present = [max(1.0, float(one.listeners)) for one in columns.merged]
    usual = median(gone / one for gone, one in zip(left, present, strict=True)) if left else 0.0
    found = [0.0] * len(joined)
    for n in range(len(joined) - 1):
        after = max(0.0, left[n + 1] - 2 * usual * present[n])
        found[n] = min(joined[n], after)
    return found


@dataclass(frozen=True, slots=True)
class Signs:
    """The signs that a verdict weighs, each near 0 when nothing is out of the ordinary."""

    false_rate: float  # false requests a second, beyond the evening's usual
    false_share: float  # of all who came
    mute_rate: float
    mute_share: float
    repeaters: float  # wrongs of addresses that did many, where nobody ever looked at the page
    heavy_share: float  # asked by networks that ask much, where nobody looked at the page
    strangers: float  # clusters that were not known, against the seconds before
    stranger_score: float  # the same in standard deviations
    left_soon: float  # joins that end at once
    early: float  # tickets before their turn
    idle: float  # connections that are kept and ask for nothing
    reloads: float  # playlists asked for, against listeners
    requests: float  # requests that are no join's, against joins asked for
    unspoken: float  # connections that asked for nothing, while nobody had to wait
    full: float  # of connections that are no listener's

    def values(self) -> tuple[float, ...]:
        """Return the figures in order."""
        return tuple(getattr(self, name) for name in SIGNS)


SIGNS = tuple(Signs.__dataclass_fields__)


def windows(column: Sequence[float], span: int = WINDOW_S) -> list[float]:
    """Return the sums over `span` seconds that end at each second."""
    sums, sum_ = [], 0.0
    for n, value in enumerate(column):
        sum_ += value - (column[n - span] if n >= span else 0.0)
        sums.append(sum_)
    return sums


def read_signs(columns: Columns) -> Signs:
    """Return the signs of an evening."""
    accepted = windows(columns.accepted)
    joined = windows(columns.counted("joined"))
    share, score = _strangers(columns)
    early = windows(columns.counted("line_early"))
    turns = windows(columns.counted("admitted_in_turn"))
    return Signs(
        false_rate=_rate(columns.false),
        false_share=_share(windows(columns.false), accepted, 30.0),
        mute_rate=_rate(columns.mute),
        mute_share=_share(windows(columns.mute), accepted, 30.0),
        repeaters=_repeaters(columns.merged),
        heavy_share=_share(windows(columns.heavy), accepted, 30.0),
        strangers=share,
        stranger_score=score,
        left_soon=_share(windows(columns.left_soon), joined, 20.0),
        early=_share(early, turns, 10.0),
        idle=_idle(columns),
        reloads=_reloads(columns),
        requests=_requests(columns),
        unspoken=_unspoken(columns),
        full=_full(columns),
    )


def _repeaters(merged: Sequence[Merged]) -> float:
    """Return what was done wrong by addresses that did so again and again, as a logarithm.

    Haste is not counted: a carrier's people are hasty too.
    """
    wrongs: dict[str, int] = {}
    people: set[str] = set()
    for second in merged:
        for one in houses(second.heavy):
            if one.visited or one.tickets:
                people.add(one.network)
            elif one.wrongs and one.why != Why.HASTY:
                wrongs[one.network] = wrongs.get(one.network, 0) + one.wrongs
    again = sum(n for name, n in wrongs.items() if n >= _AGAIN and name not in people)
    return log1p(again / 10.0)


def _share(some: Sequence[float], all_: Sequence[float], least: float) -> float:
    """Return the largest share of any window, small where few came."""
    return max((s / (max(s, a) + least) for s, a in zip(some, all_, strict=True)), default=0.0)


def _rate(column: Sequence[float]) -> float:
    """Return the worst window's rate a second beyond the median window's, as a logarithm."""
    sums = windows(column)
    return log1p(max(0.0, max(sums) - median(sums)) / WINDOW_S) if sums else 0.0


def _strangers(columns: Columns) -> tuple[float, float]:
    """Return by how much strange clusters grow from some seconds to the ten that follow."""
    strangers = [0.0] * _FIRST_S + columns.strangers[_FIRST_S:]
    clusters = [0.0] * _FIRST_S + columns.clusters[_FIRST_S:]
    strange, asked = windows(strangers), windows(clusters)
    strange_before = windows(strangers, _BEFORE_S)
    asked_before = windows(clusters, _BEFORE_S)
    best_share, best_score = 0.0, 0.0
    for n in range(WINDOW_S, len(strange)):
        s, a = strange[n], asked[n]
        s0, a0 = strange_before[n - WINDOW_S], asked_before[n - WINDOW_S]
        if a < 5 or a0 < 5:
            continue
        usual = (s0 + _PRIOR / 2) / (a0 + _PRIOR)
        above = s - usual * a
        best_share = max(best_share, above / (a + 10.0))
        spread = usual * (1 - usual) * a * (1 + a / (a0 + _PRIOR))
        best_score = max(best_score, above / sqrt(spread + 2.0))
    return best_share, log1p(best_score)


def _idle(columns: Columns) -> float:
    """Return connections that nobody's coming of late explains, against those that it does.

    Browsers keep some that they need no more, and while there is a queue, all wait in it.
    """
    accepted = windows(columns.accepted, 30)
    found = 0.0
    for idle, came, one in zip(columns.idle, accepted, columns.merged, strict=True):
        usual = _KEPT if one.queue_s.p95 < 1.0 else _QUEUED
        found = max(found, (idle - usual * came) / (came + 30.0))
    return found


def _reloads(columns: Columns) -> float:
    reloads = windows(columns.counted("reloads"))
    listeners = windows([float(one.listeners) for one in columns.merged])
    shares = [r / (n + 50.0) for r, n in zip(reloads, listeners, strict=True)]
    return log1p(10 * max(0.0, max(shares) - 1.2 * median(shares))) if shares else 0.0


def _requests(columns: Columns) -> float:
    """Return requests that are neither a join's nor a reload's for each join, without a line.

    People look at the page some seconds before they join, so joins are counted as much later.
    """
    merged = columns.merged
    other = [
        0.0
        if one.door.line or one.queue_s.p95 > 1.0
        else max(0.0, one.counts.get("requests", 0) - one.counts.get("reloads", 0))
        for one in merged
    ]
    asked = windows([one.load.asked_per_s for one in merged], _LONG_S)
    shares = [
        max(0.0, all_ - asked[n]) / (asked[min(len(asked) - 1, n + _LEAD_S)] + 40.0)
        for n, all_ in enumerate(windows(other, _LONG_S))
    ]
    return log1p(max(shares, default=0.0))


def _unspoken(columns: Columns) -> float:
    """Return the share of connections that asked for nothing while nobody had to wait."""
    told = [
        0.0
        if one.queue_s.p95 > 1.0
        else max(0.0, came - one.counts.get("requests", 0) + one.counts.get("reloads", 0))
        for one, came in zip(columns.merged, columns.accepted, strict=True)
    ]
    return _share(windows(told), windows(columns.accepted), 30.0)


def _full(columns: Columns) -> float:
    """Return how full of connections it was that are no listener's."""
    return max(
        (
            one.load.descriptors * idle / max(1.0, one.load.connections)
            for one, idle in zip(columns.merged, columns.idle, strict=True)
        ),
        default=0.0,
    )
