"""The guard's socket: what it hears, whom it answers, and what it counts."""

from __future__ import annotations

import os
import socket
from collections import Counter
from contextlib import closing
from pathlib import Path

from stentor.guard.socket import WordSocket


def test_an_answer_that_nobody_takes_is_dropped_and_counted(tmp_path: Path) -> None:
    fates: Counter[str] = Counter()
    path = tmp_path / "guard.sock"
    with closing(WordSocket(path, (os.getuid(), os.getgid()), fates)) as words:
        assert words.keep()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
            client.bind(str(tmp_path / "client.sock"))
            client.sendto(b"counters", str(path))
            ((said, place),) = words.words(8)
            assert said == b"counters"
            words.answer(b"first", place)
            assert client.recv(64) == b"first"
        assert not fates
        words.answer(b"second", place)
    assert fates == {"unanswered": 1}
