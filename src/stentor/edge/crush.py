"""More come than can be looked at one by one: most of them are told so, many in one breath.

When those who wait to be accepted are about to be too many for the kernel, who wants to join gets a
place that is everybody's who came in that quarter of a second, made once, and comes again within
seconds for one of their own; who wants a room's page gets a small one that tries again. Who shows
a ticket, and whoever asks for anything else, is served as ever. When that is so, and how far those
who come again are spread, is decided by `admission.crush`.
"""

import re
import socket
import struct
from collections.abc import Callable
from itertools import count

from stentor.admission.crush import SPREAD_FROM_S, Crush
from stentor.edge.answer import Answer, encode_answer
from stentor.edge.counts import Counts
from stentor.edge.door import Door
from stentor.edge.placing import Shared, place_answer
from stentor.shield.summary import Summary

_VARIANTS = 16
# `tcpi_unacked` and `tcpi_sacked` of `struct tcp_info` (linux/tcp.h): of a listening socket, who
# waits to be accepted, and the most that may.
_QUEUE = struct.Struct("II")
_QUEUE_AT = 24
_JOIN = re.compile(rb"GET /r/([a-z0-9-]{1,64})/live\.mp4[? ]")
_PAGE = re.compile(rb"GET /r/[a-z0-9-]{1,64}[? ]")
_TEXT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="{0}"><title>One moment</title>
<body style="font-family:system-ui;margin:3rem auto;max-width:34rem;padding:0 1rem">
<h1>One moment</h1>
<p>More people come at this moment than can be let in at once.
This page tries again by itself in {0} seconds.</p>
"""


def queue_of(listener: socket.socket) -> tuple[int, int]:
    """Return how many wait to be accepted, and how many may; two zeros if nobody tells."""
    try:
        told = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _QUEUE_AT + _QUEUE.size)
        waiting, most = _QUEUE.unpack_from(told, _QUEUE_AT)
    except (OSError, struct.error):
        return 0, 0
    return waiting, most


def _page(again_s: int) -> bytes:
    answer = Answer(
        503,
        _TEXT.format(again_s).encode(),
        "text/html; charset=utf-8",
        {"Retry-After": str(again_s)},
        cache="no-store",
    )
    return encode_answer(answer, keep_alive=False)


class CrushAnswers(Crush):
    """A crush at one edge's door, and what those are told who come in it."""

    def __init__(
        self, door: Door, counts: Counts, summary: Summary, knows: Callable[[str], bool]
    ) -> None:
        """`knows` says whether a room may be joined here."""
        super().__init__()
        self._door = door
        self._counts = counts
        self._summary = summary
        self._knows = knows
        self._next = count().__next__
        self._shared: dict[bytes, tuple[Shared, dict[int, bytes]]] = {}

    def renew(self, quarters: int = 1) -> None:
        """A quarter of a second is over: who comes now has come later."""
        super().renew(quarters)
        self._shared.clear()

    def answer(self, said: bytes, peer: bytes) -> bytes | None:
        """Return a whole answer to somebody's first words; None: they are to be served."""
        wanted = _JOIN.match(said)
        if wanted is not None:
            line = said[: said.find(b"\r\n")]
            answer = None if b"ticket=" in line else self._place(wanted[1])
            if answer is not None:
                self._summary.asked(peer)
            return answer
        if _PAGE.match(said) is None:
            return None
        self._counts.pages_put_off += 1
        self._summary.visited(peer)
        return _page(round(self._again_s(self._next() % _VARIANTS)))

    def _again_s(self, variant: int) -> float:
        """Return one of the moments at which those who are told this come again."""
        return SPREAD_FROM_S + self.spread_s() * (variant + 0.5) / _VARIANTS

    def _place(self, name: bytes) -> bytes | None:
        known = self._shared.get(name)
        if known is None:
            room = name.decode()
            if not self._knows(room):
                return None
            known = self._shared[name] = self._door.share(room), {}
        shared, answers = known
        variant = self._next() % _VARIANTS
        again_s = self._again_s(variant)
        answer = answers.get(variant)
        if answer is None:
            answer = answers[variant] = place_answer(
                *(name.decode(), shared.text, shared.place_ms, shared.number, shared.ahead),
                *(max(shared.wait_s, again_s), again_s),
                keep=False,
                more=',"shared":true',
            )
        self._counts.asked += 1
        self._door.note_shared(shared)
        return answer
