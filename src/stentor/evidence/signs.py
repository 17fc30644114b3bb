"""Signs of an attack, of our own faults, and of people, read from an evening's figures. Pure.

Each sign is a figure that somebody can check: how often networks did what no player does, how many
came from clusters where nobody had looked at the page, and so on. Concludes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, log1p, sqrt
from statistics import median

from stentor.evidence.columns import FIRST_S, Columns, houses, soon_of
from stentor.evidence.scan import scan_rate, scan_share
from stentor.shield.merge import Merged
from stentor.shield.policy import Why

WINDOW_S = 10
_BEFORE_S = 20
_LONG_S, _LEAD_S = 30, 8
_PRIOR = 10.0  # clusters: few say little of what is usual
_AGAIN = 8  # wrongs of one address in an evening: bad radio does not make as many
_SILENT_S, _RESTED_S = 10, 30  # `edge_head_s`, `edge_idle_s`: so long ago came who is let go
_PATIENT_S, _BLIND_S = 25, 3.0  # a queue this long within so many seconds hides what people do
_CALM_S = 1.0


@dataclass(frozen=True, slots=True)
class Signs:
    """The signs that a verdict weighs, each near 0 when nothing is out of the ordinary."""

    false_rate: float  # false requests a second, beyond the evening's usual
    false_share: float  # of all who came
    false_scan: float  # a window's against all others', as are all that follow with `_scan`
    mute_share: float
    mute_scan: float
    repeaters: float  # wrongs of addresses that did many, where nobody ever looked at the page
    heavy_share: float  # asked by networks that ask much, and get nothing that people get
    strangers: float  # clusters that were not known, against the seconds before
    stranger_score: float  # the same in standard deviations
    stranger_scan: float
    soon_share: float  # joins that end at once
    soon_scan: float
    unproved: float  # addresses that asked, and never listened nor came with a good ticket
    unlooked: float  # addresses that asked, and never looked at the page
    only_looked: float  # addresses that looked, and never asked
    only_look: float  # looks at the page, against all that look or ask
    looked_again: float  # looks at the page by addresses that look many times a second
    unspoken: float  # connections that asked for nothing, while nobody had to wait
    rested: float  # connections let go after one answer, against those who looked then
    reloads: float  # playlists asked for, against listeners
    requests: float  # requests that are no join's, against joins asked for

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
    accepted, counted = columns.accepted, columns.counted
    came, joined, soon = windows(accepted), counted("joined"), soon_of(columns)
    share, score = _strangers(columns)
    seen = Seen(columns)
    hindsight = columns.hindsight
    return Signs(
        false_rate=_rate(columns.false),
        false_share=_share(windows(columns.false), came, 30.0),
        false_scan=scan_rate(columns.false),
        mute_share=_share(windows(columns.mute), came, 30.0),
        mute_scan=_scan(columns.mute, _later(accepted, _SILENT_S)),
        repeaters=_repeaters(columns.merged),
        heavy_share=_share(windows(columns.heavy), came, 30.0),
        strangers=share,
        stranger_score=score,
        stranger_scan=_scan(_begun(columns.strangers), _begun(columns.clusters)),
        soon_share=_share(windows(soon), windows(joined), 20.0),
        soon_scan=_scan(soon, _later(joined, 1)),
        unproved=seen.scan(hindsight.unproved, hindsight.asked),
        unlooked=seen.scan(hindsight.unlooked, hindsight.asked),
        only_looked=seen.scan(hindsight.only_looked, hindsight.looked),
        only_look=_only_look(columns),
        looked_again=_looked_again(columns, seen),
        unspoken=_unspoken(columns, seen),
        rested=_scan(_rested(columns), _later(_begun(counted("looked")), _RESTED_S)),
        reloads=_reloads(columns),
        requests=_requests(columns),
    )


class Seen:
    """The seconds whose people were looked at, then and for as long as people are patient.

    Of others it is chance who was heard: what is rare among them says nothing of who came.
    """

    def __init__(self, columns: Columns) -> None:
        waits = [one.queue_s.p95 for one in columns.merged]
        self.seconds = [max(waits[n : n + _PATIENT_S]) <= _BLIND_S for n in range(len(waits))]

    def only(self, column: Sequence[float]) -> list[float]:
        """Return the column with nothing in the other seconds."""
        return [one if seen else 0.0 for one, seen in zip(column, self.seconds, strict=True)]

    def scan(self, some: Sequence[float], all_: Sequence[float]) -> float:
        """Return by how much some stand out in the seconds that were seen."""
        return _scan(self.only(some), self.only(all_))


def unseen_share(columns: Columns) -> float:
    """Return how many of those who came had to wait so long that nobody can say what they were.

    While most wait, give up and come again, a small attack among them leaves no sign. Whom the
    kernel turned away each time that they knocked, as its queue was full, is counted too.
    """
    seen = fsum(Seen(columns).only(columns.accepted))
    return 1 - seen / max(1.0, fsum(columns.accepted) + fsum(columns.knocks.left_out))


def _scan(some: Sequence[float], all_: Sequence[float]) -> float:
    return scan_share(some, [max(pair) for pair in zip(some, all_, strict=True)])


def _later(column: Sequence[float], by: int) -> list[float]:
    """Return the column as it was so many seconds before."""
    return [*[0.0] * min(by, len(column)), *column[: max(0, len(column) - by)]]


def _begun(column: Sequence[float]) -> list[float]:
    """Return the column without all who were there already."""
    return [0.0 if n < FIRST_S else one for n, one in enumerate(column)]


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
    strangers = [0.0] * FIRST_S + columns.strangers[FIRST_S:]
    clusters = [0.0] * FIRST_S + columns.clusters[FIRST_S:]
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


def _only_look(columns: Columns) -> float:
    looked = _begun(columns.counted("looked"))
    asked = _begun(columns.counted("asked"))
    return scan_share(looked, [one + other for one, other in zip(looked, asked, strict=True)])


def _looked_again(columns: Columns, seen: Seen) -> float:
    """Return how much of what is looked at the same addresses look at within a second."""
    shown, put_off = columns.counted("looked"), columns.counted("pages_put_off")
    looked = _begun([one + other for one, other in zip(shown, put_off, strict=True)])
    pairs = list(zip(looked, columns.hindsight.lookers, strict=True))
    again = [max(0.0, all_ - once) if once else 0.0 for all_, once in pairs]
    return seen.scan(again, [all_ if once else 0.0 for all_, once in pairs])


def _unspoken(columns: Columns, seen: Seen) -> float:
    """Return how connections stand out that asked for nothing while nobody had to wait."""
    told = []
    for one, heard in zip(columns.merged, columns.heard, strict=True):
        counts = one.counts
        said = counts.get("requests", 0) - counts.get("reloads", 0)
        refused = counts.get("refused_by_network", 0) + counts.get("refused_connections", 0)
        told.append(max(0.0, heard - said - refused) if one.queue_s.p95 <= _CALM_S else 0.0)
    calm = [
        came if one.queue_s.p95 <= _CALM_S else 0.0
        for one, came in zip(columns.merged, columns.accepted, strict=True)
    ]
    return seen.scan(told, calm)


def _rested(columns: Columns) -> list[float]:
    """Return by the second how many were let go between two requests."""
    counted = columns.counted
    columns_ = zip(
        counted("timed_out"), counted("silent_closed"), counted("slow_heads"), strict=True
    )
    return [max(0.0, all_ - silent - slow) for all_, silent, slow in columns_]
