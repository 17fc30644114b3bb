"""What a simulated attack's bots do to the edges, one deed after the other. Pure; simulation only.

Only the mimic takes notice of what it is answered.
"""

from stentor.admission.tickets import Kind
from stentor.shield.policy import Why
from stentor.simulate.attackers import Act
from stentor.simulate.machine import Answer
from stentor.simulate.scene import GIVES_UP_S, HEAD_S, IDLE_S, STALLED_S, Person, Scene
from stentor.simulate.world import Chance


class Bots:
    """Everybody who does not."""

    def __init__(self, scene: Scene, chance: Chance) -> None:
        self._scene = scene
        self._bots = chance

    def act(self, act: Act, peer: bytes) -> None:
        """Let somebody at an address do one thing, at an edge that comes by chance."""
        now_s, alive = self._scene.now_s, self._scene.alive
        edge = alive[int(self._bots.integers(len(alive)))]
        if self._scene.is_banned(edge, peer) or not edge.comes(peer, now_s):
            return
        bot = Person(peer, now_s, 60.0, 30.0, human=False, edge=self._scene.edges.index(edge))
        bot.first_s = now_s
        if act is Act.SILENT:
            self._scene.at(now_s + HEAD_S, self._let_go, bot)
            return
        if act is Act.JOIN or act is Act.HOLD or act is Act.SLOW:
            bot.stays_s = {Act.JOIN: 1.0, Act.HOLD: 60.0, Act.SLOW: STALLED_S}[act]
            bot.bad_radio = act is Act.SLOW
            if edge.backlog_s(now_s) > GIVES_UP_S:
                self._scene.at(now_s + GIVES_UP_S, self._gives_up, bot)
            else:
                self._scene.at(edge.works("join", now_s), self._seen, bot)
            return
        bot.act = act
        if edge.backlog_s(now_s) > GIVES_UP_S:
            edge.works("accept", now_s)
            self._scene.at(now_s + GIVES_UP_S, self._heard, bot)
            return
        begins_s = edge.works("page" if act in (Act.REST, Act.RELOAD) else "wrong", now_s)
        self._scene.at(begins_s, self._heard, bot)

    def _heard(self, bot: Person) -> None:
        """The edge has come to what a bot wanted that is no join."""
        edge, now_s, act, peer = self._scene.edges[bot.edge], self._scene.now_s, bot.act, bot.peer
        if not edge.alive:
            return
        edge.waited(now_s - bot.comes_s)
        if act is Act.REST:
            edge.looked(peer)
            self._scene.at(now_s + IDLE_S, self._rested, bot)
            return
        edge.count("requests")
        if act is Act.RELOAD:
            edge.count("reloads")
            self._scene.at(now_s + 2.0, self._let_off, bot)
            return
        if act is Act.PROBE:
            edge.count("answers_4xx")
            edge.summary.wrong(peer, Why.PROBING)
        elif act is Act.GARBAGE:
            edge.count("answers_4xx")
            edge.summary.wrong(peer, Why.MALFORMED)
        else:
            edge.count("tickets_forged" if act is Act.FORGE else "tickets_replayed")
            edge.count("answers_4xx")
            edge.summary.wrong(peer, Why.FORGED)
        edge.goes(peer)

    def _seen(self, bot: Person) -> None:
        edge, now_s = self._scene.edges[bot.edge], self._scene.now_s
        if not edge.alive:
            return
        edge.count("requests")
        edge.waited(now_s - bot.comes_s)
        answer, place_ms = edge.asks(bot.peer, now_s, bot.ticket, bot.place_ms)
        if answer is Answer.IN:
            bot.parts = edge.joins(id(bot), bot.peer, now_s, bot.comes_s)
            self._scene.at(
                now_s + bot.stays_s, self._stalled if bot.bad_radio else self._leave, bot
            )
            return
        edge.count("answers_5xx")
        edge.goes(bot.peer)
        if bot.stays_s < 10 or answer is Answer.FULL or now_s - bot.first_s > bot.patience_s:
            return
        bot.ticket, bot.place_ms = Kind.LINE, place_ms
        self._scene.at(now_s + 2 + 3 * float(self._bots.random()), self._again, bot)

    def _gives_up(self, bot: Person) -> None:
        edge = self._scene.edges[bot.edge]
        if edge.alive:
            edge.hears_late(bot.peer, bot.ticket, GIVES_UP_S, self._scene.now_s)
            edge.goes(bot.peer)

    def _again(self, bot: Person) -> None:
        """A mimic comes with its ticket when it thinks fit."""
        bot.edge = self._scene.any_edge()
        edge = self._scene.edges[bot.edge]
        if self._scene.is_banned(edge, bot.peer) or not edge.comes(bot.peer, self._scene.now_s):
            return
        bot.comes_s = self._scene.now_s
        self._scene.at(edge.works("join", self._scene.now_s), self._seen, bot)

    def _stalled(self, bot: Person) -> None:
        edge = self._scene.edges[bot.edge]
        if bot.parts and edge.alive:
            edge.count("stalled_closed")
            edge.summary.wrong(bot.peer, Why.SLOW)
        self._leave(bot)

    def _leave(self, bot: Person) -> None:
        edge = self._scene.edges[bot.edge]
        if bot.parts and edge.alive:
            edge.leaves(id(bot), bot.peer, bot.parts, self._scene.now_s)
        bot.parts = 0

    def _let_go(self, bot: Person) -> None:
        edge = self._scene.edges[bot.edge]
        if edge.alive:
            edge.count("timed_out")
            edge.count("slow_heads")
            edge.summary.wrong(bot.peer, Why.SILENT)
            edge.goes(bot.peer)

    def _rested(self, bot: Person) -> None:
        edge = self._scene.edges[bot.edge]
        if edge.alive:
            edge.count("timed_out")
            edge.goes(bot.peer)

    def _let_off(self, bot: Person) -> None:
        if self._scene.edges[bot.edge].alive:
            self._scene.edges[bot.edge].goes(bot.peer)
