"""What the stage tells the guard: each good check once in a while, and never waiting."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from stentor.shield.vocabulary import WORD_BYTES_MAX, Validated, decode_word
from stentor.stage.guarding import VALID_S, GuardWords


class Hand:
    """A clock that is set by hand."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def unsaid() -> float:
    return REGISTRY.get_sample_value("stentor_stage_guard_unsaid_total") or 0.0


@pytest.fixture
def guard(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as made:
        made.bind(str(tmp_path / "guard.sock"))
        yield made


def test_each_address_is_told_once_and_again_before_the_guard_forgets_it(
    tmp_path: Path, guard: socket.socket
) -> None:
    clock = Hand()
    before = unsaid()
    words = GuardWords(tmp_path / "guard.sock", clock)
    said = 0
    for second in range(VALID_S):
        clock.now_s = 100.0 + second
        words.validated("192.0.2.1", 4_000)
        try:
            assert decode_word(guard.recv(WORD_BYTES_MAX)) == Validated("192.0.2.1", 4_000, VALID_S)
            said += 1
        except BlockingIOError:
            pass
    assert 2 <= said <= 6
    assert unsaid() == before
    words.close()


def test_without_a_guard_nothing_waits_and_a_guard_that_comes_is_told(tmp_path: Path) -> None:
    clock = Hand()
    before = unsaid()
    words = GuardWords(tmp_path / "guard.sock", clock)
    words.validated("192.0.2.1", 4_000)
    words.validated("192.0.2.1", 4_000)
    assert unsaid() == before + 1  # and not tried at every check
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as guard:
        guard.bind(str(tmp_path / "guard.sock"))
        clock.now_s += 2
        words.validated("192.0.2.1", 4_000)
        assert decode_word(guard.recv(WORD_BYTES_MAX)) == Validated("192.0.2.1", 4_000, VALID_S)
    words.close()
