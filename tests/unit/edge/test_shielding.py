"""What an edge takes from a policy, for how long, and whom it spares; with a clock of its own."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

import pytest

from stentor.admission.shares import Block
from stentor.edge.counts import Counts
from stentor.edge.lookout import Turns
from stentor.edge.networks import NetworkLimits, Networks
from stentor.edge.shielding import FOLLOWS_MS, Shielding
from stentor.media.grid import PARTS_PER_SEGMENT, SEGMENT_S
from stentor.shield import vocabulary
from stentor.shield.keys import EventKey
from stentor.shield.lately import TICKET_REMEMBERED_MS
from stentor.shield.policy import SAFE, Ban, Policy, Why, encode_policy
from stentor.shield.summary import Summary

KEY = EventKey(b"k" * 32)
PEER, OTHER = b"\x0a\0\0\x01", b"\x0a\0\0\x02"
HOUSE = bytes.fromhex("20010db800010200") + bytes(8)
NEIGHBOUR = bytes.fromhex("20010db800010300") + bytes(8)


class Ground:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "shield.policy"
        self.counts = Counts()
        monitor = Block(b"\x0a\0\0\x63", 32)
        self.networks = Networks(NetworkLimits(exempt=(monitor,)))
        self.shielding = Shielding(
            policy=self.path,
            guard=folder / "guard.sock",
            networks=self.networks,
            counts=self.counts,
            summary=Summary(KEY, "edge-0"),
        )

    def decree(
        self, *networks: bytes, number: int = 1, kernel: bool = True, until_ms: int = 10_000
    ) -> None:
        bans = tuple(Ban(KEY.name(one), 60_000, Why.FORGED, kernel=kernel) for one in networks)
        policy = Policy(number, 0, until_ms, KEY.id, bans=bans, network_share=0.5)
        scratch = self.path.with_suffix(".new")
        scratch.write_bytes(encode_policy(policy))
        scratch.replace(self.path)


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path)


def test_policy_holds_until_its_time_is_over_and_not_a_moment_longer(ground: Ground) -> None:
    ground.decree(PEER)
    assert ground.shielding.look(1_000)
    assert ground.shielding.ban_of(PEER, 9_999) is not None
    assert not ground.shielding.look(9_999)
    assert ground.shielding.look(10_000)
    assert ground.shielding.policy is SAFE
    assert ground.shielding.ban_of(PEER, 10_000) is None
    assert not ground.shielding.closes(PEER, 10_000)


def test_policy_that_is_only_renewed_changes_nothing(ground: Ground) -> None:
    ground.decree(PEER, until_ms=10_000)
    assert ground.shielding.look(1_000)
    rebuilt = ground.shielding.rebuilt
    for second in range(2, 9):
        ground.decree(PEER, number=second, until_ms=9_000 + second * 1_000)
        assert not ground.shielding.look(second * 1_000)
    assert ground.counts.policies == 8
    assert ground.shielding.policy.until_ms == 17_000
    assert ground.shielding.rebuilt == rebuilt
    ground.decree(PEER, OTHER, number=9, until_ms=20_000)
    assert not ground.shielding.look(10_000), "it asks of everybody what it asked before"
    assert ground.shielding.ban_of(OTHER, 10_000) is not None
    assert ground.shielding.look(20_000)
    assert ground.shielding.ban_of(PEER, 20_000) is None


def test_vanished_or_garbled_file_leaves_the_last_policy_until_it_ends(ground: Ground) -> None:
    ground.decree(PEER)
    ground.shielding.look(1_000)
    ground.path.write_bytes(b"[]")
    ground.shielding.look(2_000)
    assert ground.counts.policies_refused == 1
    ground.path.unlink()
    ground.shielding.look(3_000)
    assert ground.shielding.ban_of(PEER, 3_000) is not None
    ground.shielding.look(10_000)
    assert ground.shielding.ban_of(PEER, 10_000) is None


def test_ban_ends_before_its_policy_when_its_own_time_is_over(ground: Ground) -> None:
    policy = Policy(1, 0, 10_000, KEY.id, bans=(Ban(KEY.name(PEER), 5_000, Why.SLOW),))
    ground.path.write_bytes(encode_policy(policy))
    ground.shielding.look(1_000)
    assert ground.shielding.ban_of(PEER, 4_999) is not None
    assert ground.shielding.ban_of(PEER, 5_000) is None


def test_ban_is_of_one_network_and_of_all_that_is_within_it(ground: Ground) -> None:
    ground.decree(PEER, HOUSE[:6])
    ground.shielding.look(1)
    found = {peer: ground.shielding.ban_of(peer, 1) for peer in (PEER, OTHER, HOUSE, NEIGHBOUR)}
    assert found[OTHER] is None
    assert all(found[peer] is not None for peer in (PEER, HOUSE, NEIGHBOUR))


def test_nobody_is_cut_off_from_where_somebody_listens_or_showed_a_good_ticket(
    ground: Ground,
) -> None:
    ground.decree(PEER, HOUSE[:6])
    ground.shielding.look(1)
    assert ground.shielding.closes(PEER, 1)
    ground.networks.keeps(7, PEER)
    assert ground.shielding.closes(PEER, 1)  # it only has a connection
    ground.networks.listens(7)
    assert not ground.shielding.closes(PEER, 1)
    ground.networks.listens_no_more(7)
    assert ground.shielding.closes(PEER, 1)
    ground.shielding.showed_ticket(NEIGHBOUR, 1)
    assert not ground.shielding.closes(HOUSE, 1)


def test_exempt_addresses_are_never_banned(ground: Ground) -> None:
    monitor = b"\x0a\0\0\x63"
    ground.decree(monitor)
    ground.shielding.look(1)
    assert ground.shielding.ban_of(monitor, 1) is None


def follows(ground: Ground, peer: bytes, seconds: float = 9 * SEGMENT_S) -> int:
    """Have somebody play a programme by HLS from 0; return when they took their last segment."""
    segments = round(seconds / SEGMENT_S) + 1
    for number in range(segments):
        parts = range(number * PARTS_PER_SEGMENT, (number + 1) * PARTS_PER_SEGMENT)
        ground.shielding.reads(peer, "hall", parts, round(number * SEGMENT_S * 1000))
    return round((segments - 1) * SEGMENT_S * 1000)


def test_who_follows_by_hls_goes_on_while_their_network_is_banned(ground: Ground) -> None:
    now_ms = follows(ground, PEER)
    ground.decree(PEER, OTHER, until_ms=1 << 40)
    ground.shielding.look(now_ms)
    assert ground.shielding.put_off(PEER, now_ms, reads=True) is None
    assert ground.shielding.put_off(PEER, now_ms) is not None, "it is not newcomers who are spared"
    assert ground.shielding.put_off(OTHER, now_ms, reads=True) is not None
    assert not ground.shielding.closes(PEER, now_ms)
    assert ground.shielding.closes(OTHER, now_ms)
    assert ground.counts.shelf_followed == 1


def test_who_has_stopped_following_is_spared_for_a_minute(ground: Ground) -> None:
    now_ms = follows(ground, PEER)
    bans = (Ban(KEY.name(PEER), 1 << 50, Why.FORGED, kernel=True),)
    ground.path.write_bytes(encode_policy(Policy(1, 0, 1 << 50, KEY.id, bans=bans)))
    ground.shielding.look(now_ms)
    assert not ground.shielding.closes(PEER, now_ms + FOLLOWS_MS - 1)
    assert ground.shielding.closes(PEER, now_ms + FOLLOWS_MS)


def test_good_ticket_lets_its_holder_read_the_shelf_of_which_they_have_read_nothing(
    ground: Ground,
) -> None:
    ground.decree(HOUSE[:8])
    ground.shielding.look(1)
    ground.shielding.showed_ticket(HOUSE, 1)
    assert ground.shielding.put_off(HOUSE, 2, reads=True) is None


def test_whoever_follows_by_hls_keeps_the_kernel_from_their_house_and_those_around_it(
    ground: Ground, tmp_path: Path
) -> None:
    guard = HeardGuard(tmp_path)
    now_ms = follows(ground, HOUSE)
    named = {KEY.name(one): one for one in (HOUSE[:8], HOUSE[:6], NEIGHBOUR[:8])}
    ground.shielding.remember(named, now_ms)
    ground.decree(*named.values(), until_ms=1 << 40)
    ground.shielding.look(now_ms)
    ground.shielding.tell_guard(now_ms)
    assert [word.network for word in guard.words() if isinstance(word, vocabulary.Ban)] == [
        "2001:db8:1:300::/64"
    ]
    assert [ground.shielding.listening(one, now_ms) for one in named.values()] == [1, 1, 0]


def test_guard_lets_in_again_where_somebody_follows_by_hls(ground: Ground, tmp_path: Path) -> None:
    guard = HeardGuard(tmp_path)
    ground.shielding.remember({KEY.name(PEER): PEER}, 33_000)
    ground.decree(PEER, until_ms=1 << 40)
    ground.shielding.look(33_000)
    ground.shielding.tell_guard(33_000)
    assert len(guard.words()) == 1
    ground.shielding.tell_guard(follows(ground, PEER))
    assert guard.words() == [vocabulary.Unban("10.0.0.1/32")]


def test_who_takes_two_segments_or_all_of_them_at_once_is_spared_nothing(ground: Ground) -> None:
    follows(ground, PEER, seconds=SEGMENT_S)
    for number in range(200):
        parts = range(number * PARTS_PER_SEGMENT, (number + 1) * PARTS_PER_SEGMENT)
        ground.shielding.reads(OTHER, "hall", parts, 100 * number)
    ground.decree(PEER, OTHER, until_ms=1 << 40)
    ground.shielding.look(20_000)
    assert ground.shielding.closes(PEER, 20_000)
    assert ground.shielding.closes(OTHER, 20_000)
    assert ground.counts.shelf_followed == 0


def test_turn_lag_is_from_the_look_that_served_the_place() -> None:
    turns = Turns()
    assert turns.lag_s(100, 0) is None
    for at_ms in range(0, 10_000, 250):
        turns.note(at_ms // 2, at_ms)
    assert turns.lag_s(1_000, 5_000) == 3.0
    assert turns.lag_s(1_001, 5_000) == 2.75
    assert turns.lag_s(1 << 40, 5_000) is None


class HeardGuard:
    """The guard's socket, and the words that have come."""

    def __init__(self, folder: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.socket.bind(str(folder / "guard.sock"))

    def words(self) -> list[vocabulary.Word]:
        found: list[vocabulary.Word] = []
        with contextlib.suppress(BlockingIOError):
            while True:
                found.append(vocabulary.decode_word(self.socket.recv(vocabulary.WORD_BYTES_MAX)))
        return found


def test_guard_is_told_each_time_that_a_ban_cuts_off_and_has_it_taken_back(
    ground: Ground, tmp_path: Path
) -> None:
    guard = HeardGuard(tmp_path)
    shielding = ground.shielding
    shielding.remember({KEY.name(PEER): PEER}, 0)

    def told(now_ms: int) -> list[vocabulary.Word]:
        shielding.look(now_ms)
        shielding.tell_guard(now_ms)
        return guard.words()

    ground.decree(PEER, until_ms=60_000)
    assert told(1_000) == [vocabulary.Ban("10.0.0.1/32", 7)]
    assert told(2_000) == []
    assert not shielding.closes(PEER, 8_000)
    assert told(8_000) == [], "it is open now: the kernel has forgotten by itself"
    assert told(10_000) == [vocabulary.Ban("10.0.0.1/32", 8)]
    assert shielding.closes(PEER, 10_000)
    assert ground.counts.guard_told == 2
    ground.decree(number=3, until_ms=60_000)  # the operator has undone it
    assert told(12_000) == [vocabulary.Unban("10.0.0.1/32")]
    assert told(13_000) == []


def test_guard_lets_in_again_where_somebody_shows_a_good_ticket_and_when_the_shield_is_dead(
    ground: Ground, tmp_path: Path
) -> None:
    guard = HeardGuard(tmp_path)
    shielding = ground.shielding
    shielding.remember({KEY.name(PEER): PEER, KEY.name(OTHER): OTHER}, 0)
    ground.decree(PEER, OTHER, until_ms=5_000)
    shielding.look(1_000)
    shielding.tell_guard(1_000)
    assert len(guard.words()) == 2
    shielding.showed_ticket(PEER, 2_000)
    shielding.tell_guard(2_000)
    assert guard.words() == [vocabulary.Unban("10.0.0.1/32")]
    shielding.look(5_000)  # the policy was not renewed
    shielding.tell_guard(5_000)
    assert guard.words() == [vocabulary.Unban("10.0.0.2/32")]


def test_edge_that_goes_on_from_another_cuts_nobody_off_before_it_knows_who_has_tickets(
    ground: Ground,
) -> None:
    bans = (Ban(KEY.name(PEER), 1 << 50, Why.FORGED, kernel=True),)
    ground.path.write_bytes(encode_policy(Policy(1, 0, 1 << 50, KEY.id, bans=bans)))
    ground.shielding.look(1)
    ground.shielding.begins_anew(1)
    assert not ground.shielding.closes(PEER, TICKET_REMEMBERED_MS)
    assert ground.shielding.put_off(PEER, TICKET_REMEMBERED_MS) is not None
    assert ground.shielding.put_off(PEER, TICKET_REMEMBERED_MS, reads=True) is None
    assert ground.shielding.closes(PEER, TICKET_REMEMBERED_MS + 1)
