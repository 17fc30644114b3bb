"""Listeners for tests: `stentor listen`'s own code in threads, with what they heard at hand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from stentor.base.clock import SystemClock
from stentor.base.errors import StentorError
from stentor.listen.heard import Findings, Heard
from stentor.listen.run import Wish, run_listen
from stentor.rooms.state import RoomState
from support.machine import PATIENCE, Machine, watched_machine
from support.server import wait_until
from support.voices import Pcm


@dataclass
class Ear:
    """One listener, listening in a thread."""

    wish: Wish
    parts: dict[int, Pcm] = field(default_factory=dict)
    states: list[RoomState] = field(default_factory=list)
    heard: Heard | None = None
    error: StentorError | None = None
    arrived_ns: dict[int, int] = field(default_factory=dict)
    file: bytearray = field(default_factory=bytearray)
    machine: Machine | None = None
    _thread: threading.Thread | None = None

    def start(self) -> Ear:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def _run(self) -> None:
        clock = SystemClock()

        def on_pcm(part: int, pcm: Pcm) -> None:
            self.arrived_ns[part] = clock.now_ns()
            self.parts[part] = pcm

        def on_start(heard: Heard) -> None:
            self.heard = heard
            heard.on_file = self.file.extend

        try:
            run_listen(
                self.wish, clock, on_pcm=on_pcm, on_state=self.states.append, on_start=on_start
            )
        except StentorError as error:
            self.error = error

    @property
    def findings(self) -> Findings:
        assert self.heard is not None
        return self.heard.findings

    @property
    def smooth(self) -> bool:
        """Whether it played without a pause, but for what this machine held up."""
        return self.findings.stalled_s < 0.5 + self.held_up_s

    @property
    def held_up_s(self) -> float:
        """For how long this machine held up what was listened to."""
        return self.machine.held_up_s() if self.machine is not None else 0.0

    @property
    def last_part(self) -> int:
        return max(self.parts, default=-1)

    def pcm(self, first: int | None = None, last: int | None = None) -> Pcm:
        """Return what was heard from part `first` to part `last`."""
        chosen = [
            self.parts[n]
            for n in sorted(self.parts)
            if (first is None or n >= first) and (last is None or n <= last)
        ]
        return np.concatenate(chosen) if chosen else np.empty(0, np.int16)

    def wait_parts(self, count: int, timeout_s: float = 20) -> None:
        wait_until(
            lambda: len(self.parts) >= count or self.error, timeout_s, f"{count} parts heard"
        )
        assert self.error is None, self.error

    def wait_more(self, count: int, timeout_s: float = 20) -> None:
        """Return when `count` more parts have been heard."""
        self.wait_parts(len(self.parts) + count, timeout_s)

    def wait(self, condition: Callable[[Ear], Any], timeout_s: float, what: str) -> None:
        wait_until(lambda: condition(self), timeout_s, what)

    def join(self, timeout_s: float = 20) -> Ear:
        """Return when listening has ended by itself."""
        assert self._thread is not None
        self._thread.join(PATIENCE * timeout_s)
        assert not self._thread.is_alive(), f"still listening to {self.wish.url}"
        return self


@contextmanager
def listening(url: str, count: int = 1, seconds: float = 100, **wish: Any) -> Iterator[list[Ear]]:
    """Let `count` listeners listen while the block lasts (they end by themselves, or with us)."""
    with watched_machine() as machine:
        wish_of = Wish(url, seconds=seconds, **wish)
        yield [Ear(wish_of, machine=machine).start() for _ in range(count)]
