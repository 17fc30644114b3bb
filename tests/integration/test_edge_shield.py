"""An edge obeys the shield: who comes from a banned network is put off, who listens is not."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stentor.admission.tickets import Kind, Ticket, Tickets
from stentor.base.paths import DataFolder
from stentor.base.secrets import door_key
from stentor.media.grid import SEGMENT_S
from stentor.shield import sketches, vocabulary
from stentor.shield.policy import Ban, Why
from support.edge import Client, RunningEdge, edge_running, eventually
from support.seconds import PATIENCE_S, HeardWatch, watch_of

BANNED = "127.9.9.9"
PACKED = socket.inet_aton(BANNED)


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[HeardWatch]:
    with watch_of(DataFolder(tmp_path / "data")) as watch:
        yield watch


@pytest.fixture
def on_edge(tmp_path: Path, watch: HeardWatch) -> Iterator[RunningEdge]:
    with edge_running(tmp_path, edge_network_exempt="") as running:
        yield running.on_air(3)


def join(edge: RunningEdge, source: str, ticket: str = "") -> tuple[Client, int, dict[str, Any]]:
    """Ask to join from an address of one's own; who is let in keeps the connection."""
    client = Client(edge.port, source=source)
    client.socket.settimeout(PATIENCE_S)
    target = f"/r/{edge.programme.room}/live.mp4"
    client.get(target + (f"?ticket={ticket}" if ticket else ""))
    status, headers = client.head()
    if status == 200:
        return client, status, {}
    while len(client.buffer) < int(headers["content-length"]):
        assert client._more()
    said = json.loads(client.buffer[: int(headers["content-length"])])
    client.close()
    return client, status, said


def ticket_of(edge: RunningEdge, kind: Kind) -> str:
    tickets, now_s = Tickets(door_key(edge.folder)), time.time_ns() // 1_000_000_000
    return tickets.write(
        Ticket(kind, 0, 1 << 40, (now_s - 5) * 1000, now_s - 5, now_s + 600), edge.programme.room
    )


def kernel_ban(watch: HeardWatch, source: str, until_ms: int) -> Ban:
    return Ban(watch.key.name(socket.inet_aton(source)), until_ms, Why.PROBING, kernel=True)


def hears_more(edge: RunningEdge, client: Client) -> bool:
    """Say whether a listener still gets what is published."""
    edge.programme.parts(1)
    client.socket.settimeout(PATIENCE_S)
    return bool(client.socket.recv(65_536))


def test_banned_network_is_put_off_and_who_listens_there_is_not_touched(
    on_edge: RunningEdge, watch: HeardWatch
) -> None:
    listener, status, _ = join(on_edge, BANNED)
    assert status == 200
    watch.ban(PACKED, kernel=True)
    _, status, said = join(on_edge, BANNED)
    assert (status, said["type"]) == (429, "urn:stentor:problem:network-put-off")
    assert join(on_edge, "127.0.0.2")[1] == 200
    assert join(on_edge, BANNED, ticket_of(on_edge, Kind.RETURN))[1] == 200
    assert hears_more(on_edge, listener)
    assert on_edge.edge.counts.banned_refused == 1
    # Somebody listens there: so nobody from there is cut off without a word.
    assert on_edge.edge.counts.banned_closed == 0
    watch.until(lambda second: second.obeyed.get("banned") == 1)
    # Whoever bans it is told so, though nobody from there did anything of late.
    watch.until(lambda second: [(one.asks, one.listening) for one in second.heavy] == [(0, 1)])
    # To come again is nothing that anybody is banned for; to show a false ticket is.
    assert not any(one.wrongs for second in watch.seconds for one in second.heavy)
    assert join(on_edge, BANNED, "A" * 64)[1] == 429
    heavy = watch.until(lambda second: second.obeyed.get("banned")).heavy
    assert [(one.network, one.why) for one in heavy] == [(watch.key.name(PACKED), Why.FORGED)]


def test_banned_network_may_stand_at_the_end_of_the_line(
    tmp_path: Path, watch: HeardWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    with edge_running(tmp_path, edge_network_exempt="", edge_admissions_per_s_max=0.1) as on_edge:
        on_edge.on_air(3)
        watch.ban(PACKED)
        eventually(lambda: on_edge.edge.door.sheet.line)
        others = []
        while not others or others[-1] == 0:  # the first few are let in at once
            _, status, said = join(on_edge, "127.0.0.2")
            others.append(said["place_ms"] if status == 503 else 0)
        eventually(lambda: on_edge.edge.door.sheet.waiting)
        turnstile = on_edge.edge._public.turnstile
        assert turnstile is not None
        monkeypatch.setattr(turnstile, "forget", lambda: None)

        def turned() -> bool:
            before = turnstile.turned
            others.append(join(on_edge, "127.0.0.2")[2].get("place_ms", 0))
            return turnstile.turned > before

        eventually(turned)  # who is banned comes in words that it knows
        _, status, last = join(on_edge, BANNED)
        assert status == 503
        assert last["place_ms"] > others[-1] + 10_000
        _, _, after = join(on_edge, "127.0.0.3")
        assert after["place_ms"] < last["place_ms"]
        watch.until(lambda second: second.obeyed.get("set_back") == 1)


def test_network_banned_at_the_kernel_is_cut_off_only_when_nobody_good_is_there(
    on_edge: RunningEdge, watch: HeardWatch
) -> None:
    watch.ban(PACKED, kernel=True)
    with Client(on_edge.port, source=BANNED) as client:
        assert client.closed(PATIENCE_S)
    assert on_edge.edge.counts.banned_closed == 1
    listener, status, _ = join(on_edge, "127.0.0.2", ticket_of(on_edge, Kind.RETURN))
    assert status == 200
    watch.ban(socket.inet_aton("127.0.0.2"), kernel=True)  # a ticket came from there just now
    listener.close()
    eventually(lambda: on_edge.edge.push.listeners == 0)
    assert join(on_edge, "127.0.0.2")[1] == 429
    assert on_edge.edge.counts.banned_closed == 1


def test_who_follows_by_hls_is_not_cut_off_and_who_only_reloads_is(
    on_edge: RunningEdge, watch: HeardWatch
) -> None:
    shelf = f"/r/{on_edge.programme.room}/hls/aac48"
    on_edge.programme.parts(60)
    on_edge.has_parts(63)
    lookout = on_edge.edge._lookout
    now_ms, reloader = lookout._now_ms, "127.0.0.2"
    behind_ms = 20_000.0
    lookout._now_ms = lambda: now_ms() - round(behind_ms)  # four segments take no test's time
    for number in range(5):
        with Client(on_edge.port, source=BANNED) as player:  # a connection for each
            assert player.get(f"{shelf}/seg/{number}.m4s").response().status == 200
        with Client(on_edge.port, source=reloader) as client:
            assert client.get(f"{shelf}/live.m3u8").response().status == 200
        behind_ms -= SEGMENT_S * 1000
    lookout._now_ms = now_ms
    watch.ban(PACKED, kernel=True)
    with Client(on_edge.port, source=BANNED) as player:
        assert player.get(f"{shelf}/live.m3u8").response().status == 200
        assert player.get(f"{shelf}/part/60.m4s").response().status == 200
    assert join(on_edge, BANNED)[1] == 429, "a newcomer is none of those who listen"
    watch.ban(socket.inet_aton(reloader), kernel=True)
    with Client(on_edge.port, source=reloader) as client:
        assert client.closed(PATIENCE_S)
    assert on_edge.edge.counts.shelf_followed == 1


def test_first_ban_of_a_network_refuses_nobody_while_there_is_room_for_all(
    on_edge: RunningEdge, watch: HeardWatch
) -> None:
    watch.ban(PACKED)
    assert join(on_edge, BANNED, "A" * 64)[1] == 429, "a false ticket is false with room, too"
    with Client(on_edge.port, source=BANNED) as client:
        playlist = f"/r/{on_edge.programme.room}/hls/aac48/live.m3u8"
        assert client.get(playlist).response().status == 200
    assert join(on_edge, BANNED)[1] == 200
    assert on_edge.edge.counts.banned_refused == 1


def test_policy_whose_time_is_over_bans_nobody(on_edge: RunningEdge, watch: HeardWatch) -> None:
    _listener, status, _ = join(on_edge, BANNED)  # so that others get a word
    assert status == 200
    banned = watch.ban(PACKED, kernel=True)
    assert join(on_edge, BANNED)[1] == 429
    watch.decree(bans=banned.bans, lasts_s=-1)  # a shield that died, and nobody tidied up
    watch.until(lambda second: second.policy == 0)
    assert join(on_edge, BANNED)[1] == 200


def test_policy_of_another_event_or_no_policy_at_all_bans_nobody(
    on_edge: RunningEdge, watch: HeardWatch
) -> None:
    _listener, status, _ = join(on_edge, BANNED)
    assert status == 200
    banned = watch.ban(PACKED, kernel=True)
    assert join(on_edge, BANNED)[1] == 429
    other = watch.decree(bans=banned.bans, key_id="deadbeef", network_share=0.5)
    watch.until(lambda second: second.policy == other.number)
    assert join(on_edge, BANNED)[1] == 200
    assert on_edge.edge.counts.policies_refused >= 1
    watch.folder.policy.write_bytes(b"{ not a policy")
    watch.until(lambda second: second.counts.get("policies_refused"))
    assert on_edge.edge.door.network_share == 0.5  # the last one that could be read holds


def test_guard_is_told_of_a_network_that_the_edge_knows_and_has_nobody_in(
    on_edge: RunningEdge, watch: HeardWatch
) -> None:
    guard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    guard.bind(str(on_edge.folder.guard_socket))
    guard.settimeout(PATIENCE_S)
    try:
        known = "127.8.8.8"
        for source in (known, "127.0.0.2"):
            with Client(on_edge.port, source=source) as client:
                assert client.get("/no/such/path").response().status == 404
        listener, _, _ = join(on_edge, "127.0.0.2")
        watch.until_counted("unknown_paths", 2)
        now_ms = time.time_ns() // 1_000_000
        bans = tuple(
            kernel_ban(watch, source, now_ms + 60_000)
            for source in (known, "127.0.0.2", "127.7.7.7")  # the last one was never seen
        )
        watch.decree(bans=bans)
        word = vocabulary.decode_word(guard.recv(vocabulary.WORD_BYTES_MAX))
        assert isinstance(word, vocabulary.Ban)
        assert word.network == f"{known}/32"
        assert 1 <= word.seconds <= 60
        watch.until(lambda second: second.counts.get("guard_told"))
        watch.hear()
        assert on_edge.edge.counts.guard_told == 1  # once, and of nobody else
        assert hears_more(on_edge, listener)
    finally:
        guard.close()


def test_reminder_that_is_passed_on_vouches_for_one(
    on_edge: RunningEdge, watch: HeardWatch
) -> None:
    reminder = ticket_of(on_edge, Kind.REMINDER)
    for number in range(1, 6):
        assert join(on_edge, f"127.0.1.{number}", reminder)[1] == 200
    while sum(second.counts.get("joined", 0) for second in watch.seconds) < 5:
        watch.hear()
    assert sum(second.vouched for second in watch.seconds) == 1
    held = [sketches.estimate(second.holding) for second in watch.seconds]
    assert round(sum(held)) == 1
