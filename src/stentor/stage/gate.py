"""Which datagrams of one session's sockets are looked at: those of whom ICE knows, and few others.

Known is an address whose check carried a good signature with the session's password. Strangers
may only send checks, at a pace for each and for all of them together, so that whoever has learnt a
session's name can keep nobody out who is in, and costs a bounded share of a core. It reads no
clock and opens nothing.
"""

from collections import OrderedDict
from enum import Enum

from stentor.stage.sieve import SOURCES_MAX, Source

STRANGERS_MAX = 256  # whose pace is remembered
STRANGER_PER_S, STRANGER_BURST = 10, 20
STRANGERS_PER_S, STRANGERS_BURST = 100, 200
KNOWN_PER_S, KNOWN_BURST = 200, 400  # checks; a browser that looks for a path sends some 20
_NS_PER_S = 1_000_000_000
_STUN_BYTES_MIN = 20


class Kind(Enum):
    """What a datagram is by its first byte (RFC 7983)."""

    STUN = "stun"
    MEDIA = "media"  # DTLS, RTP, RTCP
    OTHER = "other"


def kind_of(data: bytes) -> Kind:
    """Return what a datagram is, without looking at more than its first byte and its length."""
    if not data:
        return Kind.OTHER
    first = data[0]
    if first < 4:
        return Kind.STUN if len(data) >= _STUN_BYTES_MIN else Kind.OTHER
    return Kind.MEDIA if 20 <= first < 64 or 128 <= first < 192 else Kind.OTHER


class _Pace:
    """GCRA: a burst, then a rate (ITU-T I.371, annex A)."""

    __slots__ = ("_cost_ns", "_most_ns", "_until_ns")

    def __init__(self, per_s: int, burst: int) -> None:
        self._cost_ns = _NS_PER_S // per_s
        self._most_ns = self._cost_ns * burst
        self._until_ns = 0

    def keeps(self, now_ns: int) -> bool:
        """Count one more, unless it comes too soon."""
        begun = max(self._until_ns, now_ns)
        if begun - now_ns + self._cost_ns > self._most_ns:
            return False
        self._until_ns = begun + self._cost_ns
        return True


class Gate:
    """Who may send to one session."""

    def __init__(self) -> None:
        self._known: dict[Source, _Pace] = {}  # the one whose check came last is last
        self._strangers: OrderedDict[Source, _Pace] = OrderedDict()
        self._all_strangers = _Pace(STRANGERS_PER_S, STRANGERS_BURST)

    @property
    def known(self) -> tuple[Source, ...]:
        """The addresses that are let through."""
        return tuple(self._known)

    def lets_media(self, source: Source) -> bool:
        """Say whether media from there is looked at."""
        return source in self._known

    def lets_check(self, source: Source, now_ns: int) -> bool:
        """Say whether a STUN message from there is looked at."""
        known = self._known.get(source)
        if known is not None:
            return known.keeps(now_ns)
        pace = self._strangers.get(source)
        if pace is None:
            if len(self._strangers) >= STRANGERS_MAX:
                # The oldest first: the pace of all of them together still holds.
                del self._strangers[next(iter(self._strangers))]
            pace = self._strangers[source] = _Pace(STRANGER_PER_S, STRANGER_BURST)
        return pace.keeps(now_ns) and self._all_strangers.keeps(now_ns)

    def learn(self, source: Source) -> bool:
        """Know an address whose check was good; say whether that is news."""
        pace = self._known.pop(source, None)
        self._known[source] = pace or _Pace(KNOWN_PER_S, KNOWN_BURST)
        self._strangers.pop(source, None)
        if pace is not None:
            return False
        if len(self._known) > SOURCES_MAX:
            del self._known[next(iter(self._known))]  # that has not checked for longest
        return True
