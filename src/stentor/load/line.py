"""The line at the door as a page sees it: the refusal, the notice, one's place, when to look again.

The same arithmetic as the room page's (`edge/site/line.js`), so that a load waits as people do.
Pure.
"""

import msgspec

_POLL_S_MAX = 15.0
_POLL_S_MIN = 1.0


class InLine(msgspec.Struct, frozen=True):
    """What the door says to whoever must wait: a 503 problem with these members."""

    ticket: str
    place_ms: int
    ahead: int
    number: int = 0
    wait_s: float | None = None
    poll_s: float | None = None


class Notice(msgspec.Struct, frozen=True):
    """`door.json`: the same for all."""

    open: bool
    serving_ms: int
    serving: int = 0
    per_minute: float = 0.0
    line: tuple[tuple[int, float], ...] = ()
    poll_s_min: float = _POLL_S_MIN


def number_at(line: tuple[tuple[int, float], ...], place_ms: int) -> float:
    """Return the number that belongs to a place, between those that the notice names."""
    before: tuple[int, float] | None = None
    for at, number in line:
        if at >= place_ms:
            if before is None or at == before[0]:
                return number
            return before[1] + (number - before[1]) * (place_ms - before[0]) / (at - before[0])
        before = at, number
    return before[1] if before else 0.0


def is_served(notice: Notice, place_ms: int) -> bool:
    """Say whether it is one's turn."""
    return notice.open or notice.serving_ms >= place_ms


def expected_wait_s(notice: Notice, place_ms: int) -> float | None:
    """Return how long it will take; None when the line does not move."""
    if is_served(notice, place_ms):
        return 0.0
    ahead = max(0.0, number_at(notice.line, place_ms) - notice.serving)
    return 60 * ahead / notice.per_minute if notice.per_minute > 0 else None


def next_look_s(wait_s: float | None, least_s: float | None) -> float:
    """Return when to look again: seldom far back, each second at the front."""
    wanted = (_POLL_S_MAX if wait_s is None else wait_s) / 4
    return min(_POLL_S_MAX, max(least_s or _POLL_S_MIN, _POLL_S_MIN, wanted))


def read_in_line(body: bytes) -> InLine | None:
    """Return what a 503's body says of a line, None if it is another refusal."""
    try:
        return msgspec.json.decode(body, type=InLine)
    except ValueError:
        return None


def read_notice(body: bytes) -> Notice | None:
    """Return what `door.json` says, None if it is not one."""
    try:
        return msgspec.json.decode(body, type=Notice)
    except ValueError:
        return None
