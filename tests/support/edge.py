"""A real edge in a thread, with a feed that the test drives, and raw clients to talk to it."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from stentor.base.clock import SystemClock
from stentor.base.paths import DataFolder
from stentor.base.settings import Settings
from stentor.edge.edge import Edge
from stentor.load.reading import Said, read_chunks, read_head
from stentor.media.boxes import boxes, read_event
from stentor.media.renditions import RENDITIONS
from stentor.rooms.orders import Phase
from support.machine import PATIENCE
from support.programme import FeedThread, Programme

Approach = Callable[[socket.socket], socket.socket]  # what is said before the first request


def eventually(condition: Callable[[], Any], timeout_s: float = 5.0) -> Any:
    """Return what the condition returns once it is true; fails after the deadline."""
    deadline = time.monotonic() + PATIENCE * timeout_s
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


class Response:
    """A response with a length."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """A connection of one's own, byte by byte."""

    def __init__(
        self,
        port: int,
        receive_bytes: int | None = None,
        approach: Approach | None = None,
        source: str = "",
    ) -> None:
        self.socket = socket.socket()
        if source:
            self.socket.bind((source, 0))
        if receive_bytes is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(PATIENCE * 5)
        self.socket.connect(("127.0.0.1", port))
        if approach is not None:
            self.socket = approach(self.socket)
        self.buffer = b""

    def send(self, data: bytes) -> Client:
        self.socket.sendall(data)
        return self

    def get(self, target: str, method: str = "GET", **headers: str) -> Client:
        lines = [f"{method} {target} HTTP/1.1", "Host: test"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        return self.send("\r\n".join((*lines, "", "")).encode())

    def _more(self) -> bool:
        data = self.socket.recv(65_536)
        self.buffer += data
        return bool(data)

    def head(self) -> tuple[int, dict[str, str]]:
        while (read := read_head(self.buffer)) is None:
            assert self._more(), f"the server hung up after {self.buffer[:200]!r}"
        lines = self.buffer[: read.length].decode("latin-1").split("\r\n")
        self.buffer = self.buffer[read.length :]
        return read.status, dict(line.lower().split(": ", 1) for line in lines[1:] if line)

    def response(self, *, body: bool = True) -> Response:
        status, headers = self.head()
        length = int(headers.get("content-length", "0")) if body else 0
        while len(self.buffer) < length:
            assert self._more(), "the body was cut off"
        data, self.buffer = self.buffer[:length], self.buffer[length:]
        return Response(status, headers, data)

    def closed(self, timeout_s: float = 5.0) -> bool:
        """Say whether the server hangs up within the time."""
        self.socket.settimeout(PATIENCE * timeout_s)
        try:
            while self.socket.recv(65_536):
                pass
        except TimeoutError:
            return False
        except ConnectionError:
            pass
        return True

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Ear(Client):
    """A listener of the push stream: parts and events in the order in which they come."""

    def __init__(
        self,
        port: int,
        target: str,
        receive_bytes: int | None = None,
        approach: Approach | None = None,
    ) -> None:
        super().__init__(port, receive_bytes, approach)
        self.get(target)
        self.parts: list[int] = []
        self.media: list[bytes] = []
        self.arrived: dict[int, float] = {}
        self.states: list[dict[str, Any]] = []
        self.jumps: list[dict[str, Any]] = []
        self.advice: list[dict[str, Any]] = []
        self.init = b""
        self.ended = False
        self.status, self.headers = self.head()
        self._take(read_chunks(self.buffer), self.buffer)

    def listen(self, until: Callable[[], Any], timeout_s: float = 5.0) -> Ear:
        """Read until the condition holds."""
        deadline = time.monotonic() + PATIENCE * timeout_s
        while not until():
            assert time.monotonic() < deadline, f"heard only {self.parts[-5:]}"
            self.socket.settimeout(max(0.01, deadline - time.monotonic()))
            assert self._more() or until(), "the stream ended"
            self._take(read_chunks(self.buffer), self.buffer)
        return self

    def _take(self, said: Said, data: bytes) -> None:
        self.buffer = data[said.used :]
        now = time.monotonic()
        self.init += said.init
        for number, part in zip(said.parts, said.media, strict=True):
            self.parts.append(number)
            self.media.append(part)
            self.arrived.setdefault(number, now)
        self._events(data[: said.used])
        self.ended = self.ended or said.ended

    def _events(self, data: bytes) -> None:
        while data:
            line, _, data = data.partition(b"\r\n")
            size = int(line, 16)
            for box in boxes(data[:size]):
                if box.kind == "emsg":
                    event = read_event(box.payload)
                    kind = event.scheme.split(":")[-2]
                    told = {"state": self.states, "jump": self.jumps, "advice": self.advice}
                    heard = told.get(kind)
                    if heard is not None:
                        heard.append(json.loads(event.data))
            data = data[size + 2 :]


class RunningEdge:
    """An edge, its feed and the programme on it."""

    def __init__(self, folder: DataFolder, feed: FeedThread, edge: Edge) -> None:
        self.folder = folder
        self.feed = feed
        self.edge = edge
        self.programme = Programme(feed)
        self.approach: Approach | None = None

    @property
    def port(self) -> int:
        return self.edge.port

    def ear(self, rendition: str = "aac48", receive_bytes: int | None = None) -> Ear:
        target = f"/r/{self.programme.room}/live.mp4?rendition={rendition}"
        return Ear(self.port, target, receive_bytes, self.approach)

    def get(self, target: str, method: str = "GET", **headers: str) -> Response:
        """Ask on a connection of its own; `target` may begin at the room."""
        if not target.startswith("/"):
            target = f"/r/{self.programme.room}/{target}"
        with Client(self.port, approach=self.approach) as client:
            return client.get(target, method, **headers).response(body=method != "HEAD")

    def has_parts(self, count: int) -> None:
        """Wait until the edge has so many parts of every rendition."""
        rooms, room = self.edge.rooms, self.programme.room

        def there() -> bool:
            streams = [rooms.stream(room, rendition) for rendition in RENDITIONS]
            return all(stream is not None and stream.next >= count for stream in streams)

        eventually(there)

    def on_air(self, parts: int) -> RunningEdge:
        """Open the doors and publish so many parts."""
        self.programme.open_doors()
        self.programme.state(Phase.LIVE)
        self.programme.parts(parts)
        self.has_parts(parts)
        return self


@contextlib.contextmanager
def edge_running(tmp_path: Path, **settings: Any) -> Iterator[RunningEdge]:
    folder = DataFolder(tmp_path / "data")
    feed = FeedThread(folder.origin_feed)
    feed.start()
    edge = Edge(Settings(port=0, data=str(folder.root), **settings), folder, SystemClock(), 0)
    thread = threading.Thread(target=edge.run, daemon=True)
    thread.start()
    try:
        eventually(lambda: feed.subscribers == 1 and edge.listening)
        yield RunningEdge(folder, feed, edge)
        assert edge.loop.faults_total == 0, "the edge had a fault; see its log"
    finally:
        edge.stop()
        thread.join(5)
        feed.stop()
