"""The operator's word stands above the shield's, is obeyed at once, and is written down."""

from __future__ import annotations

from pathlib import Path

import msgspec
from prometheus_client import REGISTRY

from stentor.evidence.records import Note
from stentor.shield.bans import CONDUCTS_MAX
from stentor.shield.facts import EdgeSecond, Heavy
from stentor.shield.policy import decode_policy
from stentor.watch.deciding import PAUSE_S_MAX, Deciding
from support.watch import BAD, edge_second, flooded

NOW_MS = 1_700_000_000_000


class Seconds:
    def __init__(self, tmp_path: Path) -> None:
        self.path = tmp_path / "shield.policy"
        self.begin()
        self.now_ms = NOW_MS

    def begin(self) -> None:
        self.deciding = Deciding(self.path, self.path.with_name("shield.operator"))

    def go(self, *edges: EdgeSecond, times: int = 1) -> None:
        for _ in range(times):
            self.now_ms += 1000
            self.deciding.decide(edges, self.now_ms)

    def bans(self) -> list[str]:
        """What edges read."""
        return [ban.network for ban in decode_policy(self.path.read_bytes()).bans]


def test_edges_read_what_was_decided_until_it_expires(tmp_path: Path) -> None:
    seconds = Seconds(tmp_path)
    seconds.go(flooded(), times=3)
    policy = decode_policy(seconds.path.read_bytes())
    assert seconds.bans() == [BAD]
    assert policy.at_ms == seconds.now_ms < policy.until_ms
    assert seconds.path.stat().st_mode & 0o777 == 0o600


def test_policy_is_new_only_when_something_changed(tmp_path: Path) -> None:
    seconds = Seconds(tmp_path)
    new = []
    for edges in [()] * 3 + [(flooded(),)] * 3:
        seconds.now_ms += 1000
        new.append(seconds.deciding.decide(edges, seconds.now_ms))
    numbers = [policy.number for policy in new if policy is not None]
    assert len(numbers) == 2
    assert numbers == sorted(set(numbers))
    assert new[0] is not None


def test_ban_outlives_the_watch_that_wrote_it_and_the_next_one_is_longer(tmp_path: Path) -> None:
    seconds = Seconds(tmp_path)
    seconds.go(flooded(), times=3)
    (first,) = decode_policy(seconds.path.read_bytes()).bans
    seconds.begin()
    seconds.go()
    assert decode_policy(seconds.path.read_bytes()).bans == (first,)
    seconds.now_ms = first.until_ms
    seconds.go(flooded(), times=3)
    (second,) = decode_policy(seconds.path.read_bytes()).bans
    assert second.times == first.times + 1
    assert second.until_ms - seconds.now_ms > 2 * (first.until_ms - NOW_MS)


def test_policy_that_has_ended_is_not_taken_up_again(tmp_path: Path) -> None:
    seconds = Seconds(tmp_path)
    seconds.go(flooded(), times=3)
    until_ms = decode_policy(seconds.path.read_bytes()).until_ms
    seconds.begin()
    seconds.now_ms = until_ms
    seconds.go()
    assert seconds.bans() == []


def test_a_shield_that_begins_again_does_not_go_back_in_numbers(tmp_path: Path) -> None:
    seconds = Seconds(tmp_path)
    seconds.go(times=5)
    before = seconds.deciding.policy.number
    seconds.begin()
    seconds.go()
    assert seconds.deciding.policy.number > before


def test_a_pardon_ends_a_ban_and_is_noted(tmp_path: Path) -> None:
    seconds = Seconds(tmp_path)
    seconds.go(flooded(), times=3)
    assert not seconds.deciding.pardon("4/32:0000000000000000", seconds.now_ms)
    assert seconds.deciding.pardon(BAD, seconds.now_ms)
    assert seconds.deciding.take_notes() == (Note("undo-ban", BAD),)
    assert seconds.deciding.take_notes() == ()
    seconds.go(flooded(), times=30)
    assert seconds.bans() == []


def test_a_paused_shield_asks_nothing_of_anybody_and_goes_on_by_itself(tmp_path: Path) -> None:
    seconds = Seconds(tmp_path)
    seconds.go(flooded(), times=3)
    number = seconds.deciding.policy.number
    seconds.deciding.pause(5, seconds.now_ms)
    seconds.go(flooded(), times=4)
    assert seconds.bans() == []
    assert seconds.deciding.paused_until(seconds.now_ms)
    assert seconds.deciding.policy.number > number
    assert [ban.network for ban in seconds.deciding.decided.bans] == [BAD]  # it goes on thinking
    seconds.go(flooded(), times=2)
    assert not seconds.deciding.paused_until(seconds.now_ms)
    assert seconds.bans() == [BAD]
    assert [note.what for note in seconds.deciding.take_notes()] == ["shield-paused"]


def test_no_pause_is_for_ever_and_any_can_be_ended(tmp_path: Path) -> None:
    seconds = Seconds(tmp_path)
    seconds.deciding.pause(10 * PAUSE_S_MAX, seconds.now_ms)
    most_ms = seconds.now_ms + PAUSE_S_MAX * 1000
    assert seconds.deciding.paused_until(seconds.now_ms) == most_ms
    seconds.deciding.pause(0, seconds.now_ms)
    assert not seconds.deciding.paused_until(seconds.now_ms)


def test_a_policy_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    seconds = Seconds(tmp_path)
    seconds.path = tmp_path / "away" / "shield.policy"
    seconds.begin()
    seconds.go(edge_second())
    seconds.path.parent.mkdir()
    seconds.go(edge_second())
    assert decode_policy(seconds.path.read_bytes()).at_ms == seconds.now_ms


def test_what_looks_like_an_attack_is_told_while_the_shield_is_paused_too(tmp_path: Path) -> None:
    seconds = Seconds(tmp_path)
    seconds.go(edge_second(), times=10)
    assert not seconds.deciding.assessment.attack
    seconds.deciding.pause(60, seconds.now_ms)
    counts = {"accepted": 900, "requests": 900, "answers_4xx": 800}
    seconds.go(edge_second(counts=counts), times=3)
    assert seconds.deciding.assessment.attack


def test_an_operators_word_outlives_the_process(tmp_path: Path) -> None:
    seconds = Seconds(tmp_path)
    seconds.go(flooded(), times=3)
    assert seconds.deciding.pardon(BAD, seconds.now_ms)
    seconds.deciding.pause(5, seconds.now_ms)
    seconds.begin()
    seconds.go(flooded(), times=3)
    assert seconds.deciding.paused_until(seconds.now_ms)
    seconds.go(flooded(), flooded("edge-1", "4/32:fedcba9876543210"), times=30)
    assert not seconds.deciding.paused_until(seconds.now_ms)
    assert seconds.bans() == ["4/32:fedcba9876543210"]
    assert seconds.deciding.take_notes() == ()  # it was noted when it was said


def test_conducts_that_are_forgotten_for_lack_of_room_are_counted(tmp_path: Path) -> None:
    def forgotten() -> float:
        return REGISTRY.get_sample_value("stentor_watch_conducts_forgotten_total") or 0.0

    before = forgotten()
    seconds = Seconds(tmp_path)
    many = tuple(Heavy(f"4/32:{n:016x}", asks=5) for n in range(CONDUCTS_MAX + 7))
    seconds.go(msgspec.structs.replace(flooded(), heavy=many))
    assert forgotten() == before + 7
