"""The machine of a simulated evening: edges whose time runs out, one line, and the ladder's rungs.

Costs are modelled, and so is the kernel's queue; every other decision is the production code's:
`Ladder`, `line.step`, `Places`, `Haste`, `Crush`, `Backlog` and `Summary`, in the order in which an
edge asks them. Knows neither people nor attackers.
"""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING

from stentor.admission.backlog import EVERY_S, Backlog
from stentor.admission.crush import COMING_AGAIN_PER_S, Crush
from stentor.admission.haste import Haste
from stentor.admission.ladder import Decision, Ladder, LoadFacts
from stentor.admission.lanes import LANE_PARTS, period_s
from stentor.admission.shares import Held
from stentor.admission.tickets import Kind
from stentor.media.grid import PART_S
from stentor.shield.facts import DoorSecond, EdgeSecond, Load, RoomSecond
from stentor.shield.keys import EventKey
from stentor.shield.newcomers import Newcomers
from stentor.shield.policy import SAFE, Ban, Policy, Why
from stentor.shield.summary import Summary
from stentor.simulate.costs import COST, JOIN_SHARE, TLS_COST
from stentor.simulate.door import Answer, Door
from stentor.simulate.events import EPOCH_MS, Machine
from stentor.simulate.line import Line

if TYPE_CHECKING:
    from stentor.simulate.knocking import Knock

ROOM = "hall"
_SMOOTH = 0.5
_SLOWEST_S = 15.36
_QUEUE_MIN = 4  # fewer places than that and chance fills it
_JOINS_PER_S = 11_600  # of a core, where so many come again beside all others
_SPEED_MIN = 0.05
_TLS_QUEUE_S = 1.28  # of joins at full pace: 2,048 at the 1,600 a second of one core


class Edge:
    """One edge: who waits to be looked at, and what its time is spent on."""

    def __init__(self, index: int, machine: Machine, key: EventKey, line: Line) -> None:
        self.name = f"edge-{index}"
        self.summary = Summary(key, self.name)
        self.counts: defaultdict[str, int] = defaultdict(int)  # as `edge.counts`
        self.line = line
        self.policy: Policy = SAFE
        self.banned: dict[str, Ban] = {}
        self.alive = True
        self.lag_s = 0.0  # of the programme
        self.held = Held(0)
        self.newcomers = Newcomers()
        self.connections = 0
        self.by_parts: dict[int, int] = {}
        self._per_s = 0.0  # deliveries
        self.decision = Decision()
        self.kernel: defaultdict[str, int] = defaultdict(int)
        self.tls = machine.tls
        self.queue: deque[Knock] = deque()  # in the kernel: who has come and was not accepted
        self.inside: deque[Knock] = deque()  # by TLS: who waits for their handshake
        self.next_ones = self.inside if self.tls else self.queue
        joins_per_s = machine.joins_per_s / machine.edges
        most = max(_QUEUE_MIN, round(_TLS_QUEUE_S * joins_per_s))
        self.backlog = Backlog(most, least=_QUEUE_MIN)  # followed by TLS
        self.queue_max = self.backlog.kernel  # the kernel's
        if not self.tls:
            self.queue_max = max(_QUEUE_MIN, round(machine.queue_s * joins_per_s))
        self.crush = Crush(max(0.1, COMING_AGAIN_PER_S / _JOINS_PER_S * joins_per_s))
        self._quarter = 0  # of a second
        self.serving = False
        self.busy_until_s = 0.0
        self._machine = machine
        n = machine.edges
        self._join_cost_s = n * JOIN_SHARE / machine.joins_per_s
        self._delivery_cost_s = 0.84 * _SLOWEST_S * n / machine.listeners_max
        self._slow = 1.0  # how many times as much everything costs
        self._takes_s: dict[str, float] = {}  # a thing, of all the time that there is
        self._speed = JOIN_SHARE  # how much of the time there is for joiners
        self.slows(1.0)
        self._descriptors = machine.descriptors // n
        self.begun = 0  # handshakes
        self.all_served = True  # in one moment since then
        self._followed_s = 0.0
        self._ladder = Ladder()
        self._haste = Haste(machine.network_joins_per_s, machine.joins_burst)
        self._haste.tick(0, 0.0)
        self._share = 1.0
        self._busy_s = 0.0
        self._wait_s = 0.0
        self._asked = self._left = 0
        self._asked_per_s = self._left_per_s = 0.0
        self.door = Door(machine, line, self.summary, self.counts)

    @property
    def listeners(self) -> int:
        """How many are in."""
        return sum(self.by_parts.values())

    @property
    def use(self) -> float:
        """What deliveries take of the CPU."""
        return self._per_s * self._delivery_cost_s * self._slow

    def slows(self, times: float) -> None:
        """Let everything cost so many times as much."""
        self._slow = times
        costs = TLS_COST if self.tls else COST
        self._takes_s = {what: cost * self._join_cost_s * times for what, cost in costs.items()}
        self._note_speed()

    def holds(self, parts: int, more: int) -> None:
        """Note so many more listeners in a lane."""
        self.by_parts[parts] = self.by_parts.get(parts, 0) + more
        self._per_s += more / period_s(parts)
        self._note_speed()

    def _note_speed(self) -> None:
        speed = max(_SPEED_MIN, min(JOIN_SHARE, 0.95 - self.use)) if self.by_parts else JOIN_SHARE
        self._speed = speed

    def count(self, name: str, times: int = 1) -> None:
        """Count as `edge.counts` does."""
        self.counts[name] += times

    def comes(self, peer: bytes, now_s: float) -> bool:
        """Take a connection, or refuse it because of what its network or this edge has already."""
        self.counts["accepted"] += 1
        self.summary.came(peer)
        if self._haste.is_hasty(peer, int(now_s * 1e9)):
            self.count("refused_by_network")
            self.summary.wrong(peer, Why.HASTY)
            return False
        if self.connections >= self._descriptors:
            self.count("refused_connections")
            return False
        self.connections += 1
        self.held.take(peer)
        return True

    def lets_silent_go(self) -> bool:
        """Say whether who keeps silent at their turn for TLS makes way: there is no room beside."""
        return self.tls and self.backlog.room(len(self.inside) + 1) <= 0

    def goes(self, peer: bytes) -> None:
        """Let a connection go."""
        self.connections -= 1
        self.held.give_back(peer)

    def works(self, what: str, now_s: float) -> None:
        """Spend time on something."""
        takes_s = self._takes_s[what] / self._speed
        busy_s = self.busy_until_s
        self.busy_until_s = (busy_s if busy_s > now_s else now_s) + takes_s
        self._busy_s += takes_s

    def tells_at_once(self, peer: bytes, now_s: float) -> tuple[int, float]:
        """Tell somebody who asks in a crush the place of all of that moment, and when to ask."""
        self._asked += 1
        self.count("asked")
        self.summary.asked(peer)
        self._renew(now_s)
        return self.door.share(now_s), self.crush.spread_s()

    def lane_for(self, listeners: float) -> int:
        """Return the lane in which so many have been listening for long: a third of the CPU."""
        costs = listeners * self._delivery_cost_s
        return next((n for n in LANE_PARTS if costs / period_s(n) < 0.3), LANE_PARTS[-1])

    def waited(self, wait_s: float) -> None:
        """Note how long somebody had waited until they were looked at."""
        self.summary.queued(wait_s)
        self._wait_s = max(self._wait_s, wait_s)

    def looked(self, peer: bytes) -> None:
        """Show somebody a page."""
        self.count("requests")
        self.count("looked")
        self.summary.visited(peer)

    def asks(
        self, peer: bytes, now_s: float, kind: Kind | None, place_ms: int
    ) -> tuple[Answer, int]:
        """Say what the door says to somebody with such a ticket, and their place."""
        self._asked += 1
        return self.door.asks(peer, now_s, kind, place_ms)

    def wrong(self, peer: bytes, why: Why, now_s: float) -> None:
        """Answer a wrong request: at a pace of their own, beyond which the connection ends."""
        self.counts["requests"] += 1
        self.counts["answers_4xx"] += 1
        if not self._haste.charge(peer, int(now_s * 1e9)):
            self.counts["wrongs_closed"] += 1
        self.summary.wrong(peer, why)

    def puts_off(self, peer: bytes, now_s: float) -> float:
        """Give a small page to somebody who comes in a crush; return when it tries again, about."""
        self.count("requests")
        self.count("pages_put_off")
        self.summary.visited(peer)
        self._renew(now_s)
        return self.crush.spread_s()

    def _renew(self, now_s: float) -> None:
        """Note when another quarter of a second has begun: who comes now has come later."""
        quarter = int(now_s * 4)
        if quarter != self._quarter:
            self.crush.renew(quarter - self._quarter)
            self.door.renew()
            self._quarter = quarter

    def _follow_backlog(self, now_s: float) -> None:
        """Reckon how many may wait for a handshake, as an edge does every now and then."""
        past_s = now_s - self._followed_s
        if past_s >= EVERY_S:
            self.backlog.look(self.begun, past_s, all_served=self.all_served)
            self.queue_max = self.backlog.kernel
            self._followed_s = now_s
            self.begun, self.all_served = 0, not self.inside

    def looks_around(self, now_s: float) -> None:
        """Look how many wait in the kernel; with TLS there are no short answers."""
        if self.tls:
            self._follow_backlog(now_s)
        else:
            self.crush.look(len(self.queue), self.queue_max)

    def joins(self, who: int, peer: bytes, now_s: float, since_s: float, lane: int = 0) -> int:
        """Let somebody in, into a lane as slow as they ask for; return its parts.

        `who` is a number of their own, as a descriptor is.
        """
        self.newcomers.joined(who, peer, now_s)
        self._haste.listening.take(peer)
        parts = max(lane, self.decision.fastest_parts)
        self.holds(parts, 1)
        self.count("joined")
        self.summary.admitted(peer)
        self.summary.first_audio(max(0.001, now_s - since_s))
        return parts

    def begins_inside(self, who: int, peer: bytes) -> None:
        """Note somebody who listened before the evening began."""
        self.newcomers.joined(who, peer, 0.0)
        self._haste.listening.take(peer)

    def leaves(self, who: int, peer: bytes, parts: int, now_s: float) -> None:
        """Let a listener go."""
        self._haste.listening.give_back(peer)
        if self.newcomers.left(who, now_s):
            self.count("left_soon")
        self.holds(parts, -1)
        self._left += 1
        self.count("left")
        self.goes(peer)

    def dies(self) -> None:
        """Be gone, with everything that was held here."""
        self.alive = False
        self.by_parts.clear()
        self._per_s = 0.0
        self._note_speed()
        self.held = Held(0)
        self.newcomers = Newcomers()
        self._haste.listening = Held(0)
        self.connections = 0

    def obeys(self, policy: Policy) -> None:
        """Do as the shield wishes."""
        self.policy = policy
        self.banned = {ban.network: ban for ban in policy.bans}
        share = policy.network_share / self._machine.edges
        if share != self._share:
            self._share = share
            self.door.set_share(share)
            self._haste.share(policy.network_share)

    def second(self, now_s: float, inside: int) -> EdgeSecond:
        """Look at oneself, decide, and tell of the second that ends."""
        self._asked_per_s += (self._asked - self._asked_per_s) * _SMOOTH
        self._left_per_s += (self._left - self._left_per_s) * 0.3
        use = self.use
        joining = min(1.0, self._busy_s)
        facts = LoadFacts(
            listeners=dict(self.by_parts),
            delivery_cost_s=self._delivery_cost_s * self._slow,
            join_cost_s=self._join_cost_s * self._slow,
            late_s=max(0.0, use - 0.95) * 5 + 0.02,
            joining=joining,
            join_wait_s=self._wait_s,
            join_share=JOIN_SHARE,
            asked_per_s=self._asked_per_s,
            left_per_s=self._left_per_s,
            descriptors=self.connections / self._descriptors,
            descriptors_max=self._descriptors,
            memory=0.2,
            waiting=self.line.sheet.waiting,
        )
        self.decision = decision = self._ladder.decide(facts, now_s)
        self.door.obeys(decision, self.listeners)
        sheet = self.line.sheet
        now_ms = EPOCH_MS + int(now_s * 1000)
        load = Load(
            cores=1.0,
            use=use,
            delivery_cost_s=facts.delivery_cost_s,
            join_cost_s=facts.join_cost_s,
            joining=joining,
            late_s=facts.late_s,
            asked_per_s=self._asked_per_s,
            connections=self.connections,
            unserved=len(self.inside),
            descriptors=facts.descriptors,
            memory=facts.memory,
            by_lane_ms={
                str(round(period_s(parts) * 1000)): n for parts, n in self.by_parts.items() if n
            },
        )
        door = DoorSecond(
            step=decision.step.name.lower(),
            lane_ms=round(period_s(decision.fastest_parts) * 1000),
            line=sheet.line,
            waiting=sheet.waiting,
            per_s=sheet.per_s,
            serving_ms=sheet.serving_ms,
        )
        room = RoomSecond(
            listeners=self.listeners,
            inside=inside,
            epoch_ms=EPOCH_MS,
            phase="live",
            part=int((now_s - self.lag_s) / PART_S),
        )
        for peer in self.newcomers.stayed(now_s):
            self.summary.stayed(peer)
        told = self.summary.second(
            now_ms,
            counts=self.counts,
            rooms={ROOM: room},
            load=load,
            door=door,
            kernel=self.kernel,
            policy=self.policy.number,
            present_of=self.held.of,
            listening_of=self._haste.listening.of,
        )
        self.counts.clear()
        self.kernel.clear()
        self._asked = self._left = 0
        self._busy_s = self._wait_s = 0.0
        self.door.forget_idle(now_ms)
        self._haste.tick(int(now_s * 1e9), joining)
        return told
