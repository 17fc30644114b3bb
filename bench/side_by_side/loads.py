"""The parent's end of the load: starts crowds and floods, asks how they stand, and ends them."""

import contextlib
import multiprocessing
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from side_by_side.crowd import Wish, run_crowd
from side_by_side.programme import Timeline
from side_by_side.target import Target

LISTENERS_PER_PROCESS = 12_000
_ANSWER_S = 20.0


@dataclass
class Load:
    """Client processes for one server. A context: whatever happens, they end."""

    processes: list[tuple[BaseProcess, Connection]] = field(default_factory=list)
    states: dict[int, tuple[int, int, int]] = field(default_factory=dict)

    def __enter__(self) -> "Load":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def start(self, wish: Wish) -> None:
        """Start one process."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=run_crowd, args=(wish, theirs), daemon=True)
        process.start()
        theirs.close()
        self.processes.append((process, ours))

    @property
    def heard(self) -> int:
        """How many have heard something, as last told."""
        self._hear()
        return sum(state[0] for state in self.states.values())

    def tell(self, what: str) -> None:
        """Tell all processes."""
        for _, pipe in self.processes:
            with contextlib.suppress(OSError):
                pipe.send(what)

    def report(self) -> dict[str, Any]:
        """Ask all for what they saw since `begin`, added up."""
        self.tell("report")
        found: list[dict[str, Any]] = []
        limit = time.monotonic() + _ANSWER_S
        for number, (_, pipe) in enumerate(self.processes):
            while time.monotonic() < limit:
                if not pipe.poll(max(0.0, limit - time.monotonic())):
                    raise TimeoutError("a load process does not answer")
                message = pipe.recv()
                if message[0] == "report":
                    found.append(message[1])
                    break
                self.states[number] = message[1:]
        return _added(found)

    def end(self) -> None:
        """End all; returns when they are gone."""
        self.tell("end")
        for process, pipe in self.processes:
            process.join(5)
            if process.is_alive():
                process.kill()
            pipe.close()
        self.processes.clear()

    def _hear(self) -> None:
        for number, (process, pipe) in enumerate(self.processes):
            with contextlib.suppress(EOFError, OSError):
                while pipe.poll():
                    message = pipe.recv()
                    if message[0] == "state":
                        self.states[number] = message[1:]
            if not process.is_alive():
                raise RuntimeError("a load process has ended; its trace is above")


def _added(found: list[dict[str, Any]]) -> dict[str, Any]:
    total: dict[str, Any] = {}
    for one in found:
        for name, value in one.items():
            if isinstance(value, dict):
                into = total.setdefault(name, {})
                for key, count in value.items():
                    into[key] = into.get(key, 0) + count
            else:
                total[name] = total[name] + value if name in total else value
    for name in ("behind_s", "first_s"):
        total[name] = sorted(total.get(name, []))
    return total


def audience(
    load: Load,
    target: Target,
    timeline: Timeline,
    listeners: int,
    ramp_s: float,
    cores: tuple[int, ...],
) -> None:
    """Start listeners, divided among as many processes as there are cores, or more."""
    processes = max(len(cores), -(-listeners // LISTENERS_PER_PROCESS))
    for number in range(processes):
        count = listeners // processes + (number < listeners % processes)
        load.start(Wish(target, timeline, number, count, ramp_s, cores))


def percentile(values: list[float], share: float) -> float:
    """Return a percentile of sorted values, 0 of none."""
    return values[min(len(values) - 1, int(share * len(values)))] if values else 0.0
