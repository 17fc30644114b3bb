"""The largest second that an edge can tell is one datagram of a socket as it comes."""

from __future__ import annotations

import socket

import msgspec

from stentor.admission.tickets import Kind
from stentor.shield.facts import HEAVY_MAX, ROOMS_MAX, EdgeSecond, RoomSecond
from stentor.shield.keys import EventKey
from stentor.shield.policy import Why
from stentor.shield.summary import PEERS_MAX, WRONGS, Summary
from stentor.watch.hearing import DATAGRAM_BYTES_MAX


def largest() -> bytes:
    """Return a second in which everything that is bounded was reached."""
    summary = Summary(EventKey(bytes(32)), "edge-1023-leaving")
    for n in range(PEERS_MAX):
        peer = b"\x20\x01" + n.to_bytes(4) + bytes(10)
        summary.came(peer, 1_000)
        summary.asked(peer, Kind.REMINDER)
        summary.admitted(peer)
        summary.visited(peer)
        summary.stayed(peer)
        summary.wrong(peer, Why.PROBING, 1_000)
    for bucket in range(300):
        seconds = 0.001 * 1.05**bucket
        for note in (summary.first_audio, summary.queued, summary.turn_lag):
            note(seconds, 100_000)
    big = 1 << 40
    room = RoomSecond(big, big, big, "scheduled", big, big, big, big, big, big, recording=False)
    for why in WRONGS:
        summary.refused(why.value)
    return msgspec.msgpack.encode(
        summary.second(
            big,
            counts={f"a count with a long name {n}": big for n in range(100)},
            rooms={f"{'r' * 60}{n}": room for n in range(2 * ROOMS_MAX)},
            kernel={f"a counter of the kernel {n}": big for n in range(30)},
        )
    )


def test_largest_second_of_an_edge_is_heard_whole() -> None:
    told = largest()
    second = msgspec.msgpack.decode(told, type=EdgeSecond)
    assert (len(second.heavy), len(second.rooms)) == (HEAVY_MAX, ROOMS_MAX)
    assert len(told) > 50_000
    sender, receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with sender, receiver:
        sender.setblocking(False)
        sender.send(told)
        assert receiver.recv(DATAGRAM_BYTES_MAX) == told
