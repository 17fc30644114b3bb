"""A guard in a namespace of its own, and those who come from the other end of a cable.

with guarding("nftables", tmp_path / "data") as guarded:
    guarded.told(Ban("198.51.100.1", 60))
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from stentor.shield.vocabulary import (
    ANSWER_BYTES_MAX,
    Answer,
    Counters,
    Word,
    decode_answer,
    encode,
)
from support.edge import eventually
from support.namespaces import NEAR, NEAR6, NEAR_INTERFACE, Cable, cable

LISTENERS, CONTROL, MEDIA = 8000, 8001, 61_000
PASSES_S = 20.0  # what is not dropped is there long before
FOURS = [f"198.51.100.{number}" for number in range(1, 40)]  # the last is never dropped
SIXES = [f"2001:db8:{number:x}:1::5" for number in range(1, 5)]
OTHER = "203.0.113.9"


@dataclass
class Guarded:
    """A guard that runs, and the cable that it guards one end of."""

    how: str
    link: Cable
    data: Path
    process: subprocess.Popen[bytes]
    log: Path

    def say(self, word: Word) -> Answer:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            mine = self.data / f"me-{time.monotonic_ns()}"
            line.bind(str(mine))
            line.settimeout(PASSES_S)
            line.sendto(encode(word), str(self.data / "run" / "guard.sock"))
            answer = decode_answer(line.recv(ANSWER_BYTES_MAX))
            mine.unlink()
            return answer

    def told(self, word: Word) -> None:
        answer = self.say(word)
        assert answer.ok, answer.why
        assert answer.how == self.how

    def count(self, name: str) -> int:
        return self.say(Counters()).counters[name]

    def comes(self, source: str, port: int = LISTENERS) -> socket.socket:
        """Connect from an address; it must get through."""
        client = self.begins(source, port)
        client.settimeout(PASSES_S)
        wait_writable(client)
        assert client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
        return client

    def begins(self, source: str, port: int = LISTENERS) -> socket.socket:
        """Begin to connect from an address."""
        six = ":" in source
        client = self.link.far.open(socket.AF_INET6 if six else socket.AF_INET, source=source)
        client.setblocking(False)
        client.connect_ex((NEAR6 if six else NEAR, port))
        return client


def wait_writable(client: socket.socket) -> None:
    _, writable, _ = select.select([], [client], [], PASSES_S)
    assert writable, "it never got through"


@contextlib.contextmanager
def guarding(how: str, data: Path, **settings: str) -> Iterator[Guarded]:
    """Start a guard with these settings of its own, and somebody who listens at each port."""
    (data / "run").mkdir(parents=True)
    with contextlib.ExitStack() as stack:
        link = stack.enter_context(cable([*FOURS, OTHER, *SIXES]))
        for address in ((NEAR, LISTENERS), (NEAR, CONTROL), (NEAR6, LISTENERS)):
            stack.enter_context(link.near.listen(address))
        settings = {
            "port": str(LISTENERS),
            "control_port": str(CONTROL),
            "guard_never": FOURS[-1],
            **settings,
        }
        yield stack.enter_context(guard_at(link, how, data, **settings))


@contextlib.contextmanager
def guard_at(link: Cable, how: str, data: Path, **settings: str) -> Iterator[Guarded]:
    """Start a guard of a data folder at the near end of a cable."""
    log = data / "guard.log"
    environment = {
        **{name: text for name, text in os.environ.items() if not name.startswith("STENTOR_")},
        "STENTOR_DATA": str(data),
        "STENTOR_GUARD_INTERFACES": NEAR_INTERFACE if how == "xdp" else "",
        **{f"STENTOR_{name.upper()}": text for name, text in settings.items()},
    }
    with log.open("wb") as out:
        process = subprocess.Popen(
            link.near.command(sys.executable, "-m", "stentor", "guard"),
            env=environment,
            stderr=out,
        )
    guarded = Guarded(how, link, data, process, log)
    try:
        eventually(lambda: process.poll() is not None or b"guard_ready" in log.read_bytes(), 30)
        if how == "xdp" and b"Operation not permitted" in log.read_bytes():
            pytest.skip("this kernel lets nobody load a program here")
        assert process.poll() is None, log.read_text()
        yield guarded
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            assert process.wait(20) in (0, -signal.SIGKILL)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
