"""The short way of a refusal: for who asks in the very words of somebody just told their place.

While a line is at the door, most who come are a crowd that asks for the same, and what is answered
differs by ticket and place only. Whoever is answered here gets what the door would have said to
them; who is remembered is forgotten with each look at the line. Decides nothing itself.
"""

import os
from collections.abc import Callable
from contextlib import suppress

from stentor.base.errors import Problem
from stentor.edge.crush import CrushAnswers
from stentor.edge.door import Door
from stentor.edge.request import HEAD_BYTES_MAX, Request, take_request
from stentor.edge.rooms import Room
from stentor.edge.web import Web
from stentor.edge.wire import send_last

_WORDS_MAX = 256  # browsers of one make say the same to the byte


class Turnstile:
    """Stands before the plain connections of one edge."""

    def __init__(
        self, web: Web, door: Door, crush: CrushAnswers, banned: Callable[[bytes], bool]
    ) -> None:
        """`banned` says whether the policy has something against who comes from there."""
        self._web = web
        self._door = door
        self.crush = crush
        self._banned = banned
        # By identity: equal words are one request, as long as the parser remembers them.
        self._turned: dict[int, tuple[Request, Room]] = {}
        self.turned = 0  # how many were answered here

    def note(self, request: Request, room: Room) -> None:
        """Somebody who showed nothing was told their place, and hung up on."""
        if len(self._turned) < _WORDS_MAX:
            self._turned[id(request)] = request, room

    def forget(self) -> None:
        """The line is another one now: the door is asked again."""
        self._turned.clear()
        self.crush.renew()

    def turns(self, fd: int, peer: bytes) -> bytes | None:
        """Tell somebody their place; return what they said where that is for others to answer.

        None: they are answered, and whoever asked lets go of the descriptor.
        """
        if not self._turned and not self.crush.on:
            return b""
        try:
            said = os.read(fd, HEAD_BYTES_MAX)
        except OSError:
            return b""
        answer = self._answer(peer, said)
        if answer is None:
            return said
        web = self._web
        counts = web.counts
        counts.requests += 1
        counts.answers_5xx += 1
        with suppress(OSError):
            counts.bytes_sent += send_last(fd, answer)
        return None

    def _answer(self, peer: bytes, said: bytes) -> bytes | None:
        if len(said) == HEAD_BYTES_MAX or not said.endswith(b"\r\n\r\n"):
            return None  # there is more in the kernel, or to come
        if self.crush.on:
            answer = self.crush.answer(said, peer)
            if answer is not None:
                return answer
        known = self._known(said)
        if known is None or self._banned(peer):
            return None
        try:
            answer = self._door.turn_away(peer, known.id)
        except Problem:  # its network has too many in line: the door says so
            return None
        self._web.summary.asked(peer)
        self._web.counts.asked += 1
        self.turned += 1
        return answer

    def _known(self, said: bytes) -> Room | None:
        """Return the room of those who were told their place for the same words, and no others."""
        try:
            taken = take_request(said)
        except Problem:
            return None
        if taken is None or taken[1] != len(said):
            return None
        known = self._turned.get(id(taken[0]))
        return None if known is None else known[1]
