"""How likely somebody in line gives up, from how many came of those who were served.

Who gave up is known only by not coming, and most come within a second or two; but a slow network or
a busy machine is no reason to call them gone. Pure; knows nobody.
"""

import math
from collections.abc import Sequence

import msgspec

# Told from those who were served so long ago, over such a span.
_COMING_S = 5.0
_SPAN_S = 15.0
_MARK_S = 1.0
_EVIDENCE = 30.0  # places served, until which all are taken to come
_SHOW_MIN = 0.05
_AGE_S_MIN = 10.0


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """How the line stood at a moment past: places served, who had come, how long they waited."""

    at_ms: int
    served: float
    came: int
    age_s: float


def marked(marks: tuple[Mark, ...], mark: Mark) -> tuple[Mark, ...]:
    """Return the marks with one more, a second after the last; those that are too old are gone."""
    if marks and mark.at_ms - marks[-1].at_ms < _MARK_S * 1000:
        return marks
    kept_ms = mark.at_ms - (_SPAN_S + _COMING_S) * 1000
    return (*(one for one in marks if one.at_ms >= kept_ms), mark)


def lately(marks: tuple[Mark, ...], now_ms: int) -> Mark | None:
    """Return the mark since which those who were served may be on their way still."""
    if not marks:
        return None
    before = marks[0]
    for mark in marks:
        if now_ms - mark.at_ms < _COMING_S * 1000:
            break
        before = mark
    return before


def shows(hazard_per_s: float, wait_s: float) -> float:
    """Return the chance that somebody is still there after so long."""
    return max(_SHOW_MIN, math.exp(-hazard_per_s * wait_s))


def hazards(marks: Sequence[Mark], known: tuple[float, float]) -> tuple[float, float]:
    """Return how likely somebody in line gives up within a second, from those who were served.

    Who came is counted `_COMING_S` later than who was served, so who is merely late is not missed.
    The second figure is for what is told, and does not take a line that moves now fast, now slowly
    for one that people leave: who came is counted up to so much later, whichever finds most.
    `known` is what holds while there is no evidence.
    """
    newest = marks[-1]
    due = [one for one in marks if newest.at_ms - one.at_ms >= _COMING_S * 1000]
    if len(due) < 2 or due[-1].served - due[0].served < _EVIDENCE:
        return known
    first, last_at = due[0], len(due) - 1
    served = due[-1].served - first.served
    age_s = max(_AGE_S_MIN, sum(one.age_s for one in due) / len(due))
    late = next(one for one in marks if one.at_ms - first.at_ms >= _COMING_S * 1000)
    most = max(
        end.came - start.came
        for start, end in zip(marks, marks[last_at:], strict=False)
        if start.at_ms - first.at_ms <= _COMING_S * 1000
    )

    def hazard_per_s(came: float) -> float:
        return -math.log(min(1.0, max(_SHOW_MIN, came / served))) / age_s

    came = newest.came - late.came
    return hazard_per_s(came), hazard_per_s(max(came, most))
