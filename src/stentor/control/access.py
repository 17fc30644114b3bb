"""Who is calling: the operator by the token in the data folder, everybody else by a link.

Decides whether a bearer is taken, and says clearly why not. What the bearer may do then is decided
by the acts' table. Nothing here is logged: a token is a person's key.
"""

import hmac
from dataclasses import dataclass

from stentor.base.errors import Problem
from stentor.control.desk import Desk
from stentor.rooms.acts import OPERATOR, Actor
from stentor.rooms.links import Link, LinkRefusal, sign_link, verify_link
from stentor.rooms.orders import Role
from stentor.rooms.record import Room, RoomSeat

_REFUSALS = {
    LinkRefusal.MALFORMED: ("link-malformed", "This is not a link of ours", "Was it cut short?"),
    LinkRefusal.FORGED: ("link-forged", "This link was not made here", "Ask for a new one."),
    LinkRefusal.EXPIRED: ("link-expired", "This link has expired", "Ask for a new one."),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """A bearer that was taken; `seat` and `link` are None for the operator."""

    actor: Actor
    link: Link | None = None
    seat: RoomSeat | None = None


class Access:
    """Takes or refuses bearers."""

    def __init__(self, desk: Desk, link_key: bytes, operator_token: str) -> None:
        self._desk = desk
        self._link_key = link_key
        self._operator_token = operator_token.encode()

    def identify(self, bearer: str | None) -> Caller:
        """Return who the bearer is; raises a `Problem` 401 or 403."""
        if not bearer:
            raise Problem(
                401, "no-link", "A link is needed", "Send it as `Authorization: Bearer …`."
            )
        if hmac.compare_digest(bearer.encode("utf-8", "replace"), self._operator_token):
            return Caller(OPERATOR)
        link = verify_link(bearer, self._link_key, self._desk.now_ms)
        if isinstance(link, LinkRefusal):
            raise Problem(401, *_REFUSALS[link])
        room = self._desk.find(link.room)
        seat = room.seat(link.id) if room is not None else None
        if seat is None:
            raise Problem(403, "link-unknown", "This link leads to no seat", "Ask for a new one.")
        if seat.revoked:
            raise Problem(403, "link-revoked", "This link was withdrawn", "Ask the host.")
        return Caller(Actor(seat.role, seat.id), link, seat)

    def token(self, room: Room, seat: RoomSeat) -> str:
        """Return the token of a seat's link."""
        return sign_link(
            Link(seat.id, room.id, seat.role, seat.name, seat.expires_ms), self._link_key
        )


def require_operator(caller: Caller) -> None:
    """Raise a `Problem` unless the operator is calling."""
    if caller.actor.role is not Role.OPERATOR:
        raise Problem(403, "not-allowed", "This link does not allow it", "Operators only.")


def require_of_room(caller: Caller, room: str) -> None:
    """Raise a `Problem` if the caller's link is for another room."""
    if caller.link is not None and caller.link.room != room:
        raise Problem(403, "other-room", "This link is for another room")


def require_moderator(caller: Caller, room: str) -> None:
    """Raise a `Problem` unless the caller moderates that room and is not put off its stage."""
    require_of_room(caller, room)
    if not caller.actor.role.moderates:
        raise Problem(403, "not-allowed", "This link does not allow it", "Hosts only.")
    if caller.seat is not None and caller.seat.removed:
        raise Problem(403, "removed", "You were put off the stage", "Ask the host.")
