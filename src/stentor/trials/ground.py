"""Where a trial takes place: edges as in production before a programme on the air, on loopback.

Each edge is `stentor part edge` in a process of its own, with the settings that it is given; data
folder, ports and a certificate, if none is given, are for this trial only and gone with it. Edges
have some of the machine's cores for themselves, listeners and everything else the others, so that
neither slows the other. Measures nothing.
"""

import contextlib
import os
import random
import socket
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stentor.base.clock import SharedClock
from stentor.base.errors import UnavailableError
from stentor.base.paths import DataFolder
from stentor.base.settings import PREFIX, Settings, as_environment
from stentor.load.target import Target
from stentor.supervise.process import Process
from stentor.supervise.supervisor import stentor_command
from stentor.trials.awake import Awake, Worked, kept_awake
from stentor.trials.certificate import make_certificate
from stentor.trials.kernel import cpu_s
from stentor.trials.programme import ROOM, Broadcast, Programme

OLD_PARTS = 84  # on the air for so long already that the slowest lane's first burst is whole
_READY_S = 60.0
_PORTS = (10_000, 30_000)  # the kernel gives none of these to a connection
_TRIES = 200
# A load has few addresses, so its networks are no measure of anything.
_ALONE = {"log_level": "warning", "door_network_per_s": 0.0}
_PLAIN = {"tls_certificate": "", "tls_key": ""}


@dataclass(frozen=True, slots=True)
class Cores:
    """Which cores of the machine are the edges', and which everybody else's."""

    edges: tuple[int, ...]
    others: tuple[int, ...]

    @property
    def apart(self) -> bool:
        """Whether nobody else is on the edges' cores."""
        return not set(self.edges) & set(self.others)


def share_cores() -> Cores:
    """Return half of the cores for edges; with one core they share it."""
    mine = sorted(os.sched_getaffinity(0))
    half = len(mine) // 2
    return Cores(tuple(mine[:half]), tuple(mine[half:])) if half else Cores((*mine,), (*mine,))


@dataclass(frozen=True, slots=True)
class Ground:
    """Edges that serve one room on the air."""

    settings: Settings
    folder: DataFolder
    pids: tuple[int, ...]
    cores: Cores
    awake: tuple[Awake, ...]  # what keeps the edges' cores so

    def target(self, rendition: str, *, period_ms: int = 0, sources_from: int = 10) -> Target:
        """Return where listeners go."""
        secure = bool(self.settings.tls_certificate)
        return Target(
            "127.0.0.1",
            self.settings.port,
            ROOM,
            rendition,
            secure=secure,
            name="localhost" if secure else "",
            period_ms=period_ms,
            sources_from=sources_from,
        )

    def counted(self, *names: str) -> dict[str, float]:
        """Return figures of the edges' metrics, summed over them. Costs an edge milliseconds."""
        wanted = {f"stentor_edge_{name}_total": name for name in names}
        total = dict.fromkeys(names, 0.0)
        for index in range(len(self.pids)):
            port = self.settings.metrics_port_used + 1 + index
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
                for line in answer.read().decode().splitlines():
                    name, _, value = line.partition(" ")
                    if name in wanted:
                        total[wanted[name]] += float(value)
        return total

    def cpu_s(self) -> float:
        """Return the edges' CPU seconds so far."""
        return sum(map(cpu_s, self.pids))

    def worked(self) -> Worked:
        """Return what was done on the edges' cores to keep them awake."""
        each = [one.worked for one in self.awake]
        return Worked(sum(one.pieces for one in each), sum(one.cpu_s for one in each))


@contextlib.contextmanager
def ground(
    programme: Programme, *, edges: int, secure: bool, speed: float = 1.0, **settings: Any
) -> Iterator[Ground]:
    """Start the edges with a programme on the air; stop them at the end, whatever happens.

    Raises `UnavailableError` if they do not come up. `settings` are an edge's.
    """
    cores = share_cores()
    with (
        tempfile.TemporaryDirectory(prefix="stentor-trial-", ignore_cleanup_errors=True) as root,
        _on(cores.others),
        contextlib.ExitStack() as stack,
    ):
        folder = DataFolder(Path(root))
        clock = SharedClock(folder.clock)
        broadcast = Broadcast(
            folder.origin_feed, clock, programme, old_parts=OLD_PARTS, speed=speed
        )
        stack.enter_context(broadcast.on_the_air())
        first = _free_ports(edges + 3)
        certificate = _certificate(Path(root), settings) if secure else _PLAIN
        chosen = Settings(
            port=first,
            control_port=first + 1,
            metrics_port=first + 2,
            edges=edges,
            data=str(folder.root),
            **{**settings, **_ALONE, **certificate},
        )
        with _on(cores.edges):
            processes = [_start(stack, chosen, index) for index in range(edges)]
        _await(broadcast, processes, chosen)
        awake = stack.enter_context(kept_awake(sorted({*cores.edges, *cores.others})))
        yield Ground(
            chosen,
            folder,
            tuple(one.pid for one in processes),
            cores,
            tuple(awake[core] for core in cores.edges),
        )


def _certificate(folder: Path, settings: dict[str, Any]) -> dict[str, str]:
    """Return the deployment's certificate if it has one, else one made on the spot."""
    if settings.get("tls_certificate"):
        return {}
    return make_certificate(folder)


@contextlib.contextmanager
def _on(cores: tuple[int, ...]) -> Iterator[None]:
    """Run this thread, and what it starts, on some cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _start(stack: contextlib.ExitStack, settings: Settings, index: int) -> Process:
    outside = {name: text for name, text in os.environ.items() if not name.startswith(PREFIX)}
    environment = {**outside, **as_environment(settings)}
    process = Process(stentor_command("part", "edge", "--index", str(index)), environment)
    stack.callback(_end, process)
    return process


def _end(process: Process) -> None:
    process.kill()
    while not process.reap():
        time.sleep(0.01)
    process.close()


def _await(broadcast: Broadcast, processes: list[Process], settings: Settings) -> None:
    """Wait until each edge has the programme and answers."""
    until_s = time.monotonic() + _READY_S
    for index in range(len(processes)):
        port = settings.metrics_port_used + 1 + index
        while not _has_parts(port):
            if any(process.reap() for process in processes):
                raise UnavailableError("An edge of the trial ended before it was ready.")
            if time.monotonic() > until_s:
                raise UnavailableError(f"The trial's edges were not ready in {_READY_S:.0f} s.")
            time.sleep(0.1)


def _has_parts(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith("stentor_edge_parts_total "):
                    return float(line.split()[1]) >= OLD_PARTS
    except OSError:
        pass
    return False


def _free_ports(count: int) -> int:
    """Return the first of so many free ports in a row."""
    for _ in range(_TRIES):
        first = random.randrange(*_PORTS)
        with contextlib.suppress(OSError):
            for offset in range(count):
                with socket.socket() as one:
                    one.bind(("127.0.0.1", first + offset))
            return first
    raise UnavailableError("No free ports were found for the trial.")
