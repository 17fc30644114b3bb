"""What a load goes to: a room's stream, at an address that it may go to (`rule`)."""

import socket
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from stentor.base.errors import UnavailableError, UsageError
from stentor.base.ids import is_room_id
from stentor.load.rule import Where, decide, look_around
from stentor.media.renditions import DEFAULT_RENDITION, RENDITIONS


@dataclass(frozen=True, slots=True)
class Target:
    """A room's push stream at one address."""

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
    sources_from: int = 10  # second number of the first process's addresses: loads side by side
    one_source: str = ""  # the loopback address that all share, as behind a carrier's NAT
    v6_sources: str = ""  # such as 2001:db8: a /56 each, where an arena routes them to itself

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
        if not self.own_machine:
            return None
        network = listener // self.listeners_per_source
        if self.family is socket.AF_INET6:
            if not self.v6_sources:
                return None
            larger, house = 0x1000 + 64 * process + (network >> 8), (network & 255) << 8
            return f"{self.v6_sources}:{larger:x}:{house:x}::{listener + 1:x}", 0
        if self.one_source:
            return self.one_source, 0
        return f"127.{self.sources_from + process}.{network >> 8 & 255}.{(network & 255) or 1}", 0

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


def _address(host: str, *, consent: bool) -> tuple[str, bool]:
    """Return a host's address, and whether it is on this machine; refuses what may not be."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise UnavailableError(f"{host} cannot be found: {error}.") from None
    addresses = sorted({str(entry[4][0]) for entry in found}, key=lambda one: ":" in one)
    places = [decide(one, look_around(one)) for one in addresses]
    if Where.FOREIGN in places and not consent:
        address = addresses[places.index(Where.FOREIGN)]
        raise UsageError(
            f"{host} is {address}, which is not loopback and not in a namespace of its own:"
            " a load elsewhere needs the consent of who runs it (--consent)."
        )
    return addresses[0], places[0] is Where.LOOPBACK


def read_target(
    url: str,
    rendition: str | None = None,
    *,
    also: str | None = None,
    period_ms: int = 0,
    consent: bool = False,
) -> Target:
    """Return the target that an address names: a room's page or its live.mp4.

    `consent` says that the deployment will be asked for its operator's before anything else.
    """
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
    address, own_machine = _address(parts.hostname, consent=consent)
    return Target(
        address,
        parts.port or (443 if secure else 80),
        steps[1],
        chosen,
        secure=secure,
        name=parts.hostname,
        also=also or "",
        period_ms=period_ms,
        own_machine=own_machine,
    )
