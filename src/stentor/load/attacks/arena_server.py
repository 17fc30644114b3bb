"""A server of this very code inside an arena, with a room on the air; ends with the block.

What is attacked in a namespace was started there: nothing from outside can be reached.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from stentor.base.errors import UnavailableError
from stentor.base.settings import Settings, as_environment
from stentor.load.attacks.aim import ARENA_ADDRESS, Aim
from stentor.load.attacks.server import find_aim

_READY_S = 40.0
_PORT = 8000  # nobody else is in there


@contextlib.contextmanager
def arena_server(settings: Settings, *, v6: bool = False) -> Iterator[tuple[Aim, Path]]:
    """Start a server; give what to aim at, and its data folder."""
    with tempfile.TemporaryDirectory(prefix="stentor-arena-", ignore_cleanup_errors=True) as root:
        inside = replace(
            settings,
            data=root,
            bind="::" if v6 else "0.0.0.0",
            port=_PORT,
            control_port=_PORT + 1,
            stage_port=0,
            metrics_port=0,
            tls_certificate="",
            tls_key="",
            edge_network_exempt="",  # whoever comes is as if from outside
            log_level="error",
        )
        command = [sys.executable, "-m", "stentor", "demo", "--no-voices", "--json", "--data", root]
        process = subprocess.Popen(
            command, env={**os.environ, **as_environment(inside)}, stdout=subprocess.DEVNULL
        )
        try:
            aim = _await(process, inside)
            yield aim if v6 else replace(aim, address=ARENA_ADDRESS), Path(root)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await(process: "subprocess.Popen[bytes]", settings: Settings) -> Aim:
    until_s = time.monotonic() + _READY_S
    while True:
        try:
            return find_aim(settings)
        except UnavailableError:
            if process.poll() is not None or time.monotonic() > until_s:
                raise UnavailableError("The arena's own server did not start.") from None
            time.sleep(0.1)
