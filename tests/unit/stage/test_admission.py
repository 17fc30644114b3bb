"""Who may take a seat, and who is told what."""

from __future__ import annotations

import pytest

from stentor.base.errors import Problem
from stentor.rooms.links import ANY_ROOM, Link, sign_link
from stentor.rooms.orders import Orders, Role, Seat
from stentor.stage.admission import bearer, decide_seat

KEY = b"k" * 32
NOW_MS = 1_000_000
ORDERS = Orders(
    "town-hall",
    1,
    "Town hall",
    epoch_ms=NOW_MS + 60_000,
    seats=(
        Seat("host", Role.HOST, "Ada"),
        Seat("out", Role.SPEAKER, "Ben", removed=True),
        Seat("banned", Role.SPEAKER, "Cid", revoked=True),
    ),
)
ROOMS = {
    "town-hall": ORDERS,
    "over": Orders("over", 1, "Over", 0, end_ms=NOW_MS - 1, seats=ORDERS.seats),
}


def token(seat: str = "host", room: str = "town-hall", expires_ms: int = NOW_MS + 1) -> str:
    return sign_link(Link(seat, room, Role.SPEAKER, "x", expires_ms), KEY)


def test_a_link_gets_its_own_seat_with_the_role_that_orders_say() -> None:
    seat = decide_seat(ROOMS, "town-hall", token(), KEY, NOW_MS)
    assert (seat.id, seat.role) == ("host", Role.HOST)


@pytest.mark.parametrize(
    ("room", "link", "status", "kind"),
    [
        ("nowhere", token(), 404, "unknown-room"),
        ("town-hall", "", 401, "link-malformed"),
        ("town-hall", "e30.AAAA", 401, "link-forged"),
        ("town-hall", token()[:-3] + "AAA", 401, "link-forged"),
        ("town-hall", token(expires_ms=NOW_MS), 401, "link-expired"),
        ("town-hall", token(room="over"), 403, "no-seat"),
        ("town-hall", token(seat="unknown"), 403, "no-seat"),
        ("town-hall", token(room=ANY_ROOM), 403, "no-seat"),
        ("town-hall", token("out"), 403, "removed"),
        ("town-hall", token("banned"), 403, "link-revoked"),
        ("over", token(room="over"), 410, "room-ended"),
    ],
)
def test_everybody_else_is_refused_and_told_why(
    room: str, link: str, status: int, kind: str
) -> None:
    with pytest.raises(Problem) as caught:
        decide_seat(ROOMS, room, link, KEY, NOW_MS)
    assert (caught.value.status, caught.value.kind) == (status, kind)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic abc", "token"])
def test_no_bearer_token_is_a_401(header: str | None) -> None:
    with pytest.raises(Problem) as caught:
        bearer(header)
    assert caught.value.status == 401


def test_the_scheme_is_not_case_sensitive() -> None:
    assert bearer("bearer abc") == "abc"
