"""What the door says, as bytes: a place in line, and how the line stands.

A crowd is told its places more often than anything else is sent, so that answer is no `Answer` that
is encoded but text with gaps, and the rest is made beforehand. Decides nothing of what is said.
"""

import math
from typing import Any, NamedTuple

import msgspec

from stentor.admission.line import WAIT_S_MAX, Sheet
from stentor.base.errors import Problem
from stentor.edge.answer import head

ON_STANDBY = ',"standby":true'  # a further member: before the line, and let in as somebody leaves
PROBLEM = "urn:stentor:problem:line"
_FIELDS = {
    "Content-Type": Problem.MEDIA_TYPE,
    "Cache-Control": "no-store",
    "Retry-After": "%d",
    "Content-Length": "%d",
}
_HEADS = {keep: head(503, _FIELDS, length=None, keep_alive=keep).decode() for keep in (True, False)}
_SAME = msgspec.json.encode(
    {
        "type": PROBLEM,
        "title": "There is a line at the door, and you are in it",
        "status": 503,
    }
).decode()[:-1]


class Shared(NamedTuple):
    """A place that many are told at once: its ticket, and what is said of it."""

    text: str
    place_ms: int  # 0: there is no line, and nobody counts
    number: int
    ahead: int
    wait_s: float


def place_answer(
    room: str,
    text: str,
    place_ms: int,
    number: int,
    ahead: int,
    wait_s: float,
    again_s: float,
    *,
    keep: bool,
    more: str = "",
) -> bytes:
    """Return the whole response: a problem (RFC 9457) with the place as its members.

    `text` is the ticket; nothing in it or in `room` needs an escape. `more` is further members as
    JSON, each after a comma.
    """
    full = "true" if wait_s >= WAIT_S_MAX else "false"
    body = (
        f'{_SAME},"ticket":"{text}","place_ms":{place_ms},"number":{number},"ahead":{ahead}'
        f',"wait_s":{wait_s:.1f},"full":{full},"poll_s":{again_s:.1f}'
        f',"door":"/r/{room}/door.json"{more}}}'
    )
    return f"{_HEADS[keep] % (math.ceil(again_s), len(body))}{body}".encode("latin-1")


def as_member(asked: dict[str, Any] | None) -> str:
    """Return a proof that is asked for as a further member of an answer, if one is."""
    return "" if asked is None else f',"altcha":{msgspec.json.encode(asked).decode()}'


def notice(sheet: Sheet, now_ms: int) -> bytes:
    """Return `door.json`: how the line stands, the same for all."""
    return msgspec.json.encode(
        {
            "at_ms": sheet.at_ms or now_ms,
            "open": not sheet.line,
            "serving_ms": sheet.serving_ms,
            "serving": round(sheet.served),
            "per_minute": sheet.per_minute,
            "waiting": sheet.waiting,
            "room": max(0, sheet.room) if sheet.line else None,
            "standby": sheet.standby.waiting,
            "line": [(knot.place_ms, knot.number) for knot in sheet.knots],
            "wait_s": [round(knot.wait_s, 1) for knot in sheet.knots],
            "poll_s_min": round(sheet.poll_s_min, 1),
        }
    )
