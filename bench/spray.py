#!/usr/bin/env python
"""What a spray at a speaker's media port costs the stage, with its sockets' filter and without.

    bench/spray.py [--seconds 5]

Some 15,000 datagrams a second of STUN, DTLS and RTP from a hundred addresses of loopback at one
speaker's port. "Without" is a stage whose kernel is made to refuse filters: its gate alone decides.
CPU is the stage's, from schedstat; what the kernel does for the sender is the sender's.
"""

import argparse
import asyncio
import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from stentor.trials.kernel import cpu_s
from support import stage as stage_support
from support.bad_network import tone
from support.spray import Spray, fates, media_port
from support.stage import FeedEars, Talker, stage_running

_UNFILTERED = """
import sys
import stentor.stage.sieve as sieve
sieve.attach = lambda *_: False
sys.argv = ["stentor", "part", "stage"]
from stentor.cli import main
main()
"""


@contextlib.contextmanager
def unfiltered() -> Iterator[None]:
    """Have stages that are started within the block do without their sockets' filter."""
    start = subprocess.Popen

    def popen(command: list[str], **more: Any) -> Any:
        is_stage = command[-2:] == ["part", "stage"]
        return start([sys.executable, "-c", _UNFILTERED] if is_stage else command, **more)

    with mock.patch.object(stage_support.subprocess, "Popen", popen):
        yield


async def measure(seconds: float, *, filtered: bool) -> dict[str, float]:
    """Measure one stage, quiet and then sprayed."""
    folder = Path(tempfile.mkdtemp(prefix="stentor-bench-"))
    with (
        contextlib.nullcontext() if filtered else unfiltered(),
        stage_running(folder, "ada", media_addresses="127.0.0.1") as stage,
    ):
        assert stage.process is not None
        pid = stage.process.pid
        async with FeedEars(stage), Talker(stage, "ada", tone(440, 4)) as ada:
            await asyncio.sleep(2)
            before = cpu_s(pid)
            await asyncio.sleep(seconds)
            quiet = (cpu_s(pid) - before) / seconds
            heard = await fates(stage)
            with Spray(media_port(ada)) as spray:
                sent, before = spray.sent, cpu_s(pid)
                await asyncio.sleep(seconds)
                sprayed = (cpu_s(pid) - before) / seconds
                rate = (spray.sent - sent) / seconds
            now = await fates(stage)
    return {
        "datagrams a second": rate,
        "% of a core, quiet": 100 * quiet,
        "% of a core, sprayed": 100 * sprayed,
        **{
            f"packets {name}": now[name] - heard[name]
            for name in ("received", "lost", "sifted", "foreign")
        },
    }


def main() -> None:
    """Run, print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--seconds", type=float, default=5.0)
    wish = options.parse_args()
    found = [asyncio.run(measure(wish.seconds, filtered=one)) for one in (True, False)]
    print(f"{'':28}{'filter':>12}{'gate alone':>12}")
    for name in found[0]:
        print(f"{name:28}{found[0][name]:12,.1f}{found[1][name]:12,.1f}")


if __name__ == "__main__":
    main()
