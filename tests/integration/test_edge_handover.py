"""An edge and its successor: nobody hears the change, and whatever fails, one of them goes on."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from stentor.admission.events import RETURN_SCHEME
from stentor.base.errors import UnavailableError
from stentor.edge import passing, takeover
from stentor.edge.passing import Batch, Begin, Estate, Frozen, Hello, Refused, Serving, Taken, Word
from stentor.edge.takeover import Predecessor
from stentor.media.boxes import boxes, read_event
from stentor.rooms.orders import Phase
from support.edge import Client, Ear, RunningEdge, edge_running, eventually
from support.handover import Between, going_on, take_over

_ROOM = "/r/town-hall"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[RunningEdge]:
    with edge_running(tmp_path) as one:
        eventually(one.folder.handover(0).exists)
        yield one


class Tap(Client):
    """Everything that a listener is sent, as it comes, and no faster than they want it."""

    def __init__(self, port: int, query: str, receive_bytes: int | None = None) -> None:
        super().__init__(port, receive_bytes)
        self.get(f"{_ROOM}/live.mp4?{query}")
        self.head()

    def all(self) -> list[bytes]:
        """Return the boxes of the whole stream, but for return tickets: those are new each time."""
        self.socket.settimeout(5)
        while self._more():
            pass
        media, data = b"", self.buffer
        while data:
            line, _, data = data.partition(b"\r\n")
            size = int(line, 16)
            media, data = media + data[:size], data[size + 2 :]
        found: list[bytes] = []
        for box in boxes(media):
            whole, media = media[: box.size], media[box.size :]
            if box.kind != "emsg" or read_event(box.payload).scheme != RETURN_SCHEME:
                found.append(whole)
        return found


def _streams(folder: Path, *, hand_over: bool) -> list[list[bytes]]:
    """Return what listeners of many kinds are sent from joining to the end."""
    with ExitStack() as stack:
        running = stack.enter_context(edge_running(folder, edge_unsent_bytes=4096))
        eventually(running.folder.handover(0).exists)
        programme, port = running.programme, running.port
        running.on_air(60)
        queries = [f"rendition={name}" for name in ("aac48", "opus24", "aac96")]
        queries += [f"rendition=aac48&period={ms}" for ms in (960, 1920, 3840)]
        taps = [Tap(port, query) for query in queries]
        slow = [Tap(port, query, 2048) for query in queries]
        eventually(lambda: running.edge.push.listeners == len(taps + slow))
        edge = running.edge
        for step in range(14):
            programme.parts(1)
            running.has_parts(61 + step)
            if step == 5:
                programme.state(Phase.LIVE)
                # It is told before the next part comes, not with it.
                said = programme.revision
                eventually(lambda said=said: running.get("state.json").json()["revision"] == said)
            if hand_over and step in (6, 7):
                # What waits for the next part, and who is behind, go over as they are.
                behind = sum(len(lane.behind) for lane in edge.push.lanes())
                assert behind >= 3
                edge = stack.enter_context(going_on(take_over(running)))
                running.edge = edge
                assert edge.push.listeners == len(taps + slow)
                assert sum(len(lane.behind) for lane in edge.push.lanes()) == behind
        programme.end()
        return [tap.all() for tap in taps + slow]


def test_bytes_that_a_listener_gets_are_the_same_with_a_handover(tmp_path: Path) -> None:
    without = _streams(tmp_path / "without", hand_over=False)
    twice = _streams(tmp_path / "with", hand_over=True)
    for expected, got in zip(without, twice, strict=True):
        assert sum(map(len, expected)) > 20_000
        assert got == expected


class Counted:
    """Is true at the nth word of a kind."""

    def __init__(self, kind: type[Word], nth: int = 1) -> None:
        self._kind = kind
        self._left = nth

    def __call__(self, word: Word) -> bool:
        self._left -= isinstance(word, self._kind)
        return self._left == 0


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("kind", [Hello, Estate, Begin, Batch, Taken, Frozen, Serving])
def test_one_edge_has_all_listeners_wherever_the_line_is_cut(
    running: RunningEdge, kind: type[Word], after: bool
) -> None:
    running.on_air(10)
    ears = [running.ear() for _ in range(20)]
    eventually(lambda: running.edge.push.listeners == len(ears))
    path = running.folder.run / "between"
    between = Between(path, running.folder.handover(0), Counted(kind), after=after)
    with ExitStack() as stack:
        try:
            edge = stack.enter_context(going_on(take_over(running, path)))
            taken_over = True
            assert edge.push.listeners == len(ears)
            eventually(lambda: running.edge.push.listeners == 0)
        except UnavailableError:
            edge, taken_over = running.edge, False
        finally:
            between.close()
        if not (kind in (Taken, Frozen) and after):  # then it is a race for the token
            assert taken_over is (kind is Serving)
        _everyone_hears_on(running, ears)
        assert Ear(edge.port, f"{_ROOM}/live.mp4").status == 200
        if not taken_over:  # and nothing of the attempt is in the way of the next one
            edge = stack.enter_context(going_on(take_over(running)))
            assert edge.push.listeners >= len(ears)
            _everyone_hears_on(running, ears)


def _everyone_hears_on(running: RunningEdge, ears: list[Ear]) -> None:
    first = running.programme.next
    for _ in range(3):
        running.programme.parts(1)
    for ear in ears:
        ear.listen(lambda ear=ear: ear.parts[-1] == first + 2)
        assert ear.parts == list(range(ear.parts[0], first + 3))


def test_old_edge_goes_on_when_its_successor_hangs_and_the_successor_finds_that_out(
    running: RunningEdge,
) -> None:
    running.on_air(10)
    ears = [running.ear() for _ in range(5)]
    eventually(lambda: running.edge.push.listeners == len(ears))
    channel = passing.call(running.folder.handover(0), 5)
    channel.say(Hello(passing.VERSION, 0))
    passing.close_all(_heard(channel, Estate))
    channel.say(Begin())
    passing.close_all(_heard(channel, Batch))
    channel.say(Taken())
    token, will = _heard(channel, Frozen)
    running.programme.parts(1)  # this one waits for a second
    for ear in ears:
        ear.listen(lambda ear=ear: ear.parts[-1] == 10)
    assert os.read(token, 1) == b""  # the old edge has taken it back
    passing.close_all([token, will])
    channel.close()
    _everyone_hears_on(running, ears)
    with going_on(take_over(running)):
        _everyone_hears_on(running, ears)


def _heard(channel: passing.Channel, kind: type[Word]) -> list[int]:
    heard = channel.hear()
    assert heard is not None
    word, descriptors = heard
    assert isinstance(word, kind), word
    return descriptors


@pytest.mark.parametrize("hello", [Hello(passing.VERSION + 1, 0), Hello(passing.VERSION, 3)])
def test_successor_of_another_kind_is_refused_with_a_reason(
    running: RunningEdge, hello: Hello
) -> None:
    running.on_air(5)
    ear = running.ear()
    channel = passing.call(running.folder.handover(0), 5)
    channel.say(hello)
    heard = channel.hear()
    assert heard is not None
    assert isinstance(heard[0], Refused)
    assert "version" in heard[0].why
    _everyone_hears_on(running, [ear])
    with going_on(take_over(running)):
        _everyone_hears_on(running, [ear])


def test_only_one_successor_at_a_time_is_heard(running: RunningEdge) -> None:
    running.on_air(5)
    first = Predecessor(running.folder.handover(0), 0)
    with pytest.raises(UnavailableError, match="came first"):
        Predecessor(running.folder.handover(0), 0)
    first.give_up()
    with going_on(take_over(running)) as edge:
        running.edge = edge
        assert running.get("/healthz").status == 200


def test_who_leaves_or_comes_while_listeners_are_copied_is_known_afterwards(
    running: RunningEdge,
) -> None:
    running.on_air(10)
    ears = [running.ear() for _ in range(8)]
    late = Client(running.port).send(b"GET /r/town-hall/live.mp4 HTTP/1.1\r\nHost: a\r\n")
    eventually(lambda: running.edge._web.open == 9)
    leaving = ears.pop()
    path = running.folder.run / "between"
    meanwhile = threading.Event()

    def at_taken(word: Word) -> bool:
        if isinstance(word, Taken):  # copied, and not frozen
            leaving.close()
            late.send(b"\r\n")
            eventually(lambda: running.edge.counts.left == 1 and running.edge.counts.joined == 9)
            meanwhile.set()
        return False

    between = Between(path, running.folder.handover(0), at_taken, after=True)
    with going_on(take_over(running, path)) as edge:
        assert meanwhile.is_set()
        assert edge.push.listeners == 8
        assert edge._web.open == 8
        between.close()
        _everyone_hears_on(running, ears)
        assert late.head()[0] == 200
        for ear in ears:
            ear.close()
        late.close()
        running.programme.parts(2)
        eventually(lambda: edge.push.listeners == 0 and edge._web.open == 0)


def test_requests_and_connections_at_rest_find_an_answer_on_the_same_connection(
    running: RunningEdge,
) -> None:
    running.on_air(14)
    resting, halfway, waiting = (Client(running.port) for _ in range(3))
    assert resting.get("/healthz").response().status == 200
    halfway.send(b"GET /healthz HTTP/1.1\r\nHo")
    waiting.get(f"{_ROOM}/hls/aac48/live.m3u8?_HLS_msn=1&_HLS_part=3")
    eventually(lambda: running.edge.shelf.waiting == 1)
    metrics = Client(running.edge.metrics_port)
    assert metrics.get("/metrics").response().status == 200
    with going_on(take_over(running)) as edge:
        assert resting.get("/healthz").response().status == 200
        assert halfway.send(b"st: a\r\n\r\n").response().status == 200
        assert b"stentor_edge_taken_over_total" in metrics.get("/metrics").response().body
        running.programme.parts(2)
        assert b"part" in waiting.response().body
        assert waiting.get("/healthz").response().status == 200
        assert edge.counts.requests >= 4
        # With the last connection passed on, the old edge has nothing left to do.
        eventually(lambda: running.edge._web.open == 0)
        for client in (resting, halfway, waiting, metrics):
            client.close()


def test_download_goes_on_in_the_old_edge_to_its_end(running: RunningEdge) -> None:
    running.on_air(400)
    running.programme.write_recording(running.folder)
    size = running.folder.recording("town-hall", "aac96").stat().st_size
    assert size > 1_000_000
    reader = Client(running.port, 4096).get(f"{_ROOM}/recording/aac96.mp4")
    assert reader.head()[1]["content-length"] == str(size)
    with going_on(take_over(running)):
        assert running.edge._web.open == 1
        while len(reader.buffer) < size:
            assert reader._more()
        assert reader.buffer == running.folder.recording("town-hall", "aac96").read_bytes()


def test_room_that_waits_before_the_hour_goes_over_and_begins(running: RunningEdge) -> None:
    running.programme.open_doors()
    eventually(lambda: running.edge.rooms.stream("town-hall", "aac48"))
    ears = [running.ear() for _ in range(3)]
    with going_on(take_over(running)) as edge:
        assert edge.push.listeners == 3
        running.programme.state(Phase.LIVE)
        running.programme.parts(4)
        for ear in ears:
            ear.listen(lambda ear=ear: ear.parts == [0, 1, 2, 3])
            assert ear.states[-1]["phase"] == "live"


def test_nothing_is_taken_while_the_feed_is_away(
    running: RunningEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(takeover, "FEED_S_MAX", 0.2)
    running.on_air(5)
    ear = running.ear()
    running.feed.stop()
    with pytest.raises(UnavailableError, match="feed did not come"):
        take_over(running)
    running.feed.start()
    eventually(lambda: running.feed.subscribers == 1)
    _everyone_hears_on(running, [ear])
