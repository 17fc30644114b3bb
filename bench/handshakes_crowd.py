"""Clients of an edge that speaks TLS: they come from many addresses, give up, and come again.

One process has all of them. It says when each came, was told something and heard; it does not judge
that. A hello that nobody answered is said again on the next connection, so clients cost little.
"""

import contextlib
import enum
import heapq
import random
import resource
import select
import socket
import ssl
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier

from handshakes_plan import Coming, Kind, Seen

from stentor.load.line import read_in_line
from stentor.load.reading import read_head
from stentor.load.sockets import open_socket
from stentor.load.target import Target

READY_S = 60.0  # until a process has to be there
_PATIENCE_S = 6.0  # as the page's (HEAD_MS in connection.js)
_AGAIN_S = (1.0, 3.0)  # after that, or after being hung up on
_TOLD_AGAIN_S = (1.0, 30.0)  # whatever the door asks for
_PIECE_BYTES, _PIECE_EVERY_S = 60, 0.3
_LOOKS_EVERY_S = 0.02
_EVENTS = 256
_READ_BYTES = 65_536


class _Stage(enum.Enum):
    AWAY = enum.auto()
    CONNECTING = enum.auto()
    GREETING = enum.auto()
    ASKING = enum.auto()
    LISTENING = enum.auto()


class _Act(enum.Enum):
    COME = enum.auto()
    GIVE_UP = enum.auto()
    SAY_A_PIECE = enum.auto()


class _Greeting:
    """One client's end of TLS, without a socket."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._heard, self._says = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._heard, self._says, server_hostname="localhost")
        self.answered = self.done = False
        self.hello = self._shake()

    def hear(self, data: bytes) -> bytes:
        """Take what has come; return what is to be sent."""
        self.answered = True
        self._heard.write(data)
        return b"" if self.done else self._shake()

    def say(self, words: bytes) -> bytes:
        """Return what is to be sent for some words, when the handshake is done."""
        self._tls.write(words)
        return self._says.read()

    def heard(self) -> bytes:
        """Return what was said to us, as far as it has come."""
        words = b""
        with contextlib.suppress(ssl.SSLWantReadError):
            while more := self._tls.read(_READ_BYTES):
                words += more
        return words

    def _shake(self) -> bytes:
        with contextlib.suppress(ssl.SSLWantReadError):
            self._tls.do_handshake()
            self.done = True
        return self._says.read()


class _Client:
    """One client: its connection now, and what became of it."""

    def __init__(self, number: int, kind: Kind, first_s: float) -> None:
        self.number, self.kind, self.first_s = number, kind, first_s
        self.stage = _Stage.AWAY
        self.socket: socket.socket | None = None
        self.tries = 0
        self.connected_s = 0.0
        self.greeting: _Greeting | None = None
        self.pieces: list[bytes] = []
        self.answer = b""
        self.ticket: str | None = None
        self.told_s: float | None = None
        self.heard_s: float | None = None
        self.wait_s = 0.0


class Clients:
    """All clients of one edge."""

    def __init__(self, target: Target, coming: Coming, context: ssl.SSLContext) -> None:
        self._target, self._coming, self._context = target, coming, context
        self._chance = random.Random(coming.seed)
        self._clients = [
            _Client(number, kind, first_s)
            for number, (first_s, kind) in enumerate(coming.times(self._chance))
        ]
        self._due: list[tuple[float, int, _Act, _Client, int]] = []
        self._planned = 0
        self._by_fd: dict[int, _Client] = {}
        self._epoll = select.epoll()
        self._gave_up = self._lost = 0
        self._late_s = 0.0

    def run(self) -> Seen:
        """Let all come, from now on; return when it is over."""
        begins_s = time.monotonic()
        for client in self._clients:
            client.first_s += begins_s
            self._plan(client.first_s, _Act.COME, client)
        try:
            while (now_s := time.monotonic()) < begins_s + self._coming.lasts_s:
                while self._due and self._due[0][0] <= now_s:
                    due_s, _, act, client, tries = heapq.heappop(self._due)
                    self._act(act, client, tries, due_s)
                for fd, mask in self._epoll.poll(_LOOKS_EVERY_S, _EVENTS):
                    self._look(fd, mask)
        finally:
            for client in self._clients:
                self._close(client)
        return self._seen()

    def _seen(self) -> Seen:
        people = [one for one in self._clients if one.kind is Kind.PERSON]
        return Seen(
            people=len(people),
            heard_s=[one.heard_s - one.first_s for one in people if one.heard_s is not None],
            told_s=[one.told_s - one.first_s for one in people if one.told_s is not None],
            waits_s=[one.wait_s for one in people if one.heard_s is not None],
            gave_up=self._gave_up,
            lost=self._lost,
            late_s=self._late_s,
        )

    def _plan(self, at_s: float, act: _Act, client: _Client) -> None:
        self._planned += 1
        heapq.heappush(self._due, (at_s, self._planned, act, client, client.tries))

    def _act(self, act: _Act, client: _Client, tries: int, due_s: float) -> None:
        if client.tries != tries:  # that connection is over
            return
        match act:
            case _Act.COME:
                self._late_s = max(self._late_s, time.monotonic() - due_s)
                self._come(client)
            case _Act.GIVE_UP if client.stage not in (_Stage.AWAY, _Stage.LISTENING):
                self._gave_up += 1
                self._come_again(client)
            case _Act.SAY_A_PIECE if client.socket is not None:
                self._try(client, self._say_a_piece)

    def _come(self, client: _Client) -> None:
        client.tries += 1
        client.connected_s, client.answer = time.monotonic(), b""
        try:
            one = open_socket(self._target, 0, client.number, small_window=False)
        except OSError:
            self._come_again(client)
            return
        client.socket, client.stage = one, _Stage.CONNECTING
        self._by_fd[one.fileno()] = client
        self._epoll.register(one.fileno(), select.EPOLLOUT | select.EPOLLRDHUP)
        if client.kind is Kind.PERSON:
            self._plan(client.connected_s + _PATIENCE_S, _Act.GIVE_UP, client)

    def _look(self, fd: int, mask: int) -> None:
        client = self._by_fd.get(fd)
        if client is None:
            return
        if client.stage is not _Stage.CONNECTING:
            self._try(client, self._hear)
        elif mask & (select.EPOLLERR | select.EPOLLHUP):
            self._ended(client)
        else:
            self._epoll.modify(fd, select.EPOLLIN | select.EPOLLRDHUP)
            self._try(client, self._greet)

    def _try(self, client: _Client, do: Callable[[_Client, socket.socket], None]) -> None:
        assert client.socket is not None
        try:
            do(client, client.socket)
        except BlockingIOError:
            pass
        except OSError:  # TLS's errors too
            self._ended(client)

    def _greet(self, client: _Client, one: socket.socket) -> None:
        client.stage = _Stage.GREETING
        if client.kind is Kind.IDLE:
            return
        if client.greeting is None or client.greeting.answered:
            client.greeting = _Greeting(self._context)
        hello = client.greeting.hello
        if client.kind is Kind.PERSON:
            one.send(hello)
            return
        starts = range(0, len(hello) - _PIECE_BYTES, _PIECE_BYTES)
        client.pieces = [hello[at : at + _PIECE_BYTES] for at in starts]
        self._say_a_piece(client, one)

    def _say_a_piece(self, client: _Client, one: socket.socket) -> None:
        one.send(client.pieces.pop(0))
        if client.pieces:
            self._plan(time.monotonic() + _PIECE_EVERY_S, _Act.SAY_A_PIECE, client)

    def _hear(self, client: _Client, one: socket.socket) -> None:
        data = one.recv(_READ_BYTES)
        if not data:
            raise ConnectionResetError
        if client.kind is not Kind.PERSON or client.stage is _Stage.LISTENING:
            return
        greeting = client.greeting
        assert greeting is not None
        say = greeting.hear(data)
        if client.stage is _Stage.GREETING and greeting.done:
            client.stage = _Stage.ASKING
            say += greeting.say(self._target.request(ticket=client.ticket))
        if say:
            one.send(say)
        if client.stage is _Stage.ASKING:
            client.answer += greeting.heard()
            self._read(client)

    def _read(self, client: _Client) -> None:
        head = read_head(client.answer)
        if head is None:
            return
        now_s = time.monotonic()
        if head.status == 200:
            client.stage, client.answer, client.greeting = _Stage.LISTENING, b"", None
            client.heard_s, client.wait_s = now_s, now_s - client.connected_s
            client.told_s = client.told_s or now_s
            return
        body = client.answer[head.length :]
        if len(body) < (head.body_bytes or 0):
            return
        client.told_s = client.told_s or now_s
        place = read_in_line(body)
        client.ticket = client.ticket if place is None else place.ticket
        least_s, most_s = _TOLD_AGAIN_S
        wait_s = max(least_s, min(most_s, head.retry_after_s or 2.0))
        self._come_again(client, wait_s * self._chance.uniform(1.0, 1.2))

    def _ended(self, client: _Client) -> None:
        if client.stage is _Stage.LISTENING:
            self._lost += 1
            self._close(client)
        else:
            self._come_again(client)

    def _come_again(self, client: _Client, after_s: float | None = None) -> None:
        self._close(client)
        if after_s is None:
            after_s = self._chance.uniform(*_AGAIN_S)
        at_s = time.monotonic() + after_s
        if client.kind is Kind.PERSON and at_s < client.first_s + self._coming.tries_s:
            self._plan(at_s, _Act.COME, client)

    def _close(self, client: _Client) -> None:
        client.stage = _Stage.AWAY
        if client.socket is not None:
            del self._by_fd[client.socket.fileno()]
            client.socket.close()
            client.socket = None


def come(
    target: Target, coming: Coming, certificate: str, ready: Barrier, tells: Connection
) -> None:
    """Be a process of clients: begin when all are ready, tell what was seen."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(certificate)
    clients = Clients(target, coming, context)
    ready.wait(READY_S)
    tells.send(clients.run())
