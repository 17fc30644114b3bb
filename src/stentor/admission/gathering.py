"""How often who comes may wake an edge: who comes alone costs several times one of many.

A turn of the loop for one joiner takes five times what a joiner takes in a turn with others: a
switch of context, cold caches, all that a turn looks at (`wake_s` of a rehearsal). So, as network
cards hold back interrupts, new connections have some turns at once and then one in so many
milliseconds. Arithmetic only; never holds back anybody whose connection was accepted.
"""

APART_NS = 20_000_000
APART_NS_MAX = 100_000_000
AT_ONCE = 8


def apart_ns(cores: float) -> int:
    """Return how far apart turns are of an edge that has so much of a core for itself."""
    return min(APART_NS_MAX, round(APART_NS / cores))


class Gathering:
    """A bucket of turns: `AT_ONCE` of them, and one more in each `apart_ns` (GCRA, I.371).

    Edges that share a core wake it in turns: each waits as much longer, up to `APART_NS_MAX`.
    """

    def __init__(self, cores: float = 1.0) -> None:
        self._apart_ns = apart_ns(cores)
        self._due_ns = 0

    def rest_ns(self, now_ns: int) -> int:
        """Return how long whoever comes rests after a turn that took all of them; 0: not at all."""
        self._due_ns = max(self._due_ns, now_ns) + self._apart_ns
        return max(0, self._due_ns - AT_ONCE * self._apart_ns - now_ns)
