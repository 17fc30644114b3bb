"""Assembly: the one file that knows every part, and how one machine runs them all.

Parts meet here and nowhere else. Nothing is decided here about rooms, audio or listeners.
"""

import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from stentor.base.clock import JUMP_NS, Clock, SharedClock, decide_offset, measured_offset_ns
from stentor.base.errors import ConfigurationError, UnavailableError
from stentor.base.files import replace_file
from stentor.base.logs import log, set_up_logs
from stentor.base.paths import DataFolder
from stentor.base.secrets import link_key, load_or_make_key, operator_token
from stentor.base.settings import Settings
from stentor.deploy import Deploys, Serving, part_environment
from stentor.rooms.orders import Orders
from stentor.store.orders import OrdersFolder
from stentor.supervise.claims import PortClaim, data_folder_claimed, require_free_ports
from stentor.supervise.supervisor import (
    Ended,
    Keep,
    PartFacts,
    PartPlan,
    Supervisor,
    stentor_command,
)
from stentor.web.probe import answers

READY_S_MAX = 60.0
START_TRIES = 3  # a part that has died so often before it was ready never will be
_ANSWER_S = 0.5  # of a part that starts; it is asked again
_LIVE_MARGIN_MS = 2_000  # an offset that changed right before the hour would move the hour


class Part(StrEnum):
    """The parts of a server, in the order in which they are started."""

    CONTROL = "control"
    STAGE = "stage"
    ORIGIN = "origin"
    EDGE = "edge"
    WATCH = "watch"
    GUARD = "guard"


Runner = Callable[[Settings, DataFolder, Clock, int], None]


def load_part(part: Part, *, take_over: bool = False) -> Runner:
    """Import a part and everything that it needs; return what runs it."""
    match part:
        case Part.CONTROL:
            from stentor.control.serve import run_control

            return lambda settings, folder, clock, index: run_control(settings, folder, clock)
        case Part.STAGE:
            from stentor.stage.serve import run_stage

            return lambda settings, folder, clock, index: run_stage(settings, folder, clock)
        case Part.ORIGIN:
            from stentor.origin.serve import run_origin

            return lambda settings, folder, clock, index: run_origin(settings, folder, clock)
        case Part.EDGE:
            from stentor.edge.serve import run_edge

            return partial(run_edge, take_over=take_over)
        case Part.GUARD:
            from stentor.guard.serve import run_guard

            return lambda settings, folder, clock, index: run_guard(settings, folder)
        case Part.WATCH:
            from stentor.watch.serve import run_watch

            return lambda settings, folder, clock, index: run_watch(settings, folder, clock)


def run_part(part: Part, runner: Runner, settings: Settings, index: int) -> None:
    """Run one part in this process until it is told to stop."""
    name = f"{part}-{index}" if part is Part.EDGE else str(part)
    set_up_logs(name, as_json=settings.log_json, level=settings.log_level)
    folder = DataFolder(Path(settings.data))
    runner(settings, folder, SharedClock(folder.clock), index)


def port_claims(settings: Settings) -> list[PortClaim]:
    """Return every port that a server with these settings listens on where others may see it."""
    return [
        PortClaim(settings.port, "listeners", "--port"),
        PortClaim(settings.control_port, "control", "--control-port"),
        PortClaim(settings.stage_port_used, "speakers", "STENTOR_STAGE_PORT"),
    ]


def watch_claim(settings: Settings) -> PortClaim:
    """Return the port of the operator's page, at `watch_bind`."""
    return PortClaim(settings.watch_port_used, "the operator's page", "STENTOR_WATCH_PORT")


def metrics_claims(settings: Settings) -> list[PortClaim]:
    """Return the loopback ports of parts that have no page of their own."""
    first = settings.metrics_port_used
    owners = ["the origin's metrics", *(f"edge {i}'s metrics" for i in range(settings.edges))]
    return [
        PortClaim(first + offset, owner, "STENTOR_METRICS_PORT")
        for offset, owner in enumerate(owners)
    ]


class ClockKeeper:
    """Writes the shared clock's offset, and holds it still while a room is live or about to be."""

    def __init__(
        self, clock: SharedClock, orders: OrdersFolder, measure: Callable[[], int]
    ) -> None:
        self._clock = clock
        self._orders = orders
        self._measure = measure
        self._known: dict[str, Orders] = {}
        self._warned_of = 0.0

    def keep(self) -> None:
        """Look at the orders and at the wall clock, and set the offset."""
        for orders in self._orders.changes():
            self._known[orders.room] = orders
        measured, current = self._measure(), self._clock.offset_ns
        held = self._any_room_live(self._clock.now_ns() // 1_000_000)
        decided = decide_offset(current, measured, held)
        if decided != current:
            self._clock.offset_ns = decided
        off_s = round((measured - decided) / 1e9, 1) if abs(measured - decided) > JUMP_NS else 0.0
        if abs(off_s - self._warned_of) > 0.2:
            self._warned_of = off_s
            log().warning("the wall clock jumped; rooms on the air keep their time", by_s=off_s)

    def _any_room_live(self, now_ms: int) -> bool:
        return any(
            orders.epoch_ms - _LIVE_MARGIN_MS <= now_ms
            and (orders.end_ms is None or now_ms < orders.end_ms + _LIVE_MARGIN_MS)
            for orders in self._known.values()
        )


@contextmanager
def server(
    settings: Settings,
    measure: Callable[[], int] = measured_offset_ns,
    options: Mapping[str, Any] | None = None,
) -> Iterator[Supervisor]:
    """Start every part, wait until all are ready, and stop them all at the end.

    `options` are the settings that were given on the command line: a deploy does not change them.
    Raises `StentorError` if the folder or a port is taken, or a part does not come up.
    """
    folder = DataFolder(Path(settings.data).absolute())
    set_up_logs("serve", as_json=settings.log_json, level=settings.log_level)
    from stentor.edge.entrance import check_entrance

    check_entrance(settings)
    with data_folder_claimed(folder.root, folder.lock):
        require_free_ports(settings.bind, port_claims(settings))
        require_free_ports(settings.watch_bind, [watch_claim(settings)])
        require_free_ports("127.0.0.1", metrics_claims(settings))
        _make_run_folder(folder)
        link_key(folder)
        operator_token(folder)
        load_or_make_key(folder.event_key)  # before edges name networks by it
        clock = SharedClock(folder.clock)
        clock.offset_ns = measure()
        keeper = ClockKeeper(clock, OrdersFolder(folder.orders), measure)
        deploys = Deploys(folder, Serving(settings, options or {}))
        supervisor = Supervisor(
            part_environment(settings, folder),
            (keeper.keep, deploys.look),
            lambda facts: _tell(folder, facts),
            # A terminal that closes says the same as an operator who wants a deploy.
            on_hangup=None if os.isatty(0) else deploys.hang_up,
        )
        deploys.supervisor = supervisor
        with supervisor.signals():
            try:
                for plan in part_plans(settings):
                    supervisor.add(plan)
                _await_ready(supervisor, settings, folder)
                yield supervisor
            finally:
                supervisor.stop()
                deploys.close()
                shutil.rmtree(folder.run, ignore_errors=True)


def serve(
    settings: Settings,
    seconds: float | None = None,
    measure: Callable[[], int] = measured_offset_ns,
    on_ready: Callable[[Supervisor], None] = lambda supervisor: None,
    options: Mapping[str, Any] | None = None,
) -> None:
    """Run all parts on this machine until told to stop or `seconds` have passed."""
    with server(settings, measure, options) as supervisor:
        if not supervisor.stopping:
            on_ready(supervisor)
        supervisor.run(seconds)


def part_plans(settings: Settings) -> list[PartPlan]:
    """Return the parts to run, in order."""
    from stentor.guard.serve import is_wanted

    plans = [
        PartPlan("control", stentor_command("part", Part.CONTROL)),
        PartPlan("stage", stentor_command("part", Part.STAGE), Keep.ALIVE_WITH_SPARE),
        PartPlan("origin", stentor_command("part", Part.ORIGIN), Keep.ALIVE_WITH_SPARE),
    ]
    for index in range(settings.edges):
        command = stentor_command("part", Part.EDGE, "--index", str(index))
        plans.append(PartPlan(f"edge-{index}", command))
    # Last, and not waited for: nobody needs it to be there.
    plans.append(PartPlan("watch", stentor_command("part", Part.WATCH)))
    if is_wanted(settings):
        plans.append(PartPlan("guard", stentor_command("part", Part.GUARD), Keep.UNTIL_DONE))
    return plans


def _make_run_folder(folder: DataFolder) -> None:
    shutil.rmtree(folder.run, ignore_errors=True)  # left behind by one that was killed
    try:
        folder.run.mkdir(parents=True, mode=0o700)
    except OSError as error:
        raise ConfigurationError(f"{folder.run} cannot be made: {error.strerror}.") from None


def _tell(folder: DataFolder, facts: Mapping[str, PartFacts]) -> None:
    replace_file(folder.parts, msgspec.json.encode(facts))


def _await_ready(supervisor: Supervisor, settings: Settings, folder: DataFolder) -> None:
    waiting: dict[str, Callable[[], bool]] = {
        "control": lambda: answers(settings.bind, settings.control_port, wait_s=_ANSWER_S),
        "stage": lambda: answers(settings.bind, settings.stage_port_used, wait_s=_ANSWER_S),
        "origin": lambda: _connects(folder.origin_feed),
    }
    for index in range(settings.edges):
        metrics_port = settings.metrics_port_used + 1 + index
        waiting[f"edge-{index}"] = partial(
            answers, "127.0.0.1", metrics_port, "/metrics", wait_s=_ANSWER_S
        )

    def all_ready() -> bool:
        for name, part in supervisor.facts().items():
            if name in waiting and part.restarts >= START_TRIES:
                raise UnavailableError(f"The {name} does not start; the log above says why.")
        for name in [name for name, ready in waiting.items() if ready()]:
            del waiting[name]
        return not waiting

    began = time.monotonic()
    if supervisor.run(READY_S_MAX, all_ready) is Ended.TIME_UP and waiting:
        raise UnavailableError(
            f"Not ready after {READY_S_MAX:.0f} s: {', '.join(waiting)}; the log above says why."
        )
    log().info("ready", after_ms=round((time.monotonic() - began) * 1000))


def _connects(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True
