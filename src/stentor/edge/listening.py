"""The listening sockets: accepts a bounded number a turn, after everybody who is already in.

By TLS an accept costs next to nothing against a handshake: there all are accepted for whom there is
room (`admission.backlog`), for up to 5 ms, though the joiners' time of that turn is over.

Over the limit of connections the newcomer is told so and let go; out of descriptors, the door is
not even looked at for a moment, for it would wake the loop again and again.
"""

import errno
import os
import socket
import time
from collections.abc import Callable

from stentor.admission.gathering import Gathering
from stentor.base.errors import ConfigurationError, Problem
from stentor.base.logs import log
from stentor.edge.answer import encode_answer, problem_answer
from stentor.edge.arrival import Arrivals
from stentor.edge.connection import Connection
from stentor.edge.crush import queue_of
from stentor.edge.knocks import Knocks, has_hung_up
from stentor.edge.limits import Limits
from stentor.edge.loop import NOTHING, READ
from stentor.edge.networks import Reception, packed_address
from stentor.edge.spare import Spare
from stentor.edge.turnstile import Turnstile
from stentor.edge.unsent import limit_unsent
from stentor.edge.web import REFUSALS, Web
from stentor.shield.policy import Why

_REST_NS = 100_000_000
_INSIDE_AT_ONCE = 4  # by TLS nothing is read or said yet
_INSIDE_NS = 5_000_000  # before the next look at the feed
_FULL = encode_answer(
    problem_answer(Problem(503, "edge-full", "This edge has no more places"), retry_after_s=2),
    keep_alive=False,
)

_TURNED_AWAY = {
    reception: encode_answer(problem_answer(problem), keep_alive=False)
    for reception, problem in REFUSALS.items()
}


def listening_socket(bind: str, port: int, *, shared: bool, unsent_bytes: int) -> socket.socket:
    """Return a bound socket; what is set on it holds for every connection it will accept."""
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Without this the kernel would hide a slow listener behind megabytes of old programme.
        limit_unsent(listener.fileno(), unsent_bytes)
        listener.bind((bind, port))
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"Cannot listen on {bind} port {port}: {error.strerror or error}."
        ) from None
    return listener


class Listening:
    """Turns whoever comes to one listening socket into connections."""

    joins = True

    def __init__(
        self,
        web: Web,
        listener: socket.socket,
        limits: Limits,
        next_serial: Callable[[], int],
        *,
        on_metrics_port: bool = False,
        arrivals: Arrivals | None = None,
    ) -> None:
        self._web = web
        self.knocks = Knocks(web.counts)
        self.arrivals = arrivals  # where TLS or a front comes before the first request
        # Where TLS is spoken: they wait there until it is their turn.
        self._inside = arrivals if arrivals is not None and arrivals.secure else None
        self._socket = listener
        self._limits = limits
        self._next_serial = next_serial
        self._on_metrics_port = on_metrics_port
        self._waiting = False
        self._paused = False
        self._rests_until_ns = 0
        self._gathering = Gathering(limits.cores)
        self._spare = Spare()
        self.open = False
        self._backlog = limits.backlog
        self._left_some = False
        self.turnstile: Turnstile | None = None  # where many are refused by the same words

    def listen(self) -> None:
        """Begin to let people in."""
        if not self.open:
            self.open = True
            self._socket.listen(self._limits.backlog)
            self._web.loop.watch(self._socket.fileno(), self, READ)

    def fileno(self) -> int:
        """The socket's descriptor."""
        return self._socket.fileno()

    def limit_unsent(self, size: int) -> None:
        """Set what the kernel holds unsent for each who is accepted from now on."""
        limit_unsent(self._socket.fileno(), size)

    def pause(self) -> None:
        """Look at nobody who comes: they wait in the kernel."""
        self._paused, self._waiting = True, False
        if self.open:
            self._backlog = self._limits.backlog
            self._socket.listen(self._backlog)
            self._web.loop.change(self._socket.fileno(), NOTHING)

    def resume(self) -> None:
        """Let in who has come since `pause`."""
        if self._paused and self.open:
            self._web.loop.change(self._socket.fileno(), READ)
        self._paused = False

    @property
    def port(self) -> int:
        """The port that it listens on."""
        port: int = self._socket.getsockname()[1]
        return port

    def on_event(self, fd: int, mask: int) -> None:
        """Somebody is at the door; they are let in when the turn is over."""
        self._waiting = True

    def on_fault(self, fd: int) -> None:
        """A listening socket stays, whatever happens."""

    def accept(self) -> None:
        """Let in some of those who wait."""
        now_ns = time.monotonic_ns()
        if not self._is_due(now_ns):
            return
        self._waiting = False
        self._follow_backlog()
        knocks, inside = self.knocks, self._inside
        knocks.turn()
        if self.turnstile is not None:
            # Only who left some behind last time can have many now.
            self.turnstile.crush.look(*(queue_of(self._socket) if self._left_some else (0, 0)))
        self._left_some = True
        most, until_ns = self._limits.accepts_per_turn, self._web.loop.joins_until_ns
        if inside is not None:
            most, until_ns = most * _INSIDE_AT_ONCE, now_ns + _INSIDE_NS
        for number in range(most):
            if inside is not None and inside.room() <= 0:
                return
            try:
                knocks.begins(number)
                # `accept` makes a socket object of it, which takes longer than all the rest.
                fd, address = self._socket._accept()  # type: ignore[attr-defined]
            except BlockingIOError:
                self._left_some = False
                if number and (inside is None or not inside.backlog.behind):
                    self._rest(now_ns, self._gathering.rest_ns(now_ns))
                return
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS):
                    self._turn_to_rest(now_ns, error)
                return
            os.set_blocking(fd, False)
            self._web.counts.accepted += 1
            knocks.accepted(number, fd)
            self._let_in(fd, packed_address(address[0]), now_ns)
            knocks.ended(number)
            if time.monotonic_ns() > until_ns:
                return

    def _is_due(self, now_ns: int) -> bool:
        """Say whether somebody may be there now, and is to be let in."""
        if self._paused:
            return False
        if self._rests_until_ns and now_ns >= self._rests_until_ns:
            self._rests_until_ns = 0
            self._waiting = True  # most likely
            self._web.loop.change(self._socket.fileno(), READ)
        # The loop tells of each in order: those who came in would have to be served before.
        left_some = self._inside is not None and self._left_some
        return (self._waiting or left_some) and not self._rests_until_ns

    def _follow_backlog(self) -> None:
        """Let few wait in the kernel, where nobody knows of them: who is there already stays."""
        if self._inside is None:
            return
        backlog = min(self._limits.backlog, self._inside.backlog.kernel)
        if backlog != self._backlog:
            self._backlog = backlog
            self._socket.listen(backlog)

    def _rest(self, now_ns: int, rest_ns: int) -> None:
        """Look away for a while: who comes meanwhile waits in the kernel."""
        if rest_ns:
            self._rests_until_ns = self._web.loop.wakes_at_ns = now_ns + rest_ns
            self._web.loop.change(self._socket.fileno(), NOTHING)

    def _let_in(self, fd: int, peer: bytes, now_ns: int) -> None:
        if self._web.open >= self._limits.connections_max and not self._on_metrics_port:
            self._refuse(fd)
            return
        arrivals = self.arrivals
        if arrivals is not None and peer in arrivals.fronts:  # for whom, its first bytes say
            self._arrive(arrivals, fd, peer)
            return
        if not self._on_metrics_port:
            self._web.summary.came(peer)
            if self._web.closes(peer):
                os.close(fd)
                return
        reception = self._web.networks.came(fd, peer, now_ns)
        if reception is not Reception.IN:
            self._turn_away(fd, peer, reception, now_ns)
            return
        # Whose last packet found the kernel's queue full comes when they have given up, too.
        is_behind = self._inside is not None and self._inside.backlog.behind
        if self.knocks.is_gone(fd) or (is_behind and has_hung_up(fd)):
            self._web.counts.gave_up += 1
            self._web.networks.left(fd)
            os.close(fd)
            return
        if self._inside is not None:
            self._arrive(self._inside, fd, peer)
            return
        said = b"" if self.turnstile is None else self.turnstile.turns(fd, peer)
        if said is None:
            self._web.networks.left(fd)
            os.close(fd)
            return
        self._web.open += 1
        connection = self._web.loop.table[fd] = self.adopt(fd)
        try:
            connection.begin(said)  # the request is mostly there already
        except Exception:  # nobody would ever come back to a descriptor that is not watched
            connection.close()
            raise

    def adopt(self, fd: int) -> Connection:
        """Return a connection, as if its descriptor had come to this door."""
        serial = self._next_serial()
        return Connection(self._web, fd, serial, on_metrics_port=self._on_metrics_port)

    def close(self) -> None:
        """Stop listening."""
        self._spare.close()
        self._web.loop.drop(self._socket.detach())

    def _arrive(self, arrivals: Arrivals, fd: int, peer: bytes) -> None:
        self._web.open += 1
        arrivals.begin(fd, peer)
        self._web.loop.watch(fd, arrivals, READ)

    def _turn_to_rest(self, now_ns: int, error: OSError) -> None:
        """Nothing is left for whoever comes: tell some of them, and look away for a moment."""
        log().warning("edge_takes_nobody", why=error.strerror, connections=self._web.open)
        told = self._spare.tell(self._socket, self._refuse)
        self._web.counts.refused_connections += not told
        self._rest(now_ns, _REST_NS)

    def _refuse(self, fd: int) -> None:
        self._web.counts.refused_connections += 1
        self._end(fd, _FULL)

    def _turn_away(self, fd: int, peer: bytes, reception: Reception, now_ns: int) -> None:
        self._web.counts.refused_by_network += 1
        self._web.summary.refused(REFUSALS[reception].kind)
        if reception is Reception.HASTY:
            self._web.summary.wrong(peer, Why.HASTY)
        if self._web.networks.is_told(peer, now_ns):
            self._end(fd, _TURNED_AWAY[reception])
        else:
            os.close(fd)

    def _end(self, fd: int, answer: bytes) -> None:
        if self._inside is not None:  # nobody would understand it
            os.close(fd)
        else:
            _end(fd, answer)


def _end(fd: int, answer: bytes) -> None:
    """Say something and hang up; what was not read would turn the end into a reset."""
    try:
        os.read(fd, 8192)
    except OSError:
        pass
    try:
        os.write(fd, answer)
    except OSError:
        pass
    os.close(fd)
