"""How many may wait for TLS: a quarter of a second's worth of handshakes, while there are too many.

Who would wait for longer than a page has patience costs others their turn and hears nothing. They
wait inside, where the shield knows of them, and few in the kernel, where nobody does. Who is in and
has said something stays for as long as a handshake may take; who keeps silent makes way ("drop from
front": T. Lakshman, A. Neidhardt and T. Ott, INFOCOM 1996). Decides numbers; whom they meet is the
edge's.
"""

WORTH_S = 0.25
LEAST = 16
EVERY_S = 0.25  # who comes in before it is known that there are too many waits for long
_FOLLOWS = 0.5  # of the difference, each second
_FALLS = 0.95  # at most, each second: the limit itself makes it a little less each time
_KERNEL_PART = 4  # of so many may one wait in the kernel
_REPLACED = 0.5  # of each who has had their turn, while more wait than may: it becomes fewer


class Backlog:
    """The limit of those who wait at one edge."""

    def __init__(self, most: int, *, least: int = LEAST) -> None:
        """`most` holds as long as all are served in time."""
        self._most, self._least = most, least
        self._per_s = 0.0
        self._owed = 0.0
        self.limit = most  # inside
        self.behind = False  # there was more to do than time

    @property
    def kernel(self) -> int:
        """How many may wait until they are accepted."""
        return max(self._least, self.limit // _KERNEL_PART)

    def room(self, waiting: int) -> int:
        """Return how many may come in, where so many wait for their turn."""
        if waiting < self.limit:
            return self.limit - waiting
        return int(self._owed)

    def came_in(self, waiting: int) -> None:
        """Note that one has come in and waits, one of so many."""
        if waiting > self.limit:
            self._owed -= 1

    def had_turn(self, waiting: int) -> None:
        """Note that a handshake was begun, and so many still wait.

        Who came in a burst may be more than a few seconds' worth. Nobody would be known of who came
        after them, so some come in before all of those are gone.
        """
        if waiting >= self.limit:
            self._owed = min(self._owed + _REPLACED, float(self.limit))
        else:
            self._owed = 0.0

    def look(self, begun: int, past_s: float, *, all_served: bool) -> None:
        """Note how many handshakes were begun in the `past_s` seconds since the last call.

        To be called every `EVERY_S`.

        `all_served`: in one moment of them at least nobody waited who had said something. Then
        nobody is in the way of anybody: a burst is not cut, and who keeps silent does not count.
        """
        self.behind = not all_served
        if all_served:
            self._per_s, self._owed, self.limit = 0.0, 0.0, self._most
            return
        per_s = begun / max(past_s, 0.001)
        if self._per_s:
            followed = self._per_s + (per_s - self._per_s) * (1 - (1 - _FOLLOWS) ** past_s)
            per_s = max(followed, self._per_s * _FALLS**past_s)
        self._per_s = per_s
        self.limit = min(self._most, max(self._least, round(WORTH_S * per_s)))
