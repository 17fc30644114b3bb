"""Rooms over HTTP: what is acknowledged is in the orders, and everybody may do only their part."""

from __future__ import annotations

import time

import pytest

from stentor.rooms.links import verify_link
from support.control import ControlProcess, link_of, token_of


def test_room_is_made_with_links_that_stage_can_verify(control: ControlProcess) -> None:
    room = control.create_room("Fragestunde: „ja“", speakers=3, speaker_names=["Ann"])
    assert [link["role"] for link in room["links"]] == ["host", "cohost"] + ["speaker"] * 3
    assert [link["name"] for link in room["links"]][2:] == ["Ann", "Speaker 2", "Speaker 3"]
    assert room["phase"] == "scheduled"
    assert room["listen_url"] == f"http://localhost:8000/r/{room['room']}"
    orders = control.orders(room["room"])
    assert orders.title == "Fragestunde: „ja“"
    assert orders.epoch_ms == room["epoch_ms"]
    for link in room["links"]:
        address, _, token = link["url"].partition("#key=")
        assert address == f"http://localhost:{control.port}/studio"
        claims = verify_link(token, control.link_key, room["epoch_ms"])
        assert claims.id == link["id"]
        assert claims.room == room["room"]
        assert claims.expires_ms == room["epoch_ms"] + 7 * 86_400_000
        seat = orders.seat(link["id"])
        assert seat is not None
        assert seat.role == link["role"]
    assert control.call("GET", f"/api/rooms/{room['room']}").json() == room
    assert room in control.call("GET", "/api/rooms").json()["rooms"]


def test_hour_is_taken_in_milliseconds_too(control: ControlProcess) -> None:
    at_ms = time.time_ns() // 1_000_000 + 60_000
    answer = control.call("POST", "/api/rooms", {"title": "T", "at_ms": at_ms})
    assert answer.status_code == 201
    assert answer.json()["epoch_ms"] == at_ms
    assert answer.headers["location"] == f"/api/rooms/{answer.json()['room']}"


@pytest.mark.parametrize(
    "body",
    [
        {"title": "T"},
        {"title": "T", "at": "2020-01-01T00:00Z"},
        {"title": "T", "at": "2126-01-01T00:00Z"},
        {"title": "T", "at": "tomorrow"},
        {"title": "T", "at": "now", "at_ms": 1},
        {"title": "T", "at_ms": "1"},
        {"title": "T", "at_ms": 1e400},
        {"title": "", "at": "now"},
        {"title": "x" * 121, "at": "now"},
        {"title": "a\u0000b", "at": "now"},
        {"title": "T", "at": "now", "speakers": 31},
        {"title": "T", "at": "now", "speakers": -1},
        {"title": "T", "at": "now", "speaker_names": ["ok", "\n"]},
        {"title": "T", "at": "now", "surprise": 1},
        {"at": "now"},
        [],
        None,
        "text",
    ],
)
def test_room_that_cannot_be_is_a_clear_problem(control: ControlProcess, body: object) -> None:
    before = len(control.call("GET", "/api/rooms").json()["rooms"])
    import json

    content = json.dumps(body)
    answer = control.call(
        "POST", "/api/rooms", content=content, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in (400, 422)
    assert answer.json()["title"]
    assert len(control.call("GET", "/api/rooms").json()["rooms"]) == before


def test_half_surrogates_and_broken_json_are_problems(control: ControlProcess) -> None:
    kind = {"Content-Type": "application/json"}
    for content, status in (
        (b'{"title": "\\ud800", "at": "now"}', 422),
        (b'{"title": "', 400),
        (b"\xff\xfe", 400),
        (b'{"title": "T", "at": "now", "speakers": ' + b"[" * 5_000, 400),
        (b"", 422),
    ):
        answer = control.call("POST", "/api/rooms", content=content, headers=kind)
        assert answer.status_code == status, (content[:40], answer.text)
    answer = control.call("POST", "/api/rooms", content=b"title=T", headers={})
    assert answer.status_code in (415, 422)


def test_host_goes_live_and_ends(control: ControlProcess) -> None:
    room = control.create_room()
    host, path = token_of(room, "host"), f"/api/rooms/{room['room']}"
    before_ms = time.time_ns() // 1_000_000
    live = control.call("POST", f"{path}/start", token=host).json()
    after_ms = time.time_ns() // 1_000_000
    assert before_ms + 400 <= live["epoch_ms"] <= after_ms + 3_000
    assert control.orders(room["room"]).epoch_ms == live["epoch_ms"]
    again = control.call("POST", f"{path}/start", token=token_of(room, "cohost")).json()
    assert again["epoch_ms"] == live["epoch_ms"]
    ended = control.call("POST", f"{path}/end", token=host).json()
    assert control.orders(room["room"]).end_ms == ended["end_ms"]
    deadline = time.monotonic() + 30
    while control.call("GET", path).json()["phase"] != "ended":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    answer = control.call("POST", f"{path}/start", token=host)
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:stentor:problem:wrong-phase"


def test_speakers_are_muted_removed_and_let_back_in(control: ControlProcess) -> None:
    room = control.create_room()
    host, ann = token_of(room, "host"), link_of(room, "speaker")["id"]
    for verb, expected in (
        ("mute", (True, False, False)),
        ("remove", (True, True, False)),
        ("unmute", (False, True, False)),
        ("readmit", (False, False, False)),
        ("ban", (False, True, True)),
    ):
        path = f"/api/rooms/{room['room']}/seats/{ann}/{verb}"
        assert control.call("POST", path, token=host).status_code == 200
        seat = control.orders(room["room"]).seat(ann)
        assert seat is not None
        assert (seat.muted, seat.removed, seat.revoked) == expected, verb
    acts = control.call("GET", f"/api/rooms/{room['room']}/acts", token=host).json()["acts"]
    assert [act["act"]["type"] for act in acts][-5:] == [
        "mute",
        "remove",
        "unmute",
        "readmit",
        "ban",
    ]
    assert acts[-1]["seat"] == link_of(room, "host")["id"]
    assert [act["revision"] for act in acts] == list(range(1, 7))


def test_change_is_done_as_a_whole_or_not_at_all(control: ControlProcess) -> None:
    room = control.create_room()
    path = f"/api/rooms/{room['room']}"
    pins = [{"title": "Agenda", "url": "https://example.org/agenda"}]
    answer = control.call(
        "PATCH", path, {"title": "New", "at": "+20m", "pinned": pins, "listed": False}
    )
    assert answer.status_code == 200
    orders = control.orders(room["room"])
    assert (orders.title, orders.listed, len(orders.pinned)) == ("New", False, 1)
    assert orders.epoch_ms > room["epoch_ms"]
    bad = [{"title": "Agenda", "url": "javascript:alert(1)"}]
    answer = control.call("PATCH", path, {"title": "Newer", "pinned": bad})
    assert answer.status_code == 422
    assert "http" in answer.json()["detail"]
    assert control.orders(room["room"]) == orders
    assert control.call("PATCH", path, {}).json()["revision"] == orders.revision
    again = control.call("PATCH", path, {"title": "New"}).json()
    assert again["revision"] == orders.revision


def test_cohost_hands_out_speakers_links_only(control: ControlProcess) -> None:
    room = control.create_room()
    path, cohost = f"/api/rooms/{room['room']}", token_of(room, "cohost")
    seen = control.call("GET", path, token=cohost).json()["links"]
    assert {link["role"] for link in seen if link["url"]} == {"speaker"}
    seen = control.call("GET", path, token=token_of(room, "host")).json()["links"]
    assert {link["role"] for link in seen if link["url"]} == {"speaker", "cohost"}
    new = control.call("POST", f"{path}/links", {"role": "speaker", "name": "Bob"}, token=cohost)
    assert new.status_code == 201
    assert (
        control.call("GET", "/api/me", token=new.json()["url"].partition("#key=")[2]).json()["name"]
        == "Bob"
    )
    for role in ("cohost", "host", "operator"):
        answer = control.call("POST", f"{path}/links", {"role": role, "name": "B"}, token=cohost)
        assert answer.status_code == 403
    host_seat = link_of(room, "host")["id"]
    for verb in ("mute", "remove", "ban"):
        answer = control.call("POST", f"{path}/seats/{host_seat}/{verb}", token=cohost)
        assert answer.status_code == 403
    assert control.call("DELETE", f"{path}/links/{host_seat}", token=cohost).status_code == 403
    assert control.orders(room["room"]).seat(host_seat).revoked is False  # type: ignore[union-attr]


def test_second_host_is_refused_until_the_first_is_withdrawn(control: ControlProcess) -> None:
    room = control.create_room()
    path = f"/api/rooms/{room['room']}/links"
    second = {"role": "host", "name": "Second"}
    answer = control.call("POST", path, second)
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:stentor:problem:second-host"
    assert control.call("DELETE", f"{path}/{link_of(room, 'host')['id']}").status_code == 200
    assert control.call("POST", path, second).status_code == 201


def test_speaker_sees_the_own_link_and_the_audience_and_nothing_else(
    control: ControlProcess,
) -> None:
    room = control.create_room()
    path, ann = f"/api/rooms/{room['room']}", token_of(room, "speaker")
    seat = link_of(room, "speaker")["id"]
    me = control.call("GET", "/api/me", token=ann).json()
    assert me["role"] == "speaker"
    assert me["seat"] == seat
    assert me["talk_url"].endswith(f"/talk/{room['room']}")
    assert me["whip_url"].endswith(f"/whip/{room['room']}")
    assert me["moderates"] is False
    assert control.call("GET", f"{path}/audience", token=ann).status_code == 200
    for method, where, body in (
        ("GET", path, None),
        ("GET", "/api/rooms", None),
        ("GET", f"{path}/acts", None),
        ("POST", f"{path}/start", None),
        ("POST", f"{path}/end", None),
        ("PATCH", path, {"title": "Mine"}),
        ("POST", f"{path}/seats/{seat}/unmute", None),
        ("POST", f"{path}/links", {"role": "speaker", "name": "B"}),
        ("POST", "/api/rooms", {"title": "T", "at": "now"}),
        ("PUT", f"{path}/hold", None),
    ):
        answer = control.call(method, where, body, token=ann)
        assert answer.status_code == 403, (method, where)
    assert control.orders(room["room"]).revision == 1


def test_link_of_one_room_is_nothing_in_another(control: ControlProcess) -> None:
    mine, other = control.create_room("Mine"), control.create_room("Other")
    host = token_of(mine, "host")
    for method, where in (("GET", ""), ("POST", "/end"), ("GET", "/audience")):
        answer = control.call(method, f"/api/rooms/{other['room']}{where}", token=host)
        assert answer.status_code == 403
        assert answer.json()["type"] == "urn:stentor:problem:other-room"


def test_unknown_rooms_and_seats_are_not_found(control: ControlProcess) -> None:
    room = control.create_room()
    for method, path in (
        ("GET", "/api/rooms/nowhere"),
        ("POST", "/api/rooms/nowhere/start"),
        ("PATCH", "/api/rooms/nowhere"),
        ("GET", "/api/rooms/nowhere/audience"),
        ("GET", "/api/rooms/nowhere/acts"),
        ("PUT", "/api/rooms/nowhere/hold"),
        ("GET", "/api/rooms/..%2f..%2fsecrets"),
        ("POST", f"/api/rooms/{room['room']}/seats/nobody/mute"),
        ("DELETE", f"/api/rooms/{room['room']}/links/nobody"),
        ("GET", "/api/other"),
        ("GET", "/other"),
        ("GET", "/site/other.js"),
        ("GET", "/site/..%2fserve.py"),
    ):
        body: object = {} if method == "PATCH" else None
        assert control.call(method, path, body).status_code == 404, path
    answer = control.call("POST", f"/api/rooms/{room['room']}/seats/x/promote")
    assert answer.status_code == 422


def test_wrong_method_says_which_are_right(control: ControlProcess) -> None:
    answer = control.call("DELETE", "/api/rooms")
    assert answer.status_code == 405
    assert set(answer.headers["allow"].replace(" ", "").split(",")) <= {"GET", "POST"}
