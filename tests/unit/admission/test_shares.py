"""What one network may have: never more than its share, never less than nothing, never a leak."""

from collections import Counter
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from stentor.admission.shares import Block, Held, Paced, levels

S = 1_000_000_000
MOST = 8


def packed(text: str) -> bytes:
    return ip_address(text).packed


# Few enough that they meet: two IPv4 addresses, and IPv6 hosts that share a /64, a /56 or a /48.
PEERS = [
    packed(text)
    for text in (
        "192.0.2.1",
        "192.0.2.2",
        "2001:db8:0:0::1",
        "2001:db8:0:0::2",
        "2001:db8:0:1::1",
        "2001:db8:0:100::1",
        "2001:db8:0:200::1",
        "2001:db8:1::1",
    )
]
ONE_V6 = packed("2001:db8::1")


def test_an_ipv6_address_is_in_a_64_in_a_56_in_a_48() -> None:
    a, b, c = (
        levels(packed(text)) for text in ("2001:db8::1", "2001:db8:0:1::", "2001:db8:0:100::")
    )
    assert len(set(a)) == 3
    assert a[0] != b[0]
    assert a[1:] == b[1:]
    assert a[1] != c[1]
    assert a[2] == c[2]
    assert levels(packed("192.0.2.1")) == (packed("192.0.2.1"),)


@given(st.integers(0, 2**32 - 1), st.integers(0, 32), st.integers(0, 2**32 - 1))
def test_a_block_holds_what_its_prefix_says(first: int, prefix: int, other: int) -> None:
    block = Block(first.to_bytes(4), prefix)
    shift = 32 - prefix
    assert (other.to_bytes(4) in block) == (other >> shift == first >> shift)
    assert first.to_bytes(4) in block
    assert bytes(12) + other.to_bytes(4) not in block


class HeldLikeALedger(RuleBasedStateMachine):
    """Against a plain list of who has what."""

    taken = Bundle("taken")

    def __init__(self) -> None:
        super().__init__()
        self.held = Held(MOST)
        self.ledger: Counter[bytes] = Counter()

    def count(self, prefix: bytes) -> int:
        return sum(n for peer, n in self.ledger.items() if peer.startswith(prefix))

    @rule(target=taken, peer=st.sampled_from(PEERS))
    def come(self, peer: bytes) -> bytes:
        shares = {4: MOST, 8: MOST // 4, 7: MOST // 2, 6: MOST}
        room = all(self.count(key) < shares[len(key)] for key in levels(peer))
        assert self.held.has_room(peer) == room
        self.held.take(peer)  # also over the limit: who is taken over is not asked
        self.ledger[peer] += 1
        return peer

    @rule(peer=consumes(taken))
    def leave(self, peer: bytes) -> None:
        self.held.give_back(peer)
        self.ledger[peer] -= 1

    @invariant()
    def agrees(self) -> None:
        keys = {key for peer in PEERS for key in levels(peer)}
        for key in keys:
            assert self.held.of(key) == self.count(key)
        assert len(self.held) == sum(self.count(key) > 0 for key in keys), "a key stayed behind"


TestHeldLikeALedger = HeldLikeALedger.TestCase


def test_what_was_never_taken_cannot_be_given_back() -> None:
    with pytest.raises(KeyError):
        Held(MOST).give_back(PEERS[0])


def test_zero_is_no_limit() -> None:
    held, paced = Held(0), Paced(0, 1)
    for _ in range(100):
        assert held.has_room(ONE_V6)
        assert paced.take(ONE_V6, S) == 0
        held.take(ONE_V6)
    assert held.of(ONE_V6[:8]) == 100


@given(
    st.lists(st.tuples(st.sampled_from(PEERS), st.integers(0, S)), max_size=200),
    st.integers(1, 50),
    st.integers(1, 20),
)
def test_no_network_goes_over_its_burst_and_rate(
    come: list[tuple[bytes, int]], per_s: int, burst: int
) -> None:
    """In every span of time, at most the burst, and what the span earns, and one."""
    paced = Paced(per_s, burst)
    now, let_in = S, list[tuple[int, bytes]]()
    for peer, gap in come:
        now += gap
        if paced.take(peer, now) == 0:
            let_in.append((now, peer))
    for prefix in {key for peer in PEERS for key in levels(peer)}:
        share = {4: 4, 6: 4, 7: 2, 8: 1}[len(prefix)]
        times = [at for at, peer in let_in if peer.startswith(prefix)]
        for i, first in enumerate(times):
            for j in range(i, len(times)):
                earned = (times[j] - first) / S * per_s * share / 4
                assert j - i + 1 <= max(1, burst * share // 4) + earned + 0.01


@given(st.sampled_from(PEERS), st.integers(1, 1000), st.integers(1, 20))
def test_the_wait_that_is_told_is_long_enough_and_not_too_long(
    peer: bytes, per_s: int, burst: int
) -> None:
    paced, now = Paced(per_s, burst), S
    while (wait := paced.take(peer, now)) == 0:
        pass
    assert paced.take(peer, now + wait - 1) > 0
    assert paced.take(peer, now + wait) == 0


def test_a_small_network_that_is_over_takes_nothing_from_the_larger() -> None:
    paced = Paced(1, 8)
    for _ in range(100):
        paced.take(ONE_V6, S)  # two of them are let in: the /64's quarter
    others = [packed(f"2001:db8:0:{net:x}::1") for net in range(0x100, 0x1000, 0x100)]
    assert sum(paced.take(peer, S) == 0 for peer in others) == 6


def test_whoever_has_earned_everything_back_is_forgotten() -> None:
    paced = Paced(10, 5)
    for host in range(250):
        paced.take(bytes((192, 0, 2, host)), S)
    paced.take(bytes((192, 0, 2, 1)), S)
    paced.forget_idle(S + S // 10)
    assert len(paced) == 1
    paced.forget_idle(S + S // 5)
    assert len(paced) == 0


def test_the_table_is_bounded_and_says_whom_it_could_not_remember() -> None:
    paced = Paced(1, 2, keys_max=10)
    peers = [bytes((192, 0, 2, host)) for host in range(20)]
    for peer in peers:
        assert paced.take(peer, S) == 0
    assert len(paced) == 10
    assert paced.unremembered == 10
    assert paced.take(peers[0], S) == 0
    assert paced.take(peers[0], S) > 0, "who is remembered is still held to it"


def test_a_flood_of_networks_leaves_no_more_than_a_second_of_them() -> None:
    """At 200 a second one join is remembered for 5 ms: /64 20 ms; memory follows the rate."""
    paced = Paced(200, 5_000)
    for n in range(20_000):
        now = S + n * 50_000  # 20,000 a second, each from its own /48
        paced.take(packed("2001:db8::")[:4] + n.to_bytes(4) + bytes(8), now)
        if n % 20_000 == 19_999:
            paced.forget_idle(now)
    assert len(paced) < 20_000 * 3 * 0.02
    assert paced.unremembered == 0
