"""What the kernel dropped: growth only, also when the guard began again, and none without one."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stentor.shield.vocabulary import Answer, Counters, decode_word, encode
from stentor.watch.guarding import Guarding
from support.programs import needs_root


class Guard:
    """The guard's end of the socket."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(10)

    def answer(self, **counters: int) -> None:
        word, place = self.socket.recvfrom(512)
        assert decode_word(word) == Counters()
        self.socket.sendto(encode(Answer(True, how="nftables", counters=counters)), place)


@pytest.fixture
def guarding(tmp_path: Path) -> Iterator[Guarding]:
    one = Guarding(tmp_path / "guard.sock")
    yield one
    one.close()


def test_without_a_guard_nothing_is_told(guarding: Guarding) -> None:
    assert guarding.look() == {}
    assert guarding.look() == {}
    assert guarding.how == ""


def test_what_was_dropped_since_the_last_answer_is_told(guarding: Guarding, tmp_path: Path) -> None:
    guard = Guard(tmp_path / "guard.sock")
    assert guarding.look() == {}
    guard.answer(banned=1000, syn=0, bans=3)
    assert guarding.look() == {}  # dropped before we were there
    guard.answer(banned=1500, syn=7, bans=4)
    assert guarding.look() == {"banned": 500, "syn": 7}
    assert (guarding.how, guarding.standing) == ("nftables", {"bans": 4})
    guard.answer(banned=20, syn=7)
    assert guarding.look() == {"banned": 20}  # it began again
    guard.socket.close()
    assert guarding.look() == {}
    assert guarding.how == ""


def test_an_answer_that_is_none_is_passed_over(guarding: Guarding, tmp_path: Path) -> None:
    guard = Guard(tmp_path / "guard.sock")
    guarding.look()
    _, place = guard.socket.recvfrom(512)
    guard.socket.sendto(b"nonsense", place)
    assert guarding.look() == {}


_STRANGER = """
import os, socket, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
one = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
one.sendto(bytes.fromhex(sys.argv[2]), bytes.fromhex(sys.argv[1]))
"""


@needs_root
def test_what_another_user_of_the_machine_says_is_not_taken_for_the_guards_word(
    guarding: Guarding, tmp_path: Path
) -> None:
    guard = Guard(tmp_path / "guard.sock")
    guarding.look()
    guard.answer(banned=1)
    guarding.look()
    _, place = guard.socket.recvfrom(512)
    assert isinstance(place, bytes), "a name that the kernel chose, open to everybody"
    lie = encode(Answer(True, how="xdp", counters={"banned": 1_000_000}))
    subprocess.run(
        [sys.executable, "-c", _STRANGER, place.hex(), lie.hex()], check=True, timeout=60
    )
    assert guarding.look() == {}
    assert guarding.how == ""
