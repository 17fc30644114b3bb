"""The origin's process: orders and the stage's frames in, parts and states out, by the clock.

Everything that decides is in `origin.schedule`; here are the loop, the feed's two ends, and the
thread that brings recordings onto the disk.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Awaitable, Callable
from functools import partial

from prometheus_client import start_http_server

from stentor.base import metrics
from stentor.base.clock import Clock
from stentor.base.logs import log
from stentor.base.paths import DataFolder
from stentor.base.settings import Settings
from stentor.base.signals import on_end
from stentor.codecs.encode import SilentParts
from stentor.feed.local import LocalPublisher, follow
from stentor.feed.window import Window
from stentor.media.renditions import RENDITIONS
from stentor.origin.counting import Counting
from stentor.origin.disk import DiskThread, Job
from stentor.origin.house import House
from stentor.origin.room import WINDOW_PARTS, Room
from stentor.origin.schedule import Schedule
from stentor.origin.witness import WitnessFile
from stentor.store.orders import OrdersFolder

_TICK_S = 0.02
_ORDERS_S = 0.05
_SYNC_S = 1.0
_AGAIN_S = 0.5
_LAST_WRITE_S = 3.0
_TAKE_UP_S = 0.5  # a recording that takes longer to take up comes after the feed is open
_TAKE_UP_LOOK_S = 0.002


def run_origin(settings: Settings, folder: DataFolder, clock: Clock) -> None:
    """Run the origin until SIGTERM or SIGINT."""
    asyncio.run(_Origin(settings, folder, clock).run())


class _Origin:
    def __init__(self, settings: Settings, folder: DataFolder, clock: Clock) -> None:
        self._clock = clock
        self._settings = settings
        self._folder = folder
        self._publisher = LocalPublisher(folder.origin_feed, Window(WINDOW_PARTS))
        silent = {name: SilentParts(rendition) for name, rendition in RENDITIONS.items()}
        self._writer, self._syncer = DiskThread("writer"), DiskThread("syncer")
        window = self._publisher.window
        self._schedule = Schedule(
            House(
                settings,
                folder,
                silent,
                self._publisher.publish,
                window.retire,
                self._write,
                self._do_apart,
                WitnessFile(folder.witness).newest,
            )
        )
        self._orders = OrdersFolder(folder.orders)
        self._counting = Counting()
        self._wake = asyncio.Event()
        self._stop = asyncio.Event()

    async def run(self) -> None:
        on_end(self._stop.set)
        self._serve_metrics()
        self._look_at_orders()
        await self._take_up_live_rooms()  # the window is there before the first edge
        await self._publisher.open()
        log().info("origin_ready", rooms=len(self._schedule.rooms))
        others = [
            asyncio.create_task(_for_ever(work))
            for work in (self._hear_stage, self._sync_every_second)
        ]
        try:
            await self._tick_until_stopped()
        finally:
            for other in others:
                other.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            self._publisher.close()
            await asyncio.sleep(0)
            if await self._writer.run(lambda: None, _LAST_WRITE_S):
                await self._syncer.run(self._sync_all, _LAST_WRITE_S)

    async def _take_up_live_rooms(self) -> None:
        patience = time.monotonic() + _TAKE_UP_S
        self._schedule.tick(self._clock.now_ns())
        while self._schedule.is_taking_up and time.monotonic() < patience:
            await asyncio.sleep(_TAKE_UP_LOOK_S)
            self._schedule.tick(self._clock.now_ns())

    async def _tick_until_stopped(self) -> None:
        orders_due = 0.0
        while not self._stop.is_set():
            if time.monotonic() >= orders_due:
                self._look_at_orders()
                orders_due = time.monotonic() + _ORDERS_S
            if self._schedule.tick(self._clock.now_ns()):
                await asyncio.sleep(0)
                continue
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _TICK_S)

    def _look_at_orders(self) -> None:
        try:
            self._schedule.apply(self._orders.changes(), self._clock.now_ns())
        except OSError as error:
            log().error("orders_unreadable", reason=str(error))
        for name, reason in self._orders.unreadable.items():
            log().error("orders_unreadable", file=name, reason=reason)

    async def _hear_stage(self) -> None:
        def lost() -> None:
            self._schedule.lose_stage(self._clock.now_ns())

        async for message in follow(self._folder.stage_feed, lost):
            if message is None:
                self._schedule.find_stage()
            else:
                self._schedule.take(message)
                self._wake.set()

    async def _sync_every_second(self) -> None:
        while True:
            await asyncio.sleep(_SYNC_S)
            for room in self._recorded_rooms():
                await self._syncer.run(partial(self._sync, room))
                if room.recorder is not None and room.is_over:
                    room.recorder.close()
                    room.recorder = None
            self._counting.note(self._schedule, self._publisher, self._clock.now_ns())

    def _write(self, job: Job) -> None:
        """Have a room's writing done, and publish what it held up."""
        self._writer.submit(self._waking(job))

    def _do_apart(self, job: Job) -> None:
        """Have done what may take long, in a thread of its own: as many as rooms may be live."""
        threading.Thread(target=self._waking(job), name="apart", daemon=True).start()

    def _waking(self, job: Job) -> Job:
        loop = asyncio.get_running_loop()

        def work() -> None:
            job()
            with contextlib.suppress(RuntimeError):  # the loop is gone
                loop.call_soon_threadsafe(self._wake.set)

        return work

    def _sync_all(self) -> None:
        for room in self._recorded_rooms():
            self._sync(room)

    def _recorded_rooms(self) -> list[Room]:
        return [room for room in self._schedule.rooms.values() if room.recorder is not None]

    def _sync(self, room: Room) -> None:
        if room.recorder is None:
            return
        started = time.perf_counter()
        try:
            room.recorder.sync()
        except OSError as error:
            room.recorder.errors += 1
            log().error("recording_not_synced", room=room.orders.room, reason=str(error))
        metrics.ORIGIN_SYNC_SECONDS.observe(time.perf_counter() - started)

    def _serve_metrics(self) -> None:
        port = self._settings.metrics_port_used
        try:
            start_http_server(port, "127.0.0.1", metrics.shown_by("origin", "feed"))
        except OSError as error:
            # The conversation is worth more than its figures.
            log().error("metrics_port_unusable", port=port, reason=str(error))


async def _for_ever(work: Callable[[], Awaitable[None]]) -> None:
    """Do what never ends, and again if it does: a fault must not go unseen, nor be the last."""
    while True:
        try:
            await work()
        except Exception:
            log().exception("task_failed", task=work.__name__)
        await asyncio.sleep(_AGAIN_S)
