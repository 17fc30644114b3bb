"""What media sockets let through to aiortc: bounded, and nothing that would make it give up.

Anybody who finds a port can send there. The socket's filter (`sieve`) drops most of it in the
kernel; what it lets through is looked at here before aioice sees it: media of whom ICE knows,
checks at a pace. aiortc ends a connection over a datagram that is empty or longer than libsrtp
takes, and holds as many as come; so such datagrams are dropped, too. What a speaker's own keys
protect is counted, because only that is the speaker's doing.
"""

import time
from collections.abc import Callable
from typing import Any

from stentor.stage import sieve
from stentor.stage.gate import Gate, Kind, kind_of
from stentor.stage.sieve import Source
from stentor.stage.sockets import open_media

DATAGRAM_BYTES_MAX = 1_500  # of pylibsrtp's buffer; longer ones are an error to it, not a packet
WAITING_MAX = 1_024  # datagrams between socket and aiortc
SOURCES_SEEN_MAX = 64  # libsrtp keeps a stream for each SSRC, for ever
REMOTE_ADDRESSES_MAX = 64  # that ICE checks are answered with a check
_ROLE_CONFLICT = 487  # the one error that only who knows the password is told

OnValidated = Callable[[str, int], None]


class Datagrams:
    """Stands between one peer's sockets and aiortc. Private to aiortc and aioice: see `peer`.

    `admit` is asked for each packet of the speaker's; `on_validated` hears of each good check.
    """

    def __init__(
        self,
        admit: Callable[[], bool],
        on_validated: OnValidated = lambda _address, _port: None,
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._admit = admit
        self._on_validated = on_validated
        self._now_ns = now_ns
        self._sources: set[bytes] = set()
        self._connections: list[Any] = []
        self._sifted = 0
        self.dropped_total = 0

    @property
    def has_too_many_sources(self) -> bool:
        """Whether the speaker used more SSRCs than anybody needs."""
        return len(self._sources) > SOURCES_SEEN_MAX

    @property
    def sifted_total(self) -> int:
        """How many datagrams the kernel dropped at the sockets, as far as they are open."""
        now = sum(
            sieve.sifted_total(sock)
            for connection in self._connections
            for sock in _sockets(connection)
        )
        self._sifted = max(self._sifted, now)  # one that was not needed may be closed by now
        return self._sifted

    def guard(self, transport: Any) -> None:
        """Stand before a DTLS transport and the ICE connection below, which has no socket yet."""
        self._guard_connection(transport.transport._connection)
        self._count_packets(transport)

    def _guard_connection(self, connection: Any) -> None:
        gate = Gate()
        keep, check = connection.data_received, connection.check_incoming
        refuse = connection.respond_error

        async def gather(component: int, addresses: list[str], timeout: int = 5) -> list[Any]:
            found = await open_media(connection, component, addresses)
            for protocol in connection._protocols:
                self._guard_socket(connection, gate, protocol, keep)
            return found

        def take_check(message: Any, address: Source, protocol: Any) -> None:
            known = connection._remote_candidates
            if len(known) >= REMOTE_ADDRESSES_MAX and not any(
                (one._network_host, one.port) == address for one in known
            ):
                self.dropped_total += 1
                return
            self._learn(connection, gate, address)
            check(message, address, protocol)

        def take_refusal(message: Any, address: Source, protocol: Any, code: Any) -> None:
            if code[0] == _ROLE_CONFLICT:
                refuse(message, address, protocol, code)
            else:
                self.dropped_total += 1  # nobody is answered who does not know the password

        def drop(_data: bytes, _component: int) -> None:
            self.dropped_total += 1  # begins as STUN does, and is none

        connection.data_received = drop
        connection.get_component_candidates = gather
        connection.check_incoming = take_check
        connection.respond_error = take_refusal
        self._connections.append(connection)

    def _learn(self, connection: Any, gate: Gate, source: Source) -> None:
        if gate.learn(source):
            for sock in _sockets(connection):
                sieve.attach(sock, connection.local_username, gate.known)
        self._on_validated(*source)

    def _guard_socket(
        self, connection: Any, gate: Gate, protocol: Any, keep: Callable[[bytes, int], None]
    ) -> None:
        check = protocol.datagram_received
        component = protocol.local_candidate.component

        def take(data: bytes, address: tuple[Any, ...]) -> None:
            source = (address[0], address[1])
            kind = kind_of(data)
            fits = len(data) <= DATAGRAM_BYTES_MAX and connection._queue.qsize() < WAITING_MAX
            if kind is Kind.MEDIA and fits and gate.lets_media(source):
                keep(data, component)
            elif kind is Kind.STUN and fits and gate.lets_check(source, self._now_ns()):
                self._take_check(check, data, source)
            else:
                self.dropped_total += 1

        protocol.datagram_received = take

    def _take_check(self, check: Callable[[bytes, Source], None], data: bytes, at: Source) -> None:
        try:
            check(data, at)
        except Exception:  # aioice's parser raises whatever an attribute makes it stumble over
            self.dropped_total += 1

    def _count_packets(self, transport: Any) -> None:
        handle_rtp, handle_rtcp = transport._handle_rtp_data, transport._handle_rtcp_data

        async def take_rtp(data: bytes, arrival_time_ms: int) -> None:
            if not self.has_too_many_sources:
                self._sources.add(data[8:12])
            if self._admit():
                await handle_rtp(data, arrival_time_ms)
            else:
                self.dropped_total += 1

        async def take_rtcp(data: bytes) -> None:
            if self._admit():
                await handle_rtcp(data)
            else:
                self.dropped_total += 1

        transport._handle_rtp_data = take_rtp
        transport._handle_rtcp_data = take_rtcp


def _sockets(connection: Any) -> list[Any]:
    """Return the sockets of an ICE connection that are open."""
    found = [one.transport.get_extra_info("socket") for one in connection._protocols]
    return [sock for sock in found if sock is not None and sock.fileno() >= 0]
