"""A room's evening as columns, second by second: what charts draw and promises are held against.

Sums what all edges told. Decides nothing, and knows of no file: seconds in, columns out.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from stentor.evidence.beneath import unanswered
from stentor.evidence.records import RoomPlan, Second
from stentor.evidence.repeats import read_knocks
from stentor.shield.facts import EdgeSecond
from stentor.shield.sketches import Times

STEPS = ("all", "shed", "slower", "lower", "line")
_GAP_MS = 1_500
QUEUED_S = 1.0  # from this wait on an edge looks who has hung up, by TLS whenever it is behind
# Counters of what was turned away without audio and without a place in line.
NOTHING_TOLD = (
    "refused_connections",
    "refused_by_network",
    "line_full",
    "tls_crowded_out",
    "unfinished_closed",
)
# Counters of what no player does.
WRONG = (
    "tickets_forged",
    "tickets_malformed",
    "tickets_other_room",
    "tickets_replayed",
    "timed_out",
    "slow_closed",
    "tls_failed",
    "wrongs_closed",
    "answers_4xx",
)


@dataclass(slots=True)
class Course:
    """Columns of equal length, one entry a second that was recorded. Times are Unix seconds."""

    room: str
    plan: RoomPlan = field(default_factory=RoomPlan)
    at_s: list[float] = field(default_factory=list)
    listeners: list[float] = field(default_factory=list)
    inside: list[float] = field(default_factory=list)
    waiting: list[float] = field(default_factory=list)
    asked: list[float] = field(default_factory=list)
    joined: list[float] = field(default_factory=list)
    places: list[float] = field(default_factory=list)
    wrong: list[float] = field(default_factory=list)
    shared: list[float] = field(default_factory=list)  # places told to many in one breath
    nothing_told: list[float] = field(default_factory=list)
    unheard: list[float] = field(default_factory=list)  # of those, about so many by the kernel
    gave_up: list[float] = field(default_factory=list)  # hung up before they were looked at
    interrupted: list[float] = field(default_factory=list)
    advised: list[float] = field(default_factory=list)  # listeners told to come again elsewhere
    audio_p50_s: list[float] = field(default_factory=list)
    audio_p95_s: list[float] = field(default_factory=list)
    use: list[float] = field(default_factory=list)
    step: list[float] = field(default_factory=list)
    bans: list[float] = field(default_factory=list)
    kernel: list[float] = field(default_factory=list)
    unfinished: list[float] = field(default_factory=list)  # `beneath.unanswered`
    strays: list[float] = field(default_factory=list)  # datagrams at media ports
    recording: list[bool] = field(default_factory=list)
    first_part_ms: dict[str, int] = field(default_factory=dict)  # by edge
    phases: list[str] = field(default_factory=list)
    parts_recorded: int = -1  # as told last
    recorded_at_s: float = 0.0  # when that was
    gaps_s: list[tuple[float, float]] = field(default_factory=list)  # nothing was recorded
    audio: Times = field(default_factory=Times)
    in_vain: Times = field(default_factory=Times)  # how long the queue was of those who gave up
    refused: Counter[str] = field(default_factory=Counter)  # by reason, over all of it
    notes: list[tuple[float, str, str]] = field(default_factory=list)

    def __len__(self) -> int:
        """Return how many seconds there are."""
        return len(self.at_s)


class _Grown:
    """Turns totals, each since an edge's start, into what was new; a restart begins at zero."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], int] = {}

    def by(self, edge: str, name: str, total: int) -> int:
        before = self._seen.get((edge, name))
        self._seen[edge, name] = total
        if before is None:
            return 0
        return total - before if total >= before else total


def read_course(seconds: Iterable[Second], room: str) -> Course:
    """Return the columns of one room; where edges tell no room apart, of the whole deployment."""
    course = Course(room)
    grown = _Grown()
    banned = 0
    accepted: list[float] = []
    turned_away: list[float] = []
    for second in seconds:
        if room in second.rooms:
            course.plan = second.rooms[room]
            course.parts_recorded = course.plan.parts_recorded
            course.recorded_at_s = second.at_ms / 1000
        if second.policy is not None:
            banned = len(second.policy.bans)
        at_s = second.at_ms / 1000
        if course.at_s and second.at_ms - course.at_s[-1] * 1000 > _GAP_MS:
            course.gaps_s.append((course.at_s[-1], at_s))
        course.at_s.append(at_s)
        course.bans.append(banned)
        course.kernel.append(sum(second.guard.values()))
        course.unfinished.append(sum(unanswered(edge.kernel) for edge in second.edges))
        course.strays.append(sum(one.strays for one in second.stages))
        course.notes += [(at_s, note.what, note.about) for note in second.notes]
        _add_room(course, second.edges, room, grown)
        _add_machine(course, second.edges)
        accepted.append(sum(edge.counts.get("accepted", 0) for edge in second.edges))
        turned_away.append(sum(edge.kernel.get("listen_overflows", 0) for edge in second.edges))
    course.unheard = read_knocks(accepted, turned_away).late
    told = zip(course.nothing_told, course.unheard, strict=True)
    course.nothing_told = [by_edges + by_kernel for by_edges, by_kernel in told]
    return course


def _add_room(course: Course, edges: Sequence[EdgeSecond], room: str, grown: _Grown) -> None:
    listeners = inside = joined = interrupted = 0
    recording, phase = True, ""
    for edge in edges:
        one = edge.rooms.get(room)
        if one is None:
            continue
        listeners += one.listeners
        inside += one.inside if one.phase == "scheduled" else 0  # told on as it was at the hour
        joined += grown.by(edge.edge, "joined", one.joined)
        interrupted += grown.by(edge.edge, "jumped", one.jumped)
        interrupted += grown.by(edge.edge, "returned", one.returned)
        recording = recording and one.recording
        phase = one.phase or phase
        if one.first_part_ms:
            course.first_part_ms.setdefault(edge.edge, one.first_part_ms)
    course.listeners.append(listeners)
    course.inside.append(inside)
    course.joined.append(joined)
    course.interrupted.append(interrupted)
    course.recording.append(recording or phase != "live")
    course.phases.append(phase)


def _add_machine(course: Course, edges: Sequence[EdgeSecond]) -> None:
    counts = _sum(edge.counts for edge in edges)
    course.refused.update(_sum(edge.refused for edge in edges))
    audio = Times()
    for edge in edges:
        audio.merge(Times.read(edge.first_audio_s))
        _add_in_vain(course, edge)
    course.audio.merge(audio)
    course.audio_p50_s.append(audio.quantile(0.5) if len(audio) else math.nan)
    course.audio_p95_s.append(audio.quantile(0.95) if len(audio) else math.nan)
    course.asked.append(sum(edge.load.asked_per_s for edge in edges))
    course.advised.append(counts.get("advised", 0))
    course.places.append(counts.get("line_given", 0))
    course.gave_up.append(counts.get("gave_up", 0))
    course.shared.append(counts.get("line_shared", 0))
    course.wrong.append(sum(counts.get(name, 0) for name in WRONG))
    course.nothing_told.append(sum(counts.get(name, 0) for name in NOTHING_TOLD))
    course.use.append(max((edge.load.use for edge in edges), default=0.0))
    course.waiting.append(max((edge.door.waiting for edge in edges), default=0))
    course.step.append(max((_step(edge.door.step) for edge in edges), default=0))


def _add_in_vain(course: Course, edge: EdgeSecond) -> None:
    """Note those who hung up in an edge's queue with what they would have waited at the least.

    When they hung up nobody knows. Whoever is found so stood in a queue of a second or more, or by
    TLS at an edge that was behind, and is taken for one of those; its length is that of the others
    who were looked at in this second.
    """
    gave_up = edge.counts.get("gave_up", 0)
    if gave_up:
        waits = Times.read(edge.queue_s)
        long = Times({at: n for at, n in waits.counts.items() if Times.middle(at) >= QUEUED_S})
        course.in_vain.add(long.quantile(0.5) if len(long) else QUEUED_S, gave_up)


def _step(name: str) -> int:
    return STEPS.index(name) if name in STEPS else 0


def _sum(every: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for one in every:
        for name, count in one.items():
            total[name] = total.get(name, 0) + count
    return total
