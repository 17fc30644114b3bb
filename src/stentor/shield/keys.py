"""Names of networks that tell nobody's address: keyed digests under one event's secret.

Whoever destroys the secret makes them anonymous for good. Decides what counts as one network, and
never keeps an address.
"""

import hmac
from dataclasses import dataclass

from stentor.admission.shares import levels

EVENT_KEY_BYTES = 32
DIGEST_BYTES = 8
# Prefix lengths by the length of a packed network; 3 bytes are an IPv4 /24, a cluster of addresses.
_PREFIXES = {4: "4/32", 3: "4/24", 8: "6/64", 7: "6/56", 6: "6/48"}


def cluster(peer: bytes) -> bytes:
    """Return the packed cluster of a packed address: an IPv4 /24 or an IPv6 /48.

    A cluster is what one provider hands out together (Krishnamurthy and Wang, 2000, by prefix).
    """
    return peer[:6] if len(peer) == 16 else peer[:3]


@dataclass(frozen=True, slots=True)
class EventKey:
    """The secret of one event. `id` names it in facts and records without telling it."""

    key: bytes

    @property
    def id(self) -> str:
        """Eight hexadecimal digits that name the key."""
        return hmac.digest(self.key, b"stentor event key id 1", "sha256")[:4].hex()

    def number(self, network: bytes) -> int:
        """Return a packed network's digest as an unsigned 63-bit number, as sketches take it."""
        return int.from_bytes(self._digest(network)) >> 1

    def name(self, network: bytes) -> str:
        """Return a packed network's name, its kind and its digest: `4/24:0123456789abcdef`."""
        return f"{_PREFIXES[len(network)]}:{self._digest(network).hex()}"

    def names(self, peer: bytes) -> tuple[str, ...]:
        """Return the names that a ban of a packed address may go by, smallest network first."""
        return tuple(self.name(network) for network in levels(peer))

    def _digest(self, network: bytes) -> bytes:
        return hmac.digest(self.key, network, "sha256")[:DIGEST_BYTES]
