"""The local feed on real sockets: nobody slows the publisher, and whoever comes late catches up."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from stentor.feed.local import LocalPublisher, LocalSubscription, follow
from stentor.feed.window import Window
from stentor.feed.wire import Kind, Message, encode_message


def part(number: int, payload: bytes = b"p") -> Message:
    return Message(Kind.PART, "r", "aac48", number, number * 15_360, payload)


async def until(condition: Callable[[], object], timeout_s: float = 10) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.fixture
async def publisher(tmp_path: Path) -> AsyncIterator[LocalPublisher]:
    one = LocalPublisher(tmp_path / "feed.sock", Window(5), queue_bytes_max=200_000)
    await one.open()
    yield one
    one.close()


async def received(subscription: LocalSubscription, count: int) -> list[Message]:
    messages: list[Message] = []

    def enough() -> bool:
        messages.extend(subscription.receive() or [])
        return len(messages) >= count

    await until(enough)
    return messages


async def test_late_subscriber_gets_the_window_and_then_what_comes(
    publisher: LocalPublisher, tmp_path: Path
) -> None:
    for number in range(9):
        publisher.publish(part(number))
    subscription = LocalSubscription(tmp_path / "feed.sock")
    assert subscription.open()
    first = await received(subscription, 5)
    publisher.publish(part(9))
    assert [m.sequence for m in first + await received(subscription, 1)] == [4, 5, 6, 7, 8, 9]
    subscription.close()


async def test_subscriber_who_does_not_read_is_cut_off_and_others_miss_nothing(
    publisher: LocalPublisher, tmp_path: Path
) -> None:
    idle = socket.socket(socket.AF_UNIX)
    idle.connect(str(tmp_path / "feed.sock"))
    subscription = LocalSubscription(tmp_path / "feed.sock")
    assert subscription.open()
    await until(lambda: publisher.subscribers == 2)
    sequences: list[int] = []
    for number in range(200):
        publisher.publish(part(number, bytes(5_000)))
        await asyncio.sleep(0)
        sequences += [message.sequence for message in subscription.receive() or []]
    await until(
        lambda: (
            sequences.extend(m.sequence for m in subscription.receive() or [])
            or len(sequences) == 200
        )
    )
    assert sequences == list(range(200))
    assert publisher.cut_off_total == 1
    assert publisher.subscribers == 1
    idle.close()
    subscription.close()


async def test_what_is_published_in_one_turn_comes_in_order_and_once(tmp_path: Path) -> None:
    publisher = LocalPublisher(tmp_path / "feed.sock", Window(40))
    await publisher.open()
    early, late = (LocalSubscription(tmp_path / "feed.sock") for _ in range(2))
    assert early.open()
    await until(lambda: publisher.subscribers == 1)
    for number in range(10):
        publisher.publish(part(number, bytes(30_000)))
    assert late.open()  # is welcomed when this turn is over, or before that
    for number in range(10, 20):
        publisher.publish(part(number, bytes(30_000)))
    for subscription in (early, late):
        assert [m.sequence for m in await received(subscription, 20)] == list(range(20))
    publisher.publish(part(20))
    for subscription in (early, late):
        assert [m.sequence for m in await received(subscription, 1)] == [20]
        subscription.close()
    publisher.close()


async def test_what_was_published_last_is_sent_before_the_end(tmp_path: Path) -> None:
    publisher = LocalPublisher(tmp_path / "feed.sock", Window(5))
    await publisher.open()
    subscription = LocalSubscription(tmp_path / "feed.sock")
    assert subscription.open()
    await until(lambda: publisher.subscribers == 1)
    publisher.publish(part(1))
    publisher.close()
    assert [m.sequence for m in await received(subscription, 1)] == [1]


async def test_window_larger_than_a_queue_reaches_whoever_comes(
    publisher: LocalPublisher, tmp_path: Path
) -> None:
    for room in range(20):  # as many rooms as there may be: 5 parts of each
        for number in range(5):
            publisher.publish(Message(Kind.PART, f"r{room}", "aac48", number, 0, bytes(5_000)))
    subscription = LocalSubscription(tmp_path / "feed.sock")
    assert subscription.open()
    assert len(await received(subscription, 100)) == 100
    publisher.publish(part(0))
    assert len(await received(subscription, 1)) == 1
    assert publisher.cut_off_total == 0
    subscription.close()


async def test_subscriber_finds_a_restarted_publisher_and_its_window(tmp_path: Path) -> None:
    path = tmp_path / "feed.sock"
    heard: list[Message | None] = []
    lost: list[bool] = []

    async def listen() -> None:
        async for message in follow(path, lambda: lost.append(True)):
            heard.append(message)  # noqa: PERF401

    listening = asyncio.create_task(listen())
    for life in range(3):
        publisher = LocalPublisher(path, Window(2))
        publisher.window.keep(part(100 * life))
        await publisher.open()
        await until(lambda life=life: part(100 * life) in heard)
        publisher.publish(part(100 * life + 1))
        await until(lambda life=life: part(100 * life + 1) in heard)
        publisher.close()
        await until(lambda life=life: len(lost) == life + 1)
    listening.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await listening
    assert heard == [None, part(0), part(1), None, part(100), part(101), None, part(200), part(201)]


async def test_subscription_ends_on_garbage_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "feed.sock"

    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(encode_message(part(1)) + b"\xff" * 64)
        with contextlib.suppress(ConnectionError):
            await writer.drain()

    server = await asyncio.start_unix_server(babble, path)
    subscription = LocalSubscription(path)
    assert subscription.open()
    await until(lambda: subscription.receive() is None)
    assert subscription.fileno() == -1
    server.close()


async def test_nothing_listens_is_said_and_not_raised(tmp_path: Path) -> None:
    subscription = LocalSubscription(tmp_path / "nobody.sock")
    assert not subscription.open()
    assert subscription.receive() is None


async def test_socket_is_for_its_owner_only(publisher: LocalPublisher, tmp_path: Path) -> None:
    assert (tmp_path / "feed.sock").stat().st_mode & 0o777 == 0o600


async def test_what_a_subscriber_writes_is_ignored(
    publisher: LocalPublisher, tmp_path: Path
) -> None:
    reader, writer = await asyncio.open_unix_connection(tmp_path / "feed.sock")
    writer.write(b"\0" * 100_000)
    await writer.drain()
    publisher.publish(part(1))
    frame = encode_message(part(1))
    assert await asyncio.wait_for(reader.readexactly(len(frame)), 5) == frame
    writer.close()
