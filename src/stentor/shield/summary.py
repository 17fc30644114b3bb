"""Sums up what one edge sees in each second, in bounded memory whatever the traffic.

Pure: the edge calls it as things happen, the simulation calls the very same class with arrivals
that never were. Who came is remembered by packed address until the second is over, and told by
keyed names only. Decides nothing about anybody; the same calls give the same bytes.

    summary = Summary(EventKey(key), "edge-0")
    summary.came(peer); summary.asked(peer, None); summary.admitted(peer); summary.first_audio(0.2)
    told: EdgeSecond = summary.second(now_ms, counts={"accepted": 1, ...})
"""

from collections.abc import Callable, Mapping
from heapq import nsmallest

from stentor.admission.shares import levels
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

# A row: its address's digest, what was fed to sketches already, and counts.
_NUMBER, _FED, _ASKS, _ADMITTED, _TICKETS, _WRONGS = range(6)
_ROW = [0] * (_WRONGS + len(WRONGS))
_AT = {why: _WRONGS + n for n, why in enumerate(WRONGS)}
_ASKING, _HOLDING, _WRONGING, _VISITING = 1, 2, 4, 8


def _nobody(_network: bytes) -> int:
    return 0


class Summary:
    """What one edge saw since the last `second`. A peer is a packed address, 4 or 16 bytes."""

    def __init__(self, key: EventKey, edge: str, peers_max: int = PEERS_MAX) -> None:
        """`edge` is how the edge is called in facts."""
        self.key = key
        self.edge = edge
        self._peers_max = peers_max
        self._rows: dict[bytes, list[int]] = {}
        self._clusters: dict[bytes, int] = {}  # digests
        self._asking, self._asking_clusters = Distinct(), Distinct()
        self._visiting_clusters, self._holding = Distinct(), Distinct()
        self._wronging = Distinct()
        self._first_audio, self._queue, self._turn_lag = Times(), Times(), Times()
        self.first_audio, self.queued = self._first_audio.add, self._queue.add
        self.turn_lag = self._turn_lag.add
        self._obeyed: dict[str, int] = {}
        self._vouched = 0
        self.unremembered = 0
        self.named: dict[str, bytes] = {}  # the packed networks that the last second names

    def use(self, key: EventKey) -> None:
        """Name networks by another key from now on; what was seen under the old one is gone."""
        self.key = key
        self._clear()

    def came(self, peer: bytes, times: int = 1) -> None:
        """Note a connection."""
        row = self._rows.get(peer if len(peer) == 4 else peer[:8]) or self._row(peer)
        row[_ASKS] += times

    def asked(self, peer: bytes, ticket: Kind | None = None, times: int = 1) -> None:
        """Note that somebody wants to join, and with which good ticket if they showed one."""
        row = self._rows.get(peer if len(peer) == 4 else peer[:8]) or self._row(peer)
        if not row[_FED] & _ASKING:
            row[_FED] |= _ASKING
            self._asking.add(row[_NUMBER])
            self._asking_clusters.add(self._cluster(peer))
        if ticket is not None:
            row[_TICKETS] += times
            if not row[_FED] & _HOLDING:
                row[_FED] |= _HOLDING
                self._holding.add(row[_NUMBER])

    def admitted(self, peer: bytes, times: int = 1) -> None:
        """Note that somebody was let in."""
        row = self._rows.get(peer if len(peer) == 4 else peer[:8]) or self._row(peer)
        row[_ADMITTED] += times

    def wrong(self, peer: bytes, why: Why, times: int = 1) -> None:
        """Note something that no player does."""
        row = self._rows.get(peer if len(peer) == 4 else peer[:8]) or self._row(peer)
        row[_AT[why]] += times
        if not row[_FED] & _WRONGING:
            row[_FED] |= _WRONGING
            self._wronging.add(row[_NUMBER])

    def visited(self, peer: bytes) -> None:
        """Note what people do before they join: they look at a page, or ask to be reminded."""
        row = self._rows.get(peer if len(peer) == 4 else peer[:8]) or self._row(peer)
        if not row[_FED] & _VISITING:
            row[_FED] |= _VISITING
            self._visiting_clusters.add(self._cluster(peer))

    def number(self, peer: bytes) -> int:
        """Return the digest of a peer's house: at hand already, if it was seen in this second."""
        house = peer if len(peer) == 4 else peer[:8]
        row = self._rows.get(house)
        return self.key.number(house) if row is None else row[_NUMBER]

    def vouched(self) -> None:
        """Note somebody who came with a reminder that nobody came with before."""
        self._vouched += 1

    def obeyed(self, what: str, times: int = 1) -> None:
        """Note what the policy did to somebody: one of `OBEYED`."""
        self._obeyed[what] = self._obeyed.get(what, 0) + times

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
    ) -> EdgeSecond:
        """Return the second that ends at `at_ms`, and begin the next one.

        `counts` is what each of `edge.counts` grew by; `present_of` tells how many connections a
        packed network has now.
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
            asking=self._asking.take(),
            asking_clusters=self._asking_clusters.take(),
            visiting_clusters=self._visiting_clusters.take(),
            holding=self._holding.take(),
            wronging=self._wronging.take(),
            heavy=self._heavy(present_of),
            first_audio_s=self._first_audio.take(),
            queue_s=self._queue.take(),
            turn_lag_s=self._turn_lag.take(),
            kernel={name: count for name, count in sorted((kernel or {}).items()) if count},
            policy=policy,
            obeyed=dict(sorted(self._obeyed.items())),
            vouched=self._vouched,
            unremembered=self.unremembered,
        )
        self._clear()
        return told

    def _row(self, peer: bytes) -> list[int]:
        """Return a new row; it is one that nobody will look at again when there are too many."""
        house = peer if len(peer) == 4 else peer[:8]
        row = _ROW.copy()
        row[_NUMBER] = self.key.number(house)
        if len(self._rows) < self._peers_max:
            self._rows[house] = row
        else:
            self.unremembered += 1
        return row

    def _cluster(self, peer: bytes) -> int:
        packed = cluster(peer)
        number = self._clusters.get(packed)
        if number is None:
            number = self.key.number(packed)
            if len(self._clusters) < self._peers_max:
                self._clusters[packed] = number
        return number

    def _heavy(self, present_of: Callable[[bytes], int]) -> tuple[Heavy, ...]:
        """Return who did wrong most, and in the places that are left, who asked most."""
        found: list[tuple[bytes, list[int], int]] = []
        around: dict[bytes, list[int]] = {}  # IPv6 networks of more than one house
        for house, row in self._rows.items():
            wrongs = sum(row[_WRONGS:])
            if wrongs or row[_ASKS] > ASKS_UNNAMED:
                found.append((house, row, wrongs))
            if len(house) == 8:
                for network in levels(house.ljust(16, b"\0"))[1:]:
                    other = around.get(network)
                    if other is None:
                        around[network] = row
                    else:
                        summed = [a + b for a, b in zip(other, row, strict=True)]
                        summed[_NUMBER], summed[_FED] = -1, other[_FED] | row[_FED]
                        around[network] = summed
        for network, row in around.items():
            wrongs = sum(row[_WRONGS:])
            if row[_NUMBER] < 0 and (wrongs or row[_ASKS] > ASKS_UNNAMED):
                found.append((network, row, wrongs))
        most = nsmallest(HEAVY_MAX, found, key=lambda one: (-one[2], -one[1][_ASKS], one[0]))
        self.named = {self.key.name(network): network for network, _row, _wrongs in most}
        return tuple(
            Heavy(
                network=name,
                asks=row[_ASKS],
                wrongs=wrongs,
                admitted=row[_ADMITTED],
                tickets=row[_TICKETS],
                visited=bool(row[_FED] & _VISITING),
                present=present_of(network),
                why=max(_AT, key=lambda why: row[_AT[why]]).value if wrongs else "",
            )
            for name, (network, row, wrongs) in zip(self.named, most, strict=True)
        )

    def _clear(self) -> None:
        self._rows.clear()
        self._clusters.clear()
        self._obeyed.clear()
        self._vouched = self.unremembered = 0
        for sketch in (
            self._asking,
            self._asking_clusters,
            self._visiting_clusters,
            self._holding,
            self._wronging,
        ):
            sketch.take()
        for times in (self._first_audio, self._queue, self._turn_lag):
            times.take()
