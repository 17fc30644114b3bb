"""What a listener finds out about the parts that it gets."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest

from stentor.base.errors import StentorError
from stentor.codecs.encode import RenditionEncoder
from stentor.listen.heard import JUMP_SCHEME, Heard
from stentor.media.boxes import boxes, emsg
from stentor.media.grid import PART_S, PART_SAMPLES
from stentor.media.renditions import RENDITIONS
from stentor.rooms.orders import Phase
from stentor.rooms.state import EMSG_SCHEME, RoomState, encode_state

EPOCH_MS = 1_700_000_000_000
PART_NS = round(PART_S * 1e9)


@cache
def programme(name: str = "aac48", *, tone: bool = True) -> tuple[bytes, tuple[bytes, ...]]:
    """Return an init and twenty parts of a tone, or of silence."""
    encoder = RenditionEncoder(RENDITIONS[name])
    time = np.arange(PART_SAMPLES * 20) / 48_000
    pcm = (np.sin(2 * np.pi * 440 * time) * (8_000 if tone else 0)).astype(np.int16)
    return encoder.init, tuple(part.data for part in encoder.encode(pcm))


def state(phase: Phase = Phase.LIVE) -> bytes:
    said = RoomState("r", "A room", phase, EPOCH_MS)
    return emsg(EMSG_SCHEME, encode_state(said), presentation_time=0)


def epoch_plus(seconds: float) -> int:
    return EPOCH_MS * 1_000_000 + round(seconds * 1e9)


class Listening:
    """Feeds bytes as they would come, each part half a second after its last sample."""

    def __init__(self, started_ns: int = epoch_plus(0)) -> None:
        self.heard = Heard(started_ns)
        self.feed(programme()[0] + state(), epoch_plus(0))

    def feed(self, data: bytes, now_ns: int) -> None:
        for one in boxes(data):
            self.heard.take(one, now_ns)

    def part(self, number: int, late_s: float = 0.5) -> None:
        self.feed(programme()[1][number], epoch_plus((number + 1) * PART_S + late_s))


def test_parts_in_order_are_heard_without_a_finding() -> None:
    listening = Listening()
    for number in range(20):
        listening.part(number)
    found = listening.heard.findings
    assert (found.parts, found.gaps, found.jumps, found.stalls, found.undecodable) == (
        20,
        0,
        0,
        0,
        0,
    )
    assert found.audio_s == pytest.approx(20 * PART_S)
    assert found.behind_s_mean == pytest.approx(0.5)
    assert found.first_audio_s == pytest.approx(PART_S + 0.5)
    assert found.silent_s == 0


def test_part_that_never_came_is_a_gap() -> None:
    listening = Listening()
    for number in (0, 1, 2, 5, 6):
        listening.part(number)
    assert (listening.heard.findings.gaps, listening.heard.findings.gap_parts) == (1, 2)


def test_listener_who_was_told_of_a_jump_finds_no_gap() -> None:
    listening = Listening()
    for number in (0, 1, 2):
        listening.part(number)
    told = json.dumps({"from_part": 3, "to_part": 5}).encode()
    listening.feed(emsg(JUMP_SCHEME, told, presentation_time=5 * PART_SAMPLES), epoch_plus(3))
    listening.part(5)
    found = listening.heard.findings
    assert (found.gaps, found.jumps, found.jump_parts) == (0, 1, 2)


def test_parts_that_come_again_after_a_reconnection_are_not_heard_twice() -> None:
    listening = Listening()
    for number in (0, 1, 2, 3, 1, 2, 3, 4):
        listening.part(number)
    found = listening.heard.findings
    assert (found.parts, found.repeated, found.gaps) == (5, 3, 0)


def test_player_that_runs_dry_has_stalled() -> None:
    listening = Listening()
    for number in range(4):
        listening.part(number)
    listening.part(4, late_s=3.5)
    found = listening.heard.findings
    assert found.stalls == 1
    assert 1.5 < found.stalled_s < 3.5


def test_silence_is_measured_in_all_and_in_a_row() -> None:
    heard = Heard(epoch_plus(0))
    init, parts = programme(tone=False)
    for one in boxes(init + b"".join(parts[:5])):
        heard.take(one, epoch_plus(1))
    assert heard.findings.silent_s == pytest.approx(5 * PART_S)
    assert heard.findings.silent_s_longest == pytest.approx(5 * PART_S)


def test_damaged_stream_is_an_error_in_a_sentence() -> None:
    heard = Heard(epoch_plus(0))
    init, parts = programme()
    broken = bytearray(parts[0])
    broken[30:60] = bytes(30)
    *before, mdat = boxes(init + bytes(broken))
    for one in before:
        heard.take(one, epoch_plus(1))
    with pytest.raises(StentorError, match="damaged"):
        heard.take(mdat, epoch_plus(1))


def test_what_is_kept_in_a_file_starts_at_its_beginning_and_has_the_same_frames() -> None:
    kept: list[bytes] = []
    heard = Heard(epoch_plus(0), on_file=kept.append)
    init, parts = programme("opus24")
    for one in boxes(init + b"".join(parts[7:9])):
        heard.take(one, epoch_plus(4))
    sent = [one.payload for one in boxes(b"".join(parts[7:9])) if one.kind == "mdat"]
    written = list(boxes(b"".join(kept)))
    assert [one.payload for one in written if one.kind == "mdat"] == sent
    assert b"".join(kept)[len(init) :][:8] == parts[0][:8]
