"""Datagrams at the stage's media ports: STUN checks, DTLS hellos and noise, of nobody's speaker.

Sent from many ports and addresses of loopback at a fixed rate; nothing is read.
"""

import random
import struct
import time
from dataclasses import replace

from stentor.load.attacks.aim import Aim, bot, open_datagram
from stentor.load.attacks.outcome import Outcome
from stentor.load.attacks.span import Span

_NS = 1_000_000_000
_PER_TURN = 64
_SOCKETS_PER_PORT = 16
_STUN_COOKIE = 0x2112A442


def datagram(number: int, chance: random.Random) -> tuple[str, bytes]:
    """Return the n-th datagram and its kind (RFC 8489, RFC 6347, RFC 3550)."""
    match number % 4:
        case 0:
            name = b"nobody:nothing"
            value = struct.pack("!HH", 0x0006, len(name)) + name + b"\0" * (-len(name) % 4)
            head = struct.pack("!HHI", 0x0001, len(value), _STUN_COOKIE)
            return "stun", head + chance.randbytes(12) + value
        case 1:
            body = b"\xfe\xfd" + chance.randbytes(32) + b"\0\0\0\x02\xc0\x2b\x01\0"
            hello = b"\x01" + len(body).to_bytes(3) + bytes(5) + len(body).to_bytes(3) + body
            return "dtls", b"\x16\xfe\xff" + bytes(8) + len(hello).to_bytes(2) + hello
        case 2:
            return "rtp", b"\x80\x6f" + chance.randbytes(170)
    return "noise", chance.randbytes(chance.randrange(0, 1472))


class Spray:
    """Sends to each of the ports in turn."""

    def __init__(
        self, aim: Aim, ports: list[int], chance: random.Random, per_s: float, sources: int
    ) -> None:
        self._chance = chance
        self._per_s = per_s
        self._sockets = [
            open_datagram(replace(aim, port=port), bot(number % sources))
            for port in ports
            for number in range(min(sources, _SOCKETS_PER_PORT))
        ]

    def run(self, span: Span) -> Outcome:
        """Send until the time is over."""
        outcome = Outcome()
        while (now_ns := time.monotonic_ns()) < span.end_ns:
            outcome.due = int((now_ns - span.begin_ns) / _NS * self._per_s) + 1
            for _ in range(min(outcome.due - outcome.sent, _PER_TURN)):
                kind, data = datagram(outcome.sent, self._chance)
                try:
                    self._sockets[outcome.sent % len(self._sockets)].send(data)
                except OSError:  # nobody is there (any more), or too much for the moment
                    outcome.unconnected += 1
                outcome.sent += 1
                outcome.count(kind, "sent")
            time.sleep(0.001 if outcome.due <= outcome.sent else 0)
        outcome.seconds = (time.monotonic_ns() - span.begin_ns) / _NS
        for one in self._sockets:
            one.close()
        return outcome
