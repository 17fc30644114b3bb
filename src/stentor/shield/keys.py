"""Names of networks that tell nobody's address: keyed digests under one event's secret.

Whoever destroys the secret makes them anonymous for good. Decides what counts as one network, and
never keeps an address.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from struct import Struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from stentor.admission.shares import levels

EVENT_KEY_BYTES = 32
DIGEST_BYTES = 8
# Prefix lengths by the length of a packed network; 3 bytes are an IPv4 /24, a cluster of addresses.
_PREFIXES = {4: "4/32", 3: "4/24", 8: "6/64", 7: "6/56", 6: "6/48"}
_BLOCK = 16
_TWO_WORDS = Struct(">QQ")
_PADS = {length: length.to_bytes(_BLOCK - length) for length in _PREFIXES}
_LENGTHS = {prefix: length for length, prefix in _PREFIXES.items()}


def cluster(peer: bytes) -> bytes:
    """Return the packed cluster of a packed address: an IPv4 /24 or an IPv6 /48.

    A cluster is what one provider hands out together (Krishnamurthy and Wang, 2000, by prefix).
    """
    return peer[:6] if len(peer) > 4 else peer[:3]


def house(peer: bytes) -> bytes:
    """Return the packed network that counts as one address: an IPv4 /32 or an IPv6 /64."""
    return peer[:8] if len(peer) > 4 else peer


@dataclass(frozen=True, slots=True)
class EventKey:
    """The secret of one event. `id` names it in facts and records without telling it.

    A digest is half of AES-256 of one block, which holds the network and its length: a keyed
    permutation, with nothing to be chained. It takes a tenth of what an HMAC does, and thousands
    at once next to nothing.
    """

    key: bytes
    _encrypt: Callable[[bytes], bytes] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Take the key in once, not for each digest."""
        cipher = Cipher(algorithms.AES(self.key), modes.ECB())
        object.__setattr__(self, "_encrypt", cipher.encryptor().update)

    @property
    def id(self) -> str:
        """Eight hexadecimal digits that name the key."""
        return blake2b(key=self.key, digest_size=4, person=b"stentor key id 1").hexdigest()

    def number(self, network: bytes) -> int:
        """Return a packed network's digest as an unsigned 63-bit number, as sketches take it."""
        return int.from_bytes(self._encrypt(network + _PADS[len(network)])[:DIGEST_BYTES]) >> 1

    def numbers(self, networks: Iterable[bytes]) -> list[int]:
        """Return the numbers of many packed networks."""
        blocks = b"".join([network + _PADS[len(network)] for network in networks])
        words = self._encrypt(blocks)
        return [first >> 1 for first, _second in _TWO_WORDS.iter_unpack(words)]

    def name(self, network: bytes) -> str:
        """Return a packed network's name, its kind and its digest: `4/24:0123456789abcdef`."""
        digest = self._encrypt(network + _PADS[len(network)])[:DIGEST_BYTES]
        return f"{_PREFIXES[len(network)]}:{digest.hex()}"

    @staticmethod
    def read(name: str) -> tuple[int, int]:
        """Return what a name says: how many bytes the network has, and its `number`.

        Raises `ValueError` for what `name` never returns.
        """
        prefix, _, digest = name.partition(":")
        if prefix not in _LENGTHS or len(digest) != 2 * DIGEST_BYTES:
            raise ValueError(f"{name[:40]!r} is no name of a network")
        return _LENGTHS[prefix], int(digest, 16) >> 1

    def names(self, peer: bytes) -> tuple[str, ...]:
        """Return the names that a ban of a packed address may go by, smallest network first."""
        return tuple(self.name(network) for network in levels(peer))
