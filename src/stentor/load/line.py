"""The line at the door as a page sees it: the refusal, the notice, one's place, when to look again.

The same arithmetic as the room page's (`edge/site/line.js`), so that a load waits as people do.
Pure.
"""

import msgspec

_POLL_S_MIN = 1.0


class InLine(msgspec.Struct, frozen=True):
    """What the door says to whoever must wait: a 503 problem with these members."""

    ticket: str
    place_ms: int
    ahead: int
    number: int = 0
    wait_s: float | None = None
    poll_s: float | None = None
    shared: bool = False  # a place of all who came at once: come again for one of one's own
    full: bool = False  # there is no room: what is said of the wait is no promise


class Notice(msgspec.Struct, frozen=True):
    """`door.json`: the same for all."""

    open: bool
    serving_ms: int
    serving: int = 0
    per_minute: float = 0.0
    line: tuple[tuple[int, float], ...] = ()
    wait_s: tuple[float, ...] = ()  # of each place in `line`
    poll_s_min: float = _POLL_S_MIN


def is_served(notice: Notice, place_ms: int) -> bool:
    """Say whether it is one's turn."""
    return notice.open or notice.serving_ms >= place_ms


def expected_wait_s(notice: Notice, place_ms: int) -> float:
    """Return how long it will take, between those whose wait the notice names."""
    if is_served(notice, place_ms):
        return 0.0
    before: tuple[int, float] | None = None
    for (at, _), wait_s in zip(notice.line, notice.wait_s, strict=False):
        if at >= place_ms:
            if before is None or at == before[0]:
                return wait_s
            return before[1] + (wait_s - before[1]) * (place_ms - before[0]) / (at - before[0])
        before = at, wait_s
    return before[1] if before else 0.0


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
