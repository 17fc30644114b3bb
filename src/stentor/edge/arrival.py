"""Between the accept and the first request: the front's word for who comes, and the TLS handshake.

Each may take only so long, together; what follows is a `Connection` like any other. When a
handshake has its turn is the loop's decision: it is work for those who join.
"""

import os
from collections import OrderedDict
from collections.abc import Callable

from stentor.admission.backlog import Backlog
from stentor.base.errors import Problem
from stentor.edge.answer import encode_answer, problem_answer
from stentor.edge.conduct import note_out_of_time, note_unreadable
from stentor.edge.connection import Connection
from stentor.edge.loop import FAILED, GONE
from stentor.edge.networks import Reception
from stentor.edge.proxy import read_proxy_header
from stentor.edge.tls import READ_BYTES, TlsWire
from stentor.edge.tls_context import Certificates
from stentor.edge.trusted import Trusted
from stentor.edge.web import REFUSALS, Web
from stentor.edge.wire import PLAIN
from stentor.shield.policy import Why

_HANDSHAKE_RECORD = 22  # RFC 8446 5.1; other failures may be a certificate that is not trusted
_HANDSHAKE_BYTES_MAX = 16_384  # of one client: a ClientHello and a Finished take a tenth of that
_LET_GO_MAX = 2  # for each who comes: who comes shall not take a turn
_METHODS = (b"GET ", b"HEAD", b"POST", b"PUT ", b"OPTI")
_PLAIN_HTTP = encode_answer(
    problem_answer(Problem(400, "tls-only", "This port speaks TLS", "Use https://.")),
    keep_alive=False,
)


class _Arrival:
    """What is known of a client whose connection is not ready yet."""

    __slots__ = ("due_ns", "header", "heard_bytes", "peer", "shaking")

    def __init__(self, peer: bytes, due_ns: int, *, header: bool) -> None:
        self.peer = peer
        self.due_ns = due_ns
        self.header: bytes | None = b"" if header else None  # None: no PROXY header is due
        self.heard_bytes = 0
        self.shaking = False


class Arrivals:
    """All clients of one edge who are on their way in. A handler of the loop."""

    joins = True

    def __init__(
        self,
        web: Web,
        *,
        fronts: Trusted,
        certificates: Certificates | None,
        tls: TlsWire | None,
        within_ns: int,
        handshakes_max: int,
        backlog: Backlog,
        next_serial: Callable[[], int],
    ) -> None:
        self._web = web
        self.fronts = fronts
        self.certificates = certificates
        self._tls = tls
        self._within_ns = within_ns
        self._handshakes_max = handshakes_max
        self._shaking: dict[int, None] = {}  # 45 KB each until they are done, oldest first
        self._waiting: dict[int, None] = {}  # until their handshake begins, oldest first
        self.backlog = backlog
        self._looked_ns = web.now_ns()
        self._begun = self._done = 0  # when that was
        self._next_serial = next_serial
        self._arriving: OrderedDict[int, _Arrival] = OrderedDict()

    @property
    def arriving(self) -> int:
        """How many are on their way in."""
        return len(self._arriving)

    @property
    def secure(self) -> bool:
        """Whether TLS is spoken: who does not is told nothing."""
        return self._tls is not None

    def takes(self, peer: bytes) -> bool:
        """Say whether somebody has to pass here, or can ask at once."""
        return self._tls is not None or peer in self.fronts

    def begin(self, fd: int, peer: bytes) -> None:
        """Take a new connection that the loop tells us of from now on."""
        due_ns = self._web.now_ns() + self._within_ns
        self._arriving[fd] = _Arrival(peer, due_ns, header=peer in self.fronts)
        if self._tls is None:
            return
        self._waiting[fd] = None
        for _ in range(_LET_GO_MAX):
            if len(self._waiting) > self.backlog.limit:
                self._let_go_oldest()

    def on_event(self, fd: int, mask: int) -> None:
        """Go on with whoever said something."""
        arrival = self._arriving.get(fd)
        if arrival is None or mask & FAILED:
            self._drop(fd)
            return
        if mask & GONE and self._tls is not None and not arrival.shaking:
            self._drop(fd)  # in a crowd, many have given up waiting: that shall cost no handshake
            return
        try:
            data = os.read(fd, READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(fd)
            return
        if arrival.header is not None:
            rest = self._introduce(fd, arrival, data)
            if rest is None:
                return
            data = rest
        if self._tls is None:
            self._enter(fd, data)
        elif data:
            self._shake(fd, arrival, data)

    def on_fault(self, fd: int) -> None:
        """Let go."""
        self._drop(fd)

    def tick(self, now_ns: int) -> None:
        """Let go of whoever has taken too long."""
        while self._arriving:
            fd, arrival = next(iter(self._arriving.items()))
            if arrival.due_ns > now_ns:
                return
            self._web.counts.timed_out += 1
            began = arrival.shaking or bool(arrival.header)
            note_out_of_time(self._web.summary, self._web.counts, arrival.peer, began=began)
            self._drop(fd)

    def second(self, now_ns: int) -> None:
        """Reckon how many may wait, from how many had their turn."""
        begun, done = self._web.counts.tls_begun, self._web.loop.joiners_done
        past_s = (now_ns - self._looked_ns) / 1e9
        self.backlog.second(begun - self._begun, past_s, all_served=done > self._done)
        self._looked_ns, self._begun, self._done = now_ns, begun, done

    def _let_go_oldest(self) -> None:
        fd = next(iter(self._waiting))
        self._web.counts.tls_crowded_out += 1
        self._note_wait(self._arriving[fd])
        self._drop(fd)

    def _note_wait(self, arrival: _Arrival) -> None:
        self._web.summary.queued((self._web.now_ns() + self._within_ns - arrival.due_ns) / 1e9)

    def _introduce(self, fd: int, arrival: _Arrival, data: bytes) -> bytes | None:
        """Read the front's header; return what came after it, None if that is not to be asked."""
        assert arrival.header is not None
        arrival.header += data
        try:
            spoken = read_proxy_header(arrival.header)
        except ValueError:
            self._web.counts.proxy_refused += 1
            self._drop(fd)
            return None
        if spoken is None:
            return None
        rest, arrival.header = arrival.header[spoken.length :], None
        peer = arrival.peer if spoken.peer is None else spoken.peer
        now_ns = self._web.now_ns()
        arrival.peer = peer
        self._web.summary.came(peer)
        if self._web.closes(peer):
            self._drop(fd)
            return None
        reception = self._web.networks.came(fd, peer, now_ns)
        if reception is not Reception.IN:
            self._web.counts.refused_by_network += 1
            if reception is Reception.HASTY:
                self._web.summary.wrong(peer, Why.HASTY)
            if self._tls is None and self._web.networks.is_told(peer, now_ns):
                _say(fd, encode_answer(problem_answer(REFUSALS[reception]), keep_alive=False))
            self._drop(fd)
            return None
        return rest

    def _shake(self, fd: int, arrival: _Arrival, data: bytes) -> None:
        assert self._tls is not None
        assert self.certificates is not None
        if not arrival.shaking:
            arrival.shaking = True
            del self._waiting[fd]
            if data.startswith(_METHODS):
                self._refuse_plain(fd)
                return
            if len(self._shaking) >= self._handshakes_max:
                self._web.counts.tls_crowded_out += 1
                self._drop(next(iter(self._shaking)))
            self._shaking[fd] = None
            self._web.counts.tls_begun += 1
            self._note_wait(arrival)
            if data[0] != _HANDSHAKE_RECORD:
                note_unreadable(self._web.summary, self._web.counts, arrival.peer)
            self._tls.begin(fd, self.certificates.context)
        arrival.heard_bytes += len(data)
        try:
            if arrival.heard_bytes > _HANDSHAKE_BYTES_MAX:
                raise ConnectionAbortedError("a handshake without end")
            early = self._tls.shake(fd, data)
        except OSError:
            self._web.counts.tls_failed += 1
            self._drop(fd)
            return
        if early is not None:
            self._enter(fd, early)

    def _refuse_plain(self, fd: int) -> None:
        self._web.counts.tls_failed += 1
        _say(fd, _PLAIN_HTTP)
        self._drop(fd)

    def _enter(self, fd: int, data: bytes) -> None:
        """What comes from now on are requests."""
        del self._arriving[fd]
        self._shaking.pop(fd, None)
        connection = Connection(
            self._web,
            fd,
            self._next_serial(),
            on_metrics_port=False,
            wire=self._tls or PLAIN,
        )
        self._web.loop.table[fd] = connection
        connection.hear(data)

    def _drop(self, fd: int) -> None:
        self._shaking.pop(fd, None)
        self._waiting.pop(fd, None)
        if self._arriving.pop(fd, None) is not None:
            self._web.open -= 1
        self._web.networks.left(fd)
        self._web.loop.drop(fd)


def _say(fd: int, answer: bytes) -> None:
    try:
        os.write(fd, answer)
    except OSError:
        pass
