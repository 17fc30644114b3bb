"""A thread for what may take long: writing and syncing. A disk that hangs never holds up a part.

Daemon threads, so that a process can end though its disk does not answer. Bounded by what is
submitted: one job of each room at a time. A job that fails costs no other job.
"""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable

from stentor.base.logs import log

Job = Callable[[], None]
Submit = Callable[[Job], None]


def at_once(job: Job) -> None:
    """Do the job here and now; for tests under virtual time."""
    job()


class DiskThread:
    """Does jobs in order, one at a time. Jobs deal with their own errors."""

    def __init__(self, name: str) -> None:
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def submit(self, job: Job) -> None:
        """Have the job done; returns at once."""
        self._jobs.put(job)

    async def run(self, job: Job, timeout_s: float | None = None) -> bool:
        """Have the job done and wait for it; say whether it was done within the time."""
        loop = asyncio.get_running_loop()
        done = asyncio.Event()

        def work() -> None:
            try:
                job()
            finally:
                with contextlib.suppress(RuntimeError):  # the loop is gone
                    loop.call_soon_threadsafe(done.set)

        self.submit(work)
        try:
            await asyncio.wait_for(done.wait(), timeout_s)
        except TimeoutError:
            return False
        return True

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            try:
                job()
            except Exception:  # of ours: the thread has to live for the other rooms
                log().exception("disk_job_failed")
