"""The chain's tree is that of RFC 9162, and its lines are what any other program would compute."""

from __future__ import annotations

import hashlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from stentor.evidence.chain import NOTHING, Tree, head_holds, leaf_hash, take_apart
from stentor.evidence.records import Second
from support.ledger import Writer


def root_as_the_rfc_says(leaves: list[bytes]) -> bytes:
    """RFC 9162, section 2.1.1, word by word."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    left, right = root_as_the_rfc_says(leaves[:k]), root_as_the_rfc_says(leaves[k:])
    return hashlib.sha256(b"\1" + left + right).digest()


def test_the_tree_that_grows_has_the_root_of_the_definition() -> None:
    tree, leaves = Tree(), list[bytes]()
    for n in range(130):
        assert tree.root() == root_as_the_rfc_says(leaves)
        leaves.append(leaf_hash(str(n).encode()))
        tree.add(leaves[-1])


def test_line_can_be_verified_with_nothing_but_json_sha256_and_ed25519() -> None:
    writer = Writer()
    writer.open()
    writer.second()
    line = writer.lines[1].decode()
    said = json.loads(line)
    body = line[: line.index(',"hash":"')] + "}"
    digest = hashlib.sha256(b"\0" + body.encode()).digest()
    assert said["hash"] == digest.hex()
    assert said["prev"] == json.loads(writer.lines[0])["hash"]
    assert (said["n"], json.loads(writer.lines[0])["prev"]) == (1, NOTHING)
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(writer.chain.public_key))
    key.verify(bytes.fromhex(said["sig"]), b"stentor ledger record 1\0" + digest)


def test_what_could_not_be_written_leaves_no_trace_in_the_chain() -> None:
    writer, other = Writer(), Writer()
    for one in (writer, other):
        one.open()
    writer.chain.line(Second(5))  # the disk was full
    writer.second(7)
    other.second(7)
    assert writer.lines == other.lines


def test_head_holds_for_what_it_was_signed_for_and_nothing_else() -> None:
    import msgspec

    writer = Writer()
    writer.open()
    head = writer.chain.head(1_000)
    assert head_holds(head)
    for change in ({"size": 2}, {"at_ms": 1_001}, {"root": "0" * 64}, {"ledger": "1" * 64}):
        assert not head_holds(msgspec.structs.replace(head, **change))


@pytest.mark.parametrize("line", [b"", b"{}", b"x" * 300, b'{"n":0}' + b"\xff" * 250])
def test_what_is_no_line_is_said_to_be_none(line: bytes) -> None:
    assert take_apart(line) is None
