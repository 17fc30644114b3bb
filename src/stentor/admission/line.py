"""The line at the door: where it stands, how fast it moves, and what whoever is in it is told.

A place is a moment, so the line is a count of places by tenth of a second, and serving it is a
moment that moves forward. One edge of the machine moves it (`step`), all others read the sheet.
Nothing here knows who stands in the line; who gave up is known only by not coming.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

import msgspec
from msgspec.structs import replace

from stentor.admission import standby
from stentor.admission.hazards import Mark, hazards, lately, marked, shows
from stentor.admission.pace import ROOM_MAX
from stentor.admission.standby import Standby

BUCKET_MS = 100
KNOTS_MAX = 64
_KNOTS_EVEN, _KNOTS_FRONT, _KNOTS_STEP = 44, 16, 0.7
WAIT_S_MAX = 3600.0  # what is announced of a line that does not move
POLL_S_MAX = 30.0
NEAR_S = 6.0
_PAST_S_MAX = 4.0  # a leader that was away for longer does not make up for it
_CREDIT_S = 0.5  # of the rate: what is not used at once is not saved up for a crowd
_SHOW_LEAST = 0.2  # of who is served now: a line is not emptied on a guess


class Knot(msgspec.Struct, frozen=True, array_like=True):
    """A place in line: its number since the line began, and the wait of who stands there."""

    place_ms: int
    number: int
    wait_s: float


class Totals(msgspec.Struct, frozen=True, array_like=True):
    """What all edges of the machine have counted since they started."""

    places: int = 0  # given out
    came: int = 0  # admitted in their turn
    past: int = 0  # admitted past the line: it was empty, or they asked beforehand
    standby: int = 0  # put on standby


class Sheet(msgspec.Struct, frozen=True, array_like=True):
    """The line as its leader last wrote it. Times are Unix ms; places are ms of virtual time.

    Virtual time is `shift_ms` ahead of the clock: it jumps when people who had been put back are
    served because nobody else waits. Places up to `serving_ms` are served. Numbers count from
    when the line began.
    """

    at_ms: int = 0
    line: bool = False
    shift_ms: int = 0
    serving_ms: int = 0
    base: int = 0  # the number before the first place of the bucket that is being served
    served: float = 0.0
    credit: float = 0.0
    per_s: float = 0.0  # listeners admitted a second
    waiting: int = 0
    totals: Totals = Totals()
    comes_per_s: float = 0.0
    lasting_per_s: float = 0.0  # the same, of a minute: a flood is not taken to go on for ever
    past_per_s: float = 0.0
    marks: tuple[Mark, ...] = ()
    shown: float = 1.0  # for how many of the places that are served now somebody will come
    hazard_per_s: float = 0.0  # of giving up
    knots: tuple[Knot, ...] = ()
    poll_s_min: float = 1.0
    # From here on later additions: a deploy has readers of two versions.
    room: int = ROOM_MAX  # how many more fit, some on their way; below zero, so many too many
    leaving_per_s: float = 0.0
    last_per_s: float = 0.0  # how fast the end of the line moves: as people leave, if it is full
    surely_per_s: float = 0.0  # `hazard_per_s`, for what is told
    standby: Standby = Standby()  # before the line

    @property
    def per_minute(self) -> int:
        """Return how many places are served a minute."""
        return round(60 * self.per_s / self.shown)

    def virtual_ms(self, now_ms: int) -> int:
        """Return the place of someone who comes now."""
        return max(now_ms + self.shift_ms, self.serving_ms)

    def is_served(self, place_ms: int) -> bool:
        """Say whether the turn of a place has come."""
        return not self.line or place_ms <= self.serving_ms

    def stand(self, place_ms: int, now_ms: int, given: int = 0) -> Knot:
        """Return the number and wait of a place, between the knots or beyond the last one.

        `given` is how many places were given since the sheet was written, as far as one knows.
        """
        knots = self.knots
        if not knots:
            return Knot(place_ms, 1, 0.0)
        at = len(knots)  # as is who comes now
        if place_ms <= knots[-1].place_ms:
            at = bisect_left(knots, place_ms, key=lambda knot: knot.place_ms)
        if at == len(knots):
            last, more_s = knots[-1], (place_ms - knots[-1].place_ms) / 1000
            more = max(given, more_s * self.comes_per_s)
            number = last.number + more
            wait_s = _later(last.wait_s, more * self.shows(last.wait_s), self.last_per_s)
        elif at == 0:
            number, wait_s = float(knots[0].number), 0.0
        else:
            before, after = knots[at - 1], knots[at]
            share = (place_ms - before.place_ms) / max(1, after.place_ms - before.place_ms)
            number = before.number + share * (after.number - before.number)
            wait_s = before.wait_s + share * (after.wait_s - before.wait_s)
        if self.per_s <= 0 and number > self.served:
            wait_s = WAIT_S_MAX
        return Knot(place_ms, max(1, math.ceil(number)), self._still(wait_s, now_ms))

    def _still(self, wait_s: float, now_ms: int) -> float:
        """Return what is left of a wait since this was written."""
        since_s = max(0.0, (now_ms - self.at_ms) / 1000)
        return max(0.0, wait_s - since_s) if wait_s < WAIT_S_MAX else WAIT_S_MAX

    def stand_by(self, place_ms: int, now_ms: int, given: int = 0) -> Knot:
        """Return the number and wait of a place on standby, as `stand` does of one in line."""
        number = self.standby.number(place_ms, given)
        found_s = self.standby.wait_s(number, self.per_s, self.leaving_per_s)
        wait_s = WAIT_S_MAX if found_s is None else min(WAIT_S_MAX, found_s)
        return Knot(place_ms, max(1, math.ceil(number)), self._still(wait_s, now_ms))

    def shows(self, wait_s: float) -> float:
        """Return the chance that somebody is still there after so long."""
        return shows(self.surely_per_s, wait_s)


def poll_s(wait_s: float, poll_s_min: float, chance: float) -> float:
    """Return when to ask again: a third of the wait, spread by `chance` (0 to 1); at the end, then.

    Each time a third of what is left, so that a long wait costs few questions and its end is met.
    """
    if wait_s <= NEAR_S:
        return wait_s + 0.2 + 0.6 * chance
    wanted = min(POLL_S_MAX, max(poll_s_min, wait_s / 3)) * (0.75 + 0.5 * chance)
    return min(wanted, wait_s + chance)


def step(
    sheet: Sheet,
    counts: Sequence[int],
    totals: Totals,
    *,
    wanted: bool,
    per_s: float,
    now_ms: int,
    room: int = ROOM_MAX,
    leaving_per_s: float = 0.0,
    polls_per_s_max: float = 1000.0,
) -> Sheet:
    """Return the sheet as it is at `now_ms`: all that there is to being the leader.

    `counts[n]` is how many places there are in the bucket `serving_ms // BUCKET_MS + n` of
    virtual time, up to the furthest place. `wanted` says that some edge wants a line, `per_s` how
    many listeners the machine's edges admit a second while there is `room`.
    """
    if not wanted and not (sheet.line and sheet.waiting):
        return _closed(sheet, totals, per_s, now_ms)
    past_s = min(_PAST_S_MAX, max(0.0, (now_ms - sheet.at_ms) / 1000)) if sheet.at_ms else 0.0
    by = standby.followed(sheet.standby, totals.standby, now_ms)
    if not sheet.line:
        # Whoever came until now is in; the places of an earlier line are served.
        begins_ms = max(sheet.serving_ms, now_ms + sheet.shift_ms)
        skipped = begins_ms // BUCKET_MS - sheet.serving_ms // BUCKET_MS
        counts = counts[skipped:]
        sheet = replace(_closed(sheet, totals, per_s, now_ms), line=True, serving_ms=begins_ms)
    else:
        sheet = _learned(sheet, totals, past_s)
    first = sheet.serving_ms // BUCKET_MS
    sheet = replace(sheet, room=room, leaving_per_s=leaving_per_s, standby=by)
    sheet = _served(sheet, counts, past_s, per_s, now_ms)
    return _told(sheet, counts[sheet.serving_ms // BUCKET_MS - first :], polls_per_s_max)


def _closed(sheet: Sheet, totals: Totals, per_s: float, now_ms: int) -> Sheet:
    """Return a sheet that says that everybody is let in; places given out before are served."""
    return Sheet(
        at_ms=now_ms,
        shift_ms=sheet.shift_ms,
        serving_ms=max(sheet.serving_ms, now_ms + sheet.shift_ms),
        per_s=per_s,
        totals=totals,
        standby=standby.ended(totals.standby, now_ms),
    )


def _coming(sheet: Sheet) -> float:
    """Return how many were served a moment ago, are not in yet and will come."""
    before = lately(sheet.marks, sheet.at_ms)
    if before is None:
        return 0.0
    served = (sheet.served + sheet.standby.served - before.served) * sheet.shown
    return max(0.0, served - max(0, sheet.totals.came - before.came))


def _toward(old: float, new: float, past_s: float, tau_s: float) -> float:
    return old + (new - old) * (1 - math.exp(-past_s / tau_s))


def _learned(sheet: Sheet, totals: Totals, past_s: float) -> Sheet:
    """Return the sheet with its rates brought up to date."""
    if past_s <= 0:
        return sheet
    places = max(0, totals.places - sheet.totals.places)
    past = max(0, totals.past - sheet.totals.past)
    # While nobody waits all go past the line; whoever waits is passed by reminders only.
    passing_per_s = past / past_s if sheet.waiting else 0.0
    age_s = (sheet.virtual_ms(sheet.at_ms) - sheet.serving_ms) / 1000
    mark = Mark(sheet.at_ms, sheet.served + sheet.standby.served, totals.came, age_s)
    marks = marked(sheet.marks, mark)
    known = sheet.hazard_per_s, sheet.surely_per_s
    hazard_per_s, surely_per_s = hazards(marks, known)
    return replace(
        sheet,
        totals=totals,
        credit=sheet.credit - past,
        comes_per_s=_toward(sheet.comes_per_s, places / past_s, past_s, 5.0),
        lasting_per_s=_toward(sheet.lasting_per_s, places / past_s, past_s, 60.0),
        past_per_s=_toward(sheet.past_per_s, passing_per_s, past_s, 5.0),
        marks=marks,
        shown=max(_SHOW_LEAST, math.exp(-hazard_per_s * age_s)),
        hazard_per_s=hazard_per_s,
        surely_per_s=surely_per_s,
    )


def _served(sheet: Sheet, counts: Sequence[int], past_s: float, per_s: float, now_ms: int) -> Sheet:
    """Return the sheet with as many served as the time that has passed allows."""
    virtual_ms = sheet.virtual_ms(now_ms)
    first = sheet.serving_ms // BUCKET_MS
    furthest = len(counts) - 1
    while furthest >= 0 and not counts[furthest]:
        furthest -= 1
    serving_ms, base, served = sheet.serving_ms, sheet.base, sheet.served
    credit = max(-2.0 * per_s, sheet.credit) + per_s * past_s
    room = sheet.room - _coming(sheet)
    credit = min(credit, max(0.0, room))
    by = standby.served(sheet.standby, credit, room, now_ms)
    credit -= by.served - sheet.standby.served
    for n in range(furthest + 1):
        count = counts[n]
        start_ms = (first + n) * BUCKET_MS
        end_ms = _end_ms(start_ms, virtual_ms)
        left = max(0.0, base + count - served)
        if left > 0 and left * sheet.shown > credit:
            share = max(0.0, credit) / (left * sheet.shown)
            served += left * share
            serving_ms += int(max(0, end_ms - serving_ms) * share)
            credit = min(credit, 0.0)
            break
        credit -= left * sheet.shown
        served = float(base + count)
        if n == furthest and end_ms < start_ms + BUCKET_MS:
            serving_ms = max(serving_ms, end_ms)  # more may come within this bucket
        else:
            serving_ms, base = start_ms + BUCKET_MS, base + count
    else:  # all are served
        credit = min(credit, max(1.0, per_s * _CREDIT_S))
        if virtual_ms // BUCKET_MS > serving_ms // BUCKET_MS:
            base = round(served)
        serving_ms = max(serving_ms, virtual_ms)
    return replace(
        sheet,
        at_ms=now_ms,
        shift_ms=max(sheet.shift_ms, serving_ms - now_ms),
        serving_ms=serving_ms,
        base=base,
        served=served,
        credit=credit,
        per_s=per_s,
        standby=by,
    )


def _told(sheet: Sheet, counts: Sequence[int], polls_per_s_max: float) -> Sheet:
    """Return the sheet with its knots: the line as whoever stands in it should see it."""
    virtual_ms = sheet.virtual_ms(sheet.at_ms)
    first = sheet.serving_ms // BUCKET_MS
    per_s = max(sheet.per_s - sheet.past_per_s, sheet.per_s / 10)
    room, before = sheet.room - _coming(sheet), sheet.standby.waiting
    sums = list(accumulate(counts, initial=sheet.base))
    knots = [Knot(sheet.serving_ms, round(sheet.served), 0.0)]
    # Who walked in while nobody waited is earned back before anybody in line is served.
    wait_s = _later(0.0, max(0.0, -sheet.credit) + before, per_s)
    number, waiting, inside = sheet.served, 0.0, float(before)
    for end in _ends(sums, sheet.served, virtual_ms // BUCKET_MS - first + 1):
        end_ms = _end_ms((first + end - 1) * BUCKET_MS, virtual_ms)
        if end_ms <= knots[-1].place_ms:
            continue
        start_ms = knots[-1].place_ms
        left = max(0.0, sums[end] - number)
        # Who has been put back will find those in front who have not come yet.
        coming = sheet.lasting_per_s * max(0, end_ms - max(start_ms, virtual_ms)) / 1000
        age_s = max(0, virtual_ms - (start_ms + end_ms) / 2) / 1000
        waiting += left * sheet.shows(age_s)
        shows = (left + coming) * sheet.shows(age_s + wait_s)
        inside += shows
        # Whoever does not fit has to wait until so many have left.
        full_s = _later(0.0, inside - room, sheet.leaving_per_s)
        before_s, wait_s = wait_s, max(_later(wait_s, shows, per_s), full_s)
        if before_s < WAIT_S_MAX <= wait_s and start_ms + 1 < end_ms:
            knots.append(Knot(start_ms + 1, round(number), wait_s))  # nobody between is promised
        number += left
        knots.append(Knot(end_ms, round(number), wait_s))
    if knots[-1].place_ms < virtual_ms:
        knots.append(Knot(virtual_ms, round(number), wait_s))
    return replace(
        sheet,
        knots=tuple(knots),
        waiting=round(waiting) + before,
        last_per_s=min(per_s, sheet.leaving_per_s) if inside > room else per_s,
        poll_s_min=max(1.0, waiting / polls_per_s_max),
    )


def _ends(sums: Sequence[int], served: float, now: int) -> list[int]:
    """Return behind which buckets the knots lie: at even shares of the line, and closer in front.

    Between two knots a place is guessed, so no guess is off by more than what lies between them.
    """
    left = sums[-1] - served
    found = {len(sums) - 1, min(now, len(sums) - 1)}
    for n in range(1, _KNOTS_EVEN):
        found.add(bisect_left(sums, served + left * n / _KNOTS_EVEN))
    for n in range(1, _KNOTS_FRONT):
        found.add(bisect_left(sums, served + left / _KNOTS_EVEN * _KNOTS_STEP**n))
    return sorted(end for end in found if 0 < end < len(sums))


def _end_ms(start_ms: int, virtual_ms: int) -> int:
    """Return where the places of a bucket end: those of the present one end now."""
    end_ms = start_ms + BUCKET_MS
    return min(end_ms, virtual_ms) if start_ms <= virtual_ms else end_ms


def _later(wait_s: float, shows: float, per_s: float) -> float:
    if shows <= 0:
        return wait_s
    return min(WAIT_S_MAX, wait_s + shows / per_s) if per_s > 0 else WAIT_S_MAX
