"""Two people speak from their browsers and a third listens: who hears whom, and who no more."""

from __future__ import annotations

import time
from pathlib import Path

from support.browser import Chromiums
from support.ears import ABSENT_DB, hears, hears_not, open_room, status, tone_db, until
from support.machine import Machine
from support.programs import needs_program
from support.server import Server
from support.talkers import OTHERS, talk

A, B = 440.0, 1_250.0

_LIT = """
[...document.querySelectorAll('#stage li[data-speaking=yes] .name')]
    .map((name) => name.textContent).sort().join() === "Ada,Ben"
"""


@needs_program("chromium")
async def test_listener_hears_both_speakers_and_each_speaker_only_the_other(
    server: Server, browsers: Chromiums, tones: tuple[Path, Path], machine: Machine
) -> None:
    room = server.create_room(
        "The harbour", in_s=600, host_name="Ada", speaker_names=["Ben"], speakers=1
    )
    seat = f"/api/rooms/{room.id}/seats/{room.links('speaker')[0]['id']}"
    async with (
        browsers.lent(tones[0]) as one,
        browsers.lent(tones[1]) as two,
        browsers.lent() as three,
    ):
        ada, ben, listener = await one.new_page(), await two.new_page(), await three.new_page()
        await open_room(listener, room.url())
        await talk(ada, room, "host")
        await talk(ben, room, "speaker")

        # The green room: they hear each other, the audience nothing.
        await hears(ada, B, selector=OTHERS)
        await hears(ben, A, selector=OTHERS)
        assert await tone_db(ada, A, OTHERS) < ABSENT_DB
        assert await tone_db(ben, B, OTHERS) < ABSENT_DB
        assert await status(listener) == "waiting"
        assert await tone_db(listener, A) < ABSENT_DB

        # Live: who waited hears both, and sees both names lit.
        room.act("start")
        await hears(listener, A)
        await hears(listener, B)
        assert await tone_db(ada, A, OTHERS) < ABSENT_DB
        assert await tone_db(ben, B, OTHERS) < ABSENT_DB
        await until(listener, _LIT)

        # Muted by the server: off the stage within half a second (and what the test itself takes).
        server.api("POST", f"{seat}/mute")
        machine.watch_anew()
        began = time.monotonic()
        await hears_not(ada, B, selector=OTHERS, timeout_s=2, for_s=0.1)
        assert time.monotonic() - began < 0.9 + machine.held_up_s()
        await hears_not(listener, B)
        await hears(listener, A)
        server.api("POST", f"{seat}/unmute")
        await hears(listener, B)

        # Removed: the browser goes on sending, and nobody hears it.
        server.api("POST", f"{seat}/remove")
        await hears_not(listener, B)
        await hears(listener, A)

        # The end, and the whole of it again on the same page.
        room.act("end")
        await until(listener, "stentor.player.status === 'finished'", 15)
        await listener.click("#listen")
        await hears(listener, B)
