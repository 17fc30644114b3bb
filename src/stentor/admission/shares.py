"""What one network may have of an edge: so many of a thing at once, so many of it a second.

A network is an IPv4 address, or an IPv6 /64 within its /56 within its /48; each may have half of
what the next larger may: a house has all addresses of a /64, and a company all /64 of a /48.
Decides by counting alone. Knows no connection and no clock.
"""

from collections.abc import Iterator
from dataclasses import dataclass

KEYS_MAX = 65_536


def levels(peer: bytes) -> tuple[bytes, ...]:
    """Return the networks that a packed address is in, smallest first; lengths tell them apart."""
    if len(peer) == 16:
        return peer[:8], peer[:7], peer[:6]
    return (peer,)


def _by_level(whole: int) -> dict[int, int]:
    """Return what a network may have, by the length of its key."""
    return {4: whole, 6: whole, 7: max(1, whole // 2), 8: max(1, whole // 4)}


@dataclass(frozen=True, slots=True)
class Block:
    """A range of addresses, such as 192.0.2.0/24."""

    first: bytes
    prefix_bits: int

    def __contains__(self, peer: bytes) -> bool:
        """Say whether an address is in it."""
        shift, network = self.rule
        return len(peer) == len(self.first) and int.from_bytes(peer) >> shift == network

    @property
    def rule(self) -> tuple[int, int]:
        """By how much to shift an address of its family, as a number, and what is left then."""
        shift = len(self.first) * 8 - self.prefix_bits
        return shift, int.from_bytes(self.first) >> shift


class Held:
    """How many of something each network has now. Holds a key only while it has any."""

    def __init__(self, most: int) -> None:
        """`most` is what an IPv4 address or an IPv6 /48 may have; zero is no limit."""
        self._most = _by_level(most) if most else {}
        self._held: dict[bytes, int] = {}

    def __len__(self) -> int:
        """Return how many networks have any."""
        return len(self._held)

    def __iter__(self) -> Iterator[bytes]:
        """Yield the networks that have any."""
        return iter(self._held)

    def of(self, key: bytes) -> int:
        """Return how many a network has."""
        return self._held.get(key, 0)

    def has_room(self, peer: bytes) -> bool:
        """Say whether an address may have one more."""
        most, held = self._most, self._held
        if not most:
            return True
        if len(peer) == 4:
            return held.get(peer, 0) < most[4]
        return all(held.get(key, 0) < most[len(key)] for key in levels(peer))

    def take(self, peer: bytes) -> None:
        """Count one more, whether there is room or not."""
        held = self._held
        if len(peer) == 4:
            held[peer] = held.get(peer, 0) + 1
            return
        for key in levels(peer):
            held[key] = held.get(key, 0) + 1

    def give_back(self, peer: bytes) -> None:
        """Count one less; raises `KeyError` for what was never taken."""
        held = self._held
        for key in levels(peer) if len(peer) != 4 else (peer,):
            left = held[key] - 1
            if left:
                held[key] = left
            else:
                del held[key]


class Paced:
    """How often each network does something: a burst, then a rate (GCRA, one time a network).

    The time kept is when the network will have earned back all that it spent, so one that is past
    says nothing and is forgotten. GCRA: ITU-T I.371, annex A.
    """

    def __init__(self, per_s: float, burst: int, keys_max: int = KEYS_MAX) -> None:
        """`per_s` and `burst` are those of an IPv4 address or an IPv6 /48; a rate of 0: no limit.

        An IPv6 /64 has a quarter of both.
        """
        self._keys_max = keys_max
        self._costs: dict[int, tuple[int, int]] = {}  # nanoseconds of one, and of the burst
        self.set_rate(per_s, burst)
        self._earned_ns: dict[bytes, int] = {}
        self.unremembered = 0  # times that a network was let do it since the table was full

    def __len__(self) -> int:
        """Return how many networks are remembered."""
        return len(self._earned_ns)

    def set_rate(self, per_s: float, burst: int) -> None:
        """Set rate and burst anew; what a network has spent already stays spent."""
        self._costs = {}
        if per_s:
            for length, share in _by_level(4).items():
                cost_ns = round(4e9 / (per_s * share))
                self._costs[length] = cost_ns, cost_ns * max(1, burst * share // 4)

    def take(self, peer: bytes, now_ns: int) -> int:
        """Count one more and return 0, or return in how many nanoseconds there is room for it."""
        costs, earned = self._costs, self._earned_ns
        if not costs:
            return 0
        if len(peer) == 4:  # as below, without the loops: this is asked of everybody who comes
            cost_ns, burst_ns = costs[4]
            since_ns = earned.get(peer, 0)
            wait_ns = since_ns + cost_ns - now_ns - burst_ns
            if wait_ns > 0:
                return wait_ns
            if since_ns <= now_ns:
                if not since_ns and len(earned) >= self._keys_max:
                    self.unremembered += 1
                    return 0
                since_ns = now_ns
            earned[peer] = since_ns + cost_ns
            return 0
        keys = levels(peer)
        wait_ns = 0
        for key in keys:
            cost_ns, burst_ns = costs[len(key)]
            over_ns = earned.get(key, 0) + cost_ns - now_ns - burst_ns
            if over_ns > wait_ns:
                wait_ns = over_ns
        if wait_ns:
            return wait_ns
        for key in reversed(keys):
            cost_ns = costs[len(key)][0]
            since_ns = earned.get(key, 0)
            if since_ns <= now_ns:
                if not since_ns and len(earned) >= self._keys_max:
                    self.unremembered += 1
                    break
                since_ns = now_ns
            earned[key] = since_ns + cost_ns
        return 0

    def forget_idle(self, now_ns: int) -> None:
        """Drop whoever has earned everything back; to be called about once a second."""
        earned = self._earned_ns
        for key in [key for key, earned_ns in earned.items() if earned_ns <= now_ns]:
            del earned[key]
