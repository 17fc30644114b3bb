"""What can be concluded from an evening's records alone, by anybody who has them. Pure.

Four questions, answered apart: was attack traffic there, how much, would we have failed without
it, and what was our own fault. Then one word, with its likelihood and the method's measured error
rates; "cannot be told" is a word too. It never names who it was: no record knows.
"""

from collections.abc import Sequence
from math import fsum
from statistics import median

import msgspec

from stentor.evidence.beneath import Beneath
from stentor.evidence.columns import Columns, read_columns
from stentor.evidence.faults import lost_at_once, own_faults, returning
from stentor.evidence.hostile import Hostile, estimate_hostile
from stentor.evidence.method import METHOD
from stentor.evidence.method_hours import HOURS
from stentor.evidence.records import Second
from stentor.evidence.replay import (
    LAG_S,
    SHARE,
    SOON_S,
    Course,
    mended,
    part_of,
    people_course,
    replay,
)
from stentor.evidence.signs import SIGNS, read_signs, unseen_share
from stentor.evidence.weighing import Counted, Method, likelihood, weigh
from stentor.evidence.words import Told, Word
from stentor.shield.merge import Merged

# A mimic that is as numerous as people could be half of any crowd without a sign (Yu et al., 2015):
# a crowd is called one only if half of those who can be vouched for would have been too many.
_MIMICS = 0.5
# Without anybody to vouch: even a quarter would have been, so mimics were thrice the people.
_BY_FAR = 0.25
_CLEARLY = 0.2  # of people waited, as estimated beside an attack: less may be bots' waits
_MANY = 0.05
_OWN_SURELY = 1.3  # as many would have been served by what broke of ours, had it been whole
_FULL = 0.05  # of who comes finds no room to be heard
# In half of what was measured an attack may be all that there is: nothing tells what is usual.
_SECONDS_MIN = 60
_LONG_S = 300  # between the 100 s and the hour that methods were fitted to, nearer to the first
_IN_ONE_BREATH = ("line_shared", "pages_put_off")
_HOSTILE_LESS, _HOSTILE_MORE = 0.6, 1.3


class Answer(msgspec.Struct, frozen=True):
    """One of the four answers, and what it rests on."""

    question: str
    told: Told
    because: tuple[str, ...] = ()
    figure: float | None = None


class Verdict(msgspec.Struct, frozen=True):
    """All that is concluded."""

    word: Word
    # That attack traffic was there by connections' conduct; calibrated by simulated evenings.
    likelihood: float
    answers: tuple[Answer, ...]
    signs: tuple[Counted, ...] = ()
    # Of who came (beside an attack: of people) while somebody had to wait or heard a break.
    failed_share: float = 0.0
    hostile_total: float = 0.0  # connections
    hostile_share: float = 0.0
    beneath: Beneath = Beneath()
    measured: dict[str, str] = {}


def method_for(seconds: int) -> Method:
    """Return the method for an evening of so many seconds.

    What stands out by chance grows with the time that there is for it: floors of minutes would be
    reached by many a harmless hour.
    """
    return HOURS if seconds >= _LONG_S else METHOD


def judge(seconds: Sequence[Second], method: Method | None = None) -> Verdict:
    """Return what can be concluded; the same records give the same verdict, bit for bit."""
    return judge_columns(read_columns(seconds), method)


def judge_columns(columns: Columns, method: Method | None = None) -> Verdict:
    """Return what can be concluded from an evening's figures, by the method for its length."""
    method = method or method_for(len(columns))
    if len(columns) < _SECONDS_MIN:
        return _too_short(method)
    values = dict(zip(SIGNS, read_signs(columns).values(), strict=True))
    log_odds, counted = weigh(method, values)
    hostile = estimate_hostile(columns)
    faults = own_faults(columns)
    beneath = columns.beneath
    unseen = unseen_share(columns)
    present = _told(log_odds, method)
    is_blind = present is Told.NO and unseen > method.unseen_max
    if is_blind:
        present = Told.UNTOLD
    failing = failed_share(columns, hostile if present is Told.YES else None)
    failed = failing > SHARE
    nobody = Hostile((0.0,) * len(columns), (0.0,) * len(columns))
    without = Told.UNTOLD if present is not Told.YES else _without(columns, hostile)
    own = Told.NO
    course = people_course(columns, nobody)
    if faults:
        lost = lost_at_once(columns) if any(columns.missing) else ()
        whole = mended(course, spread="pages" in " ".join(faults), lost=lost)
        own = Told.NO if replay(part_of(whole, _OWN_SURELY)).failed else Told.YES
    by_far = replay(part_of(course, _BY_FAR)).failed
    vouched = by_far or _vouched(columns, course)
    if failed and (is_blind or (present is not Told.YES and beneath.told is not Told.NO)):
        without = Told.YES if vouched else Told.UNTOLD
    if present is Told.YES and SHARE < failing < _CLEARLY and without is Told.NO:
        without = Told.UNTOLD  # bots stood in the same queues: their waits may not be people's
    word = _word(present, failed, without, own, vouched, is_blind=is_blind, beneath=beneath.told)
    came = sum(columns.accepted)
    there = _either(present, beneath.told)
    is_there = present is Told.YES
    return Verdict(
        word=word,
        likelihood=round(likelihood(method, log_odds), 4),
        answers=(
            Answer(
                "Was attack traffic there?",
                there,
                beneath.because + (_signs_said(counted) or _unseen_said(unseen)),
            ),
            Answer(
                "How much?",
                there,
                (f"about {hostile.total:,.0f} of {came:,.0f} connections",) if is_there else (),
                round(hostile.total, 1) if is_there else None,
            ),
            Answer(
                "Would we have failed without it?",
                _failed_without(failed, there, without),
                (_BY_FAR_SAID,) if failed and by_far and present is not Told.YES else (),
            ),
            Answer("Was it our own fault?", own if failed else Told.NO, faults),
        ),
        signs=counted,
        failed_share=round(failing, 4),
        hostile_total=round(hostile.total, 1),
        hostile_share=round(hostile.total / max(1.0, came), 4),
        beneath=beneath,
        measured=method.measured,
    )


def was_so(word: str) -> str:
    """Return the name of what was measured of a word: how often it was so when it was said."""
    return f"so when “{word}” was said"


def _word(
    present: Told,
    failed: bool,
    without: Told,
    own: Told,
    vouched: bool,
    *,
    is_blind: bool = False,
    beneath: Told = Told.NO,
) -> Word:
    """Return the word that four answers come to.

    `is_blind`: nothing speaks for an attack, but too many waited to say that there was none. All
    who came may then be people, and would have been served by what broke of ours. What came
    `beneath` the connections no replay can take out.
    """
    if beneath is not Told.NO:
        present, is_blind = _either(present, beneath), False
    if present is Told.YES:
        if not failed:
            return Word.WITHSTOOD
        if without is Told.UNTOLD:
            return Word.UNTOLD
        return Word.BOTH if without is Told.YES else Word.ATTACK
    if failed and own is Told.YES and (present is Told.NO or is_blind):
        return Word.OWN
    if present is Told.UNTOLD:
        return Word.EITHER if failed and without is Told.YES else Word.UNTOLD
    if not failed:
        return Word.QUIET
    return Word.CROWD if vouched else Word.UNTOLD


def _either(present: Told, beneath: Told) -> Told:
    """Return whether attack traffic was there, of what two ways of looking say."""
    return next(one for one in (Told.YES, Told.UNTOLD, Told.NO) if one in (present, beneath))


def _told(log_odds: float, method: Method) -> Told:
    if log_odds >= method.high:
        return Told.YES
    return Told.NO if log_odds <= method.low else Told.UNTOLD


def _without(columns: Columns, hostile: Hostile) -> Told:
    """Say whether it would have failed without the attack, however its size is off by a third."""
    found = {
        replay(people_course(columns, hostile.scaled(by))).failed
        for by in (_HOSTILE_LESS, 1.0, _HOSTILE_MORE)
    }
    if len(found) > 1:
        return Told.UNTOLD
    return Told.YES if found.pop() else Told.NO


def _failed_without(failed: bool, present: Told, without: Told) -> Told:
    if not failed:
        return Told.NO
    return Told.YES if present is Told.NO else without


def _vouched(columns: Columns, course: Course) -> bool:
    """Say whether those would have been too many of whom something is known from before.

    Tickets from before the hour, and who listened already and lost their connection.
    """
    heard = fsum(columns.fresh[2:]) + fsum(columns.vouched) / 4  # several may share an address
    vouched = sum(columns.vouched) / max(1.0, heard)
    back = returning(columns) / max(1.0, fsum(course.coming))
    share = _MIMICS * min(1.0, vouched + back)
    return share > 0 and replay(part_of(course, share)).failed


def failed_share(columns: Columns, hostile: Hostile | None = None) -> float:
    """Return the share of those who came while somebody had to wait or heard a break.

    Of people, as far as `hostile` can be taken off: where bots come, it is they who mostly wait.
    """
    bad = all_ = 0.0
    usual = median(float(one.queue_s.n) for one in columns.merged)
    for n, one in enumerate(columns.merged):
        if n < 2:
            continue
        came = columns.accepted[n]
        seen = max(float(one.queue_s.n), min(usual, came))
        if hostile is not None and came:
            seen *= max(0.0, 1.0 - hostile.per_s[n] / came)
        all_ += seen
        full = _turned_away(one) + columns.knocks.late[n] > _FULL * came
        half_s = max(one.queue_s.p50, one.first_audio_s.p50)
        most_s = max(one.queue_s.p95, one.first_audio_s.p95)
        dropped = one.kernel.get("listen_overflows", 0)
        if dropped > _FULL * came:  # who comes again had waited for a second when they came
            most_s += 1.0
            half_s += 1.0 if dropped > came else 0.0
        if full or columns.lag_s[n] > LAG_S or half_s > SOON_S:
            bad += seen
        elif most_s > SOON_S:
            bad += seen / 2
        elif one.door.line and one.door.waiting > 0:
            bad += seen
    return bad / max(1.0, all_)


def _turned_away(second: Merged) -> int:
    """Return how many were refused or let go unheard, or told in one breath to come again later.

    Of a crush the times tell nothing: the kernel's queue is short, and nobody waits in it for long.
    """
    counts = second.counts
    return sum(
        counts.get(name, 0) for name in ("refused_connections", "tls_crowded_out", *_IN_ONE_BREATH)
    )


def _signs_said(counted: tuple[Counted, ...]) -> tuple[str, ...]:
    """Return the signs that speak for an attack, the strongest first."""
    strongest = sorted((one for one in counted if one.adds > 0), key=lambda one: -one.adds)
    return tuple(
        f"{_SAID.get(one.sign, one.sign)} ({one.value:.2f}, +{one.adds:.1f})" for one in strongest
    )


def _unseen_said(unseen: float) -> tuple[str, ...]:
    said = f"{unseen:.0%} of those who came had to wait so long that small attacks leave no sign"
    return (said,) if unseen >= _MANY else ()


_BY_FAR_SAID = "a quarter of those who came would have been too many"
_SAID = {
    "false_rate": "requests that no player makes, per second",
    "false_share": "share of requests that no player makes",
    "false_scan": "requests that no player makes, against the rest of the evening",
    "mute_share": "share of connections that said or took nothing",
    "mute_scan": "the same, against the rest of the evening",
    "repeaters": "wrongs of addresses that did many and never looked at the page",
    "heavy_share": "share asked for by single addresses that get nothing of what people get",
    "strangers": "share of networks where nobody had looked at the page, beyond the usual",
    "stranger_score": "the same, against chance",
    "stranger_scan": "the same, against the rest of the evening",
    "soon_share": "share of joins that ended at once",
    "soon_scan": "the same, against the rest of the evening",
    "unproved": "addresses that asked and never listened nor kept their place",
    "unlooked": "addresses that asked and never looked at the page",
    "only_looked": "addresses that looked at the page and never asked",
    "only_look": "looks at the page that no wish to hear followed",
    "looked_again": "pages looked at again and again within a second",
    "unspoken": "connections that asked for nothing",
    "rested": "connections kept until they were let go",
    "reloads": "playlists asked for beyond what listeners do",
    "requests": "requests that are no join's",
}


def _too_short(method: Method) -> Verdict:
    why = (f"fewer than {_SECONDS_MIN} seconds are recorded",)
    questions = (
        "Was attack traffic there?",
        "How much?",
        "Would we have failed without it?",
        "Was it our own fault?",
    )
    return Verdict(
        word=Word.UNTOLD,
        likelihood=0.5,
        answers=tuple(Answer(one, Told.UNTOLD, why) for one in questions),
        measured=method.measured,
    )
