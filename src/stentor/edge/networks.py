"""Who is at the other end of each descriptor, and how much of this edge a network has.

Remembers the packed address of everyone who is connected, listeners included, until their
descriptor is let go.
"""

import socket

_MAPPED = b"\0" * 10 + b"\xff\xff"


def packed_address(host: str) -> bytes:
    """Return an address as 4 or 16 bytes; IPv4 within IPv6 is IPv4. Raises `OSError`."""
    if ":" not in host:
        return socket.inet_aton(host)
    packed = socket.inet_pton(socket.AF_INET6, host.partition("%")[0])
    return packed[12:] if packed.startswith(_MAPPED) else packed


class Networks:
    """The peers of one edge process, by descriptor."""

    def __init__(self) -> None:
        self.peers: dict[int, bytes] = {}

    def came(self, fd: int, peer: bytes) -> None:
        """Note who has a descriptor from now on."""
        self.peers[fd] = peer

    def left(self, fd: int) -> None:
        """Forget a descriptor; to be called exactly when it is let go."""
        self.peers.pop(fd, None)
