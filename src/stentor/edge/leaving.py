"""What an edge does once its successor has everything: it ends what it has begun, and itself.

Plain connections that come to rest are passed on. Who cannot be, for a TLS session is tied to this
process's memory, is advised to come again, and served until they have or the time is up.
"""

import errno
import time
from dataclasses import dataclass

from stentor.edge.connection import Connection
from stentor.edge.counts import Counts
from stentor.edge.deadlines import Deadlines, State
from stentor.edge.facts import FactsSender
from stentor.edge.listening import Listening
from stentor.edge.loop import Loop
from stentor.edge.passing import Channel, Passed
from stentor.edge.push import Push
from stentor.edge.rooms import Rooms
from stentor.edge.web import Web

_ADVISE_EVERY_S = 20.0  # who was behind may have missed it


@dataclass(frozen=True, slots=True)
class Household:
    """What an edge has, as far as it can be handed over."""

    loop: Loop
    rooms: Rooms
    push: Push
    web: Web
    public: Listening
    private: Listening
    counts: Counts
    deadlines: Deadlines
    facts: FactsSender
    moves_per_s: float  # so many may come again at once
    drain_ns: int  # how long an edge may go on with what it has begun


class Leaving:
    """An edge's last minutes. `channel` leads to the successor."""

    def __init__(self, house: Household, channel: Channel | None) -> None:
        now_ns = time.monotonic_ns()
        self._house = house
        self._channel = channel
        self._due_ns = now_ns + house.drain_ns
        house.public.close()
        house.private.close()
        house.loop.last = lambda: None
        house.facts.leave()
        house.push.leaving = True
        house.web.at_rest = self._pass_on
        if channel is not None:
            channel.settimeout(0)
        self._advise_ns = now_ns
        self.tick(now_ns)

    def tick(self, now_ns: int) -> None:
        """Pass on who has come to rest, advise who is left; end when nobody is."""
        for state in (State.RESTING, State.HEAD):
            for connection in self._house.deadlines.at(state):
                self._pass_on(connection)
        if now_ns >= self._advise_ns:
            self._advise(now_ns)
        if self._house.web.open <= 0 or now_ns > self._due_ns:
            self._house.loop.stop()

    def successor_gone(self) -> None:
        """It died: who comes to rest from now on is let go, and comes again by themselves."""
        self._channel = None

    def _pass_on(self, connection: Connection) -> None:
        """Give a connection between two requests to the successor, or let it go."""
        if connection.wire.secure and connection.state is State.HEAD:
            return  # it may ask once more
        if self._channel is not None and not connection.wire.secure:
            fd = connection.fd
            peer = self._house.web.networks.peers.get(fd, b"")
            word = Passed(connection.buffer, peer, connection.front, connection.on_metrics_port)
            try:
                self._channel.say(word, (fd,))
            except OSError as error:
                if error.errno in (errno.EAGAIN, errno.ETOOMANYREFS):
                    return  # the next tick comes back to it
                self._channel = None
        connection.close()

    def _advise(self, now_ns: int) -> None:
        """Ask those who are left to come again, at a pace that can be served."""
        self._advise_ns = now_ns + round(_ADVISE_EVERY_S * 1e9)
        push = self._house.push
        within_s = max(1.0, push.listeners / max(1.0, self._house.moves_per_s))
        for lane in tuple(push.lanes()):
            if lane.listeners:
                push.advise(lane, lane.parts, within_s, "deploy")
