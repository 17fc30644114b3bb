"""The processes of a load: one that imports what is needed, once, and forks the others off.

Run as `python -m stentor.load.crew FD` with the plan on its standard input. All its processes talk
to the parent over the same socket, in whole messages; the forks share the memory of what was
imported, so a process costs some 2 MB beside its listeners.
"""

import contextlib
import gc
import os
import resource
import signal
import socket
import sys
from pathlib import Path

import msgspec

from stentor.base.clock import SystemClock
from stentor.load.fleet import Fleet
from stentor.load.plan import Share
from stentor.load.report import Tally
from stentor.load.sampling import PartsCheck

MESSAGE_BYTES_MAX = 150_000  # less than a Unix socket's buffer
_DIGESTS_PER_MESSAGE = 2000


class Ready(msgspec.Struct, tag=True):
    """A process is there; it begins when it is told to."""

    number: int


class Begin(msgspec.Struct, tag=True):
    """To one process, whichever reads it: times of the monotonic clock."""

    begin_ns: int
    end_ns: int


class Progress(msgspec.Struct, tag=True):
    """How it goes just now, in one process. Totals since the beginning but for the first three."""

    number: int
    connected: int
    listening: int
    waiting: int  # in line
    heard: int
    parts: int
    bytes: int
    stalls: int
    gaps: int
    refused: int
    lost: int
    stalled_s: float = 0.0


class Digests(msgspec.Struct, tag=True):
    """What the sample hashed: rendition, part, digest."""

    found: list[tuple[str, int, bytes]]


class Done(msgspec.Struct, tag=True):
    """A process's last word."""

    number: int
    tally: Tally
    cpu_s: float
    resident_bytes: int


Message = Ready | Begin | Progress | Digests | Done
encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Message).decode


class Orders(msgspec.Struct):
    """What the crew is to do: a share for each process."""

    shares: list[Share]


def _resident_bytes() -> int:
    """Return what this process has for itself: what forks share is not a listener's."""
    try:
        with Path("/proc/self/smaps_rollup").open(encoding="ascii") as file:
            for line in file:
                if line.startswith("Private_Dirty:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def _work(share: Share, channel: socket.socket) -> None:
    number = share.number
    if share.decoding:
        PartsCheck()  # loads the codecs, which would hold up whoever comes meanwhile
    fleet = Fleet(share, SystemClock(), PartsCheck)
    channel.send(encode(Ready(number)))
    begin = decode(channel.recv(MESSAGE_BYTES_MAX))
    assert isinstance(begin, Begin)

    def tell(fleet: Fleet) -> None:
        tally = fleet.tally
        told = Progress(
            number, fleet.connected, fleet.listening, fleet.waiting, fleet.audience.heard,
            tally.parts, tally.bytes, tally.stalls, tally.gaps, tally.refused, tally.lost,
            tally.stalled_s,
        )  # fmt: skip
        channel.send(encode(told))
        with contextlib.suppress(BlockingIOError):  # only looked at: it may be another's Begin
            if not channel.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK):
                fleet.stop()  # the parent says no more: it is enough

    tally = fleet.run(begin.begin_ns, begin.end_ns, tell)
    found = [(*key, digest) for key, digest in fleet.sample.digests.items()]
    for at in range(0, len(found), _DIGESTS_PER_MESSAGE):
        channel.send(encode(Digests(found[at : at + _DIGESTS_PER_MESSAGE])))
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = used.ru_utime + used.ru_stime
    channel.send(encode(Done(number, tally, cpu_s, _resident_bytes())))


def _run_worker(share: Share, channel: socket.socket) -> None:
    code = 1
    try:
        _work(share, channel)
        code = 0
    except (OSError, KeyboardInterrupt):
        pass  # the parent is gone, or wants no more
    except Exception:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(code)  # the kernel closes thousands of sockets faster than we do


def main() -> None:
    """Fork a process for each share, and wait for all of them."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    orders = msgspec.json.decode(sys.stdin.buffer.read(), type=Orders)
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    gc.disable()  # tens of thousands of listeners, none of them garbage: a look would be a stall
    gc.freeze()
    children: list[int] = []
    for share in orders.shares:
        child = os.fork()
        if not child:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            _run_worker(share, channel)
        children.append(child)
    channel.close()

    def end(_number: int, _frame: object) -> None:
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        os._exit(1)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    failed = 0
    while children:
        failed += os.waitpid(children[-1], 0)[1] != 0
        children.pop()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
