"""Attackers by family: what each does at which moment, from which addresses. For simulation only.

A bot is an address and moments at which it acts; how the machine answers is not its business, save
for those that imitate people. Families are those of `stentor load attack`, and the perfect mimic.
"""

import math
from dataclasses import dataclass
from enum import Enum, IntEnum

import numpy as np

from stentor.simulate.world import Chance, Networks, mixed, strangers


class Family(Enum):
    """How an attack goes about it."""

    FLOOD_FEW = "join-flood-few"  # addresses
    FLOOD_MANY = "join-flood-many"
    ONE_EACH = "one-request-an-address"
    SLOW_HEADERS = "slow-headers"
    SLOW_READS = "slow-reads"
    IDLE = "idle-connections"
    CACHE_BUSTING = "cache-busting"
    RELOADS = "reload-abuse"
    FORGERY = "ticket-forgery"
    MALFORMED = "malformed-flood"
    MIMIC = "mimic"  # pulls audio as players do; from its own networks, without a past
    PERFECT = "perfect-mimic"  # does all that people do, from people's networks


class Act(IntEnum):
    """One thing that a bot does."""

    JOIN = 0  # asks for audio, and leaves soon
    HOLD = 1  # asks for audio, and takes it
    SLOW = 2  # asks for audio, and takes next to nothing
    SILENT = 3  # connects, and says nothing to the end
    REST = 4  # asks for a page, and keeps the connection
    PROBE = 5  # asks for what does not exist
    RELOAD = 6  # asks for playlists, again and again
    FORGE = 7  # shows a ticket that was never ours
    REPLAY = 8  # shows a ticket that was used
    GARBAGE = 9  # no HTTP


_ACTS = {
    Family.FLOOD_FEW: Act.JOIN,
    Family.FLOOD_MANY: Act.JOIN,
    Family.ONE_EACH: Act.JOIN,
    Family.SLOW_HEADERS: Act.SILENT,
    Family.SLOW_READS: Act.SLOW,
    Family.IDLE: Act.REST,
    Family.CACHE_BUSTING: Act.PROBE,
    Family.RELOADS: Act.RELOAD,
    Family.FORGERY: Act.FORGE,
    Family.MALFORMED: Act.GARBAGE,
    Family.MIMIC: Act.HOLD,
}
FAMILIES = tuple(_ACTS)  # those that leave something to be seen by
_FEW = frozenset((Family.FLOOD_FEW,))
_MANY = frozenset((Family.FLOOD_MANY, Family.ONE_EACH, Family.MIMIC))


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack. `per_s` is how often its bots act together; times are seconds."""

    family: Family
    start_s: float
    lasts_s: float
    per_s: float
    addresses: int = 50  # ignored by those who use each once
    clusters: int = 30
    known: float = 0.0  # share of its clusters that people are in as well
    ipv6: float = 0.2
    regular: bool = False  # by a clock, not by chance
    pulse_s: float = 0.0  # on and off by turns; 0: on
    rise_s: float = 0.0
    behind: bool = False  # its bots are among the people of the carriers' addresses

    @property
    def end_s(self) -> float:
        """When it is over."""
        return self.start_s + self.lasts_s


@dataclass(slots=True)
class Deeds:
    """All that an attack's bots do, in order of time, and which of it is next."""

    at_s: list[float]
    acts: list[Act]
    peers: list[bytes]
    next: int = 0

    @property
    def next_s(self) -> float:
        """Return when the next is done; never, when all are."""
        return self.at_s[self.next] if self.next < len(self.at_s) else math.inf

    def take(self) -> tuple[Act, bytes]:
        """Return what is done next and from which address, and turn to the one after it."""
        n, self.next = self.next, self.next + 1
        return self.acts[n], self.peers[n]


def uses_few(chance: Chance, family: Family) -> bool:
    """Draw whether an attack of a family comes from few addresses."""
    if family in _FEW:
        return True
    return family not in _MANY and bool(chance.random() < 0.5)


def deeds(chance: Chance, attack: Attack, people: Networks) -> Deeds:
    """Return what the bots of an attack do (not of `PERFECT`, whose bots are people)."""
    n = max(1, round(attack.per_s * attack.lasts_s))
    at_s = _moments(chance, attack, n)
    n = len(at_s)
    own = strangers(chance, max(1, attack.clusters), attack.ipv6).clusters
    shared = round(len(own) * attack.known)
    own = own[shared:] or own[:1]
    at = chance.integers(0, len(people.clusters), shared)
    known = [people.clusters[int(i)] for i in at]
    if attack.behind and people.carriers:
        peers = [people.carriers[int(i)] for i in chance.integers(0, len(people.carriers), n)]
    elif attack.family in (Family.ONE_EACH, Family.MIMIC):
        peers = mixed(chance, known, own, n)
    else:
        houses = mixed(chance, known, own, max(1, attack.addresses))
        who = chance.integers(0, len(houses), n)
        peers = [houses[int(i)] for i in who]
    act = _ACTS[attack.family]
    acts = [act] * n
    if act is Act.FORGE:
        replays = chance.random(n) < 0.3
        acts = [Act.REPLAY if replay else Act.FORGE for replay in replays]
    return Deeds(at_s.tolist(), acts, peers)


def _moments(chance: Chance, attack: Attack, n: int) -> np.ndarray:
    if attack.regular:
        at_s = (np.arange(n) + chance.random(n) * 0.2) * attack.lasts_s / n
    else:
        at_s = chance.random(n) * attack.lasts_s
    if attack.rise_s:
        # Thinned so that it grows evenly to all of it.
        at_s = at_s[chance.random(n) < np.minimum(1.0, at_s / attack.rise_s)]
    if attack.pulse_s:
        at_s = at_s[(at_s // attack.pulse_s) % 2 == 0]
    if not len(at_s):
        at_s = np.array([attack.lasts_s / 2])
    return np.sort(at_s) + attack.start_s
