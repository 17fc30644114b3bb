"""Who stands by: people whose turn had come and for whom no edge had room. They are let in, in the
order in which they came, before anybody in line; what they are told follows from how many of them
there are and how fast room comes free.

A place on standby is a moment, as one in line, and holds at every edge. Knows nobody.
"""

from bisect import bisect_left

import msgspec
from msgspec.structs import replace

from stentor.admission.tickets import Kind

MARKS_MAX = 48


class Standby(msgspec.Struct, frozen=True, array_like=True):
    """How those who stand by stand. Times are Unix ms; numbers count from the board's beginning.

    `marks` are moments and how many had been put on standby until then, beginning with those who
    are let in now: between two of them a place's number lies in proportion.
    """

    serving_ms: int = 0  # places up to here are served
    served: float = 0.0
    given: int = 0
    marks: tuple[tuple[int, int], ...] = ()
    room: float = 0.0  # for those who are not on their way yet; below zero, so many are too many

    @property
    def waiting(self) -> int:
        """Return how many stand by."""
        return max(0, round(self.given - self.served))

    def number(self, place_ms: int, more: int = 0) -> float:
        """Return a place's number; `more` were put on standby since this was written."""
        marks = self.marks
        if place_ms <= self.serving_ms:
            return self.served
        if not marks or place_ms > marks[-1][0]:
            return float(self.given + max(1, more))
        at = max(1, bisect_left(marks, place_ms, key=lambda mark: mark[0]))
        (start_ms, start), (end_ms, end) = marks[at - 1 : at + 1]
        return start + (end - start) * (place_ms - start_ms) / (end_ms - start_ms)

    def wait_s(self, number: float, per_s: float, leaving_per_s: float) -> float | None:
        """Return how long whoever has a number will wait; None if nobody leaves.

        `per_s` is the pace at which people are let in while there is room.
        """
        before = max(1.0, number - self.served)
        over = before - self.room
        if over > 0 and leaving_per_s <= 0:
            return None
        full_s = over / leaving_per_s if over > 0 else 0.0
        return max(full_s, before / per_s if per_s > 0 else 0.0)


def stands_by(standby: Standby, kind: Kind, *, full: bool) -> bool:
    """Say whether somebody whose turn has come with a ticket of this kind is put on standby now.

    `full`: no edge has room for them. Who asked to be reminded comes after those who stand by
    already, even if there were room here just now.
    """
    return full or (kind is Kind.REMINDER and standby.waiting > 0)


def followed(standby: Standby, given: int, now_ms: int) -> Standby:
    """Return it with those who have come to stand by since: `given` in all."""
    if given < standby.given:  # the board was made anew
        return ended(given, now_ms)
    marks = standby.marks
    if given > standby.given:
        if not marks:
            marks = ((standby.serving_ms, standby.given),)
        marks = (*marks, (max(now_ms, marks[-1][0] + 1), given))
    if len(marks) > MARKS_MAX:
        marks = (*marks[:-1:2], marks[-1])
    return replace(standby, given=given, marks=marks)


def served(standby: Standby, credit: float, room: float, now_ms: int) -> Standby:
    """Return it when so many more may be let in; `room` is what there was for all."""
    up_to = min(float(standby.given), standby.served + max(0.0, credit))
    room -= up_to - standby.served
    if up_to >= standby.given:
        return replace(ended(standby.given, now_ms), room=room)
    marks = standby.marks
    at = max(1, bisect_left(marks, up_to, key=lambda mark: mark[1]))
    (start_ms, start), (end_ms, end) = marks[at - 1 : at + 1]
    share = max(0.0, up_to - start) / max(1, end - start)
    serving_ms = max(standby.serving_ms, start_ms + int((end_ms - start_ms) * share))
    return replace(standby, serving_ms=serving_ms, served=up_to, marks=marks[at - 1 :], room=room)


def ended(given: int, now_ms: int) -> Standby:
    """Return that nobody stands by any more."""
    return Standby(serving_ms=now_ms, served=float(given), given=given)
