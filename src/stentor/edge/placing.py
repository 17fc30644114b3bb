"""The answer with a place in line, as bytes: what is the same for everybody is made beforehand.

A crowd that is told to wait costs this answer more often than anything else is sent, so it is no
`Answer` that is encoded but text that is filled in. Decides nothing of what is said.
"""

import math

import msgspec

from stentor.admission.line import WAIT_S_MAX
from stentor.base.errors import Problem
from stentor.edge.answer import head

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
