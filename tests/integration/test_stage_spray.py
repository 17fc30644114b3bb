"""A spray of STUN, DTLS and RTP at the media ports of a real stage stops nobody."""

from __future__ import annotations

import re
import socket
import threading
from pathlib import Path

import httpx
from aioice import stun
from prometheus_client.parser import text_string_to_metric_families

from support.bad_network import strength, tone
from support.stage import FeedEars, StageRunning, Talker, stage_running, until

ADA, BEN = 440.0, 700.0
SOURCES = 100
BATCH, BATCH_S = 400, 0.02  # some 20,000 datagrams a second at most
ENOUGH = 8_000


class Spray:
    """Sends what attackers send, from many addresses of loopback, as long as it is entered."""

    def __init__(self, *ports: int) -> None:
        self.ports = list(ports)
        self.sent = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        check = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        check.attributes["USERNAME"] = "guess:them"
        check.add_message_integrity(b"x" * 22)
        self._datagrams = (bytes(check), b"\x16\xfe\xfd" + bytes(200), b"\x80\x6f" + bytes(100))

    def __enter__(self) -> Spray:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)

    def _run(self) -> None:
        sockets = []
        for number in range(SOURCES):
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.bind((f"127.0.9.{number + 1}", 0))
            sockets.append(sock)
        while not self._stop.wait(BATCH_S):
            for number in range(self.sent, self.sent + BATCH):
                port = self.ports[number % len(self.ports)]
                data = self._datagrams[number % len(self._datagrams)]
                sockets[number % SOURCES].sendto(data, ("127.0.0.1", port))
            self.sent += BATCH
        for sock in sockets:
            sock.close()


def media_port(talker: Talker) -> int:
    found = re.search(r"a=candidate:\S+ 1 udp \d+ 127\.0\.0\.1 (\d+) typ host", talker.answer)
    assert found, talker.answer
    return int(found[1])


async def fates(stage: StageRunning) -> dict[str, float]:
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"{stage.base}/metrics")).text
    return {
        sample.labels["fate"]: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "stentor_stage_packets_total"
    }


async def test_a_spray_stops_no_speaker_and_a_new_one_joins_during_it(tmp_path: Path) -> None:
    with stage_running(tmp_path, "ada", "ben", media_addresses="127.0.0.1") as stage:
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
