"""Did we keep each promise? Held against what the edges told, with the figure beside the word.

What cannot be told from the records is said to be so. Decides nothing about who is to blame.
"""

import math
from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from stentor.evidence.course import Course
from stentor.media.grid import PART_S
from stentor.shield.sketches import Times

HOUR_S_MAX = 1.0
AUDIO_P95_S_MAX = 3.0
# A broken connection may be a tunnel; so many of all who listen at once are no coincidence.
INTERRUPTED_SHARE_MAX = 0.01
_ADVISED_S = 600.0  # so long after advice who comes back may have moved, as they were told
_LISTENERS_MIN = 20  # fewer say nothing of a share
_RECORDED_SLACK_PARTS = 7  # about two seconds: what is on its way when the last second is told


class Kept(StrEnum):
    """Whether a promise was kept."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "cannot be told"


@dataclass(frozen=True, slots=True)
class Held:
    """One promise, whether it was kept, and the sentence with the figure."""

    promise: str
    kept: Kept
    found: str
    figure: float | None = None


def hold_promises(course: Course, ledger_gaps: int | None) -> list[Held]:
    """Return what became of each promise; `ledger_gaps` is None if the ledger did not verify."""
    return [
        _on_time(course),
        _uninterrupted(course),
        _audio_or_truth(course),
        _nothing_lost(course),
        _truth(course, ledger_gaps),
    ]


def _on_time(course: Course) -> Held:
    promise = "It starts on time: the first audio leaves within one second of the hour"
    epoch_ms = course.plan.epoch_ms
    began = [at_ms for at_ms in course.first_part_ms.values() if at_ms]
    if not epoch_ms or not began:
        live = "live" in course.phases
        found = "no edge told of the first audio" if live else "the room did not begin in this time"
        return Held(promise, Kept.UNKNOWN, found)
    first_s, last_s = ((at_ms - epoch_ms) / 1000 for at_ms in (min(began), max(began)))
    kept = Kept.YES if last_s <= HOUR_S_MAX else Kept.NO
    found = (
        f"the first part, which holds {PART_S:.2f} s, left the first edge {first_s:.2f} s and the"
        f" last edge {last_s:.2f} s after the hour"
    )
    return Held(promise, kept, found, last_s)


class _Moves:
    """Moves that were advised and have not been seen yet.

    One comes with the same ticket as a return: so many of those who come back may be moving.
    """

    def __init__(self) -> None:
        self._due: deque[tuple[float, float]] = deque()

    def advised(self, at_s: float, count: float) -> None:
        if count:
            self._due.append((at_s, count))

    def took(self, at_s: float, back: float) -> float:
        """Return how many of those who came back had not been advised to."""
        while back and self._due:
            advised_s, count = self._due.popleft()
            if at_s - advised_s <= _ADVISED_S:
                if count > back:
                    self._due.appendleft((advised_s, count - back))
                back -= min(count, back)
        return back


def _uninterrupted(course: Course) -> Held:
    promise = "Who listens, keeps listening"
    worst = unadvised = (0.0, 0.0)  # share of those present, when
    before, moves = 0.0, _Moves()
    for at_s, listeners, interrupted, advised in zip(
        course.at_s, course.listeners, course.interrupted, course.advised, strict=True
    ):
        moves.advised(at_s, advised)
        not_advised = moves.took(at_s, interrupted)
        present, before = max(listeners, before), listeners
        if present >= _LISTENERS_MIN:
            worst = max(worst, (interrupted / present, at_s))
            unadvised = max(unadvised, (not_advised / present, at_s))
    if max(course.listeners, default=0) < _LISTENERS_MIN:
        return Held(promise, Kept.UNKNOWN, "fewer than twenty listened", None)
    share, when_s = worst
    hours = math.fsum(course.listeners) / 3600
    found = (
        f"{sum(course.interrupted):,.0f} jumps and returns in {hours:,.1f} listener-hours;"
        f" at most {share:.2%} of those present in one second"
    )
    if unadvised[0] > INTERRUPTED_SHARE_MAX:
        return Held(promise, Kept.NO, f"{found} ({_clock(when_s)})", share)
    if share > INTERRUPTED_SHARE_MAX:
        found += (
            f" ({_clock(when_s)}), when listeners had been advised to come again in another way"
        )
        return Held(promise, Kept.UNKNOWN, found, share)
    return Held(promise, Kept.YES, found, share)


def _audio_or_truth(course: Course) -> Held:
    promise = "Audio or the truth: audio within 3 s (p95), or an honest place in line at once"
    heard, gave_up = course.audio, len(course.in_vain)
    if not len(heard) and not gave_up:
        return Held(promise, Kept.UNKNOWN, "nobody joined in this time")
    # Who hung up in the queue would have heard later than it was long: so they count.
    waited = Times(dict(heard.counts))
    waited.merge(course.in_vain)
    p95_s = waited.quantile(0.95)
    unheard = round(math.fsum(course.unheard))
    nothing = round(sum(course.nothing_told))
    places = sum(course.places)
    asked = len(waited) + places + nothing
    kept = Kept.YES if p95_s <= AUDIO_P95_S_MAX and not nothing else Kept.NO
    if kept is Kept.NO and heard.quantile(0.95) <= AUDIO_P95_S_MAX and any(course.wrong):
        kept = Kept.UNKNOWN  # whether who got neither were people is not in the counters
    found = "nobody heard audio"
    if len(heard):
        found = (
            f"from connecting to audio {heard.quantile(0.5):.3f} s (median),"
            f" {heard.quantile(0.95):.3f} s (p95) as the edges saw it"
        )
    if gave_up:
        found += (
            f"; {gave_up:,} times somebody hung up before they were looked at, half of them from a"
            f" queue of {course.in_vain.quantile(0.5):.1f} s or longer: {p95_s:.3f} s (p95) with"
            " them, at the least"
        )
    found += (
        f"; {places:,.0f} places in line given;"
        f" {nothing:,} of {asked:,.0f} were turned away with neither"
    )
    if unheard:
        found += f", about {unheard:,} of them by a full queue of the kernel, for 3 s or longer"
    if sum(course.shared):
        found += f"; {sum(course.shared):,.0f} times a place was told to many in one breath"
    return Held(promise, kept, found, p95_s)


def _nothing_lost(course: Course) -> Held:
    promise = "Nothing is lost: the recording is whole"
    epoch_ms, end_ms = course.plan.epoch_ms, course.plan.end_ms
    if course.parts_recorded < 0 or not epoch_ms or not course.at_s:
        return Held(promise, Kept.UNKNOWN, "the records do not say how the recording stood")
    until_ms = min(end_ms or math.inf, course.recorded_at_s * 1000)
    due = max(0, int((until_ms - epoch_ms) / 1000 / PART_S))
    lost = due - course.parts_recorded
    failing = course.recording.count(False)
    kept = Kept.YES if lost <= _RECORDED_SLACK_PARTS else Kept.NO
    found = f"{course.parts_recorded:,} parts of {due:,} that were due"
    if failing:
        found += f"; for {failing} s the recording was behind, and the operator was told"
    return Held(promise, kept, found, float(max(0, lost)))


def _truth(course: Course, ledger_gaps: int | None) -> Held:
    promise = "It tells the truth afterwards: the ledger is whole and as it was signed"
    if ledger_gaps is None:
        return Held(promise, Kept.NO, "the ledger does not verify: see its findings above")
    missing = math.fsum(last - first - 1 for first, last in course.gaps_s)
    kept = Kept.YES if not ledger_gaps and missing < 1 else Kept.NO
    found = f"{len(course):,} seconds recorded, {missing:,.0f} missing"
    return Held(promise, kept, found, missing)


def _clock(at_s: float) -> str:
    day_s = int(at_s) % 86_400
    return f"{day_s // 3600:02}:{day_s // 60 % 60:02}:{day_s % 60:02} UTC"
