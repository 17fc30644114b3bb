"""What an edge tells of each second over a real socket: each wrong under its name, by network."""

from __future__ import annotations

import json
import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stentor.admission.tickets import Kind, Ticket, Tickets
from stentor.base.paths import DataFolder
from stentor.base.secrets import door_key
from stentor.control.audience import Audience
from stentor.edge.counts import Counts
from stentor.edge.facts import FactsSender
from stentor.rooms.audience import RoomAudience
from stentor.rooms.orders import Phase
from stentor.shield import newcomers, sketches
from stentor.shield.policy import Why
from support.edge import Client, RunningEdge, edge_running, eventually
from support.seconds import HeardWatch, watch_of

CROWD, BAD = "127.0.0.1", "127.9.9.9"


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[HeardWatch]:
    with watch_of(DataFolder(tmp_path / "data")) as watch:
        yield watch


@pytest.fixture
def on_edge(tmp_path: Path, watch: HeardWatch) -> Iterator[RunningEdge]:
    with edge_running(tmp_path, edge_network_exempt="") as running:
        yield running


def send(edge: RunningEdge, data: bytes, source: str = BAD) -> None:
    """Say something and wait until the edge hangs up or answers."""
    with Client(edge.port, source=source) as client:
        client.send(data)
        client.socket.settimeout(20)
        client.socket.recv(65_536)


def get(target: str) -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: t\r\n\r\n".encode()


def forged(edge: RunningEdge, room: str) -> bytes:
    """Return a ticket of ours with another place in it."""
    tickets = Tickets(door_key(edge.folder))
    good = tickets.write(Ticket(Kind.LINE, 0, 1, 1 << 40, 1, (1 << 31) - 1), room)
    return good[:-1].encode() + (b"B" if good[-1] == "A" else b"A")


WRONGS = (
    (b"\x01\x02\x03\x04\x05\x06\x07\x08\x09", "malformed", Why.MALFORMED),
    (get("/wp-admin/setup.php"), "unknown_paths", Why.PROBING),
    (get("/r/{room}/live.mp4?cb=1"), "unknown_queries", Why.PROBING),
    (get("/r/{room}/hls/aac48/live.m3u8?_HLS_msn=90000"), "far_future", Why.PROBING),
    (get("/r/{room}/live.mp4?from=90000"), "far_future", Why.PROBING),
    (get("/r/{room}/live.mp4?ticket=" + "A" * 64), "tickets_malformed", Why.FORGED),
    (get("/r/{room}/live.mp4?ticket={forged}"), "tickets_forged", Why.FORGED),
)


def test_each_wrong_is_counted_under_its_name_and_by_network(
    on_edge: RunningEdge, watch: HeardWatch
) -> None:
    on_edge.on_air(3)
    room = on_edge.programme.room
    counters: dict[str, int] = {}
    networks: dict[str, Why] = {}
    for number, (said, counter, why) in enumerate(WRONGS, 1):
        source = f"127.9.9.{number}"
        said = said.replace(b"{room}", room.encode()).replace(b"{forged}", forged(on_edge, room))
        for _ in range(2):
            send(on_edge, said, source)
        counters[counter] = counters.get(counter, 0) + 2
        networks[watch.key.name(socket.inet_aton(source))] = why
    for counter, times in counters.items():
        watch.until_counted(counter, times)
    assert {name: watch.counted(name) for name in counters} == counters
    heavy = [one for second in watch.seconds for one in second.heavy if one.wrongs]
    assert {one.network: one.why for one in heavy} == networks
    assert sum(one.wrongs for one in heavy) == 2 * len(WRONGS)
    assert any(second.wronging for second in watch.seconds)
    assert on_edge.edge.counts.unsent_seconds == 0


def test_each_refusal_is_told_with_its_reason(on_edge: RunningEdge, watch: HeardWatch) -> None:
    room = on_edge.programme.room
    for said in (get("/wp-admin"), get("/r/nowhere/live.mp4"), get(f"/r/{room}/live.mp4?cb=1")):
        send(on_edge, said, CROWD)
    send(on_edge, b"\x01\x02\x03\r\n\r\n", CROWD)
    watch.until_counted("answers_4xx", 4)
    refused: Counter[str] = Counter()
    for second in watch.seconds:
        refused.update(second.refused)
    assert sum(refused.values()) == 4, refused
    assert len(refused) >= 3, refused


def test_who_says_nothing_or_not_to_the_end_is_told_apart_and_named(
    tmp_path: Path, watch: HeardWatch
) -> None:
    with edge_running(tmp_path, edge_head_s=2.0, edge_network_exempt="") as running:
        silent = [Client(running.port, source="127.9.9.1") for _ in range(2)]
        slow = [Client(running.port, source="127.9.9.2") for _ in range(3)]
        for one in slow:
            one.send(b"GET / HTTP/1.1\r\nHost:")
        watch.until_counted("silent_closed", 2)
        watch.until_counted("slow_heads", 3)
        wrongs = {"127.9.9.1": 0, "127.9.9.2": 0}
        for source in wrongs:
            name = watch.key.name(socket.inet_aton(source))
            heavy = [one for second in watch.seconds for one in second.heavy]
            wrongs[source] = sum(one.wrongs for one in heavy if one.network == name)
            assert {one.why for one in heavy if one.wrongs} == {Why.SILENT}
        assert wrongs == {"127.9.9.1": 2, "127.9.9.2": 3}
        for client in (*silent, *slow):
            assert client.closed(20)
            client.close()


def test_person_who_looks_at_the_page_and_listens_did_nothing_wrong(
    on_edge: RunningEdge, watch: HeardWatch
) -> None:
    on_edge.on_air(3)
    assert on_edge.get("/r/" + on_edge.programme.room).status in (200, 404)
    on_edge.get("/robots.txt")
    on_edge.get("/favicon.ico")
    with on_edge.ear() as ear:
        ear.listen(lambda: ear.parts)
        second = watch.until(lambda second: second.counts.get("joined"))
        assert second.rooms[on_edge.programme.room].listeners == 1
    heard = watch.seconds
    assert not any(one.wrongs for second in heard for one in second.heavy)
    times = sketches.Times()
    for one in heard:
        times.merge(sketches.Times.read(one.first_audio_s))
    assert len(times) == 1
    assert any(second.visiting_clusters for second in heard)
    assert max(round(sketches.estimate(second.visiting)) for second in heard) == 1
    assert sum(round(sketches.estimate(second.asking)) for second in heard) == 1


def test_who_is_gone_at_once_is_counted_and_who_stays_is_told_by_address(
    on_edge: RunningEdge, watch: HeardWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newcomers, "SOON_S", 1_000.0)
    monkeypatch.setattr(newcomers, "STAYED_S", 1_000.0)
    on_edge.on_air(3)
    with on_edge.ear() as ear:
        ear.listen(lambda: ear.parts)
    watch.until_counted("left_soon", 1)
    assert not any(second.staying for second in watch.seconds)
    with on_edge.ear() as ear:
        ear.listen(lambda: ear.parts)
        monkeypatch.setattr(newcomers, "STAYED_S", 0.5)
        stayed = watch.until(lambda second: second.staying)
        assert round(sketches.estimate(stayed.staying)) == 1
    watch.until_counted("left", 2)
    assert watch.counted("left_soon") == 1, "who has stayed did not leave soon"


def test_who_came_before_the_hour_is_told_and_when_the_first_part_went_out(
    on_edge: RunningEdge, watch: HeardWatch
) -> None:
    programme = on_edge.programme
    programme.open_doors()
    programme.state(Phase.SCHEDULED)
    eventually(lambda: on_edge.get("live.mp4?rendition=aac48", "HEAD").status == 200)
    ears = [on_edge.ear() for _ in range(3)]
    before = watch.until(
        lambda second: programme.room in second.rooms and second.rooms[programme.room].inside == 3
    )
    assert before.rooms[programme.room].first_part_ms == 0
    programme.state(Phase.LIVE)
    programme.parts(2)
    second = watch.until(
        lambda second: programme.room in second.rooms and second.rooms[programme.room].part == 1
    )
    assert before.at_ms - 1_000 <= second.rooms[programme.room].first_part_ms <= second.at_ms
    for ear in ears:
        ear.close()


def test_listener_who_takes_nothing_is_slow_and_named_when_let_go(tmp_path: Path) -> None:
    with (
        watch_of(DataFolder(tmp_path / "data")) as watch,
        edge_running(tmp_path, edge_stalled_s=1, edge_network_exempt="") as running,
    ):
        running.on_air(30)
        with Client(running.port, receive_bytes=2_048, source=BAD) as client:
            segments = "".join(
                f"GET /r/{running.programme.room}/hls/aac96/seg/{n}.m4s HTTP/1.1\r\nHost: t\r\n\r\n"
                for n in (0, 1) * 4
            )
            client.send(segments.encode())  # and reads none of it
            watch.until_counted("slow_closed", 1)
        heavy = [one for second in watch.seconds for one in second.heavy if one.wrongs]
        assert [one.network for one in heavy] == [watch.key.name(socket.inet_aton(BAD))]
        assert [one.why for one in heavy] == [Why.SLOW]


def test_nobody_hears_the_seconds_and_the_edge_counts_that_and_goes_on(tmp_path: Path) -> None:
    with edge_running(tmp_path) as running:
        running.on_air(3)
        eventually(lambda: running.edge.counts.unsent_seconds, 20)
        with running.ear() as ear:
            running.programme.parts(1)
            ear.listen(lambda: 3 in ear.parts)


def test_edge_takes_up_a_new_event_key(on_edge: RunningEdge, watch: HeardWatch) -> None:
    assert watch.hear().key_id == watch.key.id
    path = watch.folder.event_key
    scratch = path.with_suffix(".new")
    scratch.write_bytes(b"n" * 32)
    scratch.chmod(0o600)
    scratch.replace(path)
    watch.until(lambda second: second.key_id not in ("", watch.key.id))


def test_who_comes_in_their_turn_is_told_with_how_long_it_took_them(
    tmp_path: Path, watch: HeardWatch
) -> None:
    with edge_running(tmp_path, edge_admissions_per_s_max=20.0) as running:
        running.on_air(3)
        eventually(lambda: running.edge.door.sheet.line, 20)
        target = f"/r/{running.programme.room}/live.mp4"
        said: dict[str, Any] = {}
        while not said:
            with Client(running.port) as client:
                status, headers = client.get(target).head()
                while status == 503 and len(client.buffer) < int(headers["content-length"]):
                    assert client._more()
                said = json.loads(client.buffer) if status == 503 else {}
        eventually(lambda: running.edge.door.sheet.is_served(said["place_ms"]), 20)

        def admitted() -> bool:
            with Client(running.port) as client:
                return client.get(f"{target}?ticket={said['ticket']}").head()[0] == 200

        eventually(admitted, 20)
        second = watch.until(lambda second: second.turn_lag_s)
        assert len(sketches.Times.read(second.turn_lag_s)) == 1
        assert round(sketches.estimate(second.holding)) == 1
        # The same ticket once more is a place for two.
        running.get(f"live.mp4?ticket={said['ticket']}")
        watch.until_counted("tickets_replayed", 1)
        [heavy] = [one for one in watch.seconds[-1].heavy if one.wrongs]
        assert heavy.why == Why.FORGED
        assert not heavy.tickets, "who shows a used ticket shows none"
        assert not sketches.estimate(watch.seconds[-1].holding)


def test_edge_with_many_rooms_tells_control_of_all_of_them_in_pieces(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.audience_socket.parent.mkdir(parents=True)
    rooms = {f"room-{n}": RoomAudience(listeners=n) for n in range(1, 1_001)}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as control:
        control.bind(str(folder.audience_socket))
        control.settimeout(20)
        counts, audience = Counts(), Audience()
        sender = FactsSender(folder.audience_socket, "edge-0", counts)
        sender.send(1, rooms)
        while not audience.of_room("room-1000", 0.0)[0].listeners:
            audience.take(control.recv(1 << 20), 0.0)
            sender.send(2, rooms)  # a second that comes too soon is left out
            sender.tick()
        assert audience.fresh(0.0)[0].rooms == rooms
        assert counts.unsent_facts > 0
        sender.close()
