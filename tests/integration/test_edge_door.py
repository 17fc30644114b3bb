"""The door over real sockets: places in line that are kept, on one edge and on two."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stentor.admission.events import RETURN_SCHEME
from stentor.admission.line import Sheet
from stentor.admission.tickets import Kind, Ticket, Tickets
from stentor.base.clock import SystemClock
from stentor.base.secrets import door_key
from stentor.base.settings import Settings
from stentor.edge.edge import Edge
from stentor.media.boxes import boxes, read_event
from stentor.rooms.orders import Phase
from support.edge import Client, Response, RunningEdge, edge_running, eventually

LIVE = "/r/{room}/live.mp4"


def ask(port: int, room: str, ticket: str = "") -> tuple[Client, int, dict[str, Any]]:
    """Ask to join; the connection stays open for who is let in."""
    client = Client(port).get(LIVE.format(room=room) + (f"?ticket={ticket}" if ticket else ""))
    status, headers = client.head()
    if status == 200:
        return client, status, {}
    length = int(headers["content-length"])
    while len(client.buffer) < length:
        assert client._more()
    said = json.loads(client.buffer[:length])
    assert int(headers.get("retry-after", "0")) >= said.get("poll_s", 0)
    client.close()
    return client, status, said


def fill(edge: RunningEdge, count: int) -> list[dict[str, Any]]:
    """Take so many places in line."""
    found = []
    for _ in range(count):
        client, status, said = ask(edge.port, edge.programme.room)
        client.close()
        if status == 503:
            found.append(said)
    return found


def signed(edge: RunningEdge, room: str, **changes: Any) -> str:
    """Return a ticket with the deployment's own key."""
    tickets = Tickets(door_key(edge.folder))
    now_ms = round(time.time() * 1000)
    fields = {
        "kind": Kind.LINE,
        "edge": 0,
        "serial": 1 << 40,
        "place_ms": now_ms - 1_000,
        "issued_s": now_ms // 1000 - 1,
        "expires_s": now_ms // 1000 + 60,
        "network": tickets.network_of(b"\x7f\x00\x00\x01"),
    }
    return tickets.write(Ticket(**{**fields, **changes}), room)


def turn_has_come(sheet: Sheet, place_ms: int) -> bool:
    return not sheet.line or sheet.serving_ms >= place_ms


class Turns:
    """Everyone in line asks again and again; each answer is held against the line's own sheet.

    The sheet moves while a question is under way, so it is read before and after: that, not how
    soon this test got round to asking, says whose turn it was.
    """

    def __init__(self, edge: RunningEdge, in_line: list[dict[str, Any]]) -> None:
        self._edge = edge
        self._waiting = {one["ticket"]: one["place_ms"] for one in in_line}
        self.let_in: list[Client] = []

    def round(self) -> bool:
        """Let each ask once; return whether nobody waits any more."""
        door, counts = self._edge.edge.door, self._edge.edge.counts
        for ticket, place_ms in tuple(self._waiting.items()):
            before, early = door.sheet, counts.line_early
            client, status, _ = ask(self._edge.port, self._edge.programme.room, ticket)
            if status == 200:
                assert turn_has_come(door.sheet, place_ms), "let in before their turn"
                del self._waiting[ticket]
                self.let_in.append(client)
            elif counts.line_early > early:
                assert not turn_has_come(before, place_ms), "sent away though it was their turn"
        return not self._waiting


def test_who_is_over_the_rate_gets_a_place_and_is_let_in_at_their_turn(tmp_path: Path) -> None:
    per_s = 5
    with edge_running(tmp_path, edge_admissions_per_s_max=per_s) as edge:
        edge.on_air(20)
        room, door = edge.programme.room, edge.edge.door
        in_line: list[dict[str, Any]] = []
        asked_ms = answered_ms = 0.0

        def many_are_ahead() -> bool:
            nonlocal asked_ms, answered_ms
            asked_ms = time.time() * 1000
            in_line.extend(fill(edge, 1))
            answered_ms = time.time() * 1000
            return bool(in_line) and in_line[-1]["ahead"] >= 8

        eventually(many_are_ahead, timeout_s=20)
        sheets = [door.sheet]
        said = in_line[-1]
        assert said["type"] == "urn:stentor:problem:line"
        assert said["number"] > said["ahead"]
        assert said["wait_s"] >= said["ahead"] / per_s
        assert said["door"] == f"/r/{room}/door.json"
        ticket, place_ms = said["ticket"], said["place_ms"]
        _, status, again = ask(edge.port, room, ticket)
        assert (status, again["ticket"], again["place_ms"]) == (503, ticket, place_ms)
        turns = Turns(edge, in_line)

        def all_in() -> bool:
            done = turns.round()
            sheets.append(door.sheet)
            return done

        eventually(all_in, timeout_s=30)
        # What was announced is kept, by the line's own clock.
        wait_ms = said["wait_s"] * 1000
        waits_at_ms = max(
            (one.at_ms for one in sheets if not turn_has_come(one, place_ms)), default=0
        )
        served_at_ms = min(one.at_ms for one in sheets if turn_has_come(one, place_ms))
        assert waits_at_ms < answered_ms + wait_ms + 1_500
        assert served_at_ms > asked_ms + wait_ms - 1_500
        for client in turns.let_in:
            assert b"moof" in client.buffer or client._more()
            client.close()
        assert edge.edge.counts.admitted_in_turn == len(in_line)


def test_door_json_says_the_same_to_all_and_may_be_cached(tmp_path: Path) -> None:
    with edge_running(tmp_path, edge_admissions_per_s_max=2) as edge:
        edge.on_air(20)
        assert edge.get("door.json?x=1").status == 400
        assert edge.get("/r/nowhere/door.json").status == 404
        fill(edge, 20)

        def line() -> Response | None:
            answer = edge.get("door.json")
            return answer if answer.json()["waiting"] >= 10 else None

        answer = eventually(line)
        assert answer.headers["cache-control"] == "public, max-age=1"
        assert answer.headers["access-control-allow-origin"] == "*"
        said = answer.json()
        assert said["open"] is False
        assert said["per_minute"] >= 120
        assert len(said["line"]) == len(said["wait_s"]) <= 64
        places = [place for place, _ in said["line"]]
        assert places == sorted(places)
        assert said["serving_ms"] == places[0]
        assert said["poll_s_min"] >= 1
        assert abs(said["at_ms"] - time.time() * 1000) < 60_000, "Unix milliseconds"


def test_door_that_nobody_holds_is_open(tmp_path: Path) -> None:
    with edge_running(tmp_path) as edge:
        edge.on_air(20)
        assert edge.get("door.json").json()["open"] is True
        client, status, _ = ask(edge.port, edge.programme.room, signed(edge, edge.programme.room))
        client.close()
        assert status == 200, "a ticket does no harm where there is no line"


def test_each_bad_ticket_gets_its_answer_and_is_counted(tmp_path: Path) -> None:
    with edge_running(tmp_path, edge_admissions_per_s_max=1) as edge:
        edge.on_air(20)
        room = edge.programme.room
        fill(edge, 10)
        good = signed(edge, room)
        assert ask(edge.port, room, "A" * 64)[1:][0] == 403
        assert ask(edge.port, room, good[:-6] + "AAAAAA")[2]["type"].endswith("ticket-forged")
        assert ask(edge.port, room, "short")[2]["type"].endswith("ticket-malformed")
        other_room = ask(edge.port, room, signed(edge, "elsewhere"))
        assert (other_room[1], other_room[2]["type"]) == (
            403,
            "urn:stentor:problem:ticket-other-room",
        )
        # What an honest listener may have is a new place at the end, not an error.
        past = round(time.time())
        for why, text in (
            ("expired", signed(edge, room, expires_s=past - 1)),
            ("other_network", signed(edge, room, network=b"abcd")),
        ):
            _, status, said = ask(edge.port, room, text)
            assert (status, said["type"]) == (503, "urn:stentor:problem:line")
            assert said["ticket"] != text
            assert getattr(edge.edge.counts, f"tickets_{why}") == 1
        counts = edge.edge.counts
        assert (counts.tickets_malformed, counts.tickets_forged, counts.tickets_other_room) == (
            2,
            1,
            1,
        )


def test_ticket_of_a_reminder_is_in_front_of_the_line(tmp_path: Path) -> None:
    with edge_running(tmp_path, edge_admissions_per_s_max=2) as edge:
        programme, room = edge.programme, edge.programme.room
        programme.open_doors()
        eventually(lambda: edge.get("state.json").status == 200)
        answer = edge.get("ticket.json")
        if answer.status == 409:  # the test's room is at its hour already
            assert answer.json()["type"] == "urn:stentor:problem:has-begun"
            text = signed(edge, room, kind=Kind.REMINDER, place_ms=1_000, network=bytes(4))
        else:
            said = answer.json()
            assert said["come_at_ms"] <= said["expires_ms"]
            text = said["ticket"]
        programme.state(Phase.LIVE)
        programme.parts(20)
        edge.has_parts(20)
        assert edge.get("ticket.json").status == 409
        fill(edge, 20)
        client, status, said = ask(edge.port, room, text)
        if status == 503:  # asked to come again at once, with the same place
            assert said["ticket"] == text
            assert said["ahead"] == 0

        def let_in() -> bool:
            nonlocal client
            client, status, _ = ask(edge.port, room, text)
            return status == 200

        if status == 503:
            eventually(let_in)
        client.close()
        assert eventually(lambda: edge.get("door.json").json()["waiting"] >= 5)


def return_ticket(data: bytes) -> dict[str, Any] | None:
    """Return the return ticket in what a listener was sent first."""
    while data:
        line, _, data = data.partition(b"\r\n")
        size = int(line or b"0", 16)
        if size == 0 or len(data) < size:
            return None
        for box in boxes(data[:size]):
            if box.kind == "emsg":
                event = read_event(box.payload)
                if event.scheme == RETURN_SCHEME:
                    found: dict[str, Any] = json.loads(event.data)
                    return found
        data = data[size + 2 :]
    return None


def test_listener_who_lost_the_connection_comes_back_past_the_line(tmp_path: Path) -> None:
    with edge_running(tmp_path, edge_admissions_per_s_max=10) as edge:
        edge.on_air(20)
        room = edge.programme.room
        eventually(lambda: edge.edge.door._bucket.level(time.monotonic_ns()) > 20)
        present = [ask(edge.port, room) for _ in range(5)]
        assert [status for _, status, _ in present] == [200] * 5, "nobody waits yet"
        ears = [client for client, _, _ in present]
        said = eventually(lambda: return_ticket(ears[0].buffer) or not ears[0]._more())
        assert said["until_ms"] > time.time() * 1000 + 60_000
        eventually(lambda: edge.edge.push.listeners == len(ears))
        eventually(lambda: edge.edge.door._board.peak(time.monotonic_ns() // 10**9) >= len(ears))
        fill(edge, 90)
        for client in ears:
            client.close()
        eventually(lambda: edge.edge.push.listeners == 0)
        eventually(lambda: edge.edge.door._returns_left >= len(ears))
        back = [ask(edge.port, room, said["ticket"]) for _ in ears]
        assert [status for _, status, _ in back] == [200] * len(ears)
        assert edge.edge.counts.returned == len(ears)
        assert edge.edge.counts.line_given > 20, "and there was a line"
        for client, _, _ in back:
            client.close()


@contextlib.contextmanager
def second_edge(edge: RunningEdge, **settings: Any) -> Iterator[Edge]:
    """Another edge of the same machine, on the same board and feed."""
    other = Edge(
        Settings(port=0, data=str(edge.folder.root), edges=2, **settings),
        edge.folder,
        SystemClock(),
        1,
    )
    thread = threading.Thread(target=other.run, daemon=True)
    thread.start()
    try:
        eventually(lambda: other.listening)
        yield other
        assert other.loop.faults_total == 0
    finally:
        other.stop()
        thread.join(5)


def test_place_that_one_edge_gave_is_kept_by_another_and_used_once(tmp_path: Path) -> None:
    rate = {"edge_admissions_per_s_max": 5}
    with edge_running(tmp_path, edges=2, **rate) as edge, second_edge(edge, **rate) as other:
        edge.on_air(20)
        room = edge.programme.room
        eventually(lambda: other.rooms.stream(room, "aac48") is not None)
        eventually(lambda: len(edge.edge.door._board.edges(time.monotonic_ns() // 10**6)) == 2)
        said = fill(edge, 25)[-1]
        assert said["wait_s"] > 0.5

        def same_line() -> bool:
            fill(edge, 3)  # so that there is one, however long this takes
            mine, theirs = edge.edge.door.sheet, other.door.sheet
            return mine == theirs and mine.waiting > 5

        eventually(same_line)
        ticket = said["ticket"]

        def let_in() -> Client | None:
            client, status, _ = ask(other.port, room, ticket)
            return client if status == 200 else None

        client = eventually(let_in, timeout_s=10)
        fill(edge, 20)
        _, status, again = ask(edge.port, room, ticket)
        assert (status, again["ticket"] != ticket) == (503, True), "a place is for one"
        assert edge.edge.counts.tickets_replayed == 1
        client.close()


def test_line_goes_on_when_the_edge_that_leads_is_gone(tmp_path: Path) -> None:
    rate = {"edge_admissions_per_s_max": 5}
    with edge_running(tmp_path, edges=2, **rate) as edge, second_edge(edge, **rate) as other:
        edge.on_air(20)
        room = edge.programme.room
        eventually(lambda: other.rooms.stream(room, "aac48") is not None)
        ticket = fill(edge, 30)[-1]["ticket"]
        edge.edge.stop()
        served = other.door.sheet.serving_ms

        def let_in() -> Client | None:
            client, status, _ = ask(other.port, room, ticket)
            return client if status == 200 else None

        eventually(let_in, timeout_s=15).close()
        assert other.door.sheet.serving_ms > served


def words(port: int, room: str, line: str) -> Response:
    with Client(port).send(f"GET /r/{room}/live.mp4 HTTP/1.1\r\n{line}\r\n\r\n".encode()) as client:
        said = client.response()
        assert client.closed()
    return said


def test_who_comes_in_the_same_words_is_told_a_place_of_their_own(tmp_path: Path) -> None:
    with edge_running(tmp_path, edge_admissions_per_s_max=0.02) as edge:
        edge.on_air(20)
        room, inside = edge.programme.room, edge.edge
        turnstile = inside._public.turnstile
        assert turnstile is not None
        shortcuts = 0

        def turned() -> Any:
            nonlocal shortcuts
            before = turnstile.turned
            said = words(edge.port, room, "Host: same")
            shortcuts += turnstile.turned - before
            return said.status == 503 and said

        told = [eventually(turned) for _ in range(4)]
        while shortcuts < 4:
            told.append(turned())
        tickets = Tickets(door_key(edge.folder))
        home = tickets.network_of(b"\x7f\x00\x00\x01")
        places = []
        for one in told:
            said = one.json()
            ticket = tickets.check(said["ticket"], room, home, round(time.time() * 1000))
            assert isinstance(ticket, Ticket)
            assert ticket.kind is Kind.LINE
            assert ticket.place_ms == said["place_ms"]
            assert said["type"].endswith(":line")
            assert int(one.headers["retry-after"]) >= said["poll_s"]
            assert int(one.headers["content-length"]) == len(one.body)
            places.append(said["place_ms"])
        assert len({one.json()["ticket"] for one in told}) == len(told)
        assert places == sorted(places)
        eventually(lambda: inside._web.open == inside.push.listeners)
        counts = inside.counts
        assert counts.line_given == len(told)
        assert counts.answers_5xx == len(told)
        assert len(inside.networks.peers) == inside.push.listeners


def test_words_that_differ_are_the_door_s_to_answer(tmp_path: Path) -> None:
    with edge_running(tmp_path, edge_admissions_per_s_max=0.02) as edge:
        edge.on_air(20)
        room, turnstile = edge.programme.room, edge.edge._public.turnstile
        assert turnstile is not None

        def shortcut() -> bool:
            before = turnstile.turned
            words(edge.port, room, "Host: same")
            return turnstile.turned > before

        eventually(lambda: ask(edge.port, room)[1] == 503)
        for line, status in (("Host: a\r\nHost: b", 400), ("Host", 400), ("X: same", 400)):
            eventually(shortcut)
            assert words(edge.port, room, line).status == status
        eventually(shortcut)
        with Client(edge.port).send(b"GET /healthz HTTP/1.1\r\nHost: same\r\n\r\n") as client:
            assert client.response().status == 200
        eventually(shortcut)
        forged = "A" * 64
        with Client(edge.port).get(f"/r/{room}/live.mp4?ticket={forged}") as client:
            assert client.response().status == 403
        with Client(edge.port) as silent:  # says it in two pieces
            silent.send(f"GET /r/{room}/live.mp4 HTTP/1.1\r\nHo".encode())
            eventually(shortcut)
            assert silent.send(b"st: same\r\n\r\n").response().status == 503


def test_who_comes_in_words_of_a_line_that_is_over_is_let_in(tmp_path: Path) -> None:
    with edge_running(tmp_path, edge_admissions_per_s_max=0.02) as edge:
        edge.on_air(20)
        room, door, turnstile = edge.programme.room, edge.edge.door, edge.edge._public.turnstile
        assert turnstile is not None

        def shortcut() -> bool:
            before = turnstile.turned
            words(edge.port, room, "Host: same")
            return turnstile.turned > before

        eventually(lambda: ask(edge.port, room)[1] == 503)
        eventually(shortcut)
        edge.edge.steps.second = lambda _now_ns: None  # the ladder looks no more
        door.wants_line, door.per_s = False, 1_000.0
        eventually(lambda: not door.sheet.line, 20)
        with Client(edge.port) as client:
            client.send(f"GET /r/{room}/live.mp4 HTTP/1.1\r\nHost: same\r\n\r\n".encode())
            assert client.head()[0] == 200
