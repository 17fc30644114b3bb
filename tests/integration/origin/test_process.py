"""A real origin: on time, recorded whole, and killed while it is at it."""

from __future__ import annotations

import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from stentor.codecs.decode import PartDecoder
from stentor.feed.wire import Kind
from stentor.media.grid import PART_SAMPLES
from stentor.media.renditions import RENDITIONS
from stentor.rooms.orders import Orders, Phase
from support.machine import Machine
from support.programs import needs_program, program
from support.real_origin import RealOrigin, origin_process, stage_feed
from support.virtual_origin import silences

AAC = "aac48"


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[RealOrigin]:
    with origin_process(tmp_path) as one:
        one.hear(lambda: one._connected)
        yield one


def ordered(origin: RealOrigin, in_ms: int = 700, **fields: object) -> Orders:
    orders = Orders("r", 1, "T", origin.now_ms() + in_ms, **fields)  # type: ignore[arg-type]
    origin.order(orders)
    return orders


def count(origin: RealOrigin, rendition: str = AAC) -> int:
    return len(origin.parts.get(("r", rendition), {}))


def decoded_by_ffmpeg(path: Path) -> bytes:
    done = subprocess.run(
        [program("ffmpeg"), "-v", "warning", "-i", str(path), "-f", "s16le", "-"],
        capture_output=True,
        check=True,
    )
    assert done.stderr == b""
    return done.stdout


def heard(origin: RealOrigin, rendition: str) -> np.ndarray:
    decoder = PartDecoder(origin.inits["r", rendition])
    parts = origin.parts["r", rendition]
    pcm = np.concatenate([decoder.decode(parts[n]) for n in range(len(parts))])
    return pcm[312 if rendition == "opus24" else 2_048 :]


@needs_program("ffmpeg", "ffprobe")
def test_first_parts_leave_within_a_second_of_the_hour_and_the_recording_is_what_was_sent(
    origin: RealOrigin, machine: Machine
) -> None:
    machine.watch_anew()
    orders = ordered(origin)
    orders = Orders("r", 2, "T", orders.epoch_ms, end_ms=orders.epoch_ms + 3_000)
    origin.order(orders)
    origin.hear(lambda: len(origin.ends) == 3)
    held_up_ms = 1000 * machine.held_up_s()
    firsts = [at for at, m in origin.arrivals if m.kind is Kind.PART and m.sequence == 0]
    assert max(firsts) / 1e6 - orders.epoch_ms < 1_000 + held_up_ms
    for name in RENDITIONS:
        path = origin.folder.recording("r", name)
        assert path.read_bytes() == origin.published("r", name)
        assert count(origin, name) == origin.ends["r", name] == 10
        assert len(decoded_by_ffmpeg(path)) == 2 * 10 * PART_SAMPLES
        probe = subprocess.run(
            [program("ffprobe"), "-v", "error", "-show_entries", "stream=duration,start_time",
             "-of", "csv=p=0", str(path)],
            capture_output=True, check=True, text=True,
        )  # fmt: skip
        assert probe.stderr == ""
        assert [float(value) for value in probe.stdout.strip().split(",")] == [0.0, 3.2]
    assert origin.states[-1].phase is Phase.ENDED
    assert origin.terminate() == 0


def test_recording_decodes_without_error_whenever_it_is_copied(
    origin: RealOrigin, tmp_path: Path
) -> None:
    orders = ordered(origin)
    with stage_feed(origin, orders):
        origin.hear(lambda: count(origin) >= 1)
        copies = []
        for number in range(40):
            for name in RENDITIONS:
                copy = tmp_path / f"{number}-{name}.mp4"
                shutil.copyfile(origin.folder.recording("r", name), copy)
                copies.append(copy)
            origin.hear_for(0.05)
    for copy in copies:
        with av.open(str(copy)) as container:
            samples = sum(frame.samples for frame in container.decode(audio=0))
        assert samples % PART_SAMPLES == 0
        assert samples > 0


def test_killed_origin_comes_back_and_loses_nothing_while_the_stage_lives(
    origin: RealOrigin, machine: Machine
) -> None:
    origin.kill()
    origin.hold_back_ms = 1_000  # what this test's own thread sends late is not the origin's fault
    origin.start()
    orders = ordered(origin)
    with stage_feed(origin, orders):
        for life in range(3):
            before = count(origin)
            origin.hear(lambda before=before: count(origin) >= before + 4)
            origin.kill()
            origin.start()
            origin.hear(lambda life=life: len(origin.states) > life)
        before = count(origin)
        origin.hear(lambda: count(origin) >= before + 3)
        end_ms = origin.now_ms() + 100
        origin.order(Orders("r", 2, "T", orders.epoch_ms, end_ms=end_ms))
        origin.hear(lambda: len(origin.ends) == 3)
    held_up_s = machine.held_up_s()
    assert origin.conflicts == []
    for name in RENDITIONS:
        assert origin.folder.recording("r", name).read_bytes() == origin.published("r", name)
        voice = heard(origin, name)[: (end_ms - orders.epoch_ms - 150) * 48]
        assert silences(voice) == [] or 1000 * held_up_s > origin.hold_back_ms, name


def test_origin_and_stage_that_die_together_cost_two_seconds_at_most(
    origin: RealOrigin, machine: Machine
) -> None:
    orders = ordered(origin)
    with stage_feed(origin, orders):
        origin.hear(lambda: count(origin) >= 4)
    origin.kill()
    origin.start()
    with stage_feed(origin, orders):
        before = count(origin)
        origin.hear(lambda: count(origin) >= before + 8)
    origin.kill()
    assert origin.conflicts == []
    gaps = [gap for gap in silences(heard(origin, AAC)) if gap[1] < count(origin) * 0.32 - 0.7]
    assert sum(end - start for start, end in gaps) <= 2.0 + machine.held_up_s(), gaps


def test_ended_room_is_told_again_by_the_next_process(origin: RealOrigin) -> None:
    orders = ordered(origin, 200)
    origin.order(Orders("r", 2, "New", orders.epoch_ms, end_ms=orders.epoch_ms + 500))
    origin.hear(lambda: len(origin.ends) == 3)
    origin.kill()
    origin.states.clear()
    origin.start()
    origin.hear(lambda: origin.states)
    assert (origin.states[0].phase, origin.states[0].end_samples) == (Phase.ENDED, 2 * PART_SAMPLES)


def test_file_that_takes_no_more_stops_the_recording_and_not_the_programme(tmp_path: Path) -> None:
    origin = RealOrigin(tmp_path)
    origin.file_bytes_max = 12_000  # a full disk for those who are not root
    origin.start()
    try:
        orders = ordered(origin, 1_500)
        with stage_feed(origin, orders):
            origin.hear(lambda: count(origin) >= 12)
            assert origin.states[-1].recording is False
            for name in RENDITIONS:
                path = origin.folder.recording("r", name)
                assert path.stat().st_size <= 12_000
                with av.open(str(path)) as container:
                    samples = sum(frame.samples for frame in container.decode(audio=0))
                assert samples % PART_SAMPLES == 0
            subprocess.run(
                ["prlimit", "--pid", str(origin.pid), "--fsize=1000000000:unlimited"], check=True
            )
            origin.hear(lambda: origin.states[-1].recording)
            before = count(origin)
            origin.hear(lambda: count(origin) >= before + 2)
        assert origin.conflicts == []
        for name in RENDITIONS:
            published = origin.published("r", name)
            recorded = origin.folder.recording("r", name).read_bytes()
            assert recorded.startswith(published[: len(recorded)])
            assert len(recorded) > 12_000
    finally:
        origin.close()


@pytest.mark.needs_root
def test_full_disk_is_survived_and_caught_up_with(tmp_path: Path) -> None:
    root = tmp_path / "data"
    recordings = root / "recordings"
    recordings.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(recordings)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"cannot mount a small disk here: {mounted.stderr.decode().strip()}")
    origin = RealOrigin(root)
    origin.start()
    try:
        orders = ordered(origin, 1_500)
        with stage_feed(origin, orders):
            origin.hear(lambda: origin.states and not origin.states[-1].recording, 30)
            at_full = count(origin)
            origin.hear(lambda: count(origin) >= at_full + 6)
            subprocess.run(["mount", "-o", "remount,size=8m", str(recordings)], check=True)
            origin.hear(lambda: origin.states[-1].recording)
            origin.order(Orders("r", 2, "T", orders.epoch_ms, end_ms=origin.now_ms()))
            origin.hear(lambda: len(origin.ends) == 3)
        for name in RENDITIONS:
            assert origin.folder.recording("r", name).read_bytes() == origin.published("r", name)
        lines = origin.folder.state_log("r").read_text().splitlines()
        assert '"ended"' in lines[-1]
    finally:
        origin.close()
        subprocess.run(["umount", str(recordings)], check=True)


@pytest.mark.needs_root
@needs_program("mkfs.ext4", "fsfreeze")
def test_disk_that_hangs_does_not_take_the_programme_along(tmp_path: Path) -> None:
    root, image = tmp_path / "data", tmp_path / "disk"
    recordings = root / "recordings"
    recordings.mkdir(parents=True)
    with image.open("wb") as file:
        file.truncate(16 * 1024 * 1024)
    subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
    mounted = subprocess.run(
        ["mount", "-o", "loop", str(image), str(recordings)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"cannot mount a disk here: {mounted.stderr.decode().strip()}")
    origin = RealOrigin(root)
    origin.hold_back_ms = 1_000  # what this test's own thread sends late is not the disk's fault
    origin.start()
    try:
        orders = ordered(origin, 1_500)
        with stage_feed(origin, orders):
            origin.hear(lambda: count(origin) >= 3)
            subprocess.run(["fsfreeze", "--freeze", str(recordings)], check=True)
            try:
                frozen_at = count(origin)
                origin.hear(lambda: count(origin) >= frozen_at + 12, 6)
                assert origin.states[-1].recording is False
            finally:
                subprocess.run(["fsfreeze", "--unfreeze", str(recordings)], check=True)
            origin.hear(lambda: origin.states[-1].recording)
            origin.order(Orders("r", 2, "T", orders.epoch_ms, end_ms=origin.now_ms()))
            origin.hear(lambda: len(origin.ends) == 3)
        assert origin.terminate() == 0
        for name in RENDITIONS:
            assert origin.folder.recording("r", name).read_bytes() == origin.published("r", name)
            assert silences(heard(origin, name)[: (frozen_at + 12) * PART_SAMPLES]) == []
    finally:
        origin.close()
        subprocess.run(["umount", str(recordings)], check=True)


def test_figures_are_there_to_be_scraped(origin: RealOrigin) -> None:
    ordered(origin, 200)

    def scraped() -> str:
        address = f"http://127.0.0.1:{origin.metrics_port}/metrics"
        with urllib.request.urlopen(address, timeout=5) as answer:
            return str(answer.read().decode())

    def told() -> bool:
        lines = dict(line.rsplit(" ", 1) for line in scraped().splitlines() if line[:1] != "#")
        return (
            float(lines["stentor_origin_live_rooms"]) == 1
            and float(lines["stentor_origin_parts_total"]) >= 3
            and float(lines["stentor_origin_silence_seconds_total"]) > 0
            and float(lines["stentor_origin_sync_seconds_count"]) > 0
        )

    origin.hear(told)


def test_metrics_port_in_use_does_not_keep_the_programme_off_the_air(tmp_path: Path) -> None:
    with origin_process(tmp_path) as first, origin_process(tmp_path / "other") as second:
        first.hear(lambda: first._connected)
        second.kill()
        second.metrics_port = first.metrics_port
        second.start()
        ordered(second, 200)
        second.hear(lambda: count(second) >= 1)


def test_orders_that_cannot_be_read_hurt_no_other_room(origin: RealOrigin) -> None:
    (origin.folder.orders / "bad.json").write_text("{ nonsense")
    ordered(origin, 300)
    origin.hear(lambda: count(origin) >= 2)
