"""What the guard does about words: bounded, checked, never against the operator's own."""

from __future__ import annotations

import ipaddress

import pytest

from stentor.guard import desk as desk_module
from stentor.guard.desk import WORDS_BURST, WORDS_PER_S, Desk
from stentor.guard.kernel import DROPS, Ground, KernelRefused
from stentor.shield.vocabulary import (
    SECONDS_MAX,
    Address,
    Answer,
    Ban,
    Counters,
    Limits,
    Media,
    Network,
    Unban,
    Validated,
    encode,
)

OWN = ipaddress.ip_network("192.0.2.0/28")


class Written:
    """A kernel that writes down what it is told."""

    how = "nftables"

    def __init__(self) -> None:
        self.bans: dict[Network, int] = {}
        self.limits: list[Limits] = []
        self.places: list[tuple[Address, int, int]] = []
        self.calls = 0
        self.broken = False

    def ban(self, network: Network, seconds: int) -> None:
        if self.broken:
            raise KernelRefused("no memory")
        self.calls += 1
        self.bans[network] = seconds

    def unban(self, network: Network) -> None:
        del self.bans[network]

    def limit(self, limits: Limits) -> None:
        self.limits.append(limits)

    def validate(self, address: Address, port: int, seconds: int) -> None:
        self.places.append((address, port, seconds))

    def drops(self) -> dict[str, int]:
        return dict.fromkeys(DROPS, 7)

    def tidy(self) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture
def kernel() -> Written:
    return Written()


@pytest.fixture
def desk(kernel: Written) -> Desk:
    ground = Ground(8000, (8001, 8002), (61_000, 65_535), (OWN,))
    return Desk(kernel, ground, Limits(syn_per_s=50))


def test_the_operators_limits_hold_from_the_start(desk: Desk, kernel: Written) -> None:
    assert kernel.limits == [Limits(syn_per_s=50)]
    desk.hear(encode(Limits(udp_per_s=20, media=Media.VALIDATED)), 0)
    assert kernel.limits[-1] == Limits(udp_per_s=20, media=Media.VALIDATED)


def test_a_ban_is_done_once_and_of_two_the_later_end_holds(desk: Desk, kernel: Written) -> None:
    network = ipaddress.ip_network("198.51.100.7/32")
    for seconds, now_s in ((60, 0), (30, 0), (60, 0), (61, 0)):
        assert desk.hear(encode(Ban(str(network), seconds)), now_s).ok
    assert kernel.calls == 2
    assert kernel.bans == {network: 61}
    assert desk.hear(encode(Counters()), 60).counters["bans"] == 1
    assert desk.hear(encode(Counters()), 62).counters["bans"] == 0
    assert desk.hear(encode(Ban(str(network), 5)), 63).ok
    assert desk.hear(encode(Unban(str(network))), 64).ok
    assert kernel.bans == {}
    assert desk.hear(encode(Unban(str(network))), 64).ok  # who is not banned is no error


@pytest.mark.parametrize(
    "network",
    [
        "192.0.2.3",  # inside what is the operator's own
        "192.0.2.0/24",  # around it
        "::ffff:192.0.2.3",  # the same by another name
        "10.0.0.0/8",
        "10.0.0.0/25",  # none of the prefixes by which networks are counted
        "2001:db8::/32",
        "10.0.0.1/24",  # host bits
        "0.0.0.0/0",
        "drop table",
        "10.0.0.1; flush ruleset",
    ],
)
def test_networks_that_must_not_be_banned_are_refused_with_a_reason(
    desk: Desk, kernel: Written, network: str
) -> None:
    answer = desk.hear(encode(Ban(network, 60)), 0)
    assert not answer.ok
    assert answer.why
    assert kernel.bans == {}
    assert desk.words["refused"] == 1


@pytest.mark.parametrize("seconds", [0, -1, SECONDS_MAX + 1, 1 << 60])
def test_every_ban_ends_soon(desk: Desk, kernel: Written, seconds: int) -> None:
    assert not desk.hear(encode(Ban("198.51.100.7", seconds)), 0).ok
    assert not desk.hear(encode(Validated("198.51.100.7", 9, seconds)), 0).ok
    assert kernel.bans == {}
    assert kernel.places == []


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"ban",
        b"[]",
        b"\xff" * 40,
        b'{"do":"run","command":"id"}',
        b'{"do":"ban","network":"198.51.100.7"}',
        b'{"do":"ban","network":"198.51.100.7","seconds":"60"}',
        b'{"do":"ban","network":"198.51.100.7","seconds":60,"port":22}',
        b'{"do":"limits","media":"none"}',
        b'{"do":"counters"' + b" " * 600 + b"}",
    ],
)
def test_what_is_no_word_is_told_so_and_does_nothing(
    desk: Desk, kernel: Written, data: bytes
) -> None:
    answer = desk.hear(data, 0)
    assert (answer.ok, bool(answer.why)) == (False, True)
    assert desk.words == {"malformed": 1}
    assert kernel.calls == 0
    assert len(kernel.limits) == 1


@pytest.mark.parametrize(
    ("limits", "ok"),
    [(Limits(-1), False), (Limits(udp_per_s=1_000_001), False), (Limits(1_000_000), True)],
)
def test_limits_have_bounds(desk: Desk, limits: Limits, ok: bool) -> None:
    assert desk.hear(encode(limits), 0).ok is ok


@pytest.mark.parametrize(
    ("address", "port", "ok"),
    [
        ("198.51.100.7", 4_000, True),
        ("2001:db8::1", 65_535, True),
        ("198.51.100.7", 0, False),
        ("198.51.100.7", 65_536, False),
        ("ff02::1", 9, False),
        ("0.0.0.0", 9, False),
        ("host", 9, False),
    ],
)
def test_only_a_hosts_address_and_port_can_be_validated(
    desk: Desk, kernel: Written, address: str, port: int, ok: bool
) -> None:
    assert desk.hear(encode(Validated(address, port, 60)), 0).ok is ok
    assert [str(one[0]) for one in kernel.places] == ([address] if ok else [])


def test_a_flood_of_words_is_answered_no_further_than_its_pace(desk: Desk, kernel: Written) -> None:
    word = encode(Ban("198.51.100.7", 60))
    answers = [desk.hear(word, 0) for _ in range(WORDS_BURST + 500)]
    assert sum(one.ok for one in answers) == pytest.approx(WORDS_BURST, abs=2)
    assert answers[-1] == Answer(False, "too many words", how="nftables")
    later = [desk.hear(word, 1) for _ in range(WORDS_BURST)]
    assert sum(one.ok for one in later) == pytest.approx(WORDS_PER_S, abs=2)


def test_bans_are_bounded_and_room_comes_back_when_they_end(
    kernel: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_module, "BANS_MAX", 100)
    desk = Desk(kernel, Ground(8000, (), (61_000, 65_535)), Limits())
    for number in range(100):
        assert desk.hear(encode(Ban(f"198.51.100.{number}", 10)), number / 100).ok
    over = encode(Ban("203.0.113.7", 60))
    refused = desk.hear(over, 9)
    assert not refused.ok
    assert "100" in refused.why
    assert desk.hear(over, 11).ok


def test_what_the_kernel_refuses_is_said_and_may_be_asked_again(
    desk: Desk, kernel: Written
) -> None:
    word = encode(Ban("198.51.100.7", 60))
    kernel.broken = True
    assert desk.hear(word, 0).why == "no memory"
    kernel.broken = False
    assert desk.hear(word, 0).ok
    assert len(kernel.bans) == 1


def test_counters_tell_what_was_dropped_and_what_became_of_words(desk: Desk) -> None:
    desk.hear(encode(Ban("198.51.100.7", 60)), 0)
    desk.hear(b"nonsense", 0)
    counters = desk.hear(encode(Counters()), 1).counters
    assert {name: counters[name] for name in DROPS} == dict.fromkeys(DROPS, 7)
    assert (counters["bans"], counters["words_ban"], counters["words_malformed"]) == (1, 1, 1)
