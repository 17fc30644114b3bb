"""The two signals that end a process: what is to happen then, in a loop of asyncio's."""

import asyncio
import contextlib
import signal
from collections.abc import Callable


def on_end(call: Callable[[], object]) -> None:
    """Have `call` called in the running loop when SIGTERM or SIGINT comes.

    Nothing is heard outside the main thread, where only tests run a loop.
    """
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(ValueError, RuntimeError):
            loop.add_signal_handler(number, call)
