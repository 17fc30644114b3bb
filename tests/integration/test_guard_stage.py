"""A stage behind a guard that lets only validated media through: speakers get in by themselves."""

from __future__ import annotations

import contextlib
import re
import socket
from pathlib import Path

import aioice.ice
import pytest

from stentor.shield.vocabulary import Counters
from stentor.stage.addresses import open_media_on
from support.bad_network import strength, tone
from support.guard import FOURS, guarding
from support.namespaces import NEAR
from support.programs import needs_program, needs_root
from support.stage import FeedEars, StageRunning, Talker, stage_running, until

pytestmark = [needs_root, needs_program("ip", "nft")]

ADA = 440.0


@pytest.mark.parametrize("how", ["nftables", pytest.param("xdp", marks=needs_program("clang"))])
async def test_a_speaker_is_heard_through_a_guard_that_stops_a_strangers_media(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    data = tmp_path / "data"
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda _v4, _v6: [])
    with contextlib.ExitStack() as stack:
        guarded = stack.enter_context(guarding(how, data, guard_media="validated"))
        link = guarded.link
        with link.near.entered():
            stage = stack.enter_context(
                stage_running(data, "ada", bind="0.0.0.0", media_addresses=NEAR)
            )
        monkeypatch.setattr(StageRunning, "base", f"http://{NEAR}:{stage.port}")
        stack.enter_context(link.far.entered())
        open_media_on([FOURS[0]])  # of the speaker's, whose sockets are this process's
        async with FeedEars(stage) as audience, Talker(stage, "ada", tone(ADA, 4)) as ada:
            await until(lambda: strength(audience.sound(1), ADA) > 0.1, 40, "Ada is heard")
            counters = guarded.say(Counters()).counters
            assert counters["validated"] >= 1
            dropped = counters["unvalidated"]
            found = re.search(rf" {re.escape(NEAR)} (\d+) typ host", ada.answer)
            assert found
            stranger = link.far.open(kind=socket.SOCK_DGRAM, source=FOURS[1])
            for _ in range(50):
                stranger.sendto(b"\x80" * 100, (NEAR, int(found[1])))
            stranger.close()
            await until(lambda: guarded.count("unvalidated") >= dropped + 50, 20, "drops")
            frames = len(audience.frames)
            await until(lambda: len(audience.frames) > frames + 25, 20, "Ada goes on")
