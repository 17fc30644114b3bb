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
    secure: bool = False
    name: str = ""  # what the address was asked for as
    also: str = ""  # a lower rendition that listeners take too
    period_ms: int = 0  # the fastest lane that listeners want
    listeners_per_source: int = 200  # each source address stands for a network
    own_machine: bool = True  # reached by loopback

    @property
    def host(self) -> str:
        """The host as it was named."""
        return self.name or self.address

    @property
    def family(self) -> socket.AddressFamily:
        """The address family to connect with."""
        return socket.AF_INET6 if ":" in self.address else socket.AF_INET

    def source(self, process: int, listener: int) -> tuple[str, int] | None:
        """Return the loopback address that a listener comes from; None: any.

        Thousands of connections from one address to another wear out its ports, and would be one
        network in the edge's eyes.
        """
        if self.family is socket.AF_INET6 or not self.own_machine:
            return None
        network = listener // self.listeners_per_source
        return f"127.{10 + process}.{network >> 8 & 255}.{(network & 255) or 1}", 0

    def request(
        self, *, ticket: str | None = None, part: int | None = None, period_ms: int | None = None
    ) -> bytes:
        """Return a request for the stream, `part` being the one to go on with."""
        query = f"rendition={self.rendition}"
        if self.also:
            query += f"&also={self.also}"
        if ticket:
            query += f"&ticket={ticket}"
        if part is not None:
            query += f"&from={part}"
        if period_ms or self.period_ms:
            query += f"&period={period_ms or self.period_ms}"
        return self._get(f"/r/{self.room}/live.mp4?{query}")

    @property
    def notice_request(self) -> bytes:
        """The request for the door's public notice."""
        return self._get(f"/r/{self.room}/door.json", "Connection: close\r\n")

    def _get(self, path: str, more: str = "") -> bytes:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (
            f"GET {path} HTTP/1.1\r\nHost: {host}:{self.port}\r\n"
            f"User-Agent: stentor-load\r\n{more}\r\n"
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


def read_target(
    url: str, rendition: str | None = None, *, also: str | None = None, period_ms: int = 0
) -> Target:
    """Return the target that an address names: a room's page or its live.mp4."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{url} is not the http or https address of a room.")
    steps = parts.path.strip("/").split("/")
    if len(steps) < 2 or steps[0] != "r" or not is_room_id(steps[1]):
        raise UsageError(f"{url} is not the address of a room; it ends with /r/ROOM.")
    asked = parse_qs(parts.query).get("rendition", [DEFAULT_RENDITION])[0]
    chosen = rendition or asked
    for one in (chosen, also or chosen):
        if one not in RENDITIONS:
            raise UsageError(f"There is no rendition {one!r}; there are {', '.join(RENDITIONS)}.")
    secure = parts.scheme == "https"
    return Target(
        _loopback_address(parts.hostname),
        parts.port or (443 if secure else 80),
        steps[1],
        chosen,
        secure=secure,
        name=parts.hostname,
        also=also or "",
        period_ms=period_ms,
    )
