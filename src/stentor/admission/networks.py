"""Fairness in the line: a network that comes often is given places further back.

A place is a moment of virtual time. A network has a burst of places at the moment of coming; each
further one is put a fixed step behind its last, among those who will have come by then. So a
thousand connections from one address delay nobody but each other, and a carrier's thousands are
all let in, as fast as there is room. Pure; it never refuses whoever is within `push_ms_max`.
"""

from collections import OrderedDict

from stentor.admission.shares import levels

KEYS_MAX = 65_536
# How much more than an address (or an IPv6 /64) the networks around it may have, by key length.
_TIMES = {4: 1, 8: 1, 7: 2, 6: 4}


class Places:
    """The virtual times of networks (start-time fair queueing: Goyal, Vin and Cheng, 1996).

    The table is bounded: when it is full, whoever came least recently is forgotten.
    """

    def __init__(
        self, per_s: float, burst: float, push_ms_max: int, keys_max: int = KEYS_MAX
    ) -> None:
        """`per_s` and `burst` are those of an IPv4 address; a rate of 0 pushes nobody back."""
        self._push_ms_max = push_ms_max
        self._keys_max = keys_max
        self._next_ms: OrderedDict[bytes, float] = OrderedDict()
        self._costs: dict[int, tuple[float, float]] = {}  # ms of one place, and of the burst
        self.forgotten = 0
        self.set_rate(per_s, burst)

    def set_rate(self, per_s: float, burst: float) -> None:
        """Set what one address may have here, such as its share when there are more edges."""
        if per_s <= 0:
            self._costs = {}
            return
        self._costs = {
            length: (1000 / (per_s * times), max(1.0, burst * times) * 1000 / (per_s * times))
            for length, times in _TIMES.items()
        }

    def __len__(self) -> int:
        """Return how many networks are remembered."""
        return len(self._next_ms)

    def place(self, peer: bytes, now_ms: int) -> int | None:
        """Return the place of someone who comes now, in ms of virtual time.

        None: so many are in line from there that no place is given any more.
        """
        costs, next_ms = self._costs, self._next_ms
        if not costs or not peer:
            return now_ms
        place_ms = float(now_ms)
        keys = levels(peer)
        for key in keys:
            cost_ms, burst_ms = costs[len(key)]
            place_ms = max(place_ms, next_ms.get(key, 0.0) + cost_ms - burst_ms)
        if place_ms - now_ms > self._push_ms_max:
            return None
        for key in keys:
            next_ms[key] = max(next_ms.pop(key, 0.0), now_ms) + costs[len(key)][0]
        while len(next_ms) > self._keys_max:
            del next_ms[next(iter(next_ms))]
            self.forgotten += 1
        return int(place_ms)

    def forget_idle(self, now_ms: int) -> None:
        """Drop whoever has no place in the time to come; to be called about once a second."""
        for key in [key for key, at_ms in self._next_ms.items() if at_ms <= now_ms]:
            del self._next_ms[key]
