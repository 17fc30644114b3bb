"""How people and bots get to be looked at by a simulated edge: in a queue, and in order.

Whoever comes waits in the kernel until the edge accepts them and answers; by TLS they are accepted
first, and wait inside for their handshake, as long as there is room (`admission.backlog`). The
kernel's queue is short: beyond it they try again by themselves after 1, 3 and 7 s, and the edge
hears of none of them. Knows clients only by what they want done; decides nothing at the door.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stentor.simulate.machine import Edge

if TYPE_CHECKING:
    from stentor.simulate.scene import Person, Scene

GIVES_UP_S = 8.0  # on one attempt
_AGAIN_S = (1.0, 2.0, 4.0)  # the first packet's repetitions (RFC 6298 2.1 and 5.5; Linux)
_TRIES = len(_AGAIN_S)
_SOON_S = 1e-9


@dataclass(frozen=True, slots=True)
class Wish:
    """What becomes of somebody who knocks."""

    heard: "Callable[[Person], str]"  # the edge has come to it; returns what that was: `COST`
    refused: "Callable[[Person], None]"  # their network, or this edge, has enough already
    gave_up: "Callable[[Person], None]"  # they waited in vain


@dataclass(slots=True)
class Knock:
    """Somebody who has come to an edge."""

    person: "Person"
    edge: Edge
    wish: Wish
    first_s: float
    came_s: float
    tries: int = 0


class Knocking:
    """Everybody who is on their way to be looked at, at all edges."""

    def __init__(self, scene: "Scene") -> None:
        self._scene = scene
        # Bound once, not for each of those who come.
        self._again = self._try
        self._next = self._serve

    def knock(self, person: "Person", edge: Edge, wish: Wish) -> None:
        """Let somebody come to an edge."""
        now_s = self._scene.now_s
        self._try(Knock(person, edge, wish, now_s, now_s))

    def _try(self, knock: Knock) -> None:
        scene, edge = self._scene, knock.edge
        if not edge.alive:
            scene.at(scene.now_s + 1.0, knock.wish.gave_up, knock.person)
            return
        if len(edge.queue) >= edge.queue_max:
            edge.kernel["listen_overflows"] += 1
            tries = knock.tries
            if tries < _TRIES:
                knock.tries = tries + 1
                scene.at(scene.now_s + _AGAIN_S[tries], self._again, knock)
            else:
                scene.at(knock.first_s + GIVES_UP_S, knock.wish.gave_up, knock.person)
            return
        knock.came_s = scene.now_s
        edge.queue.append(knock)
        if edge.tls:
            self._let_in(edge)
        if not edge.serving and edge.next_ones:
            edge.serving = True
            scene.at(max(scene.now_s, edge.busy_until_s), self._next, edge)

    def _let_in(self, edge: Edge) -> None:
        """Accept those for whom there is room, whatever else there is to do."""
        queue, inside, backlog = edge.queue, edge.inside, edge.backlog
        while queue and backlog.room(len(inside)) > 0:
            knock = queue.popleft()
            edge.works("accept", self._scene.now_s)
            if edge.comes(knock.person.peer, self._scene.now_s):
                inside.append(knock)
                backlog.came_in(len(inside))
            else:
                knock.wish.refused(knock.person)

    def _serve(self, edge: Edge) -> None:
        """Look at whoever has waited longest."""
        scene = self._scene
        now_s = scene.now_s
        if not edge.alive:
            for knock in (*edge.inside, *edge.queue):
                scene.at(now_s + 1.0, knock.wish.gave_up, knock.person)
            edge.inside.clear()
            edge.queue.clear()
            return
        if edge.busy_until_s > now_s + _SOON_S:  # with what nobody waits for
            scene.at(edge.busy_until_s, self._next, edge)
            return
        edge.looks_around(now_s)
        ones = edge.next_ones
        edge.works(self._done(ones.popleft()), now_s)
        if edge.tls:
            self._let_in(edge)
        if ones:
            scene.at(edge.busy_until_s, self._next, edge)
        else:
            edge.serving = False
            edge.all_served = True

    def _done(self, knock: Knock) -> str:
        edge, person, now_s = knock.edge, knock.person, self._scene.now_s
        is_gone = now_s - knock.first_s > GIVES_UP_S
        edge.waited(now_s - knock.came_s)
        if not edge.tls and not edge.comes(person.peer, now_s):
            knock.wish.refused(person)
            return "accept"
        if is_gone:
            edge.goes(person.peer)
            edge.counts["gave_up"] += 1  # they waited for long: `edge.knocks` looks for them
            knock.wish.gave_up(person)
            return "accept"
        what = knock.wish.heard(person)
        if what != "accept":  # who keeps silent is shaken hands with by nobody
            edge.begun += 1
            edge.backlog.had_turn(len(edge.inside))
        return what
