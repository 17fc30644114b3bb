"""Who may take which seat: room, link, orders. Pure; every refusal is a `Problem`."""

from collections.abc import Mapping

from stentor.base.errors import Problem
from stentor.rooms.links import Link, LinkRefusal, verify_link
from stentor.rooms.orders import Orders, Phase, Seat

_WHY = {
    LinkRefusal.MALFORMED: "It is not a link of Stentor's.",
    LinkRefusal.FORGED: "Its signature is wrong.",
    LinkRefusal.EXPIRED: "It has expired; ask the host for a new one.",
}


def bearer(authorization: str | None) -> str:
    """Return the token of an Authorization header."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Problem(401, "link-needed", "A link is needed", "Send it as a Bearer token.")
    return token.strip()


def decide_seat(
    rooms: Mapping[str, Orders], room: str, token: str, key: bytes, now_ms: int
) -> Seat:
    """Return the seat that the link is good for; raises `Problem`."""
    orders = rooms.get(room)
    if orders is None:
        raise Problem(404, "unknown-room", "There is no such room")
    link = verify_link(token, key, now_ms)
    if not isinstance(link, Link):
        raise Problem(401, f"link-{link.value}", "The link is not valid", _WHY[link])
    seat = orders.seat(link.id) if link.room == room else None
    if seat is None:
        raise Problem(403, "no-seat", "The link has no seat on this stage")
    if seat.revoked:
        raise Problem(403, "link-revoked", "The link was withdrawn")
    if seat.removed:
        raise Problem(403, "removed", "The host has taken this speaker off the stage")
    if orders.phase(now_ms) is Phase.ENDED:
        raise Problem(410, "room-ended", "The conversation is over")
    return seat
