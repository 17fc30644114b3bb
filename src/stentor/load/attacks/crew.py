"""A process of an attack: reads its orders from standard input, attacks, and says what came of it.

Run as `python -m stentor.load.attacks.crew`. It ends by itself when its time is over, when its
parent is gone or says so (SIGTERM), and at the latest by the kernel's alarm.
"""

import ctypes
import math
import os
import random
import resource
import signal
import sys

import msgspec

from stentor.load.attacks import bounds
from stentor.load.attacks.aim import Aim, bot
from stentor.load.attacks.attacker import Attackers
from stentor.load.attacks.families import FAMILIES, By, Family
from stentor.load.attacks.forgery import TicketForgery
from stentor.load.attacks.half_open import HalfOpen
from stentor.load.attacks.outcome import Outcome
from stentor.load.attacks.span import Span
from stentor.load.attacks.spray import Spray

_PR_SET_PDEATHSIG = 1
_NICE = 15  # attackers elsewhere would take nothing of this machine's CPU


class Orders(msgspec.Struct):
    """What one process is to do. `key` is the server's, if its operator gave it.

    `parent` is the process without which nothing goes on.
    """

    family: Family
    aim: Aim
    per_s: float
    seconds: float
    sources: int
    seed: int
    number: int = 0
    of: int = 1
    v6: bool = False
    ports: list[int] = []
    key: bytes = b""
    parent: int = 0
    address: str = ""  # of loopback, that all attackers share with others
    first: int = 0

    def source(self, number: int) -> str:
        """Return the address of an attacker."""
        return self.address or bot(self.first + number, v6=self.v6)


def carry_out(orders: Orders, span: Span) -> Outcome:
    """Attack, in this process; raises `UsageError` for what no attack may do."""
    bounds.check(orders.per_s, orders.seconds, orders.sources)
    about = FAMILIES[orders.family]
    chance = random.Random(f"{orders.seed}:{orders.number}")
    per_s = orders.per_s / orders.of
    attackers: Attackers | Spray | HalfOpen
    if about.by is By.DATAGRAMS:
        attackers = Spray(orders.aim, orders.ports, chance, per_s, orders.sources)
    elif about.by is By.HALF_OPEN:
        attackers = HalfOpen(orders.aim, per_s, orders.sources)
    else:
        assert about.conduct is not None
        conduct = about.conduct(orders.aim, chance, orders.sources)
        if isinstance(conduct, TicketForgery) and orders.key:
            conduct.give_key(orders.key)
        attackers = Attackers(
            orders.aim, conduct, orders.per_s, orders.number, orders.of, orders.source
        )
    outcome = attackers.run(span)
    used = resource.getrusage(resource.RUSAGE_SELF)
    outcome.cpu_s = used.ru_utime + used.ru_stime
    return outcome


def end_with_parent(seconds: float) -> None:
    """Have the kernel end this process with the thread that started it, and anyway in time."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.alarm(math.ceil(min(seconds, bounds.SECONDS_MAX) + bounds.GRACE_S))


def main() -> None:
    """Read, attack, say."""
    orders = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Orders)
    end_with_parent(orders.seconds)
    if os.getppid() != orders.parent:  # it went before it could be noticed
        return
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.nice(_NICE)
    span = Span(orders.seconds)
    signal.signal(signal.SIGTERM, lambda *_: span.cut())
    sys.stdout.buffer.write(msgspec.msgpack.encode(carry_out(orders, span)))


if __name__ == "__main__":
    main()
