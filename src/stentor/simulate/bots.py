"""What bots do to simulated edges, one deed after the other: an attack's, and any evening's scans.

Pure; simulation only.

Only the mimic takes notice of what it is answered.
"""

from stentor.admission.tickets import Kind
from stentor.shield.policy import Why
from stentor.simulate.attackers import Act
from stentor.simulate.door import Answer
from stentor.simulate.knocking import Wish
from stentor.simulate.scene import HEAD_S, IDLE_S, STALLED_S, Person, Scene
from stentor.simulate.world import Chance

_TICKETS = {Act.FORGE: "tickets_forged", Act.REPLAY: "tickets_replayed"}
_WRONG = {Act.PROBE: Why.PROBING, Act.GARBAGE: Why.MALFORMED}
_WRONG |= dict.fromkeys(_TICKETS, Why.FORGED)


class Bots:
    """Everybody who does not come to hear."""

    def __init__(self, scene: Scene, chance: Chance) -> None:
        self._scene = scene
        self._bots = chance
        self._silent = Wish(self._holds_on, _gives_up, _gives_up)
        self._joins = Wish(self._seen, _gives_up, _gives_up)
        self._others = Wish(self._heard, _gives_up, _gives_up)

    def act(self, act: Act, peer: bytes) -> None:
        """Let somebody at an address do one thing, at an edge that comes by chance."""
        now_s, alive = self._scene.now_s, self._scene.alive
        edge = alive[int(self._bots.integers(len(alive)))]
        if self._scene.is_banned(edge, peer):
            return
        bot = Person(peer, now_s, 60.0, 30.0, human=False, edge=self._scene.edges.index(edge))
        bot.first_s, bot.act = now_s, act
        wish = self._others
        if act is Act.SILENT:
            wish = self._silent
        elif act is Act.JOIN or act is Act.HOLD or act is Act.SLOW:
            bot.stays_s = {Act.JOIN: 1.0, Act.HOLD: 60.0, Act.SLOW: STALLED_S}[act]
            bot.bad_radio = act is Act.SLOW
            wish = self._joins
        self._scene.knock(bot, edge, wish)

    def _holds_on(self, bot: Person) -> str:
        edge = self._scene.edges[bot.edge]
        if edge.lets_silent_go():
            edge.count("tls_crowded_out")
            edge.goes(bot.peer)
            return "accept"
        self._scene.at(self._scene.now_s + HEAD_S, self._let_go, bot)
        return "accept"

    def _heard(self, bot: Person) -> str:
        """The edge has come to what a bot wanted that is no join."""
        edge, now_s, act, peer = self._scene.edges[bot.edge], self._scene.now_s, bot.act, bot.peer
        if act is Act.REST:
            if edge.crush.on:
                edge.puts_off(peer, now_s)
                edge.goes(peer)
                return "told"
            edge.looked(peer)
            self._scene.at(now_s + IDLE_S, self._rested, bot)
            return "page"
        if act is Act.RELOAD:
            edge.count("requests")
            edge.count("reloads")
            self._scene.at(now_s + 2.0, self._let_off, bot)
            return "page"
        if act in _TICKETS:
            edge.count(_TICKETS[act])
        edge.wrong(peer, _WRONG[act], now_s)
        edge.goes(peer)
        return "wrong"

    def _seen(self, bot: Person) -> str:
        edge, now_s = self._scene.edges[bot.edge], self._scene.now_s
        edge.count("requests")
        if edge.crush.on and bot.ticket is None:
            bot.place_ms, spread_s = edge.tells_at_once(bot.peer, now_s)
            edge.count("answers_5xx")
            edge.goes(bot.peer)
            if bot.stays_s >= 10:
                bot.ticket = Kind.SHARED
                again_s = 1 + spread_s * float(self._bots.random())
                self._scene.at(now_s + again_s, self._again, bot)
            return "told"
        answer, place_ms = edge.asks(bot.peer, now_s, bot.ticket, bot.place_ms)
        if answer is Answer.IN:
            since_s = now_s - 0.03
            bot.who = next(self._scene.numbers)
            bot.parts = edge.joins(bot.who, bot.peer, now_s, since_s)
            self._scene.at(
                now_s + bot.stays_s, self._stalled if bot.bad_radio else self._leave, bot
            )
            return "join"
        edge.count("answers_5xx")
        edge.goes(bot.peer)
        if bot.stays_s < 10 or answer is Answer.FULL or now_s - bot.first_s > bot.patience_s:
            return "place"
        bot.ticket = Kind.STANDBY if answer is Answer.STANDBY else Kind.LINE
        bot.place_ms = place_ms
        self._scene.at(now_s + 2 + 3 * float(self._bots.random()), self._again, bot)
        return "place"

    def _again(self, bot: Person) -> None:
        """A mimic comes with its ticket when it thinks fit."""
        bot.edge = self._scene.any_edge()
        edge = self._scene.edges[bot.edge]
        if self._scene.is_banned(edge, bot.peer):
            return
        bot.comes_s = self._scene.now_s
        self._scene.knock(bot, edge, self._joins)

    def _stalled(self, bot: Person) -> None:
        edge = self._scene.edges[bot.edge]
        if bot.parts and edge.alive:
            edge.count("stalled_closed")
            edge.summary.wrong(bot.peer, Why.SLOW)
        self._leave(bot)

    def _leave(self, bot: Person) -> None:
        edge = self._scene.edges[bot.edge]
        if bot.parts and edge.alive:
            edge.leaves(bot.who, bot.peer, bot.parts, self._scene.now_s)
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


def _gives_up(bot: Person) -> None:
    """A bot that was not looked at does not come again by itself."""
