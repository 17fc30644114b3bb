"""Real peers on a real stage: who hears whom, who is cut off, who may come back."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import httpx
import msgspec
import pytest

from support.bad_network import bursty_loss, random_loss, silences_ms, strength, tone
from support.machine import Machine
from support.programs import ffmpeg_with_whip
from support.stage import FeedEars, StageRunning, Talker, orders_of, stage_running, until

ADA, BEN = 440.0, 700.0


async def test_each_hears_the_other_not_themselves_and_the_audience_hears_both(
    tmp_path: Path,
) -> None:
    with stage_running(tmp_path, "ada", "ben") as stage:
        async with (
            FeedEars(stage) as audience,
            Talker(stage, "ada", tone(ADA, 4)) as ada,
            Talker(stage, "ben", tone(BEN, 4)) as ben,
        ):
            await until(lambda: strength(ada.sound(1), BEN) > 0.1, 10, "Ada hears Ben")
            await until(lambda: strength(ben.sound(1), ADA) > 0.1, 10, "Ben hears Ada")
            await asyncio.sleep(1.2)  # one whole window of steady sound
            assert strength(ada.sound(1), ADA) < 0.01
            assert strength(ben.sound(1), BEN) < 0.01
            programme = audience.sound(1)
            assert strength(programme, ADA) > 0.1
            assert strength(programme, BEN) > 0.1
            indexes = [one.sample_index for one in audience.frames]
            assert all(index % 960 == 0 for index in indexes)
            assert indexes == sorted(set(indexes))
            present = audience.states[-1]["present"]
            assert [one["seat"] for one in present] == ["ada", "ben"]
            assert all(one["speaking"] for one in present)


async def test_ffmpeg_publishes_by_whip_and_a_talker_hears_it(tmp_path: Path) -> None:
    with stage_running(tmp_path, "ada", "studio") as stage:
        publisher = subprocess.Popen(
            [
                *(ffmpeg_with_whip(), "-loglevel", "error", "-re", "-f", "lavfi"),
                *("-i", "sine=frequency=700:sample_rate=48000:duration=20", "-c:a", "libopus"),
                *("-ac", "2", "-b:a", "64k", "-authorization", stage.token("studio")),
                *("-f", "whip", f"{stage.base}/whip/room"),
            ]
        )
        try:
            async with (
                FeedEars(stage) as audience,
                Talker(stage, "ada", tone(ADA, 4)) as ada,
            ):
                await until(lambda: strength(ada.sound(1), BEN) > 0.03, 15, "Ada hears ffmpeg")
                await until(lambda: strength(audience.sound(1), BEN) > 0.03, 5)
                assert strength(audience.sound(1), ADA) > 0.1
        finally:
            publisher.kill()
            publisher.wait()


@pytest.mark.parametrize(
    ("change", "closed"),
    [({"muted": True}, False), ({"removed": True}, True), ({"revoked": True}, True)],
)
async def test_whoever_is_muted_removed_or_banned_is_silent_within_half_a_second(
    tmp_path: Path, machine: Machine, change: dict[str, bool], closed: bool
) -> None:
    with stage_running(tmp_path, "ada", "ben") as stage:
        async with (
            FeedEars(stage) as audience,
            Talker(stage, "ada", tone(ADA, 4)) as ada,
            Talker(stage, "ben", tone(BEN, 4)) as ben,
        ):
            await until(lambda: strength(audience.sound(0.5), BEN) > 0.1, 10)
            await until(lambda: strength(ada.sound(0.5), BEN) > 0.1, 10)
            machine.watch_anew()
            stage.change_seat("room", "ben", **change)  # Ben keeps sending
            took = await until(lambda: strength(audience.sound(0.1), BEN) < 0.005, 3)
            took_back = took + await until(lambda: strength(ada.sound(0.1), BEN) < 0.005, 3)
            held_up_s = machine.held_up_s()
            assert took < 0.5 + held_up_s
            assert took_back < 0.5 + 0.1 + held_up_s  # Ada's own jitter buffer has 60 ms more
            assert strength(audience.sound(0.1), ADA) > 0.1
            if closed:
                await until(lambda: ben.connection.connectionState != "connected", 5)
                async with httpx.AsyncClient() as client:
                    again = await client.post(
                        f"{stage.base}/talk/room",
                        content=ben.connection.localDescription.sdp,
                        headers=stage.headers("ben"),
                    )
                assert again.status_code == 403
                return
            assert ben.sending
            stage.change_seat("room", "ben", muted=False)
            await until(lambda: strength(audience.sound(0.2), BEN) > 0.1, 3, "unmuted")


async def test_the_green_room_is_heard_by_speakers_and_by_nobody_else(
    tmp_path: Path, machine: Machine
) -> None:
    with stage_running(tmp_path, "ada", "ben", live=False) as stage:
        async with (
            FeedEars(stage) as audience,
            Talker(stage, "ada", tone(ADA, 4)) as ada,
            Talker(stage, "ben", tone(BEN, 4)) as ben,
        ):
            await until(lambda: strength(ada.sound(1), BEN) > 0.1, 10)
            await until(lambda: strength(ben.sound(1), ADA) > 0.1, 10)
            assert audience.messages == []
            machine.watch_anew()
            epoch_ms = stage.now_ms + 500
            stage.order(orders_of("ada", "ben", epoch_ms=epoch_ms))
            await until(lambda: len(audience.frames) > 20, 3, "on the air at the epoch")
            assert audience.frames[0].sample_index <= (3 + 50 * machine.held_up_s()) * 960
            assert [one["seat"] for one in audience.states[0]["present"]] == ["ada", "ben"]
            stage.order(orders_of("ada", "ben", epoch_ms=epoch_ms, end_ms=stage.now_ms + 300))
            await until(lambda: audience.states[-1]["present"] == [], 2, "off the air")
            count = len(audience.frames)
            await asyncio.sleep(0.3)
            assert len(audience.frames) == count
            await until(lambda: strength(ada.sound(0.2), BEN) > 0.1, 1)  # they may say goodbye


async def longest_silence_ms(
    audience: FeedEars, talker: Talker, seconds: float, machine: Machine
) -> float:
    """Return the longest silence in a stretch that the test's own machine did not disturb.

    Where it disturbs every stretch, what it held up is taken off.
    """
    for _ in range(5):
        machine.watch_anew()
        count = len(audience.frames)
        await until(lambda count=count: len(audience.frames) >= count + 50 * seconds, 3 * seconds)
        longest = max(silences_ms(audience.sound(seconds), 0.02), default=0)
        if longest <= 60:
            break
    return longest - 1000 * machine.held_up_s()


@pytest.mark.parametrize("loss", [random_loss(0.05), bursty_loss(0.02)], ids=["random", "bursty"])
async def test_loss_on_the_way_in_is_not_heard_as_silence(
    tmp_path: Path, machine: Machine, loss: object
) -> None:
    with stage_running(tmp_path, "ada") as stage:
        async with (
            FeedEars(stage) as audience,
            Talker(stage, "ada", tone(ADA, 4), lost=loss) as ada,  # type: ignore[arg-type]
        ):
            assert "useinbandfec=1" in ada.answer
            await until(lambda: len(audience.frames) >= 300, 15)
            assert await longest_silence_ms(audience, ada, 5, machine) <= 60


async def test_a_taken_seat_is_refused_resumed_and_free_again(tmp_path: Path) -> None:
    with stage_running(tmp_path, "ada", "ben") as stage:
        async with (
            FeedEars(stage) as audience,
            Talker(stage, "ben", tone(BEN, 4)) as ben,
            Talker(stage, "ada", tone(ADA, 4)) as ada,
        ):
            await until(lambda: strength(audience.sound(0.5), ADA) > 0.1, 10)
            with pytest.raises(httpx.HTTPStatusError, match="409"):
                async with Talker(stage, "ada", tone(ADA, 4)):
                    pass
            frames = len(audience.frames)
            await until(
                lambda: (
                    len(audience.frames) > frames + 25 and strength(audience.sound(0.5), ADA) > 0.1
                ),
                20,
                "Ada goes on",
            )
            async with Talker(stage, "ada", tone(1_100, 4), resume=ada.session) as resumed:
                await until(lambda: strength(audience.sound(0.3), 1_100) > 0.1, 20, "resumed")
                await until(lambda: strength(audience.sound(0.3), ADA) < 0.005, 20)
                await until(lambda: ada.connection.connectionState == "closed", 20)
                resumed.sending = False  # the network is gone, without a word
                await until(lambda: _away(audience, "ada"), 20, "Ada is away")
            async with Talker(stage, "ada", tone(ADA, 4)):  # within the grace time, no Resume
                await until(lambda: not _away(audience, "ada"), 20, "Ada is back")
                await until(lambda: strength(audience.sound(0.3), ADA) > 0.1, 20)
            assert ben.connection.connectionState == "connected"


def _away(audience: FeedEars, seat: str) -> bool:
    return any(one["seat"] == seat and one["away"] for one in audience.states[-1]["present"])


async def test_who_does_not_come_back_in_time_loses_the_seat(tmp_path: Path) -> None:
    with stage_running(tmp_path, "ada", grace_s=3) as stage:
        async with FeedEars(stage) as audience:
            async with Talker(stage, "ada", tone(ADA, 4)) as ada:
                await until(lambda: len(audience.frames) > 10, 10)
                ada.sending = False
                await until(lambda: _away(audience, "ada"), 4)
                await until(lambda: audience.states[-1]["present"] == [], 4)
                await until(lambda: ada.connection.connectionState == "closed", 5)
            assert _sessions(stage) == 0


async def test_delete_ends_a_session_at_once_and_twice_does_no_harm(tmp_path: Path) -> None:
    with stage_running(tmp_path, "ada") as stage:
        async with (
            FeedEars(stage) as audience,
            Talker(stage, "ada", tone(ADA, 4)) as ada,
            httpx.AsyncClient(base_url=stage.base) as client,
        ):
            await until(lambda: len(audience.frames) > 10, 10)
            for _ in range(2):
                assert (await client.delete(ada.location)).status_code == 200
            await until(lambda: audience.states[-1]["present"] == [], 1)
            assert (await client.patch(ada.location)).status_code == 405
            assert (await client.get(f"{ada.location}/events")).status_code == 404
            async with Talker(stage, "ada", tone(ADA, 4)):  # the seat is free
                pass


async def test_events_tell_a_speaker_how_things_stand(tmp_path: Path, machine: Machine) -> None:
    with stage_running(tmp_path, "ada", "ben") as stage:
        async with (
            Talker(stage, "ada", tone(ADA, 4)) as ada,
            Talker(stage, "ben", tone(BEN, 4)),
            httpx.AsyncClient(base_url=stage.base) as client,
            client.stream("GET", f"{ada.location}/events") as events,
        ):
            assert events.headers["content-type"].startswith("text/event-stream")
            seen = []
            async with asyncio.timeout(10):
                async for line in events.aiter_lines():
                    if not line.startswith("data: "):
                        continue
                    seen.append(msgspec.json.decode(line[6:]))
                    if len(seen) == 15:
                        stage.change_seat("room", "ada", muted=True)
                    if seen[-1]["you"]["muted"]:
                        break
            event = seen[14]
            assert event["phase"] == "live"
            assert event["on_air"] is True
            assert event["you"]["seat"] == "ada"
            assert {one["seat"] for one in event["present"]} == {"ada", "ben"}
            assert all(one["level_db"] > -20 for one in event["present"])
            took_s = (event["now_ms"] - seen[4]["now_ms"]) / 1000  # ten times a tenth
            assert 0.6 < took_s < 1.4 + machine.held_up_s()


async def test_a_clock_that_is_set_puts_nobody_off_the_stage(tmp_path: Path) -> None:
    with stage_running(tmp_path, "ada", "ben", live=False) as stage:
        async with (
            FeedEars(stage) as audience,
            Talker(stage, "ada", tone(ADA, 4)) as ada,
            Talker(stage, "ben", tone(BEN, 4)),
        ):
            await until(lambda: strength(ada.sound(0.5), BEN) > 0.1, 10)
            for jump_s in (-3_600, 7_000, -1_800):
                stage.clock.offset_ns += jump_s * 1_000_000_000
                await asyncio.sleep(1)
                assert strength(ada.sound(0.3), BEN) > 0.1
            assert _sessions(stage) == 2
            assert all(one.sample_index >= 0 for one in audience.frames)


async def test_a_flood_of_packets_is_cut_off_and_delays_nobody(
    tmp_path: Path, machine: Machine
) -> None:
    with stage_running(tmp_path, "ada", "ben") as stage:
        async with (
            FeedEars(stage) as audience,
            Talker(stage, "ada", tone(ADA, 4)) as ada,
            Talker(stage, "ben", tone(BEN, 4)) as ben,
        ):
            await until(lambda: strength(audience.sound(0.5), BEN) > 0.1, 10)
            machine.watch_anew()
            count = len(audience.frames)
            ben.flood(3_000)
            await until(lambda: ben.connection.connectionState == "closed", 5, "cut off")
            await until(lambda: len(audience.frames) > count + 100, 5)
            longest = max(silences_ms(audience.sound(2), 0.02), default=0)
            assert longest <= 60 + 1000 * machine.held_up_s() or not ada.sent_evenly(2)
            assert await longest_silence_ms(audience, ada, 2, machine) <= 60
            assert _sessions(stage) == 1


def _sessions(stage: StageRunning) -> int:
    return int(httpx.get(f"{stage.base}/healthz").json()["sessions"])
