"""Opens a session's media sockets: on ports of a known range, with the filter on from the start.

It does for aioice what its own gathering of host candidates does, which knows neither. A contract
test holds the fields of aioice's that are written here.
"""

import asyncio
import random
import socket
from typing import Any

from aioice.candidate import Candidate, candidate_foundation, candidate_priority
from aioice.ice import StunProtocol

from stentor.base.logs import log
from stentor.stage import sieve
from stentor.stage.addresses import media_ports

_RECEIVE_BYTES = 256 * 1024
_TRIES = 64


def bind_socket(address: str, ports: tuple[int, int]) -> socket.socket:
    """Return a UDP socket on a free port of a range; raises `OSError` if none is found soon."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
        first, last = ports
        for port in random.sample(range(first, last + 1), min(_TRIES, last - first + 1)):
            try:
                sock.bind((address, port))
            except OSError as error:
                refused = error
            else:
                return sock
        raise refused
    except BaseException:
        sock.close()
        raise


async def open_media(connection: Any, component: int, addresses: list[str]) -> list[Candidate]:
    """Open sockets for an ICE connection; return their candidates. Raises `OSError` without any."""
    loop = asyncio.get_running_loop()
    candidates: list[Candidate] = []
    refused: OSError | None = None
    for address in addresses:
        try:
            sock = bind_socket(address, media_ports())
        except OSError as error:
            refused = error
            continue
        if not sieve.attach(sock, connection.local_username, ()):
            log().warning("media_filter_refused")  # the gate does its work, at more cost
        _transport, protocol = await loop.create_datagram_endpoint(
            lambda: StunProtocol(connection), sock=sock
        )
        host, port = sock.getsockname()[:2]
        protocol.local_candidate = Candidate(
            foundation=candidate_foundation("host", "udp", host),
            component=component,
            transport="udp",
            priority=candidate_priority(component, "host"),
            host=host,
            port=port,
            type="host",
        )
        connection._protocols.append(protocol)
        candidates.append(protocol.local_candidate)
    if refused is not None and not candidates:
        raise refused
    return candidates
