"""Where a load may go: to this machine's loopback and nowhere else. There is no way around it."""

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from stentor.base.errors import UnavailableError, UsageError
from stentor.base.ids import is_room_id
from stentor.media.renditions import DEFAULT_RENDITION, RENDITIONS


@dataclass(frozen=True, slots=True)
class Target:
    """A room's push stream at a loopback address."""

    address: str
    port: int
    room: str
    rendition: str
    listeners_per_source: int = 200  # each source address stands for a network

    @property
    def family(self) -> socket.AddressFamily:
        """The address family to connect with."""
        return socket.AF_INET6 if ":" in self.address else socket.AF_INET

    def source(self, process: int, listener: int) -> tuple[str, int] | None:
        """Return the loopback address that a listener comes from; None: any.

        Thousands of connections from one address to another wear out its ports, and would be one
        network in the edge's eyes.
        """
        if self.family is socket.AF_INET6:
            return None
        network = listener // self.listeners_per_source
        return f"127.{10 + process}.{network >> 8 & 255}.{(network & 255) or 1}", 0

    @property
    def request(self) -> bytes:
        """The request that every listener sends."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return (
            f"GET /r/{self.room}/live.mp4?rendition={self.rendition} HTTP/1.1\r\n"
            f"Host: {host}:{self.port}\r\nUser-Agent: stentor-load\r\n\r\n"
        ).encode()


def _loopback_address(host: str) -> str:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise UnavailableError(f"{host} cannot be found: {error}.") from None
    addresses = sorted({str(entry[4][0]) for entry in found}, key=lambda one: ":" in one)
    for address in addresses:
        if not ipaddress.ip_address(address).is_loopback:
            raise UsageError(
                f"{host} is {address}, which is not loopback: a load is for one's own machine only."
            )
    return addresses[0]


def read_target(url: str, rendition: str | None = None) -> Target:
    """Return the target that an address names: a room's page or its live.mp4."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme != "http" or not parts.hostname:
        raise UsageError(f"{url} is not the http address of a room.")
    steps = parts.path.strip("/").split("/")
    if len(steps) < 2 or steps[0] != "r" or not is_room_id(steps[1]):
        raise UsageError(f"{url} is not the address of a room; it ends with /r/ROOM.")
    asked = parse_qs(parts.query).get("rendition", [DEFAULT_RENDITION])[0]
    chosen = rendition or asked
    if chosen not in RENDITIONS:
        raise UsageError(f"There is no rendition {chosen!r}; there are {', '.join(RENDITIONS)}.")
    return Target(_loopback_address(parts.hostname), parts.port or 80, steps[1], chosen)
