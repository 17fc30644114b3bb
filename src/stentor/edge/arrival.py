"""Between the accept and the first request: the front's word for who comes, and the TLS handshake.

Each may take only so long, together; what follows is a `Connection` like any other. When a
handshake has its turn is the loop's decision: it is work for those who join. Those whose turn has
not come wait here (`admission.backlog`), and the shield knows of them.
"""

import os
from collections import OrderedDict
from collections.abc import Callable

from stentor.admission.backlog import Backlog
from stentor.base.errors import Problem
from stentor.edge.answer import encode_answer, problem_answer
from stentor.edge.conduct import note_out_of_time, note_unreadable
from stentor.edge.connection import Connection
from stentor.edge.knocks import is_silent
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
_LONG_S = 1.0  # nobody hangs up sooner because of us
_LET_GO_MAX = 64  # in a turn: who comes shall not take all of it
_METHODS = (b"GET ", b"HEAD", b"POST", b"PUT ", b"OPTI")
_PLAIN_HTTP = encode_answer(
    problem_answer(Problem(400, "tls-only", "This port speaks TLS", "Use https://.")),
    keep_alive=False,
)


class _Arrival:
    """What is known of a client whose connection is not ready yet."""

    __slots__ = ("after", "due_ns", "header", "heard_bytes", "peer", "shaking")

    def __init__(self, peer: bytes, due_ns: int, after: int, *, header: bool) -> None:
        self.peer = peer
        self.due_ns = due_ns
        self.after = after  # how many moments in which all were served
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
        self._looked_ns = 0
        self._begun = self._done = 0  # when that was
        self._unserved = self._all_served_at = 0
        self._next_serial = next_serial
        self._arriving: OrderedDict[int, _Arrival] = OrderedDict()

    @property
    def arriving(self) -> int:
        """How many are on their way in."""
        return len(self._arriving)

    @property
    def unserved(self) -> int:
        """How many wait for their handshake since there was a moment in which nobody did.

        Who waits for longer has said nothing, or there would have been no such moment.
        """
        self._note_all_served()
        return self._unserved

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
        after = self._web.loop.joiners_done
        self._arriving[fd] = _Arrival(peer, due_ns, after, header=peer in self.fronts)
        if self._tls is None:
            return
        self._note_all_served()
        self._unserved += 1
        self._waiting[fd] = None
        self.backlog.came_in(len(self._waiting))

    def room(self) -> int:
        """Return for how many more there is room: silent ones at the queue's head make way."""
        for _ in range(_LET_GO_MAX):
            room = self.backlog.room(len(self._waiting))
            if room > 0 or not self._waiting:
                return room
            oldest = next(iter(self._waiting))
            if not is_silent(oldest):
                return 0
            self._let_go(oldest)
        return 0

    def on_event(self, fd: int, mask: int) -> None:
        """Go on with whoever said something."""
        arrival = self._arriving.get(fd)
        # In a crowd, many have given up waiting: that shall cost no handshake.
        has_given_up = mask & GONE and fd in self._waiting
        if arrival is None or has_given_up or mask & FAILED:
            if arrival is not None and has_given_up:
                self._web.counts.gave_up += self._waited_s(arrival) >= _LONG_S
            self._drop(fd)
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
            if fd in self._waiting and not is_silent(fd):  # their turn has not come
                self._let_go(fd)
                continue
            self._web.counts.timed_out += 1
            began = arrival.shaking or bool(arrival.header)
            note_out_of_time(self._web.summary, self._web.counts, arrival.peer, began=began)
            self._drop(fd)

    def look(self, now_ns: int) -> None:
        """Reckon how many may wait, from how many had their turn."""
        begun, done = self._web.counts.tls_begun, self._web.loop.joiners_done
        if self._looked_ns:  # an edge that has just begun is not behind
            past_s = (now_ns - self._looked_ns) / 1e9
            self.backlog.look(begun - self._begun, past_s, all_served=done > self._done)
        self._looked_ns, self._begun, self._done = now_ns, begun, done

    def _note_all_served(self) -> None:
        done = self._web.loop.joiners_done
        if done != self._all_served_at:
            self._all_served_at, self._unserved = done, 0

    def _waits_no_more(self, fd: int, arrival: _Arrival) -> None:
        self._note_all_served()
        if fd in self._waiting:
            del self._waiting[fd]
            self._unserved -= arrival.after == self._all_served_at

    def _let_go(self, fd: int) -> None:
        self._web.counts.tls_crowded_out += 1
        self._web.summary.queued(self._waited_s(self._arriving[fd]))
        self._drop(fd)

    def _waited_s(self, arrival: _Arrival) -> float:
        return (self._web.now_ns() + self._within_ns - arrival.due_ns) / 1e9

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
            self._web.summary.refused(REFUSALS[reception].kind)
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
            self._waits_no_more(fd, arrival)
            if data.startswith(_METHODS):
                self._refuse_plain(fd)
                return
            if len(self._shaking) >= self._handshakes_max:
                self._web.counts.tls_crowded_out += 1
                self._drop(next(iter(self._shaking)))
            self._shaking[fd] = None
            self._web.counts.tls_begun += 1
            self.backlog.had_turn(len(self._waiting))
            self._web.summary.queued(self._waited_s(arrival))
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
        arrival = self._arriving.pop(fd, None)
        if arrival is not None:
            self._waits_no_more(fd, arrival)
            self._web.open -= 1
        self._web.networks.left(fd)
        self._web.loop.drop(fd)


def _say(fd: int, answer: bytes) -> None:
    try:
        os.write(fd, answer)
    except OSError:
        pass
