"""One HTTP connection until it asks for the push stream: reading, answering, keeping alive.

Bounds what a client may cost: bytes of a request, time to send it, time to rest, time to take the
answer. It never decides what the answer is, and reads nothing while an answer is on its way.
"""

from collections.abc import Callable

from stentor.base.errors import Problem
from stentor.edge.answer import Answer, encode_answer, problem_answer
from stentor.edge.conduct import note_out_of_time, note_refused, note_unreadable
from stentor.edge.deadlines import State
from stentor.edge.file_slices import FileSlices
from stentor.edge.loop import FAILED, QUIET, READ, WRITE
from stentor.edge.networks import Reception
from stentor.edge.request import HEAD_BYTES_MAX, Method, Request, take_request
from stentor.edge.web import REFUSALS, Web
from stentor.edge.wire import PLAIN, Wire, read_rest
from stentor.shield.policy import Why

SLICE_BYTES = 262_144  # of a file, for one connection in one turn
REQUESTS_PER_TURN = 8  # of one connection that sent many at once
READS_PER_HEAD_MAX = 64  # each costs a turn; a person at a keyboard sends lines
_SHARED_BYTES_MIN = 4_096  # a larger body is not copied for each client: slow ones would add up

_NOT_WRONG = (408, 410, 429)  # who is slow, late or one of many asked for what there is
_IN_CRUMBS = Problem(400, "request-in-crumbs", "The request came in too many pieces")


class Connection:
    """One client. `serial` tells it from whoever has the same descriptor later."""

    joins = True  # in the loop: after those who listen

    __slots__ = (
        "_file",
        "_heard_all",
        "_held",
        "_keep",
        "_moved",
        "_on_gone",
        "_out",
        "_reads",
        "_then",
        "_web",
        "buffer",
        "fd",
        "front",
        "on_metrics_port",
        "request",
        "serial",
        "since_ns",
        "state",
        "wire",
    )

    def __init__(
        self, web: Web, fd: int, serial: int, *, on_metrics_port: bool, wire: Wire = PLAIN
    ) -> None:
        self._web = web
        self.wire = wire
        self.front = b""  # the HTTP front's own address, where one speaks for others
        self.fd = fd
        self.serial = serial
        self.since_ns = web.now_ns()  # it came, or began to ask once more
        self.on_metrics_port = on_metrics_port
        self.buffer = b""
        self._heard_all = False  # no byte is left in the kernel
        self._held = 0  # bytes that count as unfinished
        self._reads = 0  # of the request that is not whole
        self._moved = 0  # bytes of the answer, in this span of its deadline
        self.request: Request | None = None
        self.state = State.HEAD  # its deadline begins when it is clear that one is needed
        self._out: memoryview | None = None
        self._then: memoryview | None = None  # a body that others are sent too
        self._file: FileSlices | None = None
        self._keep = True
        self._on_gone: Callable[[], None] | None = None

    @property
    def peer(self) -> bytes:
        """The packed address of the client: 4 bytes, or 16; of a front, until it has told whose."""
        return self._web.networks.peers.get(self.fd, b"")

    @property
    def _blamed(self) -> bytes:
        """Whose wrong it is when no request says it: of a front, no client's in particular."""
        return b"" if self.front else self.peer

    def set_peer(self, peer: bytes) -> None:
        """Note for whom an HTTP front asks; raises `Problem` if they may not."""
        self._web.networks.left(self.fd)
        reception = self._web.networks.came(self.fd, peer, self._web.now_ns(), paced=False)
        if reception is not Reception.IN:
            self._web.counts.refused_by_network += 1
            raise REFUSALS[reception]
        self._web.summary.came(peer)

    def on_event(self, fd: int, mask: int) -> None:
        """Read, write, or let go."""
        match self.state:
            case State.SENDING:
                if mask & FAILED:
                    self.close()
                else:
                    self._pump()
                    self._serve_heard()
            case State.HEAD | State.RESTING:
                self._read()
                self._serve_heard()
            case _:
                self.close()

    def on_fault(self, fd: int) -> None:
        """Let go."""
        self.close()

    def answer(self, answer: Answer) -> None:
        """Answer the request at hand; the connection goes on if both sides want it."""
        request = self.request
        if answer.problem:
            self._web.summary.refused(answer.problem)
        if answer.status >= 500:
            self._web.counts.answers_5xx += 1
        elif answer.status >= 400:
            self._web.counts.answers_4xx += 1
            wrong = answer.status not in _NOT_WRONG
            if wrong and not self._web.networks.charge(self.fd, self._web.now_ns()):
                self._web.counts.wrongs_closed += 1
                self.request = request = None
        keep = self.keeps(parting=answer.parting)
        with_body = request is None or request.method is not Method.HEAD
        if not with_body or len(answer.body) < _SHARED_BYTES_MIN:
            self.send(encode_answer(answer, keep_alive=keep, with_body=with_body), keep=keep)
            return
        first = encode_answer(answer, keep_alive=keep, with_body=False)
        self.send(first, answer.body, keep=keep)

    def keeps(self, *, parting: bool) -> bool:
        """Say whether the connection goes on after the request at hand is answered."""
        if self.request is None or not self.request.keep_alive:
            return False
        many = self._web.limits.connections_max // 2
        return not parting or (self.wire.secure and self._web.open < many)

    def refuse(self, data: bytes, *, keep: bool) -> None:
        """Send a whole response that says: not now."""
        self._web.counts.answers_5xx += 1
        self.send(data, keep=keep)

    def send(self, data: bytes, then: bytes = b"", *, keep: bool) -> None:
        """Send bytes that are a whole response."""
        self._keep = keep
        if not then:  # mostly it is taken whole
            try:
                sent = self.wire.write(self.fd, data)
            except BlockingIOError:
                sent = 0
            except OSError:
                self.close()
                return
            self._web.counts.bytes_sent += sent
            if sent == len(data):
                self._sent()
                return
            self._moved += sent
            self._out = memoryview(data)[sent:]
        else:
            self._out, self._then = memoryview(data), memoryview(then)
        self._pump()

    def send_file(
        self, first: bytes, file: int, start: int, end: int, closed: Callable[[], None]
    ) -> None:
        """Send a head and then bytes of a file, slice by slice; the descriptor becomes ours."""
        self._keep = self.request is not None and self.request.keep_alive
        self._file = FileSlices(file, start, end, closed)
        self._out = memoryview(first)
        self._pump()

    def wait(self, on_gone: Callable[[], None]) -> None:
        """Rest until somebody answers; `on_gone` is called if the client leaves before that."""
        self._go(State.WAITING)
        self._on_gone = on_gone
        self._web.loop.change(self.fd, QUIET)

    def begin(self, said: bytes = b"") -> None:
        """Serve what has come with the connection; who is not done is watched from then on.

        `said` is what was read of it already.
        """
        if said:
            self.buffer = said
        else:
            self._read()
        self._serve_heard()
        loop = self._web.loop
        if self.state is not State.GONE and not loop.watches(self.fd):
            loop.change(self.fd, READ)
        if self.state is State.HEAD:
            self._go(State.HEAD)

    def hear(self, data: bytes) -> None:
        """Take what came before this connection was ready, and serve it."""
        self.buffer += data
        self._serve_heard()
        if self.state is State.HEAD:
            self._go(State.HEAD)

    def resume(self) -> None:
        """Serve what the client may have sent meanwhile, after an answer from outside."""
        self._serve_heard()

    def hand_over(self) -> int:
        """Give the descriptor to somebody else, who watches it from now on."""
        self._go(State.GONE)
        return self.fd

    def time_out(self) -> None:
        """The state took too long: say so to who began a request, and let go."""
        if self.state is State.SENDING and self._moved >= self._web.limits.sent_bytes_min:
            self._moved = 0
            self._go(State.SENDING)
            return
        if self.state is State.SENDING:
            self._web.counts.slow_closed += 1
            self._web.summary.wrong(self.peer, Why.SLOW)
        else:
            self._web.counts.timed_out += 1
            if self.state is State.HEAD:
                began = bool(self.buffer)
                note_out_of_time(self._web.summary, self._web.counts, self._blamed, began=began)
        self.cut_short()

    def cut_short(self) -> None:
        """Let go of a client who is not done, and say why to who began a request."""
        if self.state is State.HEAD and self.buffer:
            self.request, self.buffer = None, b""
            self.answer(problem_answer(Problem(408, "slow-request", "The request took too long")))
        self.close()

    def close(self) -> None:
        """Let the client go."""
        if self.state is State.GONE:
            return
        on_gone, self._on_gone = self._on_gone, None
        self._go(State.GONE)
        self.buffer = b""
        if self._held:
            self._hold()
        self._close_file()
        self._web.networks.left(self.fd)
        self._web.loop.drop(self.fd)
        self._web.open -= 1
        if on_gone is not None:
            on_gone()

    def _go(self, state: State) -> None:
        old, self.state = self.state, state
        self._web.deadlines.set(self, old, state, self._web.now_ns())

    def _read(self) -> None:
        try:
            data = self.wire.read(self.fd, HEAD_BYTES_MAX)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        if self.state is State.RESTING:
            self.since_ns = self._web.now_ns()
            self._go(State.HEAD)
        self._heard_all = len(data) < HEAD_BYTES_MAX and not self.wire.secure
        self.buffer = self.buffer + data if self.buffer else data

    def _hold(self) -> None:
        """Account for what is heard and not answered."""
        size = len(self.buffer)
        if size == self._held:
            return
        self._held = size
        longest = self._web.unfinished.hold(self, size)
        if longest is not None:
            self._web.counts.unfinished_closed += 1
            longest.cut_short()

    def _serve_heard(self) -> None:
        self._serve()
        self._hold()

    def _serve(self) -> None:
        served = 0
        while self.buffer and self.state in (State.HEAD, State.RESTING):
            if served == REQUESTS_PER_TURN:
                self._yield_turn()
                return
            served += 1
            try:
                taken = take_request(self.buffer)
                if taken is None:
                    self._reads += 1
                    if self._reads > READS_PER_HEAD_MAX:
                        raise _IN_CRUMBS
            except Problem as problem:
                self._web.counts.requests += 1
                note_unreadable(self._web.summary, self._web.counts, self._blamed)
                self.request = None
                self.buffer = b""
                self.answer(problem_answer(problem))
                return
            if taken is None:
                if self.state is State.RESTING:
                    self._go(State.HEAD)
                return
            self._reads = 0
            self.request, length = taken
            self.buffer = self.buffer[length:]
            self._web.counts.requests += 1
            try:
                self._web.dispatch(self, self.request)
            except Problem as problem:
                web, path = self._web, self.request.path
                note_refused(web.summary, web.counts, self.peer, problem, path)
                self.answer(problem_answer(problem))

    def _yield_turn(self) -> None:
        """Come back for the rest of what was heard when others have had their turn."""
        self._web.loop.change(self.fd, WRITE)
        self._go(State.SENDING)  # of nothing, so that is over at the next event

    def _pump(self) -> None:
        """Send what is to be sent as far as the client takes it."""
        try:
            while self._out is not None:
                sent = self.wire.write(self.fd, self._out)
                self._web.counts.bytes_sent += sent
                self._moved += sent
                if sent < len(self._out):
                    self._out = self._out[sent:]
                else:
                    self._out, self._then = self._then, None
            if self._out is None and self._file is not None and not self._send_slices(self._file):
                self.close()
                return
        except BlockingIOError:
            pass
        except OSError:
            self.close()
            return
        if self._out is not None or (self._file is not None and self._file.left):
            if self.state is not State.SENDING:
                self._web.loop.change(self.fd, WRITE)
                self._moved = 0
                self._go(State.SENDING)  # once: progress does not put the deadline off
            return
        self._sent()

    def _send_slices(self, file: FileSlices) -> bool:
        """Send some of the file; say whether it was as long as it should be.

        It may be shorter than it was: a torn answer must not look whole.
        """
        budget = SLICE_BYTES
        while self._out is None and file.left and budget > 0:
            sent, self._out = file.send(self.wire, self.fd, budget)
            if sent == 0:
                return False
            self._web.counts.bytes_sent += sent
            self._moved += sent
            budget -= sent
        return True

    def _sent(self) -> None:
        self._close_file()
        self._on_gone = None
        if not self._keep:
            if self.state is not State.HEAD or not self._heard_all or self.buffer:
                read_rest(self.wire, self.fd, HEAD_BYTES_MAX)
            self.close()
            return
        if self.state in (State.SENDING, State.WAITING):
            self._web.loop.change(self.fd, READ)
        self._go(State.RESTING)
        if self._web.at_rest is not None:
            self._web.at_rest(self)

    def _close_file(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()
