"""Links that are forged, cut short, expired, withdrawn or unknown are refused, and said to be."""

from __future__ import annotations

import time

from stentor.rooms.links import Link, sign_link
from stentor.rooms.orders import Role
from support.control import ControlProcess, link_of, token_of


def kind_of(control: ControlProcess, token: str, path: str = "/api/me") -> tuple[int, str]:
    answer = control.call("GET", path, token=token)
    return answer.status_code, answer.json().get("type", "").rpartition(":")[2]


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def test_no_link_is_told_to_bring_one(control: ControlProcess) -> None:
    answer = control.client.get("/api/me")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["type"] == "urn:stentor:problem:no-link"
    for header in ("Basic eDp5", "Bearer", "bearer", control.operator):
        answer = control.client.get("/api/me", headers={"Authorization": header})
        assert answer.status_code == 401, header


def test_operator_is_who_has_the_token(control: ControlProcess) -> None:
    assert control.call("GET", "/api/me").json()["role"] == "operator"
    assert kind_of(control, control.operator[:-1]) == (401, "link-malformed")
    assert kind_of(control, control.operator.upper() + "0") == (401, "link-malformed")


def test_forged_and_damaged_links_are_refused(control: ControlProcess) -> None:
    room = control.create_room()
    token = token_of(room, "speaker")
    claims, _, signature = token.partition(".")
    seat = link_of(room, "host")["id"]
    forged = sign_link(Link(seat, room["room"], Role.HOST, "Host", now_ms() + 60_000), bytes(32))
    assert kind_of(control, forged) == (401, "link-forged")
    assert kind_of(control, f"{claims}.{signature[:-4]}AAAA") == (401, "link-forged")
    assert kind_of(control, claims) == (401, "link-malformed")
    assert kind_of(control, token[:20]) == (401, "link-malformed")
    assert kind_of(control, "x" * 5_000) == (401, "link-malformed")
    answer = control.client.get("/api/me", headers={b"Authorization": b"Bearer \xff\xfe"})
    assert answer.status_code == 401


def test_expired_link_says_so(control: ControlProcess) -> None:
    room = control.create_room()
    link = Link(link_of(room, "host")["id"], room["room"], Role.HOST, "Host", now_ms() - 1)
    assert kind_of(control, sign_link(link, control.link_key)) == (401, "link-expired")


def test_signed_link_without_a_seat_is_refused(control: ControlProcess) -> None:
    room = control.create_room()
    for link in (
        Link("nobody", room["room"], Role.HOST, "Host", now_ms() + 60_000),
        Link("nobody", "nowhere", Role.HOST, "Host", now_ms() + 60_000),
        Link("x", "*", Role.OPERATOR, "Op", now_ms() + 60_000),
    ):
        token = sign_link(link, control.link_key)
        assert kind_of(control, token) == (403, "link-unknown")


def test_role_in_the_claims_does_not_count_but_the_seats(control: ControlProcess) -> None:
    room = control.create_room()
    seat = link_of(room, "speaker")["id"]
    link = Link(seat, room["room"], Role.OPERATOR, "Ann", now_ms() + 60_000)
    token = sign_link(link, control.link_key)
    assert control.call("GET", "/api/me", token=token).json()["role"] == "speaker"
    assert control.call("GET", "/api/rooms", token=token).status_code == 403


def test_withdrawn_link_is_refused_from_the_next_request_on(control: ControlProcess) -> None:
    room = control.create_room()
    token, seat = token_of(room, "cohost"), link_of(room, "cohost")["id"]
    assert control.call("GET", "/api/me", token=token).status_code == 200
    shown = control.call("DELETE", f"/api/rooms/{room['room']}/links/{seat}").json()
    assert link_of(shown, "cohost")["url"] is None
    assert kind_of(control, token) == (403, "link-revoked")
    assert kind_of(control, token, f"/api/rooms/{room['room']}") == (403, "link-revoked")


def test_removed_cohost_moderates_no_more_until_let_back_in(control: ControlProcess) -> None:
    room = control.create_room()
    token, seat = token_of(room, "cohost"), link_of(room, "cohost")["id"]
    path = f"/api/rooms/{room['room']}"
    control.call("POST", f"{path}/seats/{seat}/remove")
    me = control.call("GET", "/api/me", token=token).json()
    assert (me["removed"], me["moderates"]) == (True, False)
    assert kind_of(control, token, path) == (403, "removed")
    assert control.call("POST", f"{path}/start", token=token).status_code == 403
    control.call("POST", f"{path}/seats/{seat}/readmit")
    assert control.call("GET", path, token=token).status_code == 200


def test_tokens_are_never_logged(control: ControlProcess) -> None:
    token = token_of(control.create_room(), "host")
    kind_of(control, token)
    kind_of(control, token[:-2] + "zz")
    assert token[:40] not in control.log()
    assert control.operator not in control.log()


def test_every_operation_refuses_who_may_not(control: ControlProcess) -> None:
    mine, other = control.create_room("Mine"), control.create_room("Other")
    described = control.client.get("/api/openapi.json").json()["paths"]
    operations = {(method.upper(), path) for path, of in described.items() for method in of}
    operations = {(method, path) for method, path in operations if path.startswith("/api/")}
    assert len(operations) >= 16
    for_speakers = {("GET", "/api/me"), ("GET", "/api/rooms/{room}/audience")}
    seat = link_of(mine, "cohost")["id"]
    for method, path in sorted(operations):
        where = path.format(room=mine["room"], seat=seat, verb="mute")
        assert control.client.request(method, where).status_code == 401, (method, path)
        if (method, path) not in for_speakers:
            speaker = control.call(method, where, token=token_of(mine, "speaker"))
            assert speaker.status_code == 403, (method, path)
        if path != "/api/me":
            stranger = control.call(method, where, token=token_of(other, "host"))
            assert stranger.status_code == 403, (method, path)
    assert control.orders(mine["room"]).revision == 1
