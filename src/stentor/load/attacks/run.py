"""Runs an attack in processes of its own and adds up what came of it."""

import math
import os
import subprocess
import sys
from dataclasses import dataclass

import msgspec

from stentor.base.errors import UnavailableError, UsageError
from stentor.load.attacks import bounds
from stentor.load.attacks.aim import Aim, refuse_all_but_own
from stentor.load.attacks.crew import Orders
from stentor.load.attacks.families import FAMILIES, By, Family
from stentor.load.attacks.outcome import Outcome, sum_outcomes

_PER_PROCESS = 2_000.0  # a second; more is worth a second process


@dataclass(frozen=True, slots=True)
class Attack:
    """A whole attack. Zero sources: as many as the family has."""

    family: Family
    aim: Aim
    per_s: float = 200.0
    seconds: float = 10.0
    sources: int = 0
    seed: int = 1
    v6: bool = False
    ports: tuple[int, ...] = ()
    key: bytes = b""
    address: str = ""  # of loopback: a carrier's, that they share with people
    first: int = 0  # where the numbers of its sources begin

    def orders(self) -> list[Orders]:
        """Return what each process is to do; raises `UsageError` for what none may."""
        about = FAMILIES[self.family]
        sources = self.sources or about.sources
        bounds.check(self.per_s, self.seconds, sources)
        if sources > about.sources_max:
            raise UsageError(f"{self.family} has at most {about.sources_max} sources.")
        refuse_all_but_own(self.aim.address)
        if self.address:
            refuse_all_but_own(self.address)
        if about.by is By.DATAGRAMS and not self.ports:
            raise UnavailableError("Nobody is on the stage: it has no media ports to send to.")
        of = min(bounds.PROCESSES_MAX, math.ceil(self.per_s / _PER_PROCESS))
        return [
            Orders(
                self.family, self.aim, self.per_s, self.seconds, sources, self.seed, number, of,
                self.v6, list(self.ports), self.key, os.getpid(),
                self.address,
                self.first,
            )
            for number in range(of)
        ]  # fmt: skip


class Running:
    """An attack that goes on in the background until its time is over. Use as a context."""

    def __init__(self, attack: Attack) -> None:
        self._processes: list[subprocess.Popen[bytes]] = []
        self._seconds = attack.seconds
        for orders in attack.orders():
            process = subprocess.Popen(
                [sys.executable, "-m", "stentor.load.attacks.crew"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            self._processes.append(process)
            assert process.stdin is not None
            with process.stdin as stdin:
                stdin.write(msgspec.msgpack.encode(orders))

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @property
    def pids(self) -> list[int]:
        """Its processes."""
        return [process.pid for process in self._processes]

    def outcome(self) -> Outcome:
        """Wait until it is over and return what came of it; raises `UnavailableError`."""
        found = []
        for process in self._processes:
            assert process.stdout is not None
            data = process.stdout.read()
            if process.wait(self._seconds + 2 * bounds.GRACE_S):
                raise UnavailableError("A process of the attack did not come to its end.")
            found.append(msgspec.msgpack.decode(data, type=Outcome))
        return sum_outcomes(found)

    def end(self) -> None:
        """Have it end before its time, and still say what came of it; to be called once it goes."""
        for process in self._processes:
            process.terminate()

    def stop(self) -> None:
        """End it now."""
        for process in self._processes:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


def run_attack(attack: Attack) -> Outcome:
    """Run the whole of it."""
    with Running(attack) as running:
        return running.outcome()
