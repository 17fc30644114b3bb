"""A spray of STUN, DTLS and RTP at the media ports of a real stage stops nobody."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec

from stentor.shield.facts import StageSecond
from stentor.watch.hearing import DATAGRAM_BYTES_MAX, open_watch_socket
from support.bad_network import strength, tone
from support.spray import Spray, fates, media_port
from support.stage import FeedEars, Talker, stage_running, until

ADA, BEN = 440.0, 700.0
ENOUGH = 8_000


def waiting(watch: socket.socket) -> Iterator[bytes]:
    with contextlib.suppress(BlockingIOError):
        while True:
            yield watch.recv(DATAGRAM_BYTES_MAX)


async def test_a_spray_stops_no_speaker_and_a_new_one_joins_during_it(tmp_path: Path) -> None:
    with (
        stage_running(tmp_path, "ada", "ben", media_addresses="127.0.0.1") as stage,
        open_watch_socket(stage.folder.watch_socket) as watch,
    ):
        async with FeedEars(stage) as audience, Talker(stage, "ada", tone(ADA, 4)) as ada:
            await until(lambda: strength(audience.sound(1), ADA) > 0.1, 30, "Ada is heard")
            port = media_port(ada)
            assert port >= 61_000
            with Spray(port) as spray:
                await until(lambda: spray.sent > ENOUGH, 60, "a spray")
                frames = len(audience.frames)
                async with Talker(stage, "ben", tone(BEN, 4)) as ben:
                    spray.ports.append(media_port(ben))
                    await until(lambda: strength(audience.sound(1), BEN) > 0.1, 30, "Ben is heard")
                    await until(lambda: strength(ben.sound(1), ADA) > 0.1, 30, "Ben hears Ada")
                    sent = spray.sent
                    await until(lambda: spray.sent > sent + ENOUGH, 60, "a spray at both")
                    await until(lambda: strength(audience.sound(1), ADA) > 0.1, 30, "Ada goes on")
                    assert ada.connection.connectionState == "connected"
                    assert ben.connection.connectionState == "connected"
                    assert len(audience.frames) > frames
                    counted = await fates(stage)
            assert counted["sifted"] > ENOUGH / 4  # by the kernel: none of it woke the stage
            assert counted["foreign"] < ENOUGH / 100
            told = [msgspec.msgpack.decode(one, type=StageSecond) for one in waiting(watch)]
            assert sum(one.strays for one in told) > ENOUGH / 5, "a second may not be told yet"
            assert max(one.speakers for one in told) == 2
