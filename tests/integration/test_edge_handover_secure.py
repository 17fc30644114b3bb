"""Who cannot be handed over: a TLS session stays, is asked to come again, and misses nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stentor.admission.events import ADVICE_SCHEME
from stentor.media.boxes import boxes, read_event
from support.edge import Client, Ear, edge_running, eventually
from support.handover import going_on, take_over
from support.tls import Greeting, Pair


class Advised(Ear):
    """A listener who notes what they are advised."""

    advice: list[dict[str, Any]]

    def _events(self, data: bytes) -> None:
        self.advice = getattr(self, "advice", [])
        while data:
            line, _, data = data.partition(b"\r\n")
            size = int(line, 16)
            for box in boxes(data[:size]):
                if box.kind == "emsg":
                    event = read_event(box.payload)
                    if event.scheme == ADVICE_SCHEME:
                        self.advice.append(json.loads(event.data))
            data = data[size + 2 :]


def test_secure_listeners_are_asked_to_come_to_the_successor_and_lose_no_part(
    tmp_path: Path,
) -> None:
    pair = Pair(tmp_path / "certificate")
    greeting = Greeting(pair, returns=True)
    with edge_running(tmp_path, **pair.settings, edge_drain_s=30) as running:
        running.approach = greeting
        eventually(running.folder.handover(0).exists)
        running.on_air(30)
        target = "/r/town-hall/live.mp4?rendition=aac48"
        ear = Advised(running.port, target, approach=greeting)
        ear.listen(lambda: ear.parts)
        greeting.session = greeting.last.session if greeting.last else None
        idle = Client(running.port, approach=Greeting(pair))
        assert idle.get("/healthz").response().status == 200
        old = running.edge
        with going_on(take_over(running, **pair.settings)) as edge:
            running.edge = edge
            assert edge.push.listeners == 0
            assert old.push.listeners == 1
            assert idle.closed()  # between two requests: a client comes again by itself
            running.programme.parts(3)
            ear.listen(lambda: ear.parts[-1] == 32 and ear.advice)
            (advice,) = ear.advice
            assert advice["reason"] == "deploy"
            assert advice["period_ms"] == 320
            assert advice["within_s"] >= 1
            # The player's part: a second connection from where this one stands, before it ends.
            moved = Advised(edge.port, f"{target}&from=33&period=320", approach=greeting)
            assert isinstance(moved.socket.session_reused, bool)
            assert moved.socket.session_reused, "the successor knows the old edge's tickets"
            running.programme.parts(2)
            ear.listen(lambda: ear.parts[-1] == 34)
            moved.listen(lambda: moved.parts == [33, 34])
            assert moved.media == ear.media[-2:]
            ear.close()
            eventually(lambda: old.push.listeners == 0 and not old.loop.table)
            moved.listen(lambda: moved.parts[-1] >= 34)
            moved.close()


def test_old_edge_lets_go_of_whoever_does_not_come_in_time(tmp_path: Path) -> None:
    pair = Pair(tmp_path / "certificate")
    with edge_running(tmp_path, **pair.settings, edge_drain_s=1) as running:
        running.approach = Greeting(pair)
        eventually(running.folder.handover(0).exists)
        running.on_air(10)
        ear = running.ear()
        with going_on(take_over(running, **pair.settings)):
            running.programme.parts(2)
            ear.listen(lambda: ear.parts[-1] == 11)
            assert ear.closed(5)
