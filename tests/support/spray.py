"""A spray at media ports as attackers send it, bounded, over loopback; what the stage counts.

with Spray(port) as spray: …
"""

from __future__ import annotations

import re
import socket
import threading

import httpx
from aioice import stun
from prometheus_client.parser import text_string_to_metric_families

from support.stage import StageRunning, Talker

SOURCES = 100
BATCH, BATCH_S = 400, 0.02  # some 20,000 datagrams a second at most


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
