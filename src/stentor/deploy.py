"""A deploy under a running server: new edges, one by one, of the code and settings now.

Decides what may change that way and what needs a restart, and tells whoever asked how it goes. All
other parts keep running. It is asked through a Unix socket in the data folder, or by SIGHUP.
"""

import contextlib
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import msgspec

from stentor.base.errors import ConfigurationError, StentorError
from stentor.base.files import replace_file
from stentor.base.logs import log
from stentor.base.paths import DataFolder
from stentor.base.settings import (
    PREFIX,
    Settings,
    as_environment,
    load_settings,
    told_settings,
)
from stentor.supervise.claims import PortClaim, require_free_ports
from stentor.supervise.roll import Roll, RollState, Step
from stentor.supervise.supervisor import PartPlan, Supervisor, stentor_command

# What only edges read. Everything else is read by parts that keep running.
CHANGEABLE = ("edge_", "door_", "tls_", "proxy_protocol_from", "forwarded_from")
_ASKED_BYTES_MAX = 262_144
_ASKERS_MAX = 8
_LEAVE_GRACE_S = 5.0  # an edge ends by itself before its supervisor ends it


class Wish(msgspec.Struct, frozen=True):
    """What is asked for: the settings of this environment, or those that run."""

    environment: dict[str, str]
    same_settings: bool = False
    edges: int | None = None  # more of them than now


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of the answer; `event`: `changes`, `edge`, `added`, `done`, `failed` or `refused`."""

    event: str
    why: str = ""
    changes: dict[str, tuple[str, str]] = {}
    edge: str = ""
    listeners: int = 0
    gap_ms: float = 0.0  # the longest time in which nobody delivered
    door_ms: float = 0.0  # the longest time for which who came had to wait
    seconds: float = 0.0


class _Taken(msgspec.Struct, frozen=True):
    pid: int
    listeners: int = 0
    gap_ms: float = 0.0
    door_ms: float = 0.0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Serving:
    """What runs: the settings, and which of them were given on the command line."""

    settings: Settings
    options: Mapping[str, Any]


def changed_settings(old: Settings, new: Settings) -> dict[str, tuple[str, str]]:
    """Return what differs, as text; raises `ConfigurationError` if that needs a restart."""
    changes: dict[str, tuple[str, str]] = {}
    fixed: list[str] = []
    for one in fields(Settings):
        before, after = getattr(old, one.name), getattr(new, one.name)
        if before == after:
            continue
        changes[one.name] = (str(before), str(after))
        more_edges = one.name == "edges" and after > before
        if not (one.name.startswith(CHANGEABLE) or more_edges):
            fixed.append(f"{one.name} ({before} → {after})")
    if fixed:
        raise ConfigurationError(
            f"Not without a restart of stentor serve: {', '.join(fixed)}. A deploy changes what "
            f"begins with {', '.join(CHANGEABLE)}, and may add edges; nothing was touched."
        )
    return changes


class Deploys:
    """Takes wishes and carries them out, one at a time. A chore of the supervisor."""

    def __init__(self, folder: DataFolder, serving: Serving) -> None:
        self._folder = folder
        self._serving = serving
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self._door.bind(str(folder.deploys))
        folder.deploys.chmod(0o600)
        self._door.listen(_ASKERS_MAX)
        self._askers: dict[socket.socket, bytes] = {}
        self._listener: socket.socket | None = None  # who asked for the roll that is under way
        self._roll: Roll | None = None
        self._wanted: Serving | None = None
        self._hung_up = False
        self._sum = Told("done")
        self.supervisor: Supervisor | None = None

    def hang_up(self) -> None:
        """Deploy with the same settings, soon; safe to call from a signal's handler."""
        self._hung_up = True

    def look(self) -> None:
        """Take who asks, and go on with what is under way."""
        with contextlib.suppress(BlockingIOError):
            while len(self._askers) < _ASKERS_MAX:
                asker, _ = self._door.accept()
                asker.setblocking(False)
                self._askers[asker] = b""
        for asker in tuple(self._askers):
            self._hear(asker)
        if self._hung_up and self._roll is None:
            self._hung_up = False
            self._begin(None, Wish({}, same_settings=True))
        if self._roll is not None:
            self._go_on(self._roll)

    def close(self) -> None:
        """Take no more wishes."""
        self._door.close()
        for asker in (*self._askers, self._listener):
            if asker is not None:
                asker.close()

    def _hear(self, asker: socket.socket) -> None:
        try:
            data = asker.recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        so_far = self._askers[asker] + data
        if not data or len(so_far) > _ASKED_BYTES_MAX:
            del self._askers[asker]
            asker.close()
            return
        self._askers[asker] = so_far
        if not so_far.endswith(b"\n"):
            return
        del self._askers[asker]
        try:
            wish = msgspec.json.decode(so_far, type=Wish)
        except msgspec.MsgspecError as error:
            _tell(asker, Told("refused", why=f"Not understood: {error}."))
            asker.close()
            return
        self._begin(asker, wish)

    def _begin(self, asker: socket.socket | None, wish: Wish) -> None:
        """Validate all of it before anything is touched."""
        try:
            if self._roll is not None:
                raise ConfigurationError("Another deploy is under way.")
            old = self._serving.settings
            options = {**self._serving.options, "data": old.data}
            if wish.edges is not None:
                options["edges"] = wish.edges
            known = as_environment(old) if wish.same_settings else wish.environment
            new = load_settings(known, **options)
            changes = changed_settings(old, new)
            require_free_ports("127.0.0.1", _metrics_claims(new, range(old.edges, new.edges)))
        except StentorError as error:
            log().error("deploy_refused", why=str(error))
            if asker is not None:
                _tell(asker, Told("refused", why=str(error)))
                asker.close()
            return
        assert self.supervisor is not None
        log().info("deploy_begins", changes=changes)
        if asker is not None:
            _tell(asker, Told("changes", changes=changes))
        self._listener, self._sum = asker, Told("done")
        self._wanted = Serving(new, options)
        steps = [self._step(index) for index in range(old.edges)]
        self._roll = Roll(
            self.supervisor,
            steps,
            part_environment(new, self._folder),
            leaves_s=old.edge_drain_s + _LEAVE_GRACE_S,
            told=self._edge_done,
            why_failed=lambda name, pid: self._taken(name, pid).why,
        )

    def _step(self, index: int) -> Step:
        name = f"edge-{index}"
        command = stentor_command("part", "edge", "--index", str(index), "--take-over")

        def serves(pid: int) -> bool:
            taken = self._taken(name, pid)
            return taken.pid == pid and not taken.why

        return Step(name, command, serves)

    def _taken(self, name: str, pid: int) -> _Taken:
        """Return what the process said of its takeover; pid 0 if it has said nothing yet."""
        path = self._folder.taken_over(int(name.removeprefix("edge-")))
        try:
            taken = msgspec.json.decode(path.read_bytes(), type=_Taken)
        except (OSError, msgspec.MsgspecError):
            return _Taken(0)
        return taken if taken.pid == pid else _Taken(0)

    def _edge_done(self, name: str, seconds: float) -> None:
        assert self.supervisor is not None
        taken = self._taken(name, self.supervisor.facts()[name].pid or 0)
        told = Told(
            "edge",
            edge=name,
            listeners=taken.listeners,
            gap_ms=taken.gap_ms,
            door_ms=taken.door_ms,
            seconds=round(seconds, 2),
        )
        log().info("deploy_edge", edge=name, listeners=taken.listeners, gap_ms=taken.gap_ms)
        self._sum = Told(
            "done",
            listeners=self._sum.listeners + taken.listeners,
            gap_ms=max(self._sum.gap_ms, taken.gap_ms),
            door_ms=max(self._sum.door_ms, taken.door_ms),
            seconds=round(self._sum.seconds + seconds, 2),
        )
        self._report(told)

    def _go_on(self, roll: Roll) -> None:
        state = roll.step()
        if state is RollState.ROLLING:
            return
        self._roll = None
        if state is RollState.DONE:
            assert self._wanted is not None
            self._add_edges(self._serving.settings.edges, self._wanted.settings)
            self._serving = self._wanted
            self._tell_watch(self._wanted.settings)
            log().info("deploy_done", listeners=self._sum.listeners, gap_ms=self._sum.gap_ms)
            self._report(self._sum)
        else:
            log().error("deploy_failed", edge=roll.failed_at, why=roll.why)
            self._report(Told("failed", edge=roll.failed_at, why=roll.why))
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _add_edges(self, first: int, settings: Settings) -> None:
        """Start the edges that there were not yet: they share the port with the others."""
        assert self.supervisor is not None
        environment = part_environment(settings, self._folder)
        for index in range(first, settings.edges):
            name = f"edge-{index}"
            command = stentor_command("part", "edge", "--index", str(index))
            self.supervisor.add(PartPlan(name, command), environment)
            self._report(Told("added", edge=name))

    def _tell_watch(self, settings: Settings) -> None:
        """Leave word of what the edges run with now: the ledger begins another file with it."""
        try:
            replace_file(self._folder.deployed, msgspec.json.encode(told_settings(settings)))
        except OSError as error:  # the deploy itself is noted all the same
            log().warning("settings_not_told", why=error.strerror)

    def _report(self, told: Told) -> None:
        if self._listener is not None:
            _tell(self._listener, told)


def _tell(asker: socket.socket, told: Told) -> None:
    """Say a line; who does not read it misses it."""
    with contextlib.suppress(OSError):
        asker.send(msgspec.json.encode(told) + b"\n")


def _metrics_claims(settings: Settings, indexes: range) -> list[PortClaim]:
    first = settings.metrics_port_used + 1
    return [
        PortClaim(first + index, f"edge {index}'s metrics", "STENTOR_METRICS_PORT")
        for index in indexes
    ]


def part_environment(settings: Settings, folder: DataFolder) -> dict[str, str]:
    """Return the environment of a part's process."""
    outside = {name: text for name, text in os.environ.items() if not name.startswith(PREFIX)}
    return {**outside, **as_environment(settings), "STENTOR_DATA": str(folder.root)}


def ask(folder: DataFolder, wish: Wish, on_told: Callable[[Told], None]) -> Told:
    """Ask the server that uses this folder for a deploy; return its last line.

    Raises `StentorError` if there is none, or it dies meanwhile.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asker:
        try:
            asker.connect(str(folder.deploys))
            asker.sendall(msgspec.json.encode(wish) + b"\n")
        except OSError:
            raise ConfigurationError(
                f"No stentor serve runs on the data folder {folder.root}."
            ) from None
        with asker.makefile("rb") as lines:
            for line in lines:
                told = msgspec.json.decode(line, type=Told)
                on_told(told)
                if told.event in ("done", "failed", "refused"):
                    return told
    raise StentorError("stentor serve ended during the deploy.")
