"""One machine of a fleet as its watch sees it: every act of an attacker there, one by one.

`Haste`, `Summary`, `Newcomers`, `Merging` and `Shield` are the production code's. A fleet's
machines are alike and balanced, so what becomes of attackers here is what becomes of them
everywhere (see `bots`); a test compares that with watching all machines. Decides nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from heapq import heappop, heappush

from stentor.admission.haste import Haste
from stentor.admission.shares import levels
from stentor.admission.tickets import Kind
from stentor.base.settings import Settings
from stentor.shield.facts import DoorSecond, EdgeSecond, Load
from stentor.shield.keys import EventKey
from stentor.shield.lately import TICKET_REMEMBERED_MS, Lately
from stentor.shield.merge import Merging
from stentor.shield.newcomers import Newcomers
from stentor.shield.policy import SAFE, Ban, Policy, Why, keeps_out, shut_for_ms
from stentor.shield.shield import Shield
from stentor.shield.summary import Summary
from stentor.simulate.attackers import Act
from stentor.simulate.events import EPOCH_MS

_DEFAULTS = Settings()
_NAMES_MAX = 65_536
_QUEUED_N = 5  # as many waits are told as the shield wants to see


class Fate(IntEnum):
    """What becomes of somebody who connects."""

    DROPPED = 0  # by the kernel
    CLOSED = 1  # at the accept: banned for the second time, and no guard
    HASTY = 2  # at the accept: its network comes too fast
    PUT_OFF = 3  # banned: told so, or given the end of the line
    SERVED = 4  # like anybody


# What each act is a sign of, and after how many seconds that is noticed.
_WRONG: dict[Act, tuple[Why, float]] = {
    Act.SLOW: (Why.SLOW, _DEFAULTS.edge_listener_stalled_s),
    Act.SILENT: (Why.SILENT, _DEFAULTS.edge_handshake_s),
    Act.PROBE: (Why.PROBING, 0.0),
    Act.FORGE: (Why.FORGED, 0.0),
    Act.REPLAY: (Why.FORGED, 0.0),
    Act.GARBAGE: (Why.MALFORMED, 0.0),
}
_ASKING = (Act.JOIN, Act.HOLD, Act.SLOW)
_FORGING = (Act.FORGE, Act.REPLAY)
STAYS_S = {Act.JOIN: 1.0, Act.HOLD: 60.0, Act.SLOW: _DEFAULTS.edge_listener_stalled_s}


@dataclass(frozen=True, slots=True)
class EdgeStands:
    """How one edge of the machine stands, as its ladder was told."""

    load: Load
    door: DoorSecond
    wait_s: float = 0.0  # of those who were looked at last


class Watched:
    """The edges of one machine, and its watch. `now_s` are seconds since the event began."""

    def __init__(self, edges: int, key: EventKey, *, guard: bool = False) -> None:
        """`guard`: whether the kernel drops whom a second ban names."""
        self.policy: Policy = SAFE
        self._guard = guard
        self._key = key
        self._edges = edges
        self._summaries = [Summary(key, f"edge-{n}") for n in range(edges)]
        self._newcomers = [Newcomers() for _ in range(edges)]
        rate = _DEFAULTS.edge_network_joins_per_s, _DEFAULTS.edge_network_joins_burst
        # Who listens, by network: people from when they are let in on, bots until they leave.
        self._haste = [Haste(*rate) for _ in range(edges)]
        self._open = [True] * edges  # who asks is let in at once
        self._merging, self._shield = Merging(), Shield()
        self._waiting = 0  # in line
        self._leaving: list[tuple[float, int, bytes]] = []
        self._tickets = [Lately(TICKET_REMEMBERED_MS) for _ in range(edges)]
        self._banned: dict[str, Ban] = {}
        self._names: dict[bytes, tuple[str, ...]] = {}
        self._later: list[tuple[float, int, bytes, Why]] = []
        self._number = 0

    def act(self, edge: int, act: Act, peer: bytes, now_s: float) -> Fate:
        """Let somebody do one thing, and return what becomes of their connection."""
        summary = self._summaries[edge]
        ban, fate = self._begins(edge, peer, now_s)
        if fate is not Fate.SERVED:
            return fate
        keeps = ban is not None and keeps_out(ban, self._waiting, _ms(now_s))
        if ban is not None and act is Act.FORGE:
            summary.wrong(peer, Why.FORGED)
        if (keeps and act in (*_ASKING, Act.RELOAD)) or (ban is not None and act is Act.FORGE):
            summary.asked(peer)
            summary.obeyed("banned")
            return Fate.PUT_OFF
        self._does(edge, act, peer, now_s)
        return Fate.SERVED

    def comes(self, edge: int, peer: bytes, now_s: float, ticket: Kind | None) -> Fate:
        """Let one of the people come: a good ticket passes whatever is wrong around it.

        Once it can be shown: where a ban is for the kernel, only if somebody there has done so of
        late, or listens.
        """
        summary = self._summaries[edge]
        ban, fate = self._begins(edge, peer, now_s)
        if fate is not Fate.SERVED:
            return fate
        summary.visited(peer)
        summary.asked(peer, ticket)
        if ticket is not None:
            for network in levels(peer):
                self._tickets[edge].note(network, int(now_s * 1000))
        elif ban is not None and keeps_out(ban, self._waiting, _ms(now_s)):
            summary.obeyed("banned")
            return Fate.PUT_OFF
        if self._open[edge]:
            summary.admitted(peer)
            self._joins(edge, peer, now_s)
        return Fate.SERVED

    def second(self, now_s: float, stands: Iterable[EdgeStands]) -> Policy:
        """End a second: merge what the edges tell, and let the shield decide."""
        while self._later and self._later[0][0] <= now_s:
            _, edge, peer, why = heappop(self._later)
            self._summaries[edge].wrong(peer, why)
        while self._leaving and self._leaving[0][0] <= now_s:
            _, edge, peer = heappop(self._leaving)
            self._haste[edge].listening.give_back(peer)
        at_ms = _ms(now_s)
        told = [self._tell(edge, one, now_s, at_ms) for edge, one in enumerate(stands)]
        policy = self._shield.decide(self._merging.merge(told, at_ms), at_ms)
        if policy.network_share != self.policy.network_share:
            for haste in self._haste:
                haste.share(policy.network_share)
        self.policy = policy
        self._banned = {ban.network: ban for ban in policy.bans}
        return policy

    def close(self) -> None:
        """Let go of the sketches."""
        for summary in self._summaries:
            summary.close()

    def _tell(self, edge: int, stands: EdgeStands, now_s: float, at_ms: int) -> EdgeSecond:
        summary = self._summaries[edge]
        for peer in self._newcomers[edge].stayed(now_s):
            summary.stayed(peer)
        if stands.wait_s > 0:
            for _ in range(_QUEUED_N):
                summary.queued(stands.wait_s)
        self._haste[edge].tick(int(now_s * 1e9), stands.load.joining)
        self._open[edge] = not stands.door.line
        self._waiting = stands.door.waiting
        self._tickets[edge].forget(int(now_s * 1000))
        listening_of = self._haste[edge].listening.of
        return summary.second(
            at_ms,
            counts={},
            load=stands.load,
            door=stands.door,
            present_of=listening_of,
            listening_of=listening_of,
        )

    def _begins(self, edge: int, peer: bytes, now_s: float) -> tuple[Ban | None, Fate]:
        """Let a connection begin: dropped, closed, too hasty, or served; and which ban is on it."""
        summary = self._summaries[edge]
        ban, banned = self._ban_of(peer, now_s)
        shut = ban is not None and shut_for_ms(ban, _ms(now_s)) > 0
        closed = shut and not self._has_people(edge, banned, now_s)
        if closed and self._guard:
            return ban, Fate.DROPPED
        summary.came(peer)
        if closed:
            summary.obeyed("closed")
            return ban, Fate.CLOSED
        if self._haste[edge].is_hasty(peer, int(now_s * 1e9)):
            summary.wrong(peer, Why.HASTY)
            return ban, Fate.HASTY
        return ban, Fate.SERVED

    def _does(self, edge: int, act: Act, peer: bytes, now_s: float) -> None:
        summary = self._summaries[edge]
        if act in _FORGING:
            summary.asked(peer)
        elif act in _ASKING:
            summary.asked(peer)
            if self._open[edge]:
                summary.admitted(peer)
                who = self._joins(edge, peer, now_s)
                heappush(self._leaving, (now_s + STAYS_S[act], edge, peer))
                if act is Act.JOIN:
                    self._newcomers[edge].left(who, now_s + STAYS_S[act])
        elif act is Act.REST:
            summary.visited(peer)
        sign = _WRONG.get(act)
        if sign is None or (act is Act.SLOW and not self._open[edge]):
            return
        why, after_s = sign
        if after_s:
            heappush(self._later, (now_s + after_s, edge, peer, why))
        else:
            summary.wrong(peer, why)

    def _has_people(self, edge: int, network: bytes, now_s: float) -> bool:
        """Say whether somebody there listens or showed a good ticket, as `edge.shielding` does."""
        ticket = self._tickets[edge].did(network, int(now_s * 1000))
        return ticket or self._haste[edge].listening.of(network) > 0

    def _joins(self, edge: int, peer: bytes, now_s: float) -> int:
        self._number += 1
        self._newcomers[edge].joined(self._number, peer, now_s)
        self._haste[edge].listening.take(peer)
        return self._number

    def _ban_of(self, peer: bytes, now_s: float) -> tuple[Ban | None, bytes]:
        """Return the ban of the smallest network of a peer that is banned, and that network."""
        if not self._banned:
            return None, b""
        names = self._names.get(peer)
        if names is None:
            if len(self._names) >= _NAMES_MAX:
                self._names.clear()
            names = self._names[peer] = self._key.names(peer)
        now_ms = _ms(now_s)
        for name, network in zip(names, levels(peer), strict=True):
            ban = self._banned.get(name)
            if ban is not None:
                return (ban, network) if ban.until_ms > now_ms else (None, b"")
        return None, b""


def _ms(now_s: float) -> int:
    return EPOCH_MS + int(now_s * 1000)
