"""The feed on one machine: a Unix stream socket, one publisher, any number of subscribers.

The publisher never waits: a subscriber whose queue is full is cut off, counted, and gets the
window again when it comes back (the window does not count as queue, or it might never arrive).
What is published in one turn of the loop goes as one: a thousand rooms' parts come at the same
moment, and each would wake every subscriber. Messages go one way only; what a subscriber writes is
ignored.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from stentor.feed.window import Window
from stentor.feed.wire import FrameTooLarge, Message, Unframer, encode_message

QUEUE_BYTES_MAX = 32 * 1024 * 1024
RETRY_S = 0.05
_READ_BYTES = 1 << 18
_AT_ONCE_BYTES = 1 << 18  # with so much it does not wait for the turn's end


class _Subscriber(asyncio.Protocol):
    """One connection of a subscriber, as the publisher's event loop sees it."""

    def __init__(self, publisher: "LocalPublisher") -> None:
        self._publisher = publisher
        self.transport: asyncio.WriteTransport | None = None
        self.queue_bytes_max = publisher.queue_bytes_max

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport
        self._publisher._welcome(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._publisher._subscribers.discard(self)


class LocalPublisher:
    """Publishes on a Unix socket from an asyncio loop. `publish` returns at once, always."""

    def __init__(self, path: Path, window: Window, queue_bytes_max: int = QUEUE_BYTES_MAX) -> None:
        self._path = path
        self.queue_bytes_max = queue_bytes_max
        self._subscribers: set[_Subscriber] = set()
        self._server: asyncio.AbstractServer | None = None
        self._frames: list[bytes] = []  # of this turn, for every subscriber
        self._frames_bytes = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self.window = window
        self.cut_off_total = 0

    @property
    def subscribers(self) -> int:
        """How many are connected."""
        return len(self._subscribers)

    async def open(self) -> None:
        """Listen; whatever an earlier process left at the path is replaced."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
        self._loop = loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(lambda: _Subscriber(self), str(self._path))
        self._path.chmod(0o600)

    def publish(self, message: Message) -> None:
        """Send to every subscriber and keep in the window."""
        self.window.keep(message)
        if not self._subscribers or self._loop is None:
            return
        frame = encode_message(message)
        if not self._frames:
            self._loop.call_soon(self._flush)
        self._frames.append(frame)
        self._frames_bytes += len(frame)
        if self._frames_bytes >= _AT_ONCE_BYTES:
            self._flush()

    def close(self) -> None:
        """Stop listening and let go of every subscriber, once what was published is sent."""
        self._flush()
        if self._server is not None:
            self._server.close()
        for subscriber in tuple(self._subscribers):
            if subscriber.transport is not None:
                subscriber.transport.close()

    def _flush(self) -> None:
        """Send what this turn has published so far."""
        if not self._frames:
            return
        data = b"".join(self._frames)
        self._frames, self._frames_bytes = [], 0
        for subscriber in tuple(self._subscribers):
            self._send(subscriber, data)

    def _welcome(self, subscriber: _Subscriber) -> None:
        self._flush()  # what is in the window already is not sent again
        self._subscribers.add(subscriber)
        for message in self.window.replay():
            frame = encode_message(message)
            subscriber.queue_bytes_max += len(frame)
            self._send(subscriber, frame)

    def _send(self, subscriber: _Subscriber, frame: bytes) -> None:
        transport = subscriber.transport
        if transport is None or transport.is_closing():
            return
        if transport.get_write_buffer_size() + len(frame) > subscriber.queue_bytes_max:
            self.cut_off_total += 1
            self._subscribers.discard(subscriber)
            transport.abort()
            return
        transport.write(frame)


class LocalSubscription:
    """The other end, for a loop of its own: non-blocking, with a descriptor to wait on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket: socket.socket | None = None
        self._unframer = Unframer()
        self._room = memoryview(bytearray(_READ_BYTES))

    def open(self) -> bool:
        """Try to connect; say whether that worked. Call again later if not."""
        self.close()
        try:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        except OSError:  # no descriptors
            return False
        connection.setblocking(False)
        try:
            connection.connect(str(self._path))
        except OSError:
            connection.close()
            return False
        self._socket = connection
        self._unframer = Unframer()
        return True

    def fileno(self) -> int:
        """The descriptor to wait on, −1 while not connected."""
        return -1 if self._socket is None else self._socket.fileno()

    def receive(self) -> list[Message] | None:
        """Return what has arrived, or None when the feed has ended: then `open` again."""
        if self._socket is None:
            return None
        try:
            size = self._socket.recv_into(self._room)
        except BlockingIOError:
            return []
        except OSError:
            size = 0
        if size:
            with contextlib.suppress(FrameTooLarge, ValueError):  # msgspec's, or not UTF-8
                return self._unframer.feed(self._room[:size])
        self.close()
        return None

    def close(self) -> None:
        """Disconnect."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


async def follow(
    path: Path, on_lost: Callable[[], None] | None = None
) -> AsyncIterator[Message | None]:
    """Yield messages for ever, connecting again whenever the feed ends.

    Yields None each time that a connection was made, before the publisher's window arrives, and
    calls `on_lost` each time that one ended.
    """
    while True:
        try:
            reader, writer = await asyncio.open_unix_connection(str(path))
        except OSError:
            await asyncio.sleep(RETRY_S)
            continue
        yield None
        unframer = Unframer()
        try:
            while data := await reader.read(_READ_BYTES):
                for message in unframer.feed(data):
                    yield message
        except (OSError, FrameTooLarge, ValueError):
            pass
        finally:
            writer.close()
        if on_lost is not None:
            on_lost()
        await asyncio.sleep(RETRY_S)
