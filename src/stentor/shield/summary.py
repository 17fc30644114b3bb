"""Sums up what one edge sees in each second, in bounded memory whatever the traffic.

Pure: the edge calls it as things happen, the simulation calls the very same class with arrivals
that never were. Who came is remembered by packed address until the second is over, and told by
keyed names only. Decides nothing about anybody; the same calls give the same bytes.

    summary = Summary(EventKey(key), "edge-0")
    summary.came(peer); summary.asked(peer, None); summary.admitted(peer); summary.first_audio(0.2)
    told: EdgeSecond = summary.second(now_ms, counts={"accepted": 1, ...})
"""

from collections.abc import Callable, Collection, Mapping
from heapq import nsmallest
from operator import add

from stentor.admission.tickets import Kind
from stentor.shield.facts import (
    HEAVY_MAX,
    ROOMS_MAX,
    DoorSecond,
    EdgeSecond,
    Heavy,
    Load,
    RoomSecond,
)
from stentor.shield.keys import EventKey, cluster
from stentor.shield.policy import Why
from stentor.shield.sketches import Distinct, Times

PEERS_MAX = 32_768  # addresses that are told apart in a second: more than an edge can accept
# Who asked more often than this in a second is named, if there is room; wrong is named always.
ASKS_UNNAMED = 3
WRONGS = tuple(Why)  # what no player does; once proves nothing, see `Why`
OBEYED = ("banned", "set_back", "closed", "paced", "proofs_asked", "proved", "told_guard", "spared")

# What an address did is one number, as that is made and kept for a third of what a list is: what
# was noted for sketches already, then three counts. Wrongs are counted apart: few do any.
_ASKING, _HOLDING, _VISITING = 1, 2, 4
_FED_BITS, _COUNT_BITS = 3, 24
_ASK, _ADMITTED, _TICKET = (1 << _FED_BITS + n * _COUNT_BITS for n in range(3))
_COUNT = (1 << _COUNT_BITS) - 1
_COUNTS = (1 << 3 * _COUNT_BITS) - 1
_VISITOR, _HOUSE = 1 << 3 * _COUNT_BITS, 1 << 4 * _COUNT_BITS
_VISITORS, _HOUSE_VISITING = _VISITOR * _COUNT, _VISITOR + _HOUSE
_AT = {why: n for n, why in enumerate(WRONGS)}
_NO_WRONGS = [0] * len(WRONGS)
_PENDING_MAX = 4_096  # digests are taken so many at once


class _Seen:
    """Networks that are on their way into a sketch."""

    __slots__ = ("_pending", "_sketch", "note")

    def __init__(self) -> None:
        self._sketch = Distinct()
        self._pending: set[bytes] = set()
        self.note = self._pending.add

    def close(self) -> None:
        self._sketch.close()

    def __len__(self) -> int:
        return len(self._pending)

    def feed(self, key: EventKey) -> None:
        if not self._pending:
            return
        update = self._sketch.add
        for number in key.numbers(self._pending):
            update(number)
        self._pending.clear()

    def take(self, key: EventKey) -> bytes:
        self.feed(key)
        return self._sketch.take()


def _nobody(_network: bytes) -> int:
    return 0


class Summary:
    """What one edge saw since the last `second`. A peer is a packed address, 4 or 16 bytes.

    Of nobody (b"": who they are is not known, or no longer) nothing is noted.
    """

    def __init__(self, key: EventKey, edge: str, peers_max: int = PEERS_MAX) -> None:
        """`edge` is how the edge is called in facts."""
        self.key = key
        self.edge = edge
        self._peers_max = peers_max
        self._rows: dict[bytes, int] = {}
        self._wrongs: dict[bytes, list[int]] = {}
        self._asking, self._holding, self._wronging = _Seen(), _Seen(), _Seen()
        self._coming_clusters, self._visiting_clusters = _Seen(), _Seen()
        self._visiting, self._staying = _Seen(), _Seen()
        self._first_audio, self._queue, self._turn_lag = Times(), Times(), Times()
        self.first_audio, self.queued = self._first_audio.add, self._queue.add
        self.turn_lag = self._turn_lag.add
        self._obeyed: dict[str, int] = {}
        self._refused: dict[str, int] = {}
        self._vouched = 0
        self.unremembered = 0
        self.named: dict[str, bytes] = {}  # the packed networks that the last second names

    def use(self, key: EventKey) -> None:
        """Name networks by another key from now on; what was seen under the old one is gone."""
        self.key = key
        self._clear()

    def came(self, peer: bytes, times: int = 1) -> None:
        """Note a connection."""
        if not peer:
            return
        rows, house = self._rows, peer if len(peer) == 4 else peer[:8]
        row = rows.get(house)
        if row is not None or self._has_room():
            rows[house] = (row or 0) + times * _ASK

    def asked(self, peer: bytes, ticket: Kind | None = None, times: int = 1) -> None:
        """Note that somebody wants to join, and with which good ticket if they showed one."""
        if not peer:
            return
        rows, house = self._rows, peer if len(peer) == 4 else peer[:8]
        row = rows.get(house)
        seen = row or 0
        if not seen & _ASKING:
            seen |= _ASKING
            self._asking.note(house)
            if len(self._asking) >= _PENDING_MAX:
                self._feed()
        if ticket is not None:
            if not seen & _HOLDING:
                seen |= _HOLDING
                self._holding.note(house)
            seen += times * _TICKET
        if row is not None or self._has_room():
            rows[house] = seen

    def admitted(self, peer: bytes, times: int = 1) -> None:
        """Note that somebody was let in."""
        if not peer:
            return
        rows, house = self._rows, peer if len(peer) == 4 else peer[:8]
        row = rows.get(house)
        if row is not None or self._has_room():
            rows[house] = (row or 0) + times * _ADMITTED

    def wrong(self, peer: bytes, why: Why, times: int = 1) -> None:
        """Note something that no player does."""
        if not peer:
            return
        house = peer if len(peer) == 4 else peer[:8]
        wrongs = self._wrongs.get(house)
        if wrongs is None:
            self._wronging.note(house)
            if len(self._wronging) >= _PENDING_MAX:
                self._feed()
            row = self._rows.get(house)
            if row is None and not self._has_room():
                return
            self._rows[house] = row or 0
            wrongs = self._wrongs[house] = _NO_WRONGS.copy()
        wrongs[_AT[why]] += times

    def visited(self, peer: bytes) -> None:
        """Note what people do before they join: they look at a page, or ask to be reminded."""
        if not peer:
            return
        rows, house = self._rows, peer if len(peer) == 4 else peer[:8]
        row = rows.get(house)
        if row is not None and row & _VISITING:
            return
        self._visiting.note(house)
        self._visiting_clusters.note(cluster(peer))
        if len(self._visiting) >= _PENDING_MAX:
            self._feed()
        if row is not None or self._has_room():
            rows[house] = (row or 0) | _VISITING

    def stayed(self, peer: bytes) -> None:
        """Note that somebody has been listening for a while (`newcomers.STAYED_S`)."""
        if not peer:
            return
        self._staying.note(peer if len(peer) == 4 else peer[:8])
        if len(self._staying) >= _PENDING_MAX:
            self._feed()

    def vouched(self) -> None:
        """Note somebody who came with a reminder that nobody came with before."""
        self._vouched += 1

    def obeyed(self, what: str, times: int = 1) -> None:
        """Note what the policy did to somebody: one of `OBEYED`."""
        self._obeyed[what] = self._obeyed.get(what, 0) + times

    def refused(self, why: str) -> None:
        """Note a refusal by its reason, which is one of ours: `base.errors.Problem.kind`."""
        self._refused[why] = self._refused.get(why, 0) + 1

    def second(
        self,
        at_ms: int,
        *,
        counts: Mapping[str, int],
        rooms: Mapping[str, RoomSecond] | None = None,
        load: Load | None = None,
        door: DoorSecond | None = None,
        kernel: Mapping[str, int] | None = None,
        policy: int = 0,
        present_of: Callable[[bytes], int] = _nobody,
        listening_of: Callable[[bytes], int] = _nobody,
        bystanders: Collection[bytes] = (),
    ) -> EdgeSecond:
        """Return the second that ends at `at_ms`, and begin the next one.

        `counts` is what each of `edge.counts` grew by; `present_of` tells how many connections a
        packed network has now, `listening_of` how many listeners. `bystanders` are banned networks
        where somebody listens: they are named whatever was done there in this second.
        """
        rooms = dict(rooms or {})
        if len(rooms) > ROOMS_MAX:
            most = nsmallest(ROOMS_MAX, rooms.items(), key=lambda one: (-one[1].listeners, one[0]))
            rooms = dict(most)
        told = EdgeSecond(
            edge=self.edge,
            at_ms=at_ms,
            key_id=self.key.id,
            counts={name: count for name, count in sorted(counts.items()) if count},
            rooms=rooms,
            load=load or Load(),
            door=door or DoorSecond(),
            asking=self._asking.take(self.key),
            coming_clusters=self._coming(),
            visiting=self._visiting.take(self.key),
            visiting_clusters=self._visiting_clusters.take(self.key),
            holding=self._holding.take(self.key),
            staying=self._staying.take(self.key),
            wronging=self._wronging.take(self.key),
            heavy=self._heavy(present_of, listening_of, bystanders),
            first_audio_s=self._first_audio.take(),
            queue_s=self._queue.take(),
            turn_lag_s=self._turn_lag.take(),
            kernel={name: count for name, count in sorted((kernel or {}).items()) if count},
            policy=policy,
            obeyed=dict(sorted(self._obeyed.items())),
            refused=dict(sorted(self._refused.items())),
            vouched=self._vouched,
            unremembered=self.unremembered,
        )
        self._clear()
        return told

    def close(self) -> None:
        """Let go of the sketches: their library complains of those that outlive it."""
        for seen in self._sketches():
            seen.close()

    def _coming(self) -> bytes:
        """Return the clusters of all who came: a flood may leave no time to hear what they ask."""
        coming = self._coming_clusters
        for house in self._rows:
            coming.note(cluster(house))
        return coming.take(self.key)

    def _has_room(self) -> bool:
        """Say whether one more address can be told apart; count it if not."""
        if len(self._rows) < self._peers_max:
            return True
        self.unremembered += 1
        return False

    def _feed(self) -> None:
        """Bring what is pending into the sketches, so that it is never much."""
        for seen in self._sketches():
            seen.feed(self.key)

    def _sketches(self) -> tuple[_Seen, ...]:
        return (
            self._asking,
            self._coming_clusters,
            self._visiting,
            self._visiting_clusters,
            self._holding,
            self._staying,
            self._wronging,
        )

    def _heavy(
        self,
        present_of: Callable[[bytes], int],
        listening_of: Callable[[bytes], int],
        bystanders: Collection[bytes],
    ) -> tuple[Heavy, ...]:
        """Return who did wrong most, and in the places that are left, who asked most."""
        found: list[tuple[int, int, bytes, int, list[int]]] = []  # what sorts them comes first
        # What the houses of an IPv6 network did together is one number too: the sum of their rows'
        # counts, of those who visited and of the houses themselves.
        around: dict[bytes, int] = {}
        wrong_around: dict[bytes, list[int]] = {}
        wrongs_of = self._wrongs
        for house, row in self._rows.items():
            asks = row >> _FED_BITS & _COUNT
            wrongs = wrongs_of.get(house) if wrongs_of else None
            if wrongs is not None:
                found.append((-sum(wrongs), -asks, house, row, wrongs))
            elif asks > ASKS_UNNAMED:
                found.append((0, -asks, house, row, _NO_WRONGS))
            if len(house) == 8:
                one = (row >> _FED_BITS) + (_HOUSE_VISITING if row & _VISITING else _HOUSE)
                for network in (house[:7], house[:6]):
                    around[network] = around.get(network, 0) + one
                    if wrongs is not None:
                        sums = wrong_around.get(network, _NO_WRONGS)
                        wrong_around[network] = list(map(add, sums, wrongs))
        for network, one in around.items():
            wrongs = wrong_around.get(network, _NO_WRONGS)
            asks, wrong = one & _COUNT, sum(wrongs)
            if one >= 2 * _HOUSE and (wrong or asks > ASKS_UNNAMED):
                row = (one & _COUNTS) << _FED_BITS | (_VISITING if one & _VISITORS else 0)
                found.append((-wrong, -asks, network, row, wrongs))
        most = nsmallest(HEAVY_MAX - len(bystanders), found)
        named = {network for _, _, network, _, _ in most}
        for network in bystanders:
            if network not in named:
                most.append(next((one for one in found if one[2] == network), self._of(network)))
        self.named = {self.key.name(network): network for _, _, network, _, _ in most}
        return tuple(
            Heavy(
                network=name,
                asks=-asks,
                wrongs=-wrong,
                admitted=row >> _FED_BITS + _COUNT_BITS & _COUNT,
                tickets=row >> _FED_BITS + 2 * _COUNT_BITS & _COUNT,
                visited=bool(row & _VISITING),
                present=present_of(network),
                listening=listening_of(network),
                why=max(WRONGS, key=lambda why: wrongs[_AT[why]]).value if wrong else "",
            )
            for name, (wrong, asks, network, row, wrongs) in zip(self.named, most, strict=True)
        )

    def _of(self, network: bytes) -> tuple[int, int, bytes, int, list[int]]:
        """Return somebody who is not among those that stood out."""
        row = self._rows.get(network, 0)
        return 0, -(row >> _FED_BITS & _COUNT), network, row, _NO_WRONGS

    def _clear(self) -> None:
        self._rows.clear()
        self._wrongs.clear()
        self._obeyed.clear()
        self._refused.clear()
        self._vouched = self.unremembered = 0
        for seen in self._sketches():
            seen.take(self.key)
        for times in (self._first_audio, self._queue, self._turn_lag):
            times.take()
