"""A network is banned for what it did at one edge, and people listen there at another one."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from stentor.edge.counts import Counts
from stentor.edge.networks import NetworkLimits, Networks
from stentor.edge.shielding import Shielding
from stentor.media.grid import PARTS_PER_SEGMENT, SEGMENT_S
from stentor.shield import vocabulary
from stentor.shield.bans import PEOPLE_MS
from stentor.shield.bystanders import LOOKED_AT_MAX, TOLD_MAX, Bystanders
from stentor.shield.keys import EventKey
from stentor.shield.merge import Merging
from stentor.shield.policy import Policy, Why, encode_policy
from stentor.shield.shield import Shield
from stentor.shield.summary import Summary

KEY = EventKey(b"k" * 32)
CARRIER = b"\x0a\0\0\x01"


class Machine:
    """Two edges, their shield and the guard; each turn is a second."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "shield.policy"
        self.heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.heard.bind(str(folder / "guard.sock"))
        self.summaries = [Summary(KEY, f"edge-{n}") for n in range(2)]
        self.networks = [Networks(NetworkLimits()) for _ in range(2)]
        self.edges = [
            Shielding(
                policy=self._path,
                guard=folder / "guard.sock",
                networks=networks,
                counts=Counts(),
                summary=summary,
            )
            for networks, summary in zip(self.networks, self.summaries, strict=True)
        ]
        self._merging, self._shield, self.policy = Merging(), Shield(), Policy()
        self.now_ms = 0

    def second(self) -> None:
        told = []
        for summary, edge in zip(self.summaries, self.edges, strict=True):
            told.append(
                summary.second(
                    self.now_ms,
                    counts={},
                    listening_of=partial(edge.listening, now_ms=self.now_ms),
                    bystanders=edge.bystanders(self.now_ms),
                )
            )
            edge.remember(summary.named, self.now_ms)
            edge.look(self.now_ms)
            edge.tell_guard(self.now_ms)
        self.policy = self._shield.decide(self._merging.merge(told, self.now_ms), self.now_ms)
        scratch = self._path.with_suffix(".new")
        scratch.write_bytes(encode_policy(self.policy))
        scratch.replace(self._path)
        self.now_ms += 1_000

    def words(self) -> list[type]:
        found: list[type] = []
        with contextlib.suppress(BlockingIOError):
            while True:
                word = vocabulary.decode_word(self.heard.recv(vocabulary.WORD_BYTES_MAX))
                found.append(type(word))
        return found

    def flooded(self, seconds: int) -> list[type]:
        """Let bots do wrong at the first edge for a while; return what the guard was told."""
        for _ in range(seconds):
            for _ in range(50):
                self.summaries[0].came(CARRIER)
                self.summaries[0].wrong(CARRIER, Why.MALFORMED)
            self.second()
        return self.words()

    def close(self) -> None:
        self.heard.close()
        for summary, edge in zip(self.summaries, self.edges, strict=True):
            summary.close()
            edge.close()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    yield machine
    machine.close()


def test_kernel_is_never_told_of_a_network_that_has_a_listener_at_another_edge(
    machine: Machine,
) -> None:
    machine.networks[1].keeps(7, CARRIER)
    machine.networks[1].listens(7)
    assert machine.flooded(60) == []
    assert machine.policy.bans == (), "one of ten seconds, before the shield knew who is there"
    machine.networks[1].listens_no_more(7)
    assert vocabulary.Ban in machine.flooded(PEOPLE_MS // 1000 + 60)


def test_kernel_is_told_no_more_of_a_network_once_somebody_listens_there_anywhere(
    machine: Machine,
) -> None:
    assert machine.flooded(20)[:1] == [vocabulary.Ban]
    number = machine.now_ms // round(SEGMENT_S * 1000)
    for _ in range(5):  # whoever plays by HLS at the other edge has had a connection for long
        parts = range(number * PARTS_PER_SEGMENT, (number + 1) * PARTS_PER_SEGMENT)
        machine.edges[1].reads(CARRIER, "hall", parts, machine.now_ms)
        number += 1
        machine.now_ms += round(SEGMENT_S * 1000)
    assert machine.flooded(8) == [], "it would have been told again by now"
    (ban,) = machine.policy.bans
    assert not ban.kernel
    assert ban.until_ms > machine.now_ms, "newcomers of theirs are still set back"


def test_who_listens_is_looked_through_in_bounded_steps_and_the_largest_are_told() -> None:
    count = 3 * LOOKED_AT_MAX
    listening = {number.to_bytes(4): 1 + number % 7 for number in range(count)}
    banned = [number.to_bytes(4) for number in range(0, count, count // 100)]
    bans = {EventKey.read(KEY.name(one)) for one in banned}
    bystanders = Bystanders()

    def look() -> list[bytes]:
        return bystanders.look(bans, KEY, lambda: listening, lambda one: listening.get(one, 0))

    for _ in range(3):
        told = look()
    most = sorted((listening[one] for one in banned), reverse=True)[:TOLD_MAX]
    assert [listening[one] for one in told] == most
    assert look() == told, "whom nobody joined and nobody left"
    listening.clear()
    assert look() == []
    assert bystanders.look((), KEY, lambda: listening, lambda _one: 1) == []


def test_all_are_looked_through_again_only_for_other_bans_or_after_a_while() -> None:
    listening = {b"\x0a\0\0\x01": 3, b"\x0a\0\0\x02": 5}
    looked_through = 0

    def all_who_listen() -> dict[bytes, int]:
        nonlocal looked_through
        looked_through += 1
        return listening

    bystanders = Bystanders()

    def look(bans: set[tuple[int, int]]) -> list[bytes]:
        return bystanders.look(bans, KEY, all_who_listen, lambda one: listening.get(one, 0))

    first = {EventKey.read(KEY.name(b"\x0a\0\0\x01"))}
    assert [look(first) for _ in range(20)] == [[b"\x0a\0\0\x01"]] * 20
    assert looked_through == 1
    second = first | {EventKey.read(KEY.name(one)) for one in (b"\x0a\0\0\x02", CARRIER[::-1])}
    assert look(second) == [b"\x0a\0\0\x02", b"\x0a\0\0\x01"]
    assert looked_through == 2
    listening[CARRIER[::-1]] = 9
    bystanders.begins(CARRIER[::-1])
    assert look(second)[0] == CARRIER[::-1]
    assert looked_through == 2
    for _ in range(40):
        look(second)
    assert looked_through == 3
