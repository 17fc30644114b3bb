"""The ledger's form: lines that name the line before, are signed one by one, and grow a tree.

Whoever has the public key can tell any line that was changed; whoever also kept a head can tell a
tail that was cut. Decides the bytes; never opens a file, and keeps no secret but the one given.

    {"n":7,"prev":"<hash of 6>","second":{…},"hash":"<64 hex>","sig":"<128 hex>"}

`hash` is the leaf hash of RFC 9162 (section 2.1.1) over the line up to `,"hash"`, closed with `}`;
`sig` is Ed25519 (RFC 8032) over it. A `head` record has the root of all records before it.
"""

import hashlib
from dataclasses import dataclass, field

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from stentor.evidence.records import Closing, Opening, Second

FORMAT = 1
NOTHING = "0" * 64  # what the first record of the first file has before it
RECORD_BYTES_MAX = 32 << 20  # 256 edges under a flood tell 25 MB in a second
HEAD_EVERY = 60  # records
_HASH_AT = len(b',"hash":"')
_SIGNATURE_AT = len(b'","sig":"')
_TAIL_BYTES = _HASH_AT + 64 + _SIGNATURE_AT + 128 + len(b'"}')
_RECORD = b"stentor ledger record 1\0"
_HEAD = b"stentor ledger head 1\0"


class Head(msgspec.Struct, frozen=True):
    """A signed tree head: what the first `size` records of one file were, for good."""

    ledger: str  # the hash of that file's opening
    size: int
    root: str
    at_ms: int
    key: str
    sig: str


Payload = Opening | Second | Head | Closing


class Body(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line without its hash and signature: one of the four, and its place."""

    n: int
    prev: str
    opening: Opening | None = None
    second: Second | None = None
    head: Head | None = None
    closing: Closing | None = None

    @property
    def payload(self) -> Payload | None:
        """The one thing that the record says; None if it says none or several."""
        found = [one for one in (self.opening, self.second, self.head, self.closing) if one]
        return found[0] if len(found) == 1 else None


@dataclass(frozen=True, slots=True)
class Line:
    """A line taken apart; nothing is verified yet."""

    body: bytes
    hash: str
    sig: str


def leaf_hash(body: bytes) -> bytes:
    """Return the hash of a record (RFC 9162: a leaf begins with 0x00)."""
    return hashlib.sha256(b"\0" + body).digest()


def _node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


@dataclass(slots=True)
class Tree:
    """The Merkle tree of RFC 9162 over hashes that come one by one; keeps one hash a level."""

    size: int = 0
    _full: list[bytes] = field(default_factory=list)  # roots of full subtrees, largest first

    def add(self, leaf: bytes) -> None:
        """Append a leaf's hash."""
        size, node = self.size, leaf
        while size & 1:
            node = _node_hash(self._full.pop(), node)
            size >>= 1
        self._full.append(node)
        self.size += 1

    def copy(self) -> "Tree":
        """Return one that grows by itself."""
        return Tree(self.size, list(self._full))

    def root(self) -> bytes:
        """Return the root over all leaves so far; of none it is the hash of nothing."""
        if not self._full:
            return hashlib.sha256().digest()
        *rest, node = self._full
        for left in reversed(rest):
            node = _node_hash(left, node)
        return node


def _head_message(ledger: str, size: int, root: str, at_ms: int) -> bytes:
    numbers = size.to_bytes(8) + at_ms.to_bytes(8)
    return _HEAD + bytes.fromhex(ledger) + numbers + bytes.fromhex(root)


def head_holds(head: Head) -> bool:
    """Say whether a head was signed by the key that it names."""
    try:
        message = _head_message(head.ledger, head.size, head.root, head.at_ms)
    except (ValueError, OverflowError):
        return False
    return signed_by(head.key, head.sig, message)


def record_holds(digest: bytes, sig: str, key: str) -> bool:
    """Say whether a record with this hash was signed by the key (hexadecimal)."""
    return signed_by(key, sig, _RECORD + digest)


def signed_by(key: str, sig: str, message: bytes) -> bool:
    """Say whether `sig` is the key's signature; both are lower-case hexadecimal or refused."""
    try:
        key_bytes, sig_bytes = bytes.fromhex(key), bytes.fromhex(sig)
        if key_bytes.hex() != key or sig_bytes.hex() != sig:
            return False
        Ed25519PublicKey.from_public_bytes(key_bytes).verify(sig_bytes, message)
    except (ValueError, InvalidSignature):
        return False
    return True


def take_apart(line: bytes) -> Line | None:
    """Return a line's parts, or None if it is not of this form. `line` has no newline."""
    body, tail = line[:-_TAIL_BYTES], line[-_TAIL_BYTES:]
    hash_end = _HASH_AT + 64
    sig_end = hash_end + _SIGNATURE_AT + 128
    if not body or tail[:_HASH_AT] != b',"hash":"' or tail[sig_end:] != b'"}':
        return None
    if tail[hash_end : hash_end + _SIGNATURE_AT] != b'","sig":"':
        return None
    try:
        digest = tail[_HASH_AT:hash_end].decode("ascii")
        sig = tail[sig_end - 128 : sig_end].decode("ascii")
    except UnicodeDecodeError:
        return None
    return Line(body + b"}", digest, sig)


def read_body(body: bytes) -> Body | None:
    """Return what a record says, or None if it cannot be read."""
    try:
        return msgspec.json.decode(body, type=Body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


class Chain:
    """Makes the lines of one file, one after the other; `commit` once a line is on disk."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public_key = public_hex(key)
        self.tree = Tree()
        self.last = NOTHING
        self.ledger = ""
        self._next: bytes | None = None

    def line(self, payload: Payload) -> bytes:
        """Return the next record as a line with its newline; nothing is changed by asking."""
        said = Body(
            self.tree.size,
            self.last,
            opening=payload if isinstance(payload, Opening) else None,
            second=payload if isinstance(payload, Second) else None,
            head=payload if isinstance(payload, Head) else None,
            closing=payload if isinstance(payload, Closing) else None,
        )
        body = msgspec.json.encode(said, order="deterministic")
        digest = leaf_hash(body)
        sig = self._key.sign(_RECORD + digest).hex().encode()
        self._next = digest
        return body[:-1] + b',"hash":"' + digest.hex().encode() + b'","sig":"' + sig + b'"}\n'

    def commit(self) -> None:
        """Go on from the line that was asked for last."""
        assert self._next is not None, "no line was asked for"
        self.tree.add(self._next)
        self.last = self._next.hex()
        self.ledger = self.ledger or self.last
        self._next = None

    def copy(self) -> "Chain":
        """Return one that goes on by itself: to see the lines that would come next."""
        other = Chain(self._key)
        other.tree, other.last, other.ledger = self.tree.copy(), self.last, self.ledger
        return other

    def head(self, at_ms: int) -> Head:
        """Return the signed head of all records so far; there is one at least."""
        root = self.tree.root().hex()
        message = _head_message(self.ledger, self.tree.size, root, at_ms)
        sig = self._key.sign(message).hex()
        return Head(self.ledger, self.tree.size, root, at_ms, self.public_key, sig)


def public_hex(key: Ed25519PrivateKey) -> str:
    """Return the public half, hexadecimal."""
    return key.public_key().public_bytes_raw().hex()
