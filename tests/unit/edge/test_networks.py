"""Who has which descriptor, and what their network has with it: whatever comes and goes."""

from collections import Counter

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from stentor.base.errors import ConfigurationError
from stentor.edge.networks import NetworkLimits, Networks, Reception, packed_address, read_blocks

S = 1_000_000_000
FRONT = packed_address("198.51.100.7")
PEERS = [packed_address(text) for text in ("192.0.2.1", "192.0.2.2", "2001:db8::1")] + [FRONT]
LIMITS = NetworkLimits(
    connections_max=4,
    joins_per_s=2,
    joins_burst=6,
    reloads_max=2,
    exempt=read_blocks("198.51.100.0/24", "x"),
)


@pytest.mark.parametrize(
    ("text", "packed"),
    [
        ("192.0.2.1", b"\xc0\0\2\1"),
        ("::ffff:192.0.2.1", b"\xc0\0\2\1"),
        ("::1", b"\0" * 15 + b"\1"),
        ("fe80::1%lo", b"\xfe\x80" + b"\0" * 13 + b"\1"),
    ],
)
def test_addresses_are_packed_and_mapped_ipv4_is_ipv4(text: str, packed: bytes) -> None:
    assert packed_address(text) == packed


def test_a_range_that_is_none_is_told_with_the_setting() -> None:
    with pytest.raises(ConfigurationError, match="edge_network_exempt"):
        read_blocks("127.0.0.1/8", "edge_network_exempt")


class ComingAndGoing(RuleBasedStateMachine):
    """The kernel gives the lowest free descriptor; who leaves may leave twice, or not at all."""

    def __init__(self) -> None:
        super().__init__()
        self.networks = Networks(LIMITS)
        self.there: dict[int, bytes] = {}
        self.waits: list[bytes] = []
        self.now = S

    def free_fd(self) -> int:
        return next(fd for fd in range(1000) if fd not in self.there)

    def count(self, peer: bytes) -> int:
        return Counter(self.there.values())[peer]

    @rule(peer=st.sampled_from(PEERS), gap=st.integers(0, S))
    def come(self, peer: bytes, gap: int) -> None:
        self.now += gap
        fd = self.free_fd()
        reception = self.networks.came(fd, peer, self.now)
        if reception is Reception.IN:
            self.there[fd] = peer
        if peer == FRONT:
            assert reception is Reception.IN, "a front speaks for others"
        elif reception is not Reception.HASTY:
            most = 4 if len(peer) == 4 else 1
            assert (reception is Reception.CROWDED) == (
                self.count(peer) - (fd in self.there) >= most
            )

    @rule(peer=st.sampled_from(PEERS))
    def is_taken_over(self, peer: bytes) -> None:
        fd = self.free_fd()
        self.networks.keeps(fd, peer)
        self.there[fd] = peer

    @precondition(lambda self: self.there)
    @rule(data=st.data(), again=st.booleans())
    def leave(self, data: st.DataObject, again: bool) -> None:
        fd = data.draw(st.sampled_from(sorted(self.there)))
        del self.there[fd]
        for _ in range(1 + again):
            self.networks.left(fd)

    @rule(peer=st.sampled_from(PEERS))
    def wait_for_a_part(self, peer: bytes) -> None:
        networks = self.networks
        most = {4: 2, 16: 1}[len(peer)] if peer != FRONT else 1000
        allowed = networks.begin(networks.reloads, peer)
        assert allowed == (self.waits.count(peer) < most)
        if allowed:
            self.waits.append(peer)

    @precondition(lambda self: self.waits)
    @rule()
    def is_answered(self) -> None:
        self.networks.end(self.networks.reloads, self.waits.pop())

    @rule()
    def a_second_passes(self) -> None:
        self.now += S
        self.networks.tick(self.now, joining=1.0)

    @invariant()
    def agrees(self) -> None:
        assert self.networks.peers == self.there
        for peer in PEERS:
            key = peer if len(peer) == 4 else peer[:6]
            assert self.networks.connections.of(key) == (peer != FRONT) * self.count(peer)
            assert self.networks.reloads.of(key) == (peer != FRONT) * self.waits.count(peer)

    def teardown(self) -> None:
        for fd in tuple(self.there):
            self.networks.left(fd)
        for peer in self.waits:
            self.networks.end(self.networks.reloads, peer)
        assert len(self.networks.connections) == len(self.networks.reloads) == 0, "it leaks"


TestComingAndGoing = ComingAndGoing.TestCase


def let_in(networks: Networks, peer: bytes, now_ns: int) -> int:
    """Return how many of a hundred who come at once from there are let in."""
    fds = range(1_000, 1_100)
    came = [networks.came(fd, peer, now_ns) for fd in fds]
    for fd in fds:
        networks.left(fd)
    return came.count(Reception.IN)


def test_shield_scales_what_a_network_may_have_and_gives_it_back() -> None:
    networks = Networks(NetworkLimits(joins_per_s=2, joins_burst=20))
    peer, other, third = PEERS[0], PEERS[1], packed_address("192.0.2.3")
    assert let_in(networks, peer, S) == 20
    networks.share(0.5)
    assert let_in(networks, other, S) == 10
    assert let_in(networks, other, 11 * S) == 10  # at half the pace, too
    networks.share(1.0)
    assert let_in(networks, third, S) == 20


def test_shield_cannot_shut_a_network_out_by_its_share_nor_limit_what_has_no_limit() -> None:
    networks = Networks(NetworkLimits(joins_per_s=2, joins_burst=20))
    networks.share(0.001)
    assert let_in(networks, PEERS[0], S) >= 1
    unlimited = Networks(NetworkLimits())
    unlimited.share(0.1)
    assert let_in(unlimited, PEERS[0], S) == 100


def test_who_listens_is_known_by_network_until_they_are_let_go() -> None:
    networks = Networks(NetworkLimits())
    house = packed_address("2001:db8::1")
    for fd in (5, 6):
        networks.came(fd, house, S)
        networks.listens(fd)
    assert networks.listening.of(house[:8]) == networks.listening.of(house[:6]) == 2
    networks.listens_no_more(5)
    networks.left(5)
    assert networks.listening.of(house[:7]) == 1
    networks.listens_no_more(6)
    assert len(networks.listening) == 0


def test_wrong_requests_have_a_pace_of_their_own_and_take_no_connection_from_others() -> None:
    networks = Networks(NetworkLimits(joins_per_s=2, joins_burst=20))
    networks.came(5, PEERS[0], S)
    assert [networks.charge(5, S) for _ in range(30)] == [True] * 20 + [False] * 10
    assert let_in(networks, PEERS[0], S) == 19
    networks.share(0.5)
    networks.came(6, PEERS[1], S)
    assert [networks.charge(6, S) for _ in range(30)].count(True) == 10


def test_where_somebody_listens_more_may_come_while_the_edge_has_time_for_all() -> None:
    networks = Networks(NetworkLimits(joins_per_s=2, joins_burst=20))
    house, other_house = packed_address("2001:db8:0:1::1"), packed_address("2001:db8:0:2::1")
    for fd, peer in ((5, PEERS[0]), (6, house)):
        networks.came(fd, peer, S)
        networks.listens(fd)
    assert let_in(networks, PEERS[0], S) == 19, "it is not known yet how much time there is"
    networks.tick(S, joining=0.2)
    assert let_in(networks, PEERS[0], S) == 100
    assert let_in(networks, other_house, S) == 100, "of the same /48"
    assert let_in(networks, PEERS[1], S) == 20, "nobody listens there"
    networks.tick(S, joining=0.6)
    assert let_in(networks, PEERS[0], S) == 0
    networks.tick(S, joining=0.2)
    networks.listens_no_more(5)
    assert let_in(networks, PEERS[0], S) == 0


@pytest.mark.parametrize(("joining", "come"), [(0.9, 20 + 10 * 9), (0.1, 10_000)])
def test_house_whose_bots_are_not_banned_for_its_listener_is_held_to_its_pace(
    joining: float, come: int
) -> None:
    networks = Networks(NetworkLimits(joins_per_s=10, joins_burst=20))
    house, other = PEERS[0], PEERS[1]
    assert networks.came(5, house, S) is Reception.IN
    networks.listens(5)
    receptions: Counter[Reception] = Counter()
    wrongs: Counter[bool] = Counter()
    for second in range(10):
        now_ns = S * (100 + second)
        networks.tick(now_ns, joining)
        for _ in range(1_000):
            reception = networks.came(6, house, now_ns)
            receptions[reception] += 1
            if reception is Reception.IN:
                wrongs[networks.charge(6, now_ns)] += 1
                networks.left(6)
        assert networks.came(7, other, now_ns) is Reception.IN
        networks.left(7)
    # While there is time for all who come, more may come, but nobody is answered more wrongs.
    assert receptions == Counter({Reception.IN: come, Reception.HASTY: 10_000 - come})
    assert wrongs[True] == 20 + 10 * 9
    assert networks.listening.of(house) == 1
    assert networks.peers[5] == house
