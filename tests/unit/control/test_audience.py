"""Audience facts: the newest of each edge, as long as they are fresh."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.control.audience import EDGES_MAX, STALE_S, Audience, receive_audience
from stentor.rooms.audience import EdgeFacts, RoomAudience, pages_of


def datagram(edge: str, listeners: int) -> bytes:
    return msgspec.json.encode(EdgeFacts(edge, 0, {"r": RoomAudience(listeners=listeners)}))


def test_newest_facts_count_until_stale() -> None:
    audience = Audience()
    audience.take(datagram("a", 3), 0.0)
    audience.take(datagram("b", 4), 2.0)
    audience.take(datagram("a", 5), 1.0)
    assert audience.of_room("r", 2.0) == (RoomAudience(listeners=9), 2)
    assert audience.of_room("other", 2.0) == (RoomAudience(), 2)
    assert audience.of_room("r", 1.0 + STALE_S) == (RoomAudience(listeners=4), 1)
    assert audience.of_room("r", 10.0) == (RoomAudience(), 0)


def test_edges_are_bounded_and_the_stale_make_room() -> None:
    audience = Audience()
    for number in range(EDGES_MAX + 5):
        audience.take(datagram(str(number), 1), 0.0)
    assert audience.of_room("r", 0.0)[1] == EDGES_MAX
    audience.take(datagram("new", 1), STALE_S)
    assert audience.of_room("r", STALE_S)[1] == 1


@given(st.binary(max_size=200))
def test_no_datagram_raises(data: bytes) -> None:
    Audience().take(data, 0.0)


@pytest.mark.parametrize("data", [b'{"edge": "a"}', b'{"edge": 1, "at_ms": 2}', b"null"])
def test_facts_that_are_none_are_dropped(data: bytes) -> None:
    audience = Audience()
    audience.take(data, 0.0)
    assert audience.fresh(0.0) == []


def test_socket_that_cannot_be_opened_is_opened_when_it_can_be(tmp_path: Path) -> None:
    audience, place = Audience(), tmp_path / "run"
    place.write_text("not a folder")

    async def tell() -> None:
        receiving = asyncio.create_task(receive_audience(place / "audience.sock", audience))
        await asyncio.sleep(0)
        assert not receiving.done()
        place.unlink()
        facts = msgspec.json.encode(EdgeFacts("edge-0", 0))
        async with asyncio.timeout(10):
            while not audience.fresh(asyncio.get_running_loop().time()):
                with (
                    contextlib.suppress(OSError),
                    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as edge,
                ):
                    edge.sendto(facts, str(place / "audience.sock"))
                await asyncio.sleep(0.02)
        receiving.cancel()

    asyncio.run(tell())


def test_more_rooms_than_a_datagram_holds_are_told_in_pages_and_put_together() -> None:
    rooms = {f"room-{n}": RoomAudience(listeners=n) for n in range(1, 1_901)}
    pages = pages_of(EdgeFacts("edge-0", 5, rooms))
    sent = [msgspec.json.encode(page) for page in pages]
    assert max(map(len, sent)) < 60_000
    audience = Audience()
    audience.take(
        msgspec.json.encode(EdgeFacts("edge-0", 4, {"room-7": RoomAudience(listeners=1)})), 0
    )
    for number, datagram in enumerate(reversed(sent), 1):
        audience.take(datagram, 1.0)
        whole = number == len(sent)
        assert audience.of_room("room-7", 1.0) == (RoomAudience(listeners=7 if whole else 1), 1)
    assert audience.fresh(1.0) == [EdgeFacts("edge-0", 5, rooms)]


def test_pages_of_different_seconds_are_not_mixed_and_a_lost_one_is_missed() -> None:
    first, second = (
        pages_of(
            EdgeFacts("edge-0", at_ms, {f"r{n}": RoomAudience(listeners=at_ms) for n in range(401)})
        )
        for at_ms in (1, 2)
    )
    audience = Audience()
    for page in (first[0], first[1], second[2], second[0]):
        audience.take(msgspec.json.encode(page), 0.0)
    assert audience.of_room("r0", 0.0) == (RoomAudience(), 1)
    audience.take(msgspec.json.encode(second[1]), 0.5)
    assert audience.of_room("r400", 0.5)[0].listeners == 2
    for wrong in (EdgeFacts("edge-1", 1, page=3, pages=2), EdgeFacts("edge-1", 1, pages=10**9)):
        audience.take(msgspec.json.encode(wrong), 0.5)
    assert audience.of_room("r0", 0.5)[0].listeners == 2
