"""The thread for disks, and tasks that never end: a fault is not the last that they do."""

from __future__ import annotations

import asyncio

from stentor.origin.disk import DiskThread
from stentor.origin.serve import _for_ever


def fail() -> None:
    raise RuntimeError("a fault of ours")


async def test_a_job_that_fails_costs_no_other() -> None:
    disk = DiskThread("test")
    assert await disk.run(fail, 5)
    done: list[int] = []
    for number in range(3):
        disk.submit(lambda number=number: done.append(number))
        disk.submit(fail)
    assert await disk.run(lambda: None, 5)
    assert done == [0, 1, 2]


async def test_a_job_that_takes_too_long_is_said_to() -> None:
    disk = DiskThread("test")
    gate = asyncio.Event()
    loop = asyncio.get_running_loop()
    hang = asyncio.run_coroutine_threadsafe
    disk.submit(lambda: hang(gate.wait(), loop).result(10) and None)
    assert not await disk.run(lambda: None, 0.05)
    gate.set()
    assert await disk.run(lambda: None, 5)


async def test_what_never_ends_goes_on_after_a_fault() -> None:
    lives = 0
    again = asyncio.Event()

    async def work() -> None:
        nonlocal lives
        lives += 1
        if lives < 2:
            fail()
        again.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(_for_ever(work))
    async with asyncio.timeout(5):
        await again.wait()
    task.cancel()
