"""What media sockets let through to aiortc: bounded, and nothing that would make it give up.

Anybody who finds a port can send there. aiortc ends a connection over a datagram that is empty or
longer than libsrtp takes, and holds as many as come; so such datagrams are dropped here, before it
sees them. What a speaker's own keys protect is counted, because only that is the speaker's doing.
"""

from collections.abc import Callable
from typing import Any

DATAGRAM_BYTES_MAX = 1_500  # of pylibsrtp's buffer; longer ones are an error to it, not a packet
WAITING_MAX = 1_024  # datagrams between socket and aiortc
SOURCES_SEEN_MAX = 64  # libsrtp keeps a stream for each SSRC, for ever
REMOTE_ADDRESSES_MAX = 64  # that ICE checks are answered with a check


class Datagrams:
    """Stands between one peer's sockets and aiortc. Private to aiortc and aioice: see `peer`."""

    def __init__(self, admit: Callable[[], bool]) -> None:
        self._admit = admit  # asked for each packet of the speaker's
        self._sources: set[bytes] = set()
        self.dropped_total = 0

    @property
    def has_too_many_sources(self) -> bool:
        """Whether the speaker used more SSRCs than anybody needs."""
        return len(self._sources) > SOURCES_SEEN_MAX

    def guard(self, transport: Any) -> None:
        """Stand before a DTLS transport and the ICE connection below it."""
        self._guard_sockets(transport.transport._connection)
        self._count_packets(transport)

    def _guard_sockets(self, connection: Any) -> None:
        receive, check = connection.data_received, connection.check_incoming

        def take(data: bytes, component: int) -> None:
            fits = 0 < len(data) <= DATAGRAM_BYTES_MAX
            if fits and connection._queue.qsize() < WAITING_MAX:
                receive(data, component)
            else:
                self.dropped_total += 1

        def take_check(message: Any, address: tuple[str, int], protocol: Any) -> None:
            known = connection._remote_candidates
            if len(known) < REMOTE_ADDRESSES_MAX or any(
                (one._network_host, one.port) == address for one in known
            ):
                check(message, address, protocol)
            else:
                self.dropped_total += 1

        connection.data_received = take
        connection.check_incoming = take_check

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
