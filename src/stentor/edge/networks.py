"""Who is at the other end of each descriptor, and whether their network may have one more.

Remembers the packed address of everyone who is connected, listeners included, until their
descriptor is let go; what a network has goes down with it. The rules are `admission.shares`.
"""

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from stentor.admission.haste import Haste
from stentor.admission.shares import Block, Held, Paced
from stentor.base.errors import ConfigurationError

_MAPPED = b"\0" * 10 + b"\xff\xff"
_TOLD_PER_S = 20  # refused connections of one network that get a sentence, not only an end
_TOLD_BURST = 40


def packed_address(host: str) -> bytes:
    """Return an address as 4 or 16 bytes; IPv4 within IPv6 is IPv4. Raises `OSError`."""
    if ":" not in host:
        return socket.inet_aton(host)
    packed = socket.inet_pton(socket.AF_INET6, host.partition("%")[0])
    return packed[12:] if packed.startswith(_MAPPED) else packed


def read_blocks(text: str, setting: str) -> tuple[Block, ...]:
    """Return address ranges such as `192.0.2.0/24, ::1`; raises `ConfigurationError`."""
    blocks = []
    for one in text.replace(",", " ").split():
        try:
            network = ipaddress.ip_network(one)
        except ValueError as error:
            raise ConfigurationError(f"{setting}: {error}.") from None
        blocks.append(Block(network.network_address.packed, network.prefixlen))
    return tuple(blocks)


@dataclass(frozen=True, slots=True)
class NetworkLimits:
    """What one IPv4 address or IPv6 /48 may have of this process; zero is no limit."""

    connections_max: int = 0
    joins_per_s: float = 0.0
    joins_burst: int = 1
    reloads_max: int = 0
    downloads_max: int = 0
    exempt: tuple[Block, ...] = ()


class Reception(Enum):
    """What becomes of somebody who came."""

    IN = "in"
    CROWDED = "crowded"  # their network has its share of connections
    HASTY = "hasty"  # their network's connections come too fast


class Networks:
    """The peers of one edge process by descriptor, and what their networks have."""

    def __init__(self, limits: NetworkLimits) -> None:
        self._exempt = {
            size: tuple(one.rule for one in limits.exempt if len(one.first) == size)
            for size in (4, 16)
        }
        self.peers: dict[int, bytes] = {}
        self.connections = Held(limits.connections_max)
        self._haste = Haste(limits.joins_per_s, limits.joins_burst)
        self.listening = self._haste.listening  # exempt ones too
        self.reloads = Held(limits.reloads_max)
        self.downloads = Held(limits.downloads_max)
        self._told = Paced(_TOLD_PER_S, _TOLD_BURST)

    @property
    def unremembered(self) -> int:
        """How often a table of those who come fast was full, so that somebody was let in."""
        return self._haste.unremembered

    def came(self, fd: int, peer: bytes, now_ns: int, *, paced: bool = True) -> Reception:
        """Note who has a descriptor from now on, unless their network may not have one more.

        Not `paced`: how often that network comes is not known, as a front's connections last.
        """
        if self.is_exempt(peer):
            self.peers[fd] = peer
            return Reception.IN
        if not self.connections.has_room(peer):
            return Reception.CROWDED
        if paced and self._haste.is_hasty(peer, now_ns):
            return Reception.HASTY
        self.peers[fd] = peer
        self.connections.take(peer)
        return Reception.IN

    def keeps(self, fd: int, peer: bytes) -> None:
        """Note who has a descriptor, whatever they have already: a listener who is taken over."""
        self.peers[fd] = peer
        if not self.is_exempt(peer):
            self.connections.take(peer)

    def listens(self, fd: int) -> None:
        """Note that who has a descriptor listens from now on."""
        peer = self.peers.get(fd)
        if peer:
            self.listening.take(peer)

    def listens_no_more(self, fd: int) -> None:
        """Note that a listener is about to be let go."""
        peer = self.peers.get(fd)
        if peer:
            self.listening.give_back(peer)

    def left(self, fd: int) -> None:
        """Forget a descriptor; to be called exactly when it is let go."""
        peer = self.peers.pop(fd, None)
        if peer is not None and not self.is_exempt(peer):
            self.connections.give_back(peer)

    def begin(self, held: Held, peer: bytes) -> bool:
        """Count one more of `held` for a network; say whether there was room for it."""
        if self.is_exempt(peer):
            return True
        if not held.has_room(peer):
            return False
        held.take(peer)
        return True

    def end(self, held: Held, peer: bytes) -> None:
        """Count one less of what was begun."""
        if not self.is_exempt(peer):
            held.give_back(peer)

    def charge(self, fd: int, now_ns: int) -> bool:
        """Count a wrong request; say whether there was room for it."""
        peer = self.peers.get(fd)
        return peer is None or self.is_exempt(peer) or self._haste.charge(peer, now_ns)

    def is_told(self, peer: bytes, now_ns: int) -> bool:
        """Say whether somebody who is refused is told so; a flood gets an end without a word."""
        return not self._told.take(peer, now_ns)

    def is_exempt(self, peer: bytes) -> bool:
        """Say whether nothing here holds for an address."""
        rules = self._exempt.get(len(peer))
        if not rules:
            return rules is None  # no address at all: of a connection that is no longer there
        address = int.from_bytes(peer)
        for shift, network in rules:  # noqa: SIM110 -- half of what `any` takes, for everybody
            if address >> shift == network:
                return True
        return False

    def spare(self, follows: Callable[[bytes], bool]) -> None:
        """Take networks for those in which somebody listens that `follows` says do by HLS."""
        self._haste.follows = follows

    def share(self, share: float) -> None:
        """Let every network come at this share of the pace that the settings give it."""
        self._haste.share(share)

    def tick(self, now_ns: int, joining: float) -> None:
        """Forget who has not come for a while; to be called about once a second.

        `joining` is how much of the CPU time for those who come was used (`LoadFacts`).
        """
        self._haste.tick(now_ns, joining)
        self._told.forget_idle(now_ns)
