"""HLS players at the door: they wait in line like everybody, and who is in goes on reading."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import m3u8
import pytest

from stentor.base.settings import Settings
from support.edge import Client, Response, RunningEdge, edge_running, eventually

ROOM = "/r/town-hall/"
MASTER, LIVE = ROOM + "hls/master.m3u8", ROOM + "hls/aac48/live.m3u8"
SLOW = 0.02  # a second that are let in: nobody but the first


def crowd(edge: RunningEdge) -> None:
    """Let people come until some have to wait."""

    def waits() -> bool:
        with Client(edge.port).get(f"{ROOM}live.mp4") as client:
            client.head()
        return edge.edge.door.turns_away

    eventually(lambda: edge.edge.door.sheet.line)
    eventually(waits)


@pytest.fixture
def full(tmp_path: Path) -> Iterator[RunningEdge]:
    """An edge with a line."""
    with edge_running(tmp_path, edge_admissions_per_s_max=SLOW) as edge:
        edge.on_air(60)
        crowd(edge)
        yield edge


def get(edge: RunningEdge, target: str, **headers: str) -> Response:
    with Client(edge.port) as client:
        return client.get(target, **headers).response()


def passed(answer: Response) -> str:
    """Return the pass of a multivariant playlist, "" if it has none."""
    found = m3u8.loads(answer.body.decode()).playlists[0].uri.partition("?pass=")[2]
    return str(found)


def let_in(edge: RunningEdge) -> str:
    """Come as a player before anybody has to wait; return its pass."""
    answer = get(edge, MASTER)
    assert answer.status == 200, answer.body
    return passed(answer)


def test_player_that_comes_to_a_full_edge_is_told_its_place_and_when_to_come(
    full: RunningEdge,
) -> None:
    said: dict[str, Any] = {}

    def refused() -> bool:
        answer = get(full, MASTER)
        if answer.status == 503:
            said.update(json.loads(answer.body))
            assert int(answer.headers["retry-after"]) >= said["poll_s"]
        return bool(said)

    eventually(refused)
    assert said["type"].endswith(":line")
    assert full.edge.counts.line_given >= 1
    direct = get(full, LIVE)
    assert direct.status == 503
    assert direct.json()["type"].endswith(":shelf-full")
    assert 3 <= int(direct.headers["retry-after"]) <= 9
    assert full.edge.counts.shelf_turned_away == 1
    again = get(full, f"{MASTER}?ticket={said['ticket']}")
    assert (again.status, again.json()["place_ms"]) == (503, said["place_ms"])
    forged = said["ticket"][:-1] + ("A" if said["ticket"][-1] != "A" else "B")
    assert get(full, f"{MASTER}?ticket={forged}").status == 403
    eventually(lambda: full.edge.door.turns_away)
    shown = full.edge.door.issuing.give_pass("town-hall", b"\x7f\0\0\1")
    with Client(full.port).get(f"{ROOM}live.mp4?ticket={shown}") as client:
        assert client.response().status == 503, "a pass is for playlists"


def test_player_comes_in_at_its_turn_and_goes_on_at_any_connection(tmp_path: Path) -> None:
    with edge_running(tmp_path, edge_admissions_per_s_max=4) as edge:
        edge.on_air(60)
        eventually(lambda: edge.edge.door.sheet.line)
        told: list[dict[str, Any]] = []

        def in_line() -> bool:
            answer = get(edge, MASTER)
            if answer.status == 503:
                told.append(answer.json())
            return bool(told)

        eventually(in_line)
        ticket, answers = told[0]["ticket"], []

        def is_in() -> bool:
            answer = get(edge, f"{MASTER}?ticket={ticket}")
            answers.append(answer)
            return answer.status == 200

        eventually(is_in, 20)
        shown = passed(answers[-1])
        assert answers[-1].headers["cache-control"] == "no-store"
        assert edge.edge.door.is_full
        assert get(edge, f"{LIVE}?pass={shown}").status == 200
        assert get(edge, f"{LIVE}?pass={shown}&_HLS_msn=2&_HLS_part=1").status == 200
        assert get(edge, f"{MASTER}?pass={shown}").status == 200
        assert edge.edge.counts.tickets_replayed == 0

        def replayed() -> bool:
            get(edge, f"{MASTER}?ticket={ticket}")
            return edge.edge.counts.tickets_replayed > 0

        eventually(replayed)
        assert edge.edge.counts.shelf_let_in == 1, "who shows it once more stands in line again"


def test_who_reads_when_the_edge_fills_goes_on_and_who_comes_then_does_not(
    tmp_path: Path,
) -> None:
    with edge_running(tmp_path) as edge:
        edge.on_air(60)
        shown = let_in(edge)
        with Client(edge.port) as player, Client(edge.port) as newcomer:
            assert player.get(LIVE).response().status == 200  # never saw a multivariant playlist
            edge.edge.steps.second = lambda _now_ns: None  # the ladder looks no more

            def full_now() -> bool:
                edge.edge.door.room = 0
                return get(edge, LIVE).status == 503

            eventually(full_now)
            assert player.get(LIVE).response().status == 200
            assert newcomer.get(LIVE).response().status == 503
            assert newcomer.get(f"{LIVE}?pass={shown}").response().status == 200
            number = m3u8.loads(player.get(LIVE).response().body.decode()).media_sequence
            piece = newcomer.get(f"{ROOM}hls/aac48/seg/{number}.m4s").response()
            assert piece.status == 200, "caches hold pieces once, for everybody"


def test_pass_of_another_room_or_network_or_no_pass_at_all_leads_nowhere(
    full: RunningEdge,
) -> None:
    issuing = full.edge.door.issuing
    here, there = b"\x7f\0\0\1", b"\x0a\0\0\1"
    assert get(full, f"{LIVE}?pass={issuing.give_pass('town-hall', here)}").status == 200
    for wrong in (
        issuing.give_pass("town-hall", there),
        issuing.give_pass("other", here),
        full.edge.door.return_ticket(full.edge.rooms.by_id["town-hall"]).ticket,
        "x" * 64,
        "x",
    ):
        assert get(full, f"{LIVE}?pass={wrong}").status == 503
    assert get(full, f"{LIVE}?passe=x").status == 400


def test_cache_that_fetches_for_many_needs_no_place_and_gets_what_is_the_same_for_all(
    tmp_path: Path,
) -> None:
    settings = {"edge_admissions_per_s_max": SLOW, "edge_hls_exempt": "127.0.0.0/8"}
    with edge_running(tmp_path, **settings) as edge:
        edge.on_air(60)
        crowd(edge)
        given = edge.edge.counts.line_given
        first, second = get(edge, MASTER), get(edge, MASTER)
        assert first.status == 200
        assert first.body == second.body
        assert "public" in first.headers["cache-control"]
        assert passed(first) == ""
        assert get(edge, LIVE).status == 200
        assert edge.edge.counts.line_given == given


def test_what_players_ask_for_is_load_to_the_ladder(tmp_path: Path) -> None:
    with edge_running(tmp_path) as edge, Client(edge.port) as player:
        edge.on_air(60)
        for _ in range(200):
            assert player.get(LIVE).response().status == 200
        eventually(lambda: edge.edge.steps.meter.facts.shelf_per_s > 0)
        assert edge.edge.counts.shelf_requests == 200


def test_there_is_no_line_for_a_replay(tmp_path: Path) -> None:
    assert Settings().edge_hls_exempt == ""
    with edge_running(tmp_path, edge_admissions_per_s_max=SLOW) as edge:
        edge.on_air(60)
        crowd(edge)
        edge.programme.end()
        eventually(lambda: edge.edge.rooms.by_id["town-hall"].ended)
        assert passed(get(edge, MASTER)) == ""
        assert get(edge, LIVE).status == 200


def test_cache_behind_a_front_is_known_by_the_front(tmp_path: Path) -> None:
    settings = {
        "edge_admissions_per_s_max": SLOW,
        "edge_hls_exempt": "127.0.0.0/8",
        "forwarded_from": "127.0.0.1",
    }
    with edge_running(tmp_path, **settings) as edge:
        edge.on_air(60)
        crowd(edge)
        answer = get(edge, MASTER, X_Forwarded_For="192.0.2.7")
        assert answer.status == 200
        assert passed(answer) == ""
